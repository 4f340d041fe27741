"""A virtual shopper: scans a real basket with human pauses, looks whether each scan counted, and reads the total at the end."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from panier.error import PanierError
from panier_simulators.glance import Glance, read
from panier_simulators.sample.shop import SampleLine, SampleTrip
from panier_simulators.screen import ENTER, ESCAPE, NotSeen, Rows, Seen, SimulatedTerminal


class Delivery(Protocol):
    """What a reader says of a code that it sent: when its last byte left (monotonic seconds)."""

    @property
    def last_byte_at(self) -> float: ...


class Reader(Protocol):
    """A scanner in the shopper's hand; blocks while the code is on the wire."""

    def scan(self, code: str, symbology: str | None = None) -> Delivery: ...
    def close(self) -> None: ...


_LAST_LOOK = 0.3
"""Seconds for what a terminal had still to paint when it answered."""


class ShopperLost(PanierError):
    """The terminal does not do what any shopper would expect; the message shows its screen."""

    code = "shopper_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How somebody shops. Times are in seconds for a person at ease; `speed` divides the pauses, not the patience."""

    speed: float = 1.0
    between_scans: float = 4.0
    look_at_end: float = 3.0
    offers_chance: float = 0.15
    accepts_chance: float = 0.7
    patience: float = 3.0
    """How long a scan may stay without effect before it is scanned again."""
    restart_patience: float = 60.0
    """How long a terminal that went dark may take to come back."""
    tries: int = 5


@dataclass(slots=True, kw_only=True)
class Shopping:
    """What came of one trip. Amounts in minor units, latencies in milliseconds from the last byte to the painted figures.

    `trip` is None where the end was not seen: the terminal went dark between the last confirmation and the farewell.
    """

    device: str
    basket: int
    planned_units: int
    trip: str | None = None
    units: int = 0
    total: int = 0
    saved: int = 0
    scans: int = 0
    rescans: int = 0
    corrections: int = 0
    skipped: list[str] = field(default_factory=list[str])
    coupons: list[str] = field(default_factory=list[str])
    accepted: int = 0
    refused: int = 0
    restarts: int = 0
    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list[float])


class VirtualShopper:
    """Somebody at one terminal. `readers` are used in turn; everything else goes through the keys and the screen."""

    def __init__(
        self, terminal: SimulatedTerminal, readers: Sequence[Reader], *, manner: Manner | None = None, seed: int = 0
    ) -> None:
        self.terminal = terminal
        self._readers = tuple(readers)
        self._manner = manner or Manner()
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311 (habits, not secrets)
        self._turn = 0

    async def shop(self, trip: SampleTrip) -> Shopping:
        """One trip from the card to the farewell. Raises ShopperLost."""
        # A seed of its own for each basket: what one shopper does never depends on who shopped here before.
        self._random = random.Random(f"{self._seed}/{trip.basket}")  # noqa: S311 (habits, not secrets)
        loop = asyncio.get_running_loop()
        began, restarts = loop.time(), self.terminal.restarts
        done = Shopping(device=self.terminal.name, basket=trip.basket, planned_units=trip.units)
        try:
            await self._take_terminal()
            await self._scan_card(trip.card, done)
            coupon_after = self._random.randint(0, len(trip.lines)) if trip.coupon else None
            for place, line in enumerate(trip.lines):
                if place == coupon_after:
                    await self._show_coupon(trip.coupon or "", done)
                await self._pause(self._manner.between_scans)
                # A repeat that a slow terminal read late must not count for the next product.
                await self._correct(done.units, done)
                await self._take(line, done)
                if self.glance.offers and self._random.random() < self._manner.offers_chance:
                    await self._consider_offer(done)
            if coupon_after == len(trip.lines):
                await self._show_coupon(trip.coupon or "", done)
            await self._finish(done)
        except NotSeen as error:
            raise ShopperLost(str(error)) from error
        done.restarts = self.terminal.restarts - restarts
        done.seconds = loop.time() - began
        return done

    @property
    def glance(self) -> Glance:
        """The figures on the screen now."""
        return read(self.terminal.rows)

    async def _take_terminal(self) -> None:
        """Waits for the start screen; a farewell that the one before left is sent away with a key."""
        patience = self._manner.restart_patience
        await self._until(lambda seen: seen.is_start or seen.is_end, "the start screen", patience)
        if self.glance.is_end:
            self.terminal.send(ENTER)
            await self._until(lambda seen: seen.is_start, "the start screen", patience)

    async def _scan_card(self, card: str, done: Shopping) -> None:
        for attempt in range(self._manner.tries):
            await self._scan(card)
            done.scans += 1
            done.rescans += attempt > 0
            with contextlib.suppress(NotSeen):
                await self._until(lambda seen: seen.is_on and not seen.is_start, "the basket", self._manner.patience)
                return
            await self._until_it_answers()
            if not self.glance.is_start:
                return  # it died with the card on its disk, and came back with the trip
        raise ShopperLost(f"{self.terminal.name} takes no card; it shows:\n{self.terminal.picture()}")

    async def _show_coupon(self, coupon: str, done: Shopping) -> None:
        """Scans a coupon until the screen says something about it; shown again, it changes nothing."""
        await self._pause(self._manner.between_scans)
        for attempt in range(self._manner.tries):
            await self._scan(coupon)
            done.scans += 1
            done.rescans += attempt > 0
            with contextlib.suppress(NotSeen):
                await self._until(lambda seen: seen.is_coupon_told, "a word on the coupon", self._manner.patience)
                done.coupons.append(coupon)
                return
            await self._until_it_answers()
        done.skipped.append(coupon)

    async def _take(self, line: SampleLine, done: Shopping) -> None:
        """Puts the units of one line into the basket: scanned one by one, or once and then `+` for the rest."""
        # A bag has a label of its own; the device does not copy it.
        by_key = line.quantity > 3 and not line.labels and self._random.random() < 0.7
        for unit in range(line.quantity):
            if unit:
                await self._pause(self._manner.between_scans / 4)
            if unit and by_key:
                await self._press_until_counted("+", done)
            elif not await self._scan_until_counted(line.labels[unit] if line.labels else line.code, done):
                done.skipped.append(line.code)
                return

    async def _scan_until_counted(self, code: str, done: Shopping) -> bool:
        """Scans until the screen counts one more unit; False after too many tries. What counted twice is put back."""
        want, restarts = done.units + 1, self.terminal.restarts
        watch = _Watch(self.terminal, want)
        first: float | None = None
        try:
            for attempt in range(self._manner.tries):
                last_byte_at = await self._scan(code)
                first = first or last_byte_at
                done.scans += 1
                done.rescans += attempt > 0
                painted_at = await watch.painted_at(self._manner.patience) or await self._once_it_answers(watch)
                if painted_at:
                    if self.terminal.restarts == restarts:
                        done.latencies_ms.append((painted_at - first) * 1000)
                    await self._put_back_surplus(want, done, was_repeated=attempt > 0)
                    done.units = want
                    return True
        finally:
            watch.close()
        return False

    async def _press_until_counted(self, key: str, done: Shopping) -> None:
        want = done.units + 1
        watch = _Watch(self.terminal, want)
        try:
            for attempt in range(self._manner.tries):
                done.rescans += attempt > 0
                self.terminal.send(key)
                if await watch.painted_at(self._manner.patience) or await self._once_it_answers(watch):
                    await self._put_back_surplus(want, done, was_repeated=attempt > 0)
                    done.units = want
                    return
        finally:
            watch.close()
        raise ShopperLost(f"{self.terminal.name} does not count {key!r}; it shows:\n{self.terminal.picture()}")

    async def _once_it_answers(self, watch: _Watch) -> float | None:
        # It may have died with the scan on its disk and not yet on its screen, or be slow: what it paints next decides.
        await self._until_it_answers()
        return await watch.painted_at(_LAST_LOOK)

    async def _put_back_surplus(self, want: int, done: Shopping, *, was_repeated: bool) -> None:
        if was_repeated:
            # The first try may have been slow rather than lost: it would count for the next product.
            with contextlib.suppress(NotSeen):
                await self._until(lambda seen: (seen.units or 0) > want, "a surplus", self._manner.patience)
        await self._correct(want, done)

    async def _correct(self, want: int, done: Shopping) -> None:
        """Puts back what counted too often; and takes one again where a slow terminal made us put back too much."""
        tries = self._manner.tries
        while tries:
            counted = self.glance.units if self.glance.is_basket else None
            if counted is None or counted == want or (counted < want and not done.corrections):
                return
            self.terminal.send("-" if counted > want else "+")
            done.corrections += 1
            try:
                await self._until(lambda seen, was=counted: seen.units not in (None, was), "another count", self._manner.patience)
            except NotSeen:
                tries -= 1
                await self._until_it_answers()
        raise ShopperLost(f"{self.terminal.name} cannot be brought to {want} units; it shows:\n{self.terminal.picture()}")

    async def _consider_offer(self, done: Shopping) -> None:
        """Opens the offers, chooses the first, says yes or "not for me", and comes back to the basket."""
        yes = self._random.random() < self._manner.accepts_chance
        for key in ("o", "1", "y" if yes else "n"):
            before = self.terminal.rows
            self.terminal.send(key)
            try:
                await self.terminal.wait_for(lambda rows, then=before: rows != then, self._manner.patience / 3, "another screen")
            except NotSeen:
                break
            await self._pause(1.0)
        else:
            done.accepted += yes
            done.refused += not yes
            return
        await self._step_back()

    async def _step_back(self) -> None:
        """Escape out of whatever is open; twice, because an offer lies on top of the list of offers."""
        for _ in range(2):
            before = self.terminal.rows
            self.terminal.send(ESCAPE)
            with contextlib.suppress(NotSeen):
                await self.terminal.wait_for(lambda rows, then=before: rows != then, 0.3, "another screen")

    async def _finish(self, done: Shopping) -> None:
        await self._pause(self._manner.look_at_end)
        await self._correct(done.units, done)
        for _ in range(self._manner.tries):
            if not await self._confirm_finish(done):
                await self._until_awake()
            seen = self.glance
            if seen.is_end and seen.trip and seen.total is not None:
                done.trip, done.total = seen.trip, seen.total
                return
            if seen.is_start:
                # It died with the trip's end on its disk, before the farewell was painted; or there was nothing to pay.
                return
            await self._until_it_answers()
            await self._step_back()
        raise ShopperLost(f"{self.terminal.name} does not finish; it shows:\n{self.terminal.picture()}")

    async def _confirm_finish(self, done: Shopping) -> bool:
        before, seen = self.terminal.rows, self.glance
        if seen.is_basket:
            # Prices may have changed since the last look.
            done.total, done.saved = seen.total or 0, seen.saved or 0
        self.terminal.send("f")
        try:
            await self.terminal.wait_for(lambda rows: rows != before, self._manner.patience, "the question whether to finish")
            await self._pause(1.0)
            self.terminal.send("y")
            await self._until(
                lambda seen: seen.is_end and bool(seen.trip) and seen.total is not None, "the farewell", self._manner.patience
            )
        except NotSeen:
            return False
        return True

    async def _until_awake(self) -> None:
        """Waits until the terminal lives and has painted something that a shopper understands."""
        await self._until(
            lambda seen: self.terminal.is_running and (seen.is_on or seen.is_basket or seen.is_start or seen.is_end),
            "a basket, the start or the farewell",
            self._manner.restart_patience,
        )

    async def _until_it_answers(self) -> None:
        """Waits until the terminal shows that it hears us: whoever scans on before a frozen screen buys everything twice."""
        await self._until_awake()
        if self.glance.is_end:
            return
        restarts, asked = self.terminal.restarts, self.terminal.painted_at
        self.terminal.send("l")
        await self._until(
            lambda _: self.terminal.painted_at > asked or self.terminal.restarts > restarts,
            "any answer",
            self._manner.restart_patience,
        )
        self.terminal.send(ESCAPE)
        await self._until_awake()

    async def _until(self, holds: Callable[[Glance], bool], what: str, within: float) -> Seen[bool]:
        return await self.terminal.wait_for(lambda rows: holds(read(rows)), within, what)

    async def _scan(self, code: str) -> float:
        reader = self._readers[self._turn % len(self._readers)]
        self._turn += 1
        # The wire blocks for its 15 ms; other terminals go on meanwhile.
        sent = await asyncio.to_thread(reader.scan, code)
        return sent.last_byte_at

    async def _pause(self, seconds: float) -> None:
        """A pause that people make: mostly about `seconds`, sometimes much longer."""
        spread = self._random.lognormvariate(0, 0.5)
        await asyncio.sleep(seconds * min(spread, 4.0) / self._manner.speed)


class _Watch:
    """Looks for a number of units from before the scan on, so that no picture is missed while the code is on the wire.

    The units and the total stand in different rows and may arrive in two pieces; the later one counts. Some units cost nothing,
    so the total gets only a moment.
    """

    def __init__(self, terminal: SimulatedTerminal, units: int) -> None:
        before = read(terminal.rows).total
        enough = f"{units} units"
        forever = float("inf")

        def counted(rows: Rows) -> bool:
            seen = read(rows)
            return seen.is_basket and (seen.units or 0) >= units

        def charged(rows: Rows) -> bool:
            return counted(rows) and read(rows).total != before

        self._counted = asyncio.ensure_future(terminal.wait_for(counted, forever, enough))
        self._charged = asyncio.ensure_future(terminal.wait_for(charged, forever, enough))

    async def painted_at(self, patience: float) -> float | None:
        """When the units were painted; None where they were not within `patience` seconds."""
        await asyncio.wait({self._counted}, timeout=patience)
        if not self._counted.done():
            return None
        await asyncio.wait({self._charged}, timeout=0.03)
        return (self._charged if self._charged.done() else self._counted).result().at

    def close(self) -> None:
        """Stops looking."""
        self._counted.cancel()
        self._charged.cancel()
