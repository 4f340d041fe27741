"""The one way in which device, gateway and back office price a trip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from panier.definition import PromotionInvalid
from panier.error import PanierError
from panier.offer import Offer
from panier.pricing import BasketLine, PricedBasket, Pricer, PromotionSet, Settings, Shopper, compile_promotions
from panier.pricing.coupon import CouponAnswer, answer_coupon
from panier.pricing.refund import Refund, refund
from panier.promotion import Promotion, parse_promotion
from panier.sense import separate
from panier.trip import Line, Trip
from panier.weighed import deposit

RECKONING = Settings(selection="best_basket")
"""How a store reckons: device, gateway and back office alike."""


class UnknownTimezone(PanierError):
    """A trip whose time zone this machine does not know."""

    code = "unknown_timezone"


def compile_definitions(
    definitions: Mapping[str, Mapping[str, Any]], currency: str
) -> tuple[PromotionSet, list[PromotionInvalid]]:
    """Compiles a snapshot's promotions, given by id in any order; a broken one is refused by name, and the rest serves.

    At equal priority promotions act in the order of their ids.
    """
    return _compiled(((name, definitions[name], None) for name in sorted(definitions)), currency)


def compile_offers(offers: Iterable[Offer], currency: str) -> tuple[PromotionSet, list[PromotionInvalid]]:
    """Compiles a member's offers: each is a promotion under its campaign's id and title; a broken one is refused by name."""
    by_name = {offer.offer: offer for offer in offers}
    return _compiled(((name, by_name[name].promotion, by_name[name].title) for name in sorted(by_name)), currency)


def _compiled(
    named: Iterable[tuple[str, Mapping[str, Any], str | None]], currency: str
) -> tuple[PromotionSet, list[PromotionInvalid]]:
    promotions: list[Promotion] = []
    refused: list[PromotionInvalid] = []
    for name, definition, title in named:
        try:
            promotions.append(parse_promotion(definition, currency, name=name, title=title))
        except PromotionInvalid as error:
            refused.append(error)
    promotions, senseless = separate(promotions)
    refused += senseless
    return compile_promotions(promotions, currency=currency, settings=RECKONING), refused


class TripPricer:
    """Prices a trip as it goes: after a scan only what that scan can change is priced again. Not for several threads."""

    def __init__(self) -> None:
        self._held: tuple[PromotionSet, PromotionSet | None] | None = None
        self._pricer: Pricer | None = None
        self._known: list[tuple[Line, BasketLine]] = []

    def price(
        self, trip: Trip, shelf: PromotionSet, offers: PromotionSet | None = None, *, at: int | None = None, prompts: int = 0
    ) -> PricedBasket:
        """As `price_trip`; costs what changed since the last call with the same `shelf` and `offers`."""
        if self._pricer is None or self._held is None or self._held[0] is not shelf or self._held[1] is not offers:
            self._held, self._pricer = (shelf, offers), Pricer(shelf.with_more(offers))
        priced = self._pricer.price(self._lines(trip), _shopper(trip, at), prompts=prompts)
        return replace(priced, total=priced.total + trip.deposit, deposit=trip.deposit) if trip.deposit else priced

    def _lines(self, trip: Trip) -> list[BasketLine]:
        known = self._known
        del known[len(trip.lines) :]
        for number, line in enumerate(trip.lines):
            if number < len(known):
                if known[number][0] is line:
                    continue
                known[number] = (line, _basket_line(line))
            else:
                known.append((line, _basket_line(line)))
        return [line for _, line in known]


def price_trip(
    trip: Trip, shelf: PromotionSet, offers: PromotionSet | None = None, *, at: int | None = None, prompts: int = 0
) -> PricedBasket:
    """Prices a trip by the store's promotions (`shelf`) and the member's `offers`.

    The time is the trip's last event, or `at` (milliseconds since 1970 UTC) for an event about to be written, on the clock of the
    trip's time zone. Lines come in the trip's order, one for one; gifts follow. A shelf price is what the shopper pays: no tax is
    added to it. Raises UnknownTimezone.
    """
    return TripPricer().price(trip, shelf, offers, at=at, prompts=prompts)


def coupon_titles(promotions: PromotionSet | None) -> dict[str, str]:
    """Every coupon code that a promotion of these asks for, and the title of the first that does."""
    found: dict[str, str] = {}
    for rule in (rule for book in promotions.books for rule in book.rules) if promotions else ():
        if rule.promotion.coupon is not None:
            found.setdefault(rule.promotion.coupon, rule.promotion.title)
    return found


def answer_shown(trip: Trip, shelf: PromotionSet, offers: PromotionSet | None, coupon: str) -> CouponAnswer:
    """What `coupon`, the newest of the trip, brings beside all that the trip holds already; told at its last event's time."""
    before = replace(trip, coupons=trip.coupons - {coupon})
    lines = [_basket_line(line) for line in trip.lines]
    return answer_coupon(lines, shelf.with_more(offers), _shopper(before, None), coupon)


def refund_trip(trip: Trip, shelf: PromotionSet, offers: PromotionSet | None, returned: Mapping[tuple[str, int], int]) -> Refund:
    """What comes back for units of a finished trip, by SKU and unit price, with their deposit. Raises NotBought."""
    bought = {(line.sku, line.unit_price): line for line in trip.lines}
    unknown = [BasketLine(*key, quantity) for key, quantity in returned.items() if key not in bought]
    back = [replace(bought[key], quantity=quantity) for key, quantity in returned.items() if key in bought]
    return refund(_with_deposits(trip.lines), [*unknown, *_with_deposits(back)], shelf.with_more(offers), _shopper(trip, None))


def _with_deposits(lines: Sequence[Line]) -> list[BasketLine]:
    owed = [deposit(line.sku, line.deposit, line.quantity) for line in lines if line.deposit]
    return [*(_basket_line(line) for line in lines), *owed]


def _shopper(trip: Trip, at: int | None) -> Shopper:
    now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=trip.last_at if at is None else at)
    return Shopper(now=now.astimezone(_zone(trip)), segments=frozenset(trip.segments), coupons=trip.coupons)


def _basket_line(line: Line) -> BasketLine:
    return BasketLine(line.sku, line.unit_price, line.quantity, line.category)


def _zone(trip: Trip) -> ZoneInfo:
    try:
        return ZoneInfo(trip.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimezone(f"time zone {trip.timezone!r} of trip {trip.trip} is not known here; install tzdata") from error
