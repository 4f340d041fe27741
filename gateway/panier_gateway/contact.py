"""Contacts: a member met an offer, as the back office counts it."""

from __future__ import annotations

from collections.abc import Callable

from panier.intake import Contact
from panier.trip import Event, OfferAccepted, OfferRefused, OfferShown, Trip

MemberOf = Callable[[Trip], str | None]
"""The pseudonym of the member whose trip it is."""


def contact(event: Event, trip: Trip, store: str, member_of: MemberOf) -> Contact | None:
    """What an event says of an offer, under the event's own identity; None where it says nothing of one."""
    match event.what:
        case OfferShown(offer=offer):
            what = "shown"
        case OfferAccepted(offer=offer):
            what = "accepted"
        case OfferRefused(offer=offer):
            what = "refused"
        case _:
            return None
    device, journal, _ = trip.trip.split(".")
    return Contact(
        contact=f"{device}.{journal}.{event.sequence}", store=store, device=device, trip=trip.trip, member=member_of(trip),
        offer=offer, what=what, at=event.at,
    )  # fmt: skip
