"""Settling a finished trip: the gateway prices it by its own definitions, forms the receipt, and reports any difference."""

from __future__ import annotations

from panier.trip import Trip
from panier_gateway.intake import Settled
from panier_gateway.replica import Replica


class Settlement:
    """Prices trips by the replica."""

    def __init__(self, store: str, replica: Replica) -> None:
        self._store = store
        self._replica = replica

    def settle(self, trip: Trip) -> Settled:
        raise NotImplementedError("pricing")

    def total(self, trip: Trip) -> int:
        """What the basket comes to so far, in minor units."""
        return sum(line.unit_price * line.quantity for line in trip.lines)

    def member_of(self, trip: Trip) -> str | None:
        """The pseudonym of the trip's member: as the device was told, else by the card."""
        if trip.member is not None or trip.card is None:
            return trip.member
        member = self._replica.member_of_card(trip.card)
        return member.member if member else None
