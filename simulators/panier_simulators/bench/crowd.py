"""A crowd of simulated devices: journals in memory, delivered over real MQTT as `docs/protocol.md` says."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import cycle, islice

from panier.error import PanierError
from panier.message import MAX_BATCH, Acknowledgement, Status, decode, happening_to_json
from panier.topic import StoreTopics
from panier.trip import Happening, ItemAdded, TripFinished, TripStarted
from panier_simulators.bench.line import Caller, Line, LineRefused
from panier_simulators.chaos.mqtt import Publish

STORE, CURRENCY, TIMEZONE = "market-street", "EUR", "Europe/Paris"
ITEMS = 25
"""Scans of a trip."""
_IN_FLIGHT = 600
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0
_FIRST_KNOCK, _LONGEST_KNOCK, _KNOCKS_FOR = 0.2, 5.0, 60.0
_AT_ONCE = 40
"""Devices that connect at the same time."""


class NotAcknowledged(PanierError):
    """The gateway does not acknowledge what was sent to it."""

    code = "not_acknowledged"


class Device:
    """One terminal: what it scanned waits until the gateway acknowledges it, and goes out again where that takes too long.

    As the device's own sync, it has one message under way to the broker, up to 200 events in it, and up to 600 events under
    way to the gateway. With a `window` it has so many messages of one event under way, and each answer makes it scan again.
    `by_broker` takes the broker's confirmation for an answer, for runs without a gateway.
    """

    def __init__(self, number: int, password: str, port: int, *, by_broker: bool = False) -> None:
        self.name = name_of(number)
        self.journal = secrets.token_hex(3)
        self._topics = StoreTopics(STORE).device(self.name)
        self._events_topic = self._topics.events.encode()
        self._script = _script(number)
        self._place = cycle(range(len(self._script)))
        self._trip = ""
        self._caller = Caller(
            port=port, name=self.name, password=password, listens=self._topics.listens,
            will=(self._topics.status, self._status("offline")),
        )  # fmt: skip
        self._by_broker = by_broker
        self._line = Line(self._received, self._confirmed)
        self._held: deque[tuple[float, str]] = deque()
        self._unconfirmed = 0
        self._sent = 0
        self._wait = _FIRST_WAIT
        self._again_at = 0.0
        self.window = 0
        self.made = 0
        """Sequence of the last scan."""
        self.acknowledged = 0
        self.resends = 0
        self.knocks = 0
        """How often the broker refused a connection, or ended one."""
        self.refused = 0
        self.answers: list[tuple[float, float]] = []
        """Of each event acknowledged: when, and seconds since it was scanned, by a steady clock."""

    async def connect(self) -> None:
        """Connects and says that it is there; knocks again where the broker is too busy, as devices do. Raises LineRefused."""
        wait, latest = _FIRST_KNOCK, time.monotonic() + _KNOCKS_FOR
        while True:
            line = self._line = Line(self._received, self._confirmed)
            try:
                await line.open(self._caller)
                break
            except (LineRefused, OSError):
                line.close()
                if time.monotonic() > latest:
                    raise
            self.knocks += 1
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 (no secret rests on it)
            wait = min(2 * wait, _LONGEST_KNOCK)
        self._sent, self._unconfirmed = self.acknowledged, 1
        line.publish(self._topics.status.encode(), self._status("online"), retain=True)

    def scan(self, count: int = 1) -> None:
        """The next events of the shopper: trips of 25 items, one after the other."""
        at, now = time.time_ns() // 1_000_000, time.monotonic()
        for place in islice(self._place, count):
            self.made += 1
            if place == 0:
                self._trip = f"{self.name}.{self.journal}.{self.made}"
            text = f'{{"sequence":{self.made},"at":{at},"trip":"{self._trip}","what":{self._script[place]}}}'
            self._held.append((now, text))
        self._send()

    def tend(self, now: float) -> None:
        """Sends again what is overdue, and keeps the line alive; call it a few times a second."""
        self._line.beat(now)
        if self._sent > self.acknowledged and now >= self._again_at:
            self._sent = self.acknowledged
            self._wait = min(2 * self._wait, _LONGEST_WAIT)
            self.resends += 1
            self._send()

    def stop_scanning(self) -> None:
        """No answer makes it scan again."""
        self.window = 0

    def close(self) -> None:
        """Leaves in order."""
        self._line.close()

    @property
    def is_cut(self) -> bool:
        """True where the broker hung up on what was a connection."""
        return self._line.is_cut and self._line.was_open

    def _send(self) -> None:
        in_flight, most, unconfirmed = (self.window, 1, self.window) if self.window else (_IN_FLIGHT, MAX_BATCH, 1)
        while self._unconfirmed < unconfirmed and self._sent < self.made and self._sent - self.acknowledged < in_flight:
            begin = self._sent - self.acknowledged
            texts = [text for _, text in islice(self._held, begin, begin + most)]
            self._sent += len(texts)
            self._unconfirmed += 1
            self._again_at = time.monotonic() + self._wait
            self._line.publish(self._events_topic, self._batch(texts))

    def _batch(self, texts: Iterable[str]) -> bytes:
        at = time.time_ns() // 1_000_000
        return f'{{"journal":"{self.journal}","events":[{",".join(texts)}],"at":{at}}}'.encode()

    def _confirmed(self) -> None:
        self._unconfirmed = max(0, self._unconfirmed - 1)
        if self._by_broker and self.acknowledged < self._sent:
            return self._answered(self.acknowledged + 1)
        return self._send()

    def _received(self, message: Publish) -> None:
        if message.topic == self._topics.acknowledgement:
            answer = decode(Acknowledgement, message.payload)
            self.refused += len(answer.refused)
            self._answered(answer.upto)

    def _answered(self, upto: int) -> None:
        now, fresh = time.monotonic(), upto - self.acknowledged
        for _ in range(fresh):
            made_at, _ = self._held.popleft()
            self.answers.append((now, now - made_at))
        self.acknowledged = max(upto, self.acknowledged)
        self._sent = max(self._sent, upto)
        self._wait, self._again_at = _FIRST_WAIT, now + _FIRST_WAIT
        if self.window and fresh > 0:
            self.scan(fresh)
        else:
            self._send()

    def _status(self, state: str) -> bytes:
        return Status.model_validate({"state": state, "journal": self.journal, "software": "bench"}).encode()


def name_of(number: int) -> str:
    """What the crowd's device of that number is called."""
    return f"till-{number:04}"


async def connect(devices: Sequence[Device]) -> None:
    """Connects all of them, some at a time. Raises LineRefused."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(device: Device) -> None:
        async with gate:
            await device.connect()

    await asyncio.gather(*map(one, devices))


async def tend(devices: Sequence[Device]) -> None:
    """Tends them until cancelled, and brings back those that were cut off."""
    coming_back: dict[Device, asyncio.Task[None]] = {}
    while True:
        now = time.monotonic()
        for device in devices:
            if not device.is_cut:
                device.tend(now)
            elif device not in coming_back or coming_back[device].done():
                device.knocks += 1
                coming_back[device] = asyncio.create_task(device.connect())
        await asyncio.sleep(0.5)


async def scan_steadily(devices: Sequence[Device], per_second: float, seconds: float) -> None:
    """Each scans so often, evenly spread; whoever is late makes up for it, so that a slow run gets no easier."""
    step, started = 1 / (len(devices) * per_second), time.monotonic()
    turn = cycle(devices)
    for number in range(round(seconds / step)):
        if (early := started + number * step - time.monotonic()) > 0:
            await asyncio.sleep(early)
        next(turn).scan()


async def until_acknowledged(devices: Sequence[Device], seconds: float = 60) -> None:
    """Returns when nothing waits any more. Raises NotAcknowledged."""
    latest = time.monotonic() + seconds
    while waiting := sum(device.made - device.acknowledged for device in devices):
        if time.monotonic() > latest:
            cut = sum(device.is_cut for device in devices)
            raise NotAcknowledged(f"{waiting} events are not acknowledged after {seconds:.0f} s; {cut} devices were cut off")
        await asyncio.sleep(0.02)


def _script(number: int) -> list[str]:
    """A trip's happenings as JSON: it starts, `ITEMS` scans of some twenty products, it is paid."""
    items = [
        ItemAdded(
            sku=str(100_000 + (number * 7 + place * 3) % 20), name="Bread of the house, sliced, 500 g", unit_price=199,
            category="bakery", tax_rate="5.5", snapshot=0, entry="scan",
        )
        for place in range(ITEMS)
    ]  # fmt: skip
    begin = TripStarted(store=STORE, currency=CURRENCY, timezone=TIMEZONE, snapshot=0)
    end = TripFinished(units=ITEMS, discount=0, total=sum(item.unit_price for item in items))
    happenings: list[Happening] = [begin, *items, end]
    return [happening_to_json(what) for what in happenings]
