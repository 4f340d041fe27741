"""Lending: each device, and each trip under way, gets its part of promotions that are limited over all shoppers."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from panier.definition import PromotionInvalid
from panier.lease import MAX_LEASES, Lease, limits
from panier.message import LeaseMessage, Message
from panier.offer import Offer
from panier.promotion import parse_promotion
from panier.trip import Trip
from panier_gateway.capsule import long_ago
from panier_gateway.clerk import Clerk
from panier_gateway.intake import Taken
from panier_gateway.purse import Limits
from panier_gateway.replica import Replica
from panier_io.log import logger

Send = Callable[[str, Message], Awaitable[None]]
"""Sends a message to the device that it is for: device, message."""


class Lending:
    """Says to devices what they hold, whenever that may differ: all of it, so that a message that was lost does no harm."""

    def __init__(
        self, replica: Replica, clerk: Clerk, currency: str, send: Send, devices: Callable[[], int], clock: Callable[[], int]
    ) -> None:
        self._replica = replica
        self._clerk = clerk
        self._currency = currency
        self._send = send
        self._devices = devices
        self._clock = clock
        self._journals: dict[str, str] = {}
        self._trips: dict[str, str] = {}
        self._log = logger("lending")
        self._shelf, self._campaigns = self._read_shelf(), self._read_campaigns()

    @property
    def limits(self) -> Limits:
        """Every limit of the store's promotions and of running campaigns."""
        return {**self._campaigns, **self._shelf}

    def restore(self, trips: Mapping[str, Trip]) -> None:
        """Open trips that the ledger knew at the start, by device."""
        self._trips = {device: trip.trip for device, trip in trips.items()}

    async def born(self, device: str, journal: str) -> None:
        """A device connected, or said that it is still there."""
        self._journals[device] = journal
        await self._lend(device)

    async def answer(self, taken: Taken) -> None:
        """A trip began or ended: it gets what it needs, or the device back what it used."""
        if taken.another_machine or taken.trip is None:
            return
        self._journals[taken.device] = taken.journal
        trip = taken.trip.trip if taken.trip.is_open else None
        if self._trips.get(taken.device) == trip:
            return
        if trip is None:
            del self._trips[taken.device]
        else:
            self._trips[taken.device] = trip
        await self._lend(taken.device)

    async def feed_changed(self, *, snapshot: bool, campaigns: bool) -> None:
        """The store's promotions may have changed, or campaigns."""
        if snapshot:
            self._shelf = await asyncio.to_thread(self._read_shelf)
        if campaigns:
            self._campaigns = await asyncio.to_thread(self._read_campaigns)
        await self.repeat()

    async def repeat(self) -> None:
        """Says it to every device again. Raises the last error of those that the disk refused, once all others have theirs."""
        refused: sqlite3.Error | None = None
        for device in list(self._journals):
            try:
                await self._lend(device)
            except sqlite3.Error as error:
                refused = error
        if refused:
            raise refused

    async def to_offer(self, device: str, trip: Trip, offers: Sequence[Offer]) -> tuple[Offer, ...]:
        """Those of a member's offers of which there is something left for this trip; its part of them is on its way."""
        limited = {offer.offer: self._limits(offer.offer, offer.promotion) for offer in offers}
        wanted = {key: limit for limits in limited.values() for key, limit in limits.items()}
        if not wanted:
            return tuple(offers)
        _, journal, _ = trip.trip.split(".")
        leases = await self._clerk.lend((device, journal), trip.trip, self._shelf, wanted, self._devices())
        await self._say(device, journal, leases)
        held = {(lease.promotion, lease.is_spend) for lease in leases if lease.holder == trip.trip}
        return tuple(offer for offer in offers if limited[offer.offer].keys() <= held)

    async def _lend(self, device: str) -> None:
        """Costs nothing in a store without limits."""
        if not self._shelf:
            return
        journal = self._journals[device]
        leases = await self._clerk.lend((device, journal), self._trips.get(device), self._shelf, {}, self._devices())
        await self._say(device, journal, leases)

    async def _say(self, device: str, journal: str, leases: list[Lease]) -> None:
        for first in range(0, len(leases), MAX_LEASES):
            await self._send(device, LeaseMessage(journal=journal, leases=leases[first : first + MAX_LEASES]))
        if len(leases) > MAX_LEASES:
            self._log.warning("more_leases_than_a_trip_states", device=device, leases=len(leases), most=MAX_LEASES)

    def _read_shelf(self) -> Limits:
        newest, _ = self._replica.newest
        return self._all_limits(self._replica.promotions(newest))

    def _read_campaigns(self) -> Limits:
        running = self._replica.running_campaigns(long_ago(self._clock()))
        return self._all_limits({campaign.campaign: campaign.promotion for campaign in running})

    def _all_limits(self, definitions: Mapping[str, Mapping[str, Any]]) -> Limits:
        return {key: limit for name, body in definitions.items() for key, limit in self._limits(name, body).items()}

    def _limits(self, name: str, definition: Mapping[str, Any]) -> Limits:
        if not definition.keys() & {"usage_limit", "budget"}:
            return {}
        try:
            promotion = parse_promotion(definition, self._currency, name=name)
        except PromotionInvalid:
            return {}  # it is refused wherever prices are reckoned
        return {(name, is_spend): limit for is_spend, limit in limits(promotion).items()}
