"""The peer of `panier bench pricing`: that it is asked for the same as ours."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from panier.pricing import BasketLine, Pricer, Settings, Shopper
from panier.till import compile_definitions
from panier_simulators.bench.market import open_market
from panier_simulators.bench.oscar import REPLACED, OscarTill

TEA = {"target": {"skus": ["1", "2", "3"]}}
ALIKE: dict[str, dict[str, Any]] = {
    "percent": {"kind": "percent", "percent": "10", **TEA},
    "amount a unit": {"kind": "amount_per_unit", "amount": "0.30", **TEA},
    "amount from a value on": {"kind": "amount", "amount": "1.00", "when": {"min_amount": "10.00"}, **TEA},
    "n for a price": {"kind": "n_for_price", "n": 2, "price": "3.00", **TEA},
    "cheapest free": {"kind": "cheapest_free", "when": {"min_qty": 3}, **TEA},
    "whole basket": {"kind": "percent_order", "percent": "5"},
}


def _line(sku: str, quantity: int = 1) -> BasketLine:
    # Prices that no percentage has to round: where the odd cent goes is each one's own affair.
    return BasketLine(sku, 200 + 20 * int(sku), quantity)


@pytest.mark.parametrize("kind", ALIKE)
def test_one_simple_offer_saves_the_same_here_and_there(kind: str) -> None:
    definitions = {"offer": ALIKE[kind]}
    shelf, refused = compile_definitions(definitions, "EUR")
    # By priority, as the peer does: the best basket would bundle dearer units than the definition's.
    shelf = replace(shelf, settings=Settings())
    till = OscarTill(definitions, lambda target: [_line(sku) for sku in target["skus"]])
    chance = random.Random(kind)
    reduced = 0
    for _ in range(20):
        lines = [_line(str(sku), chance.randint(1, 4)) for sku in chance.sample(range(6), chance.randint(1, 6))]
        basket = till.basket(till.put(lines))
        till.price(basket)
        ours = Pricer(shelf).price(lines, Shopper()).discount
        assert basket.total_discount == Decimal(ours) / 100
        reduced += ours > 0
    assert (refused, till.offers) == ([], 1)
    assert reduced > 0


def test_what_the_peer_holds_in_memory_spares_it_queries_and_changes_no_price() -> None:
    market = open_market(40)
    till = OscarTill(market.definitions, market.stock)
    assert (till.offers, till.left_out) == (39, 1)
    numbers = [till.put(market.basket(random.Random(seed), 12)) for seed in range(3)]
    discounts: list[list[Decimal]] = []
    queries: list[int] = []
    for held in REPLACED:
        with till.holding(held):
            baskets = [till.basket(number) for number in numbers]
            with till.counted() as asked:
                for basket in baskets:
                    till.price(basket)
            discounts.append([basket.total_discount for basket in baskets])
            queries.append(len(asked))
    assert discounts == [discounts[0]] * len(REPLACED)
    assert any(discounts[0])
    assert queries == sorted(queries, reverse=True)
    assert (len(set(queries)), queries[-1]) == (len(REPLACED), 0)
