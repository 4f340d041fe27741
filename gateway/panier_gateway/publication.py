"""Publication: what monitors and the back office see of the floor, kept current without flooding anyone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time
from time import monotonic
from zoneinfo import ZoneInfo

from panier.intake import Live
from panier.message import Counters, LiveRow, Message
from panier.topic import StoreTopics
from panier.trip import Trip
from panier_gateway.clerk import Clerk
from panier_gateway.floor import Floor, Shift
from panier_gateway.purse import Limits

_PAUSE = 0.25
"""Seconds between two publications of a row: four a second is more than an eye takes in."""
_ROWS = 50
"""Rows published in one go: each is priced for its total, and acknowledgements must not wait behind three hundred of them."""
_IDLE = 30.0
"""Seconds after which the counters are looked at although nothing happened: midnight begins a new shift."""

_LIMITS_EVERY = 2.0
"""Seconds between two looks at what is left of limited promotions: it goes over every lease that is out."""

Total = Callable[[Trip], int]
"""What a basket comes to, in minor units; called in a thread."""
Retain = Callable[[str, Message], Awaitable[None]]
"""Publishes a retained message to the topic."""


class Publication:
    """Publishes rows that changed and the counters, retained, so that a monitor that starts sees the floor at once."""

    def __init__(
        self,
        topics: StoreTopics,
        timezone: str,
        floor: Floor,
        clerk: Clerk,
        retain: Retain,
        clock: Callable[[], int],
        total: Total,
        limits: Callable[[], Limits] = dict,
    ) -> None:
        self._topics = topics
        self._zone = ZoneInfo(timezone)
        self._floor = floor
        self._clerk = clerk
        self._retain = retain
        self._clock = clock
        self._total = total
        self._limits = limits
        self._look_at = -math.inf
        self._is_behind = False
        self._changed = asyncio.Event()
        self._rows: dict[str, LiveRow] = {}
        """As last reckoned, whether the broker has them or not."""
        self._published: dict[str, LiveRow] = {}
        self._counters: Counters | None = None
        self._day = self._midnight()
        self._watchers: list[Callable[[], None]] = []

    def watch(self, watcher: Callable[[], None]) -> None:
        """Calls `watcher` whenever something new was published."""
        self._watchers.append(watcher)

    def wake(self) -> None:
        """Something changed."""
        self._changed.set()

    def repeat_all(self) -> None:
        """Publishes everything again: the broker may have lost what it held."""
        self._published.clear()
        self._counters = None
        self._floor.changed.update(dict.fromkeys(self._floor.terminals))
        self._changed.set()

    async def run(self) -> None:
        """Publishes until cancelled. Looks at once when it is begun again: the disk may have ended it over something."""
        self._changed.set()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LIMITS_EVERY if self._is_behind else _IDLE):
                    await self._changed.wait()
            self._changed.clear()
            await self._publish()
            if self._floor.changed:
                self._changed.set()
            await asyncio.sleep(_PAUSE)

    def live(self) -> Live:
        """The floor for the back office: what was reckoned for monitors, since to price every basket anew takes a second."""
        return Live(terminals=[self._rows[device] for device in sorted(self._rows)], counters=self._floor.counters())

    async def refresh(self) -> None:
        """Reads the shift's figures anew from the ledger."""
        floor, midnight = self._floor, self._midnight()
        floor.note_silence()
        if midnight != self._day:
            self._day, floor.shift = midnight, Shift()
        figures = await self._clerk.figures(midnight)
        floor.waiting_for_backoffice, floor.dead_letters = figures.waiting, figures.dead_letters
        floor.shift.finished, floor.shift.turnover = figures.finished, figures.turnover
        floor.shift.incidents = figures.incidents
        self._is_behind = monotonic() < self._look_at
        if not self._is_behind:
            floor.limits = await self._clerk.limits(self._limits())
            self._look_at = monotonic() + _LIMITS_EVERY

    async def _publish(self) -> None:
        await self.refresh()
        news = False
        for device, row in (await self._reckoned(self._floor.next_changed(_ROWS))).items():
            self._rows[device] = row
            if self._published.get(device) != row:
                await self._retain(self._topics.live_row(device), row)
                self._published[device] = row
                news = True
        counters = self._floor.counters()
        if counters != self._counters:
            await self._retain(self._topics.counters, counters)
            self._counters = counters
            news = True
        if news:
            for watcher in self._watchers:
                watcher()

    async def _reckoned(self, devices: Sequence[str]) -> dict[str, LiveRow]:
        """Rows as they are now. Pricing may read and compile what the feed says, for which the event loop never waits."""
        terminals = {device: self._floor.terminals[device] for device in devices}
        rows = {device: self._floor.row(device) for device in devices}
        trips = {device: terminal.trip for device, terminal in terminals.items() if terminal.trip}
        totals = await asyncio.to_thread(lambda: {device: self._total(trip) for device, trip in trips.items()})
        return {device: row.model_copy(update={"total": totals.get(device, 0)}) for device, row in rows.items()}

    def _midnight(self) -> int:
        here = datetime.fromtimestamp(self._clock() / 1000, UTC).astimezone(self._zone)
        return int(datetime.combine(here.date(), time(), self._zone).timestamp() * 1000)
