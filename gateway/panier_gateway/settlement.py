"""Settling a finished trip: the gateway prices it by its own definitions, forms the receipt, and reports any difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from panier.catalogue import Product
from panier.error import PanierError
from panier.intake import Incident
from panier.money import format_minor
from panier.offer import Offer
from panier.pricetag import strange_prices
from panier.pricing import PricedBasket, PromotionSet
from panier.receipt import Receipt, form_receipt
from panier.snapshot import Fingerprint
from panier.till import compile_definitions, compile_offers, counted_uses, in_force, price_trip, used_leases
from panier.trip import Trip
from panier_gateway import capsule
from panier_gateway.closing import Settled
from panier_gateway.purse import TripUse
from panier_gateway.replica import Replica
from panier_io.kept import Kept
from panier_io.log import logger


class SnapshotUnknown(PanierError):
    """A trip was priced with a snapshot that this gateway has not heard of yet."""

    code = "snapshot_unknown"


class Settlement:
    """Prices trips by the replica: promotions as of the trip's snapshot, offers by campaign and revision. For any thread."""

    def __init__(self, store: str, replica: Replica) -> None:
        self._store = store
        self._replica = replica
        self._log = logger("settlement")
        self.forget()

    def forget(self) -> None:
        """Versions and revisions may mean something else from now on."""
        self._shelves = Kept[tuple[int, str], PromotionSet](6)
        self._offer_sets = Kept[tuple[object, ...], PromotionSet](100)
        self._offers = Kept[tuple[str, int], Offer](100)
        self._fingerprints = Kept[int, Fingerprint](20)
        self._changes = Kept[int, int](20)
        self._products = Kept[tuple[str, int], Product | None](1_000)

    def settle(self, trip: Trip) -> Settled:
        """The receipt, and incidents where the device's figures are not ours, or a payment is in doubt.

        Raises SnapshotUnknown where the feed is behind, and what pricing raises.
        """
        if trip.snapshot > self._replica.known:
            newest = self._replica.newest[0]
            raise SnapshotUnknown(f"trip {trip.trip} was priced with snapshot {trip.snapshot}; the newest here is {newest}")
        device, journal, _ = trip.trip.split(".")
        known = tuple(self._known_offers(trip))
        trip_as_we_know_it = replace(trip, member=self.member_of(trip), offers=known)
        priced = self._price(trip_as_we_know_it)
        fingerprint = self._fingerprints.get(trip.snapshot, lambda: self._replica.fingerprint_of(trip.snapshot))
        receipt = form_receipt(trip_as_we_know_it, priced, str(fingerprint), device, journal)
        found = [*self._strange_offers(trip, known), *self._strange_prices(trip), *_strange_figures(trip, priced)]
        used = self._used(trip_as_we_know_it, priced)
        told = [("price_mismatch", "; ".join(found))] if found else []
        told += _staff_prices(trip)
        told += _payment_doubts(trip, receipt)
        incidents = tuple(
            Incident(
                incident=f"{trip.trip}.{kind}", store=self._store, device=device, trip=trip.trip, kind=kind, text=text[:500],
                at=trip.last_at,
            )
            for kind, text in told
        )  # fmt: skip
        return Settled(receipt, incidents, used)

    def total(self, trip: Trip) -> int:
        """What the basket comes to so far, in minor units; for the eye, so that a trip that cannot be priced shows its gross."""
        try:
            return self._price(replace(trip, offers=tuple(self._known_offers(trip)))).total
        except PanierError as error:
            self._log.warning("not_priced", trip=trip.trip, reason=str(error))
            return trip.deposit + sum(line.unit_price * line.quantity for line in trip.lines)

    def member_of(self, trip: Trip) -> str | None:
        """The pseudonym of the trip's member: as the device was told, else by the card, which it may have read offline."""
        if trip.member is not None or trip.card is None:
            return trip.member
        member = self._replica.member_of_card(trip.card)
        return member.member if member else None

    def _price(self, trip: Trip) -> PricedBasket:
        return price_trip(trip, *self._promotions(trip))

    def _used(self, trip: Trip, priced: PricedBasket) -> TripUse:
        uses = counted_uses(in_force(trip, *self._promotions(trip)), priced)
        points = priced.points_earned - priced.points_burned
        # A trip that comes in after its member was erased must not begin to remember them again.
        member = trip.member if trip.member and self._replica.holds_member(trip.member) else None
        return TripUse(leases=used_leases(trip, priced), member=member, points=points, uses=uses)

    def _promotions(self, trip: Trip) -> tuple[PromotionSet, PromotionSet | None]:
        """The store's promotions as of the trip's snapshot, and the member's offers."""
        # Of a version that is not here yet, the feed may say more later.
        version = min(trip.snapshot, self._replica.newest[0])
        change = self._changes.get(version, lambda: self._replica.last_promotion(version))
        shelf = self._shelves.get((change, trip.currency), lambda: self._shelf(change, trip.currency))
        if not trip.offers:
            return shelf, None
        held = (trip.currency, *((offer.offer, offer.revision) for offer in trip.offers))
        return shelf, self._offer_sets.get(held, lambda: compile_offers(trip.offers, trip.currency)[0])

    def _shelf(self, version: int, currency: str) -> PromotionSet:
        # Most versions differ in prices only, so that the key is the last change of a promotion.
        compiled, refused = compile_definitions(self._replica.promotions(version), currency)
        for error in refused:
            self._log.error("promotion_refused", reason=str(error))
        return compiled

    def _known_offers(self, trip: Trip) -> Iterator[Offer]:
        """The trip's offers by this gateway's own definitions; what it never sent is left out."""
        for held in trip.offers:
            key = (held.offer, held.revision)
            with suppress(_NeverSent):
                yield self._offers.get(key, lambda key=key: self._offer(*key))

    def _offer(self, name: str, revision: int) -> Offer:
        campaign = self._replica.campaign(name, revision)
        if campaign is None:
            raise _NeverSent
        return capsule.offer(campaign)

    def _strange_offers(self, trip: Trip, known: Sequence[Offer]) -> Iterator[str]:
        ours = {offer.offer: offer for offer in known}
        for held in trip.offers:
            if held.offer not in ours:
                yield f"campaign {held.offer} was never known here as revision {held.revision}"
            elif ours[held.offer].promotion != held.promotion:
                yield f"campaign {held.offer} has another definition on the device"

    def _strange_prices(self, trip: Trip) -> Iterator[str]:
        newest, _ = self._replica.newest
        for line in trip.lines:
            key = (line.sku, min(line.snapshot, newest))
            product = self._products.get(key, lambda key=key: self._replica.product(*key))
            yield from strange_prices(line, product, trip.currency)


def _strange_figures(trip: Trip, priced: PricedBasket) -> Iterator[str]:
    shown = trip.finished
    if shown is None:
        return
    for name, stated, ours in (("total", shown.total, priced.total), ("discount", shown.discount, priced.discount)):
        if stated != ours:
            text = f"{format_minor(stated, trip.currency)}; priced again it is {format_minor(ours, trip.currency)}"
            yield f"the screen showed {name} {text}"
    if shown.units != priced.units:
        yield f"the screen showed {shown.units} units; there are {priced.units}"


def _staff_prices(trip: Trip) -> Iterator[tuple[str, str]]:
    """What staff gave a price: only they know that it is right, and somebody has to put its code into the catalogue."""
    priced = [
        f"{line.quantity} x {line.name} ({line.sku}) at {format_minor(line.unit_price, trip.currency)} by {line.priced_by}"
        for line in trip.lines
        if line.priced_by
    ]
    if priced:
        yield "staff_priced", f"sold under an unknown code: {'; '.join(priced)}"


def _payment_doubts(trip: Trip, receipt: Receipt) -> Iterator[tuple[str, str]]:
    """Kind and words of what a person should compare with the payment terminal's own records."""
    for tender in receipt.tenders:
        asked = f"{format_minor(tender.amount, trip.currency)} {trip.currency} (reference {tender.reference})"
        if tender.outcome == "unknown":
            yield "payment_unknown", f"nobody could find out whether {asked} was paid at the terminal: compare with its records"
        elif tender.decided_by == "staff":
            yield "payment_decided", f"staff decided that {asked} was paid, without the terminal's word: compare with its records"
        if trip.finished is not None and tender.amount != trip.finished.total:
            total = format_minor(trip.finished.total, trip.currency)
            yield "payment_mismatch", f"{asked} was asked for, but the trip came to {total}"


class _NeverSent(Exception):
    pass
