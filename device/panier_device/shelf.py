"""What a trip is priced with: the store's promotions as the shop holds them, and the offers of the trip's member."""

from __future__ import annotations

from panier.offer import Offer
from panier.pricing import PricedBasket, PromotionSet
from panier.till import TripPricer, compile_definitions, compile_offers, coupon_titles
from panier.trip import Trip
from panier_device.shop import Shop
from panier_device.tally import Tally
from panier_io.log import logger

PROMPTS = 2
"""Near misses to show; the shopper's glance holds no more."""


class Shelf:
    """The promotions of one version of the snapshot, compiled; `refresh` takes up the newest that the shop holds."""

    def __init__(self, shop: Shop, tally: Tally, currency: str) -> None:
        self._shop = shop
        self._tally = tally
        self._currency = currency
        self._log = logger("shelf")
        self._offers: tuple[tuple[Offer, ...], PromotionSet | None] = ((), None)
        self._pricer = TripPricer()
        self.refresh()

    def refresh(self) -> None:
        """Compiles what the shop holds now. Broken promotions are left out by name, counted, and the rest serves."""
        held, definitions = self._shop.promotions()
        self.version = held.version
        self.promotions, refused = compile_definitions(definitions, held.currency or self._currency)
        self._tally.promotions_refused.set(len(refused))
        for error in refused:
            self._log.warning("promotion_refused", promotion=error.promotion, field=error.field, reason=error.reason)
        self.coupons = coupon_titles(self.promotions)
        """Titles of the coupons that the store asks for, by code."""

    def own(self, trip: Trip | None) -> PromotionSet | None:
        """The offers of the trip's member."""
        if trip is None:
            return None
        offers, compiled = self._offers
        if offers is not trip.offers:
            compiled, refused = compile_offers(trip.offers, trip.currency)
            for reason in refused:
                self._log.warning("offer_refused", reason=str(reason))
            self._offers = (trip.offers, compiled)
        return compiled

    def price(self, trip: Trip, at: int | None = None) -> PricedBasket:
        """The trip's price; see `price_trip` for the time."""
        return self._pricer.price(trip, self.promotions, self.own(trip), at=at, prompts=PROMPTS)
