"""What a trip is priced with: the store's currency and promotions as the shop holds them, and its member's offers."""

from __future__ import annotations

from panier.lease import leased
from panier.offer import Offer
from panier.pricing import PricedBasket, PromotionSet
from panier.pricing.coupon import CouponAnswer
from panier.till import TripPricer, answer_shown, compile_definitions, compile_offers, coupon_titles
from panier.trip import Trip
from panier_device.shop import Shop
from panier_device.tally import Tally
from panier_io.log import logger

PROMPTS = 2
"""Near misses to show; the shopper's glance holds no more."""


class Shelf:
    """The promotions of one version of the snapshot, compiled; `refresh` takes up the newest that the shop holds.

    `currency` and `timezone` hold until the gateway has said those of the store.
    """

    def __init__(self, shop: Shop, tally: Tally, currency: str, timezone: str) -> None:
        self._shop = shop
        self._tally = tally
        self._fallback = (currency, timezone)
        self._log = logger("shelf")
        self._offers: tuple[tuple[Offer, ...], PromotionSet | None] = ((), None)
        self._pricer = TripPricer()
        self.refresh()

    def refresh(self) -> None:
        """Compiles what the shop holds now. Broken promotions are left out by name, counted, and the rest serves."""
        held, definitions = self._shop.promotions()
        self.version = held.version
        self.promotions, refused = compile_definitions(definitions, held.currency or self._fallback[0])
        self._tally.promotions_refused.set(len(refused))
        for error in refused:
            self._log.warning("promotion_refused", promotion=error.promotion, field=error.field, reason=error.reason)
        self._coupons = coupon_titles(self.promotions)

    def locale(self, trip: Trip | None) -> tuple[str, str]:
        """Currency and time zone: those of the trip, or of the store before one begins."""
        if trip is not None:
            return trip.currency, trip.timezone
        held, (currency, timezone) = self._shop.held, self._fallback
        return held.currency or currency, held.timezone or timezone

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

    def used_up(self, trip: Trip) -> frozenset[str]:
        """The member's offers with a limit over all shoppers of which the trip may use nothing."""
        compiled = self.own(trip)
        limited = () if compiled is None else compiled.limited
        return frozenset({one.id for one in limited} - {one.id for one in leased(limited, trip.leases)})

    def coupons(self, trip: Trip | None) -> dict[str, str]:
        """Titles, by code, of the coupons that the store, or an offer of the trip's member, asks for."""
        return self._coupons | coupon_titles(self.own(trip))

    def answer_coupon(self, trip: Trip, coupon: str) -> CouponAnswer:
        """What the newest coupon of the trip brings, or lacks."""
        return answer_shown(trip, self.promotions, self.own(trip), coupon)
