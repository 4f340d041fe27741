"""Greeting members: capsules to open trips after a card, and again whenever a campaign or the member changes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from panier.feed import MemberRecord
from panier.member import Capsule, Standing
from panier.message import CapsuleMessage, Message, Notice
from panier.offer import Offer
from panier.trip import CardScanned, Trip
from panier_gateway.capsule import Audience, compose, is_held, long_ago, next_turn
from panier_gateway.intake import Taken
from panier_gateway.replica import Replica
from panier_io.log import logger

Send = Callable[[str, Message], Awaitable[None]]
"""Sends a message to the device that it is for: device, message."""
ToOffer = Callable[[str, Trip, Sequence[Offer]], Awaitable[tuple[Offer, ...]]]
"""Those of the offers of which there is something left for this device's trip."""
StandingOf = Callable[[Collection[str]], Awaitable[dict[str, Standing]]]
"""Where earlier trips left members."""
LeftOut = Callable[[Collection[str]], Awaitable[None]]
"""Told of campaigns that found no room in somebody's capsule."""
_LONGEST_SLEEP = 3600.0


class Greeting:
    """Keeps each open trip's capsule as the feed says it should be.

    What a device has is known from its own journal (CapsuleReceived); what was sent since it last connected is remembered, so
    that nothing is sent twice while it is on the way.
    """

    def __init__(
        self,
        replica: Replica,
        send: Send,
        clock: Callable[[], int],
        to_offer: ToOffer,
        standing_of: StandingOf,
        left_out: LeftOut,
    ) -> None:
        self._replica = replica
        self._send = send
        self._to_offer = to_offer
        self._standing_of = standing_of
        self._left_out = left_out
        self._clock = clock
        self._trips: dict[str, Trip] = {}
        self._sent: dict[str, Capsule] = {}
        self._audiences = _audiences(replica, clock())
        self._turned = asyncio.Event()
        self._log = logger("greeting")
        self.capsules_sent = 0

    def restore(self, trips: dict[str, Trip]) -> None:
        """Open trips that the ledger knew at the start, by device."""
        self._trips = dict(trips)

    def follow(self, taken: Taken) -> None:
        """Notes where a device's trip is now."""
        if taken.trip is None:
            return
        if taken.trip.is_open:
            self._trips[taken.device] = taken.trip
        else:
            self._trips.pop(taken.device, None)
            self._sent.pop(taken.device, None)

    async def answer(self, taken: Taken) -> None:
        """Answers a card at once. Only for trips that are open: a card in a trip that ended long ago greets nobody."""
        if taken.trip is None or not taken.trip.is_open:
            return
        if any(isinstance(event.what, CardScanned) and event.trip == taken.trip.trip for event in taken.events):
            self._sent.pop(taken.device, None)
            if await self._greet([taken.device]):
                text = "This card is not known here; staff can help."
                await self._send(taken.device, Notice(trip=taken.trip.trip, code="unknown_card", text=text))

    async def born(self, device: str) -> None:
        """A device connected: what was sent before may be lost."""
        self._sent.pop(device, None)
        await self._greet([device])

    async def reconnected(self) -> None:
        """The broker is back: nothing that was sent before counts."""
        self._sent.clear()
        await self.repeat()

    async def repeat(self) -> None:
        """Sends every open trip what it does not have yet."""
        await self._greet(list(self._trips))

    async def feed_changed(self, *, campaigns: bool, members: Collection[str]) -> None:
        """Sends what differs now to every open trip that it touches."""
        if campaigns:
            self._audiences = await asyncio.to_thread(_audiences, self._replica, self._clock())
            self._turned.set()
        if campaigns or members:
            await self._greet(list(self._trips))

    async def run(self) -> None:
        """Lets campaigns start and end at their times, until cancelled."""
        while True:
            self._turned.clear()
            turn = next_turn(self._audiences, now := self._clock())
            seconds = _LONGEST_SLEEP if turn is None else min((turn - now) / 1000, _LONGEST_SLEEP)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._turned.wait()
                continue
            await self._greet(list(self._trips))

    async def _greet(self, devices: Sequence[str]) -> list[str]:
        """Sends capsules to those who do not have theirs; gives the devices with a card that belongs to nobody.

        Raises the last error of those whom the disk refused something, once all others have theirs.
        """
        cards = {device: trip.card for device in devices if (trip := self._trips.get(device)) and trip.card}
        members = await asyncio.to_thread(_members, self._replica, cards)
        known = {member.member for member in members.values() if member is not None}
        standing = await self._standing_of(known) if known else {}
        refused: sqlite3.Error | None = None
        for device, member in members.items():
            trip = self._trips.get(device)
            if member is None or trip is None or trip.card != cards[device]:
                continue
            try:
                await self._hand_over(device, trip, member, standing[member.member])
            except sqlite3.Error as error:
                refused = error
            except Exception:
                self._log.exception("greeting_failed", device=device, trip=trip.trip)
        if refused:
            raise refused
        return [device for device, member in members.items() if member is None]

    async def _hand_over(self, device: str, trip: Trip, member: MemberRecord, standing: Standing) -> None:
        capsule, left_out = compose(trip.trip, member, self._audiences, self._clock(), standing)
        capsule = replace(capsule, offers=await self._to_offer(device, trip, capsule.offers))
        trip = self._trips.get(device, trip)
        if self._sent.get(device) == capsule or (device not in self._sent and is_held(trip, capsule)):
            return
        self._sent[device] = capsule
        await self._send(device, CapsuleMessage(capsule=capsule))
        self.capsules_sent += 1
        if left_out:
            await self._left_out(left_out)


def _audiences(replica: Replica, now: int) -> list[Audience]:
    """Of the campaigns that may run; a chain's years of others, each with its list of members, need not be held."""
    return [Audience.of(campaign) for campaign in replica.running_campaigns(long_ago(now))]


def _members(replica: Replica, cards: Mapping[str, str]) -> dict[str, MemberRecord | None]:
    return {device: replica.member_of_card(card) for device, card in cards.items()}
