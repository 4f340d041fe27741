"""A made-up market for measurements: products, promotions of mixed kinds, and baskets; the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panier.pricing import BasketLine

PRODUCTS = 100_000
RANGE = 5
"""Products of one promotion."""
_AISLE = 10
"""Products of one category."""
_SHARE = 3
"""One line of so many is drawn from the promotions' products, the others from all."""


@dataclass(frozen=True, slots=True)
class Market:
    """Definitions by id; `promoted` are the SKUs that one of them names."""

    definitions: dict[str, dict[str, Any]]
    promoted: tuple[str, ...]

    def line(self, sku: str, quantity: int = 1) -> BasketLine:
        """So many units of a product, at its price."""
        return BasketLine(sku, 50 + int(sku) * 7919 % 600, quantity, _category(sku))

    def stock(self, target: Mapping[str, Any]) -> list[BasketLine]:
        """One unit of each product that a target names or whose category it names."""
        members = (_sku(int(name[1:]) * _AISLE + place) for name in target.get("categories", ()) for place in range(_AISLE))
        return [self.line(sku) for sku in (*target.get("skus", ()), *members)]

    def basket(self, chance: random.Random, lines: int) -> list[BasketLine]:
        """That many different products, most of them one unit."""
        skus: dict[str, None] = {}
        while len(skus) < lines:
            # Few promotions name fewer products than a long basket has lines.
            is_promoted = len(skus) % _SHARE == 0 and len(skus) // _SHARE < len(self.promoted) // 2
            skus[chance.choice(self.promoted) if is_promoted else _sku(chance.randrange(PRODUCTS))] = None
        return [self.line(sku, chance.choice((1, 1, 1, 2, 3))) for sku in skus]


def open_market(promotions: int) -> Market:
    """A market with that many active promotions.

    Seven of eight name products; one of eight is for a category. Two in all are on the whole basket.
    """
    chance = random.Random(1)  # noqa: S311 (a measurement, no secret)
    order = list(range(PRODUCTS))
    chance.shuffle(order)
    definitions: dict[str, dict[str, Any]] = {}
    promoted: list[str] = []
    for number in range(promotions - 2):
        start = number * RANGE % PRODUCTS
        skus = [_sku(index) for index in order[start : start + RANGE]]
        promoted += skus
        definitions[f"p{number:05d}"] = _definition(number % 8, skus)
    definitions["whole-threshold"] = {
        "kind": "amount", "amount": "5.00", "when": {"min_amount": "200.00"}, "priority": -1,
    }  # fmt: skip
    definitions["whole-members"] = {"kind": "percent_order", "percent": "3", "segment": "member", "priority": -2}
    return Market(definitions, tuple(promoted))


def _sku(number: int) -> str:
    return f"{number:06d}"


def _category(sku: str) -> str:
    return f"c{int(sku) // _AISLE}"


def _definition(kind: int, skus: list[str]) -> dict[str, Any]:
    target = {"skus": skus}
    match kind:
        case 0:
            return {"kind": "percent", "percent": "10", "target": target}
        case 1:
            return {"kind": "n_for_price", "n": 2, "price": "3.00", "target": target, "max_applications": 3}
        case 2:
            return {"kind": "cheapest_free", "when": {"min_qty": 3}, "target": target, "max_applications": 3}
        case 3:
            get = {"target": target, "qty": 1, "percent": "50"}
            return {"kind": "buy_x_get_y", "buy": {"target": target, "qty": 1}, "get": get}
        case 4:
            return {"kind": "amount_per_unit", "amount": "0.30", "target": target}
        case 5:
            return {"kind": "amount", "amount": "1.00", "target": target, "when": {"min_amount": "10.00"}}
        case 6:
            return {"kind": "tiered_percent", "tiers": {"5": "5", "15": "10"}, "target": target}
        case _:
            return {"kind": "percent", "percent": "5", "target": {"categories": [_category(skus[0])]}}
