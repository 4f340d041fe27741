"""`panier bench pricing --sample`: all real baskets of the sample shop, priced again with its promotions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panier.member import EVERY_MEMBER
from panier.money import format_minor
from panier.pricing import BasketLine, PromotionSet, Shopper, compile_promotions, price
from panier.promotion import parse_promotion
from panier.till import RECKONING

if TYPE_CHECKING:
    from panier_simulators.sample.shop import SampleShop

WITH_CAMPAIGNS = 2_000
"""Trips that are priced with campaigns too: they overlap with much, and take longer."""
_STEPS: tuple[int, ...] = (0, 1, 10, 50, 100, 500)
"""Savings over priority are counted by these steps, in minor units."""


def price_all(data: Path | None, note: Callable[[str], None]) -> dict[str, Any]:
    """Prices every trip of the sample by best_basket, which also says what priority alone would have saved.

    Then some of them once more with the coupon campaigns for everybody beside the public promotions, which do not overlap.
    """
    from panier_simulators.command import build_sample
    from panier_simulators.sample.shop import CURRENCY, open_sample

    note("looking for the sample")
    shop = open_sample(build_sample(None, data).directory)
    goods = {product.sku: BasketLine(product.sku, product.unit_price, 1, product.category) for product in shop.products()}
    promotions = [parse_promotion(definition, CURRENCY) for definition in shop.promotions()]
    shelf = compile_promotions(promotions, currency=CURRENCY, settings=RECKONING)
    offers = [
        parse_promotion(campaign.record.promotion, CURRENCY, name=campaign.record.campaign) for campaign in shop.campaigns()
    ]
    everything = shelf.with_more(compile_promotions(offers, currency=CURRENCY))
    note("pricing with public promotions")
    public = _run(shop, goods, shelf)
    note("pricing with campaigns beside them")
    return public | {"with_campaigns": _run(shop, goods, everything, WITH_CAMPAIGNS)}


def _run(shop: SampleShop, goods: dict[str, BasketLine], shelf: PromotionSet, limit: int | None = None) -> dict[str, Any]:
    shopper = Shopper(segments=frozenset({EVERY_MEMBER}))
    totals: Counter[str] = Counter()
    steps = dict.fromkeys(_STEPS, 0)
    spent = 0
    for trip in shop.trips(limit):
        lines = [replace(goods[line.sku], quantity=line.quantity) for line in trip.lines]
        started = time.perf_counter_ns()
        priced = price(lines, shelf, shopper)
        spent += time.perf_counter_ns() - started
        totals.update(
            trips=1, lines=len(lines), gross=priced.gross, discount=priced.discount, gained=priced.gained, proven=priced.proven,
            reduced=priced.discount > 0, better=priced.gained > 0, worse=priced.gained < 0,
        )  # fmt: skip
        steps[max(step for step in _STEPS if step <= max(0, priced.gained))] += 1
    money = {name: format_minor(totals[name], shelf.currency) for name in ("gross", "discount", "gained")}
    return {
        "trips": totals["trips"], "lines": totals["lines"], "promotions": len(shelf), "seconds": round(spent / 1e9, 1),
        "us_a_basket": round(spent / 1000 / max(1, totals["trips"])), **money, "reduced": totals["reduced"],
        "better_than_priority": totals["better"], "worse_than_priority": totals["worse"], "proven": totals["proven"],
        "gained_by_cents": {f"{step}+": count for step, count in steps.items()},
    }  # fmt: skip


def render(result: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"{result['trips']:,} baskets, {result['lines']:,} lines, {result['promotions']} promotions: {result['seconds']} s,"
        f" {result['us_a_basket']} us a basket",
        f"worth {result['gross']}, reduced by {result['discount']} in {result['reduced']:,} baskets; proven the best price:"
        f" {result['proven']:,}",
        f"best_basket saves {result['gained']} more than priority, in {result['better_than_priority']:,} baskets;"
        f" less in {result['worse_than_priority']}",
        "saved more, in cents: " + ", ".join(f"{step} {count:,}" for step, count in result["gained_by_cents"].items()),
    ]
    if "with_campaigns" in result:
        lines += ["", "with campaigns:", render(result["with_campaigns"])]
    return "\n".join(lines)
