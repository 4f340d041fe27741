"""Between the terminal and the gateway: one session for events out, and acknowledgements, prices and capsules in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from panier.error import PanierError
from panier.member import Capsule
from panier.message import (
    Acknowledgement,
    Ask,
    CapsuleMessage,
    LeaseMessage,
    Manifest,
    Message,
    Notice,
    PriceMessage,
    Status,
    decode,
)
from panier.topic import DeviceTopics, StoreTopics
from panier_device.outbox import Outbox
from panier_device.shop import Shop
from panier_device.supply import Supply
from panier_device.tally import Tally
from panier_io.journal import Journal
from panier_io.log import logger
from panier_io.session import Address, NotConnected, Session, Will

_HEARTBEAT = 60.0
_SILENCE = 10.0
"""Seconds without an answer after which the gateway counts as out of reach although the broker is there."""


class SetAside(PanierError):
    """A message that has no business here."""

    code = "unwanted_message"


class Listener(Protocol):
    """Who wants to hear from the gateway."""

    def line_changed(self) -> None:
        """Online or offline, how many events wait, how far a download is."""
        ...

    def capsule_arrived(self, capsule: Capsule) -> None:
        """The member's capsule, or a newer one."""
        ...

    def leases_arrived(self, message: LeaseMessage) -> None:
        """What may be used of limited promotions."""
        ...

    def notice_arrived(self, notice: Notice) -> None:
        """Something that the shopper should read."""
        ...

    def price_arrived(self, message: PriceMessage) -> None:
        """Staff gave an unknown code a price."""
        ...

    def snapshot_arrived(self) -> None:
        """Another version of prices and promotions is on the disk."""
        ...

    def journal_renewed(self) -> None:
        """What is not delivered goes on in a new journal, under new names."""
        ...


class Sync:
    """Keeps journal and gateway level while `run` runs. What arrives and does not fit is counted, and stops nothing."""

    def __init__(
        self,
        listener: Listener,
        *,
        address: Address | None,
        topics: DeviceTopics,
        journal: Journal,
        shop: Shop,
        tally: Tally,
        software: str,
        clock: Callable[[], int],
    ) -> None:
        self._listener = listener
        self._topics = topics
        self._journal = journal
        self._tally = tally
        self._software = software
        self._log = logger("sync")
        self._clock = clock
        self._outbox = Outbox(journal)
        self._news = asyncio.Event()
        self._boot = ""
        self._answered = False
        self._trouble = ""
        self._hardware = self._hardware_told = ""
        self._unanswered_since: float | None = None
        self.supply = Supply(shop, ask=self._ask, adopted=listener.snapshot_arrived, tally=tally, clock=clock)
        self._session = address and Session(
            address,
            subscriptions=topics.listens,
            on_connect=self._connected,
            on_message=self._received,
            on_disconnect=self._disconnected,
            will=Will(topics.status, self._status("offline").encode()),
        )

    @property
    def online(self) -> bool:
        """True while the broker is connected and the gateway does not leave us waiting."""
        if self._session is None or not self._session.connected or not self._answered:
            return False
        return self._unanswered_since is None or time.monotonic() - self._unanswered_since < _SILENCE

    def poke(self) -> None:
        """The journal has grown."""
        self._news.set()

    def report_hardware(self, what: str) -> None:
        """What is amiss with what is plugged in; staff see it on this terminal's row for as long as it is reported."""
        if what != self._hardware:
            self._hardware = what
            self._news.set()

    async def run(self) -> None:
        """Connects, sends and receives until cancelled; then says goodbye, instead of leaving it to the last will."""
        if self._session is None:
            return
        async with asyncio.TaskGroup() as tasks:
            for work in (self._session.run, self._send, self.supply.run, self._beat):
                tasks.create_task(work())

    # -- out ---------------------------------------------------------------------------------------------------------

    async def _connected(self) -> None:
        if self._outbox.start_over():
            self._tally.resends.inc()
        self._unanswered_since = time.monotonic()
        await self._say_status()
        self._news.set()
        self.supply.ask_now()
        self._line_changed()

    def _disconnected(self) -> None:
        self._answered = False
        self._line_changed()

    async def _publish(self, topic: str, message: Message, *, retain: bool = False) -> None:
        if self._session is None:
            raise NotConnected("no broker is set")
        await self._session.publish(topic, message.encode(), retain=retain)

    async def _say_status(self) -> None:
        told = self._hardware
        await self._publish(self._topics.status, self._status("online"), retain=True)
        self._hardware_told = told

    async def _ask(self, ask: Ask) -> None:
        await self._publish(self._topics.ask, ask)

    def _status(self, state: str) -> Status:
        held, journal = self.supply.held, self._journal
        known = {"journal": journal.id, "software": self._software, "waiting": journal.waiting, "snapshot": held.version}
        amiss = {"trouble": (self._trouble or journal.trouble)[:200], "hardware": self._hardware[:200]}
        return Status.model_validate({"state": state, **known, **amiss})

    async def _send(self) -> None:
        while True:
            alarm = self._outbox.again_at
            try:
                async with asyncio.timeout(None if alarm is None else max(0.0, alarm - time.monotonic())):
                    await self._news.wait()
            except TimeoutError:
                if self._outbox.overdue(time.monotonic()):
                    self._tally.resends.inc()
                    self._log.info("sending_again", waiting=self._journal.waiting)
            self._news.clear()
            if self._session and self._session.connected:
                await self._send_what_is_due()
            self._line_changed()

    async def _send_what_is_due(self) -> None:
        try:
            if self._hardware != self._hardware_told:
                await self._say_status()
            while batch := self._outbox.next_batch(time.monotonic(), self._clock()):
                if self._unanswered_since is None:
                    self._unanswered_since = time.monotonic()
                await self._publish(self._topics.events, batch)
        except NotConnected:
            # All of it is in the journal still, and goes out when the line is back.
            self._outbox.start_over()

    async def _beat(self) -> None:
        """Says from time to time that we are here; the answer says that the gateway is, and that our prices are today's."""
        while True:
            await asyncio.sleep(_HEARTBEAT)
            try:
                await self._say_status()
            except NotConnected:
                continue
            if self._unanswered_since is None:
                self._unanswered_since = time.monotonic()

    # -- in ----------------------------------------------------------------------------------------------------------

    async def _received(self, topic: str, payload: bytes) -> None:
        told = self._journal.id, self._trouble
        try:
            try:
                self._understand(topic, payload)
            finally:
                if told != (self._journal.id, self._trouble):
                    await self._say_status()
        except PanierError as error:
            self._tally.malformed.labels(error.code).inc()
            self._log.warning("message_set_aside", topic=topic, reason=error.code, detail=str(error))

    def _understand(self, topic: str, payload: bytes) -> None:
        topics = self._topics
        if topic == topics.acknowledgement:
            self._acknowledged(decode(Acknowledgement, payload))
        elif topic == StoreTopics(topics.store).manifest:
            self._announced(decode(Manifest, payload))
        elif topic == topics.capsule:
            self._listener.capsule_arrived(decode(CapsuleMessage, payload).capsule)
        elif topic == topics.lease:
            self._listener.leases_arrived(decode(LeaseMessage, payload))
        elif topic == topics.notice:
            self._listener.notice_arrived(decode(Notice, payload))
        elif topic == topics.price:
            self._listener.price_arrived(decode(PriceMessage, payload))
        elif topic != topics.snapshot:
            raise SetAside(f"nothing is expected on {topic}")
        elif not self.supply.arrived(payload):
            raise SetAside("a part of a snapshot that nobody asked for")

    def _acknowledged(self, answer: Acknowledgement) -> None:
        self._answered = True
        self._unanswered_since = None
        self._news.set()
        if answer.renew and answer.journal == self._journal.id:
            return self._renew(answer)
        if answer.journal == self._journal.id and answer.upto > self._journal.last:
            # What comes next will contradict what the gateway has, and be quarantined; staff should know why.
            last = self._journal.last
            self._trouble = (
                f"journal {answer.journal} ends at {last} here, at {answer.upto} there: an old copy of this device's disk?"
            )
        self._outbox.acknowledged(answer, time.monotonic())
        for refusal in answer.refused:
            # The gateway keeps it as a dead letter and shows it to staff; here it is for whoever reads the log.
            self._log.warning("event_refused", sequence=refusal.sequence, reason=refusal.reason)
        if self._journal.waiting == 0:
            self._journal.forget()
        self.supply.heard()
        return None

    def _renew(self, answer: Acknowledgement) -> None:
        before = self._journal.id
        carried = self._journal.renew(answer.upto)
        self._outbox = Outbox(self._journal)
        self._trouble = ""
        self._log.warning("journal_renewed", before=before, now=self._journal.id, carried=carried)
        self._listener.journal_renewed()

    def _announced(self, manifest: Manifest) -> None:
        if self._boot and manifest.boot != self._boot and self._outbox.start_over():
            self._tally.resends.inc()
        self._boot = manifest.boot
        self.supply.announced(manifest)
        self._news.set()

    def _line_changed(self) -> None:
        self._tally.online.set(self.online)
        self._listener.line_changed()
