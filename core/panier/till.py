"""The one way in which device, gateway and back office price a trip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from panier.definition import PromotionInvalid
from panier.error import PanierError
from panier.lease import HeldLease, leased, limits, shared_out
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
    limited = tuple(promotion for promotion in promotions if limits(promotion))
    unlimited = (promotion for promotion in promotions if not limits(promotion))
    return replace(compile_promotions(unlimited, currency=currency, settings=RECKONING), limited=limited), refused


def in_force(trip: Trip, shelf: PromotionSet, offers: PromotionSet | None = None) -> PromotionSet:
    """What this trip is priced by: the store's promotions, the member's offers, and of the limited ones what the trip holds."""
    known = shelf.with_more(offers)
    if not known.limited:
        return known
    return known.with_more(compile_promotions(leased(known.limited, trip.leases), currency=known.currency))


def used_leases(trip: Trip, priced: PricedBasket) -> list[tuple[HeldLease, int]]:
    """What the trip used of which of its leases: baskets, or minor units."""
    saved = dict.fromkeys(priced.applied, 0)
    for saving in priced.savings:
        saved[saving.promotion] += saving.amount
    return [part for name, amount in saved.items() for part in shared_out(trip.leases, name, amount)]


def counted_uses(promotions: PromotionSet, priced: PricedBasket) -> dict[str, int]:
    """Uses that count towards a limit a member, by coupon or else by promotion."""
    known = (rule.promotion for book in promotions.books for rule in book.rules)
    acted = frozenset(priced.applied)
    capped = [promotion for promotion in known if promotion.id in acted and promotion.per_member_limit is not None]
    return {promotion.coupon or promotion.id: 1 for promotion in capped}


class TripPricer:
    """Prices a trip as it goes: after a scan only what that scan can change is priced again. Not for several threads."""

    def __init__(self) -> None:
        self._held: tuple[object, ...] = ()
        self._pricer: Pricer | None = None
        self._known: list[tuple[Line, BasketLine]] = []

    def price(
        self, trip: Trip, shelf: PromotionSet, offers: PromotionSet | None = None, *, at: int | None = None, prompts: int = 0
    ) -> PricedBasket:
        """As `price_trip`; costs what changed since the last call with the same `shelf`, `offers` and leases of the trip."""
        given = (shelf, offers, trip.leases)
        if self._pricer is None or any(held is not now for held, now in zip(self._held, given, strict=True)):
            self._held, self._pricer = given, Pricer(in_force(trip, shelf, offers))
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
    """Prices a trip by the store's promotions (`shelf`) and the member's `offers`, limited ones by the leases that it holds.

    The time is the trip's `priced_at`, or `at` (milliseconds since 1970 UTC) for an event about to be written, on the clock of
    the trip's time zone. Lines come in the trip's order, one for one; gifts follow. A shelf price is what the shopper pays: no
    tax is added to it. Raises UnknownTimezone.
    """
    return TripPricer().price(trip, shelf, offers, at=at, prompts=prompts)


def coupon_titles(promotions: PromotionSet | None) -> dict[str, str]:
    """Every coupon code that a promotion of these asks for, and the title of the first that does."""
    if promotions is None:
        return {}
    found: dict[str, str] = {}
    for promotion in (*(rule.promotion for book in promotions.books for rule in book.rules), *promotions.limited):
        if promotion.coupon is not None:
            found.setdefault(promotion.coupon, promotion.title)
    return found


def answer_shown(trip: Trip, shelf: PromotionSet, offers: PromotionSet | None, coupon: str) -> CouponAnswer:
    """What `coupon`, the newest of the trip, brings beside all that the trip holds already; told at its last event's time."""
    before = replace(trip, coupons=trip.coupons - {coupon})
    lines = [_basket_line(line) for line in trip.lines]
    return answer_coupon(lines, in_force(trip, shelf, offers), _shopper(before, None), coupon)


def refund_trip(trip: Trip, shelf: PromotionSet, offers: PromotionSet | None, returned: Mapping[tuple[str, int], int]) -> Refund:
    """What comes back for units of a finished trip, by SKU and unit price, with their deposit. Raises NotBought."""
    bought = {(line.sku, line.unit_price): line for line in trip.lines}
    unknown = [BasketLine(*key, quantity) for key, quantity in returned.items() if key not in bought]
    back = [replace(bought[key], quantity=quantity) for key, quantity in returned.items() if key in bought]
    promotions = in_force(trip, shelf, offers)
    return refund(_with_deposits(trip.lines), [*unknown, *_with_deposits(back)], promotions, _shopper(trip, None))


def _with_deposits(lines: Sequence[Line]) -> list[BasketLine]:
    owed = [deposit(line.sku, line.deposit, line.quantity) for line in lines if line.deposit]
    return [*(_basket_line(line) for line in lines), *owed]


def _shopper(trip: Trip, at: int | None) -> Shopper:
    now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=trip.priced_at if at is None else at)
    standing = trip.standing
    return Shopper(
        now=now.astimezone(_zone(trip)), segments=frozenset(trip.segments), coupons=trip.coupons, points=standing.points,
        prior_orders=standing.prior_orders, uses=standing.uses,
    )  # fmt: skip


def _basket_line(line: Line) -> BasketLine:
    return BasketLine(line.sku, line.unit_price, line.quantity, line.category)


def _zone(trip: Trip) -> ZoneInfo:
    try:
        return ZoneInfo(trip.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimezone(f"time zone {trip.timezone!r} of trip {trip.trip} is not known here; install tzdata") from error
