"""Made-up takings of a chain: products and promotions to import, and receipts of them as gateways form them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from panier.pricing import PromotionSet
from panier.receipt import form_receipt
from panier.till import compile_definitions, price_trip
from panier.trip import Line, Trip, TripFinished
from panier_simulators.bench.market import Market, open_market

CURRENCY, TIMEZONE = "EUR", "Europe/Paris"
PROMOTIONS = 100
ASSORTMENT = 5_000
"""Products that baskets are drawn from, besides those with promotions."""
_NOON = 1_780_000_000_000


@dataclass(frozen=True, slots=True)
class Takings:
    """A market with some products on its shelves."""

    market: Market
    shelf: PromotionSet
    skus: tuple[str, ...]

    def imported(self) -> dict[str, Any]:
        """What the back office has to know first, as POST /api/v1/import takes it."""
        products: list[dict[str, Any]] = [
            {
                "sku": sku, "name": f"Product {sku}", "unit_price": (line := self.market.line(sku)).unit_price,
                "category": line.category, "gtins": [],
            }
            for sku in self.skus
        ]  # fmt: skip
        return {"products": products, "promotions": [{"id": name, **one} for name, one in self.market.definitions.items()]}

    def receipts(self, store: str, count: int, snapshot: int, journal: str) -> Iterator[dict[str, Any]]:
        """Receipts of one till, 4 to 16 lines each, as JSON; the same for the same arguments."""
        chance = random.Random(f"{store} {journal}")  # noqa: S311 (a measurement, no secret)
        for number in range(count):
            yield self._receipt(chance, store, f"till-1.{journal}.{number * 40 + 1}", number, snapshot)

    def _receipt(self, chance: random.Random, store: str, trip: str, number: int, snapshot: int) -> dict[str, Any]:
        skus = chance.sample(self.skus, chance.randint(4, 16))
        lines = tuple(
            Line(
                sku=sku, name=f"Product {sku}", unit_price=(line := self.market.line(sku)).unit_price, category=line.category,
                tax_rate=None, snapshot=snapshot, quantity=chance.choice((1, 1, 1, 2, 3)),
            )
            for sku in skus
        )  # fmt: skip
        first = number * 40 + 1
        at = _NOON + number * 20_000
        bought = Trip(
            trip=trip, store=store, currency=CURRENCY, timezone=TIMEZONE, snapshot=snapshot, started_at=at - 600_000, last_at=at,
            first_sequence=first, last_sequence=first + 39, lines=lines, member=f"m-{chance.randrange(50_000)}",
            segments=("member",),
        )  # fmt: skip
        priced = price_trip(bought, self.shelf)
        finished = TripFinished(units=priced.units, discount=priced.discount, total=priced.total)
        device, journal, _ = trip.split(".")
        return form_receipt(replace(bought, finished=finished), priced, "0" * 64, device, journal).model_dump(mode="json")


def open_takings() -> Takings:
    """The same each time."""
    market = open_market(PROMOTIONS)
    shelf, _ = compile_definitions(market.definitions, CURRENCY)
    plain = {f"{number * 17:06d}" for number in range(ASSORTMENT)}
    return Takings(market, shelf, tuple(sorted(plain | set(market.promoted))))
