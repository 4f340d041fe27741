"""What a code brings: goods as the shop sells them now, a card, a coupon, or why nothing. Looked up; nothing is written here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from panier.barcode import (
    BarcodeRefused,
    CardCode,
    CouponCode,
    LoyaltyRules,
    Numbering,
    PluCode,
    ProductCode,
    mask,
    read,
)
from panier.catalogue import Product
from panier.coupon import coupon_in
from panier.trip import CardScanned, CodeRefused, CouponShown, Entry, Trip
from panier_device import decision, piece
from panier_device.decision import Decision, Message
from panier_device.shelf import Shelf
from panier_device.shop import AssortmentDamaged, Shop
from panier_device.tally import Tally
from panier_io.log import logger


class Lookup:
    """Reads codes by the shop's rules and finds what they name, for the trip as it stands; counts what the shop cannot use.

    A `trip` is None before a shopper begins. `at` is the time of the scan in milliseconds since 1970 UTC.
    """

    def __init__(self, shop: Shop, shelf: Shelf, tally: Tally, rules: LoyaltyRules, numbering: Numbering) -> None:
        self._shop = shop
        self._shelf = shelf
        self._tally = tally
        self._rules = rules
        self._numbering = numbering
        self._log = logger("lookup")

    def find(self, text: str, entry: Entry, trip: Trip | None, at: int) -> CardScanned | CouponShown | Decision:
        """The card or the coupon that a code names, else what it means for the trip."""
        coupon = coupon_in(text, self._shelf.coupons(trip))
        if coupon is not None:
            return CouponShown(coupon=coupon)
        try:
            content = read(text, self._rules, self._numbering)
        except BarcodeRefused as refusal:
            return self.refuse(refusal.code, text, entry)
        if isinstance(content, CardCode):
            return CardScanned(card=content.number)
        if isinstance(content, CouponCode) and not decision.is_over(content.expiry, partial(self._store_time, trip, at)):
            return CouponShown(coupon=content.number)
        if isinstance(content, ProductCode | PluCode):
            try:
                return self._find_goods(content, text, entry, trip, at)
            except AssortmentDamaged as damaged:
                return self.refuse(damaged.code, text, entry)
        return self.refuse(decision.unsold(content), text, entry)

    def find_sku(self, sku: str) -> Decision:
        """What a product that was picked from the list means for the trip."""
        try:
            found = self._shop.find_sku(sku)
        except AssortmentDamaged as damaged:
            return self.refuse(damaged.code, sku, "shelf")
        if found is None:
            return self.refuse("unknown_product", sku, "shelf")
        return self._unless_recalled(decision.add_product(*found, "shelf"), None, found[0], "shelf")

    def tell_coupon(self, trip: Trip, coupon: str) -> Message:
        """What a coupon brings, or lacks, that is the newest of the trip."""
        title = self._shelf.coupons(trip).get(coupon, coupon)
        return decision.tell_coupon(self._shelf.answer_coupon(trip, coupon), title, self._name_of, trip.currency)

    def refuse(self, reason: str, text: str, entry: Entry, seen: str = "") -> Decision:
        """A code that the shop cannot use; staff are told `seen`, or as much of `text` as is nobody's secret."""
        seen = seen or mask(text)
        self._tally.refused.labels(reason).inc()
        self._log.info("code_refused", reason=reason, seen=seen, entry=entry)
        return decision.refuse_code(reason, seen, entry)

    def _find_goods(self, content: ProductCode | PluCode, text: str, entry: Entry, trip: Trip | None, at: int) -> Decision:
        found = self._shop.find(content.gtin14)
        if found is None:
            # The number of goods is nobody's secret, and staff need it; one of a shop's own might be a card of another shop.
            seen = "" if isinstance(content, ProductCode) and content.is_in_house else content.gtin14
            return self.refuse("unknown_product" if self._shop.held.version else "no_prices_yet", text, entry, seen)
        store_time = partial(self._store_time, trip, at)
        stopped = decision.stop_piece(trip, content, found[0], store_time, entry)
        sold = stopped or piece.sell(content, *found, entry, self._shelf.locale(trip)[0], store_time)
        return self._unless_recalled(sold, content, found[0], entry)

    def _unless_recalled(self, decided: Decision, label: piece.Label, product: Product, entry: Entry) -> Decision:
        """What was decided of a piece, unless it is called back."""
        decided = piece.stop_recalled(label, product, entry) or piece.warned(decided, label, product)
        for what in decided.happenings if decided.unweighed is None else ():
            if isinstance(what, CodeRefused):
                self._tally.refused.labels(what.reason).inc()
        return decided

    def _name_of(self, sku: str) -> str | None:
        found = self._shop.find_sku(sku)
        return found[0].name if found else None

    def _store_time(self, trip: Trip | None, at: int) -> str:
        """The store's clock, ISO without an offset."""
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
        return moment.astimezone(ZoneInfo(self._shelf.locale(trip)[1])).replace(tzinfo=None).isoformat(timespec="seconds")
