"""The one way in which device, gateway and back office price a trip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from panier.definition import PromotionInvalid
from panier.error import PanierError
from panier.offer import Offer
from panier.pricing import BasketLine, PricedBasket, PromotionSet, Shopper, compile_promotions, price
from panier.promotion import Promotion, parse_promotion
from panier.trip import Trip


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
    return compile_promotions(promotions, currency=currency), refused


def price_trip(
    trip: Trip, shelf: PromotionSet, offers: PromotionSet | None = None, *, at: int | None = None, prompts: int = 0
) -> PricedBasket:
    """Prices a trip by the store's promotions (`shelf`) and the member's `offers`.

    The time is the trip's last event, or `at` (milliseconds since 1970 UTC) for an event about to be written, on the clock of the
    trip's time zone. Lines come in the trip's order, one for one; gifts follow. A shelf price is what the shopper pays: no tax is
    added to it. Raises UnknownTimezone.
    """
    try:
        zone = ZoneInfo(trip.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimezone(f"time zone {trip.timezone!r} of trip {trip.trip} is not known here; install tzdata") from error
    now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=trip.last_at if at is None else at)
    shopper = Shopper(now=now.astimezone(zone), segments=frozenset(trip.segments))
    lines = [BasketLine(line.sku, line.unit_price, line.quantity, line.category) for line in trip.lines]
    return price(lines, shelf.with_more(offers), shopper, prompts=prompts)
