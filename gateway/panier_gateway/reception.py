"""Reception: every message that reaches the gateway, and where it goes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import suppress

from panier.message import Acknowledgement, Act, Ask, EventBatch, Malformed, Message, Notice, Status, decode
from panier.topic import StoreTopics
from panier_gateway.batch import Batch
from panier_gateway.clerk import Clerk
from panier_gateway.distribution import Distribution
from panier_gateway.floor import Floor
from panier_gateway.greeting import Greeting
from panier_gateway.intake import Taken
from panier_gateway.lending import Lending
from panier_gateway.pricing import Pricing
from panier_gateway.turn import Turns
from panier_io.log import logger

_DISK_WAIT = 1.0
_FINISH_WITHIN = 5.0
_NOT_ENROLLED = "this device is not enrolled"

Send = Callable[[str, Message], Awaitable[None]]
"""Publishes a message to the topic."""


class Reception:
    """Validates at the edge, hands on, and acknowledges what is on the disk. Never lets one device's nonsense stop the others.

    `changed` is called where the floor looks different, `posted` where something may wait for the back office besides.
    """

    def __init__(
        self,
        topics: StoreTopics,
        *,
        clerk: Clerk,
        floor: Floor,
        greeting: Greeting,
        lending: Lending,
        pricing: Pricing,
        distribution: Distribution,
        send: Send,
        changed: Callable[[], None],
        posted: Callable[[], None],
        disk_refused: Callable[[str, sqlite3.Error], None],
        clock: Callable[[], int],
    ) -> None:
        self._topics = topics
        self._clerk = clerk
        self._floor = floor
        self._greeting = greeting
        self._lending = lending
        self._pricing = pricing
        self._distribution = distribution
        self._send = send
        self._changed, self._posted = changed, posted
        self._disk_refused = disk_refused
        self._clock = clock
        self._devices: frozenset[str] = frozenset()
        self._waiting = Turns()
        self._is_closing = False
        self._turn = asyncio.Lock()
        """What was taken in, or decided, is told to all before the next is: they follow one order."""
        self._bell = asyncio.Event()
        self._is_over = asyncio.Event()
        self._log = logger("reception")
        self.events_stored = 0
        self.batches_stored = 0
        self.messages_refused = 0

    def enrol(self, devices: Collection[str]) -> None:
        """Who is enrolled from now on."""
        self._devices = frozenset(devices)
        self._floor.enrol(devices)

    async def receive(self, topic: str, payload: bytes) -> None:
        """One message off the broker. The device is who the broker let publish on the topic, whatever the payload says."""
        if topic == self._topics.act:
            return await self._act(payload)
        sender = self._topics.sender(topic)
        if sender is None:
            return self._log.warning("unknown_topic", topic=topic)
        device, what = sender
        if device not in self._devices:
            # Of a whole store without its registry, a copy of each repeat would fill the disk.
            return await self._refuse(device, what, payload, f"{device}: {_NOT_ENROLLED}", b"")
        try:
            await self._hand_on(device, what, payload)
        except Malformed as error:
            await self._refuse(device, what, payload, str(error), payload)
        return None

    async def run(self) -> None:
        """Takes waiting batches in until `finish` or cancelled: many to one commit, then acknowledges."""
        while self._waiting or not self._is_closing:
            self._bell.clear()
            while self._waiting:
                async with self._turn:
                    await self._take_in()
            if not self._is_closing:
                await self._bell.wait()
        self._is_over.set()

    async def finish(self) -> None:
        """Takes in nothing more, and waits until what had arrived is on the disk and acknowledged; a few seconds at the most.

        What comes from here on stays with the devices, which send it again to the next gateway.
        """
        self._is_closing = True
        self._bell.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FINISH_WITHIN):
                await self._is_over.wait()

    async def do_what_is_decided(self) -> bool:
        """Does what people decided; all who follow trips hear of it. False where there was nothing. Raises sqlite3.Error."""
        async with self._turn:
            outcomes = await self._clerk.decided()
            taken = [outcome.taken for outcome in outcomes if outcome.taken is not None]
            await self._tell(taken, self._follow)
        return bool(outcomes)

    def _follow(self, taken: Taken) -> None:
        if taken.trip is not None:
            self._floor.follow(taken.device, taken.trip)

    async def _hand_on(self, device: str, what: str, payload: bytes) -> None:
        match what:
            case "events" if self._is_closing:
                pass
            case "events":
                batch = decode(EventBatch, payload)
                if not self._waiting.add(Batch(device, batch, arrived_at=self._clock())):
                    self._log.warning("too_much_at_once", device=device)  # nothing is acknowledged: it sends again
                self._bell.set()
            case "status":
                await self._hear(device, decode(Status, payload))
            case "ask":
                self._distribution.ask(device, decode(Ask, payload))
            case _:
                raise Malformed(f"topic {what!r} is not one of events, status, ask")

    async def _hear(self, device: str, status: Status) -> None:
        self._floor.hear(device, status, self._clock())
        self._changed()
        if status.trouble:
            await self._report_trouble(device, status)
        if status.state == "online":
            await self._say(
                device, status.journal, lambda: self._acknowledge_birth(device, status.journal),
                lambda: self._lending.born(device, status.journal), lambda: self._greeting.born(device),
                lambda: self._pricing.born(device),
            )  # fmt: skip

    async def _acknowledge_birth(self, device: str, journal: str) -> None:
        renewed, upto = await self._clerk.renewed_from(device, journal), await self._clerk.upto(device, journal)
        if renewed is not None:
            await self._acknowledge(device, Acknowledgement(journal=journal, upto=renewed, renew=True))
        elif upto is not None:
            await self._acknowledge(device, Acknowledgement(journal=journal, upto=upto))

    async def _report_trouble(self, device: str, status: Status) -> None:
        try:
            await self._clerk.report_trouble(device, status.journal, status.trouble)
            self._posted()
        except sqlite3.Error as error:
            self._disk_refused("incidents", error)

    async def _take_in(self) -> None:
        group = self._waiting.next_group()
        try:
            taken = await self._clerk.take_in(group)
        except sqlite3.Error as error:
            # Nothing was taken, nothing is acknowledged: the devices keep it and send again.
            self._disk_refused("intake", error)
            await asyncio.sleep(_DISK_WAIT)
            return
        now = self._clock()
        await self._tell(taken, lambda one: self._floor.take(one, now))
        self.batches_stored += len(taken)
        if taken:
            self._posted()

    async def _tell(self, taken: Sequence[Taken], show: Callable[[Taken], None]) -> None:
        """Acknowledges first, then shows on the floor, and only then answers, which may take its time."""
        for one in taken:
            self._greeting.follow(one)
            self.events_stored += len(one.events)
        for device, acknowledgement in acknowledgements(taken):
            await self._acknowledge(device, acknowledgement)
        for one in taken:
            show(one)
        for one in taken:
            # Each batch is on the disk and acknowledged; nothing that comes of it may end the intake of the others.
            answers = lambda one=one: self._lending.answer(one), lambda one=one: self._greeting.answer(one)
            await self._say(one.device, one.journal, *answers)

    async def _say(self, device: str, journal: str, *answers: Callable[[], Awaitable[None]]) -> None:
        """Answers a device. What fails keeps nothing else from being said; what the disk refused is said when it is back."""
        for answer in answers:
            try:
                await answer()
            except sqlite3.Error as error:
                self._disk_refused("greeting", error)
            except Exception:
                self._log.exception("answer_failed", device=device, journal=journal)

    async def _acknowledge(self, device: str, acknowledgement: Acknowledgement) -> None:
        await self._send(self._topics.device(device).acknowledgement, acknowledgement)

    async def _refuse(self, device: str, what: str, payload: bytes, reason: str, kept: bytes) -> None:
        self._floor.shift.refused_messages += 1
        self.messages_refused += 1
        self._log.warning("message_refused", device=device, what=what, reason=reason, size=len(payload))
        if payload:
            try:
                await self._clerk.refuse_payload(device, f"{what}: {reason}", kept)
            except sqlite3.Error as error:
                self._disk_refused("dead letters", error)
        self._posted()

    async def _act(self, payload: bytes) -> None:
        try:
            act = decode(Act, payload)
        except Malformed as error:
            self._log.warning("act_refused", reason=str(error))
            return
        if act.price is not None:
            await self._pricing.price(act.device, act.price, self._clock())
        elif (trip := self._floor.answer_help(act.device, self._clock())) is not None:
            notice = Notice(trip=trip.trip, code="help_coming", text="Someone is on the way to you.")
            await self._send(self._topics.device(act.device).notice, notice)
        self._changed()


def acknowledgements(taken: Sequence[Taken]) -> Iterator[tuple[str, Acknowledgement]]:
    """One for each journal, however many of its batches were taken: up to where the last one came, with all that was refused."""
    by_journal: dict[tuple[str, str], list[Taken]] = {}
    for one in taken:
        if one.upto is not None:
            by_journal.setdefault((one.device, one.journal), []).append(one)
    for (device, journal), batches in by_journal.items():
        last, refused = batches[-1], [refusal for one in batches for refusal in one.refused]
        assert last.upto is not None
        yield device, Acknowledgement(journal=journal, upto=last.upto, refused=refused, renew=last.renew)
