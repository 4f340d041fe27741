"""The made-up market of `panier bench pricing`."""

from __future__ import annotations

import random

import pytest

from panier.till import compile_definitions
from panier_simulators.bench.market import open_market


@pytest.mark.parametrize("promotions", [10, 1000])
def test_a_market_holds_what_it_says_and_the_engine_reads_all_of_it(promotions: int) -> None:
    market = open_market(promotions)
    shelf, refused = compile_definitions(market.definitions, "EUR")
    assert (len(shelf), refused) == (promotions, [])
    assert market.definitions == open_market(promotions).definitions


@pytest.mark.parametrize("lines", [1, 31, 201])
def test_a_basket_has_the_length_asked_for_and_is_the_same_for_the_same_seed(lines: int) -> None:
    market = open_market(10)
    basket = market.basket(random.Random(1), lines)
    assert len({line.sku for line in basket}) == lines
    assert basket == market.basket(random.Random(1), lines)
