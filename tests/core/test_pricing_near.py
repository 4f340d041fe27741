"""Near misses: what a basket lacks, and what it would save."""

from __future__ import annotations

from typing import Any

import pytest

from panier.pricing import BasketLine, NearMiss, Pricer, Shopper, compile_promotions, price
from panier.promotion import parse_promotion

COLA, BREAD, TEA = BasketLine("cola", 150, 2, "drink"), BasketLine("bread", 250, 1, "bakery"), BasketLine("tea", 400, 1, "drink")
COLAS = {"target": {"skus": ["cola"]}}
DRINKS = {"target": {"categories": ["drink"]}}


def near(
    *definitions: dict[str, Any], lines: tuple[BasketLine, ...] = (COLA, BREAD, TEA), prompts: int = 3
) -> tuple[NearMiss, ...]:
    promotions = [parse_promotion(definition, "EUR", name=f"p{number}") for number, definition in enumerate(definitions)]
    return price(lines, compile_promotions(promotions, currency="EUR"), Shopper(), prompts=prompts).near_misses


def miss(saving: int, **more: Any) -> tuple[NearMiss, ...]:
    return (NearMiss(promotion="p0", title="p0", saving=saving, **more),)


NEAR: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("one more for 3 for a price", {"kind": "n_for_price", "n": 3, "price": "3.30", **COLAS},
     {"saving": 120, "quantity": 1, "sku": "cola", "category": "drink"}),
    ("one more of a category is reckoned at its cheapest", {"kind": "cheapest_free", "when": {"min_qty": 4}, **DRINKS},
     {"saving": 150, "quantity": 1, "sku": "cola", "category": "drink"}),
    ("the next free one", {"kind": "cheapest_free", "when": {"min_qty": 2}, "max_applications": 2, **DRINKS},
     {"saving": 150, "quantity": 1, "sku": "cola", "category": "drink"}),
    ("one more completes a group", {"kind": "per_complete_group", "group_size": 3, "percent": "10", **COLAS},
     {"saving": 45, "quantity": 1, "sku": "cola", "category": "drink"}),
    ("one to a gift", {"kind": "free_gift", "gift": {"sku": "cup", "unit_price": "5"}, "per": {"skus": ["cola"], "qty": 3}},
     {"saving": 500, "quantity": 1, "sku": "cola", "category": "drink"}),
    ("one more to get one free", {"kind": "buy_x_get_y", "buy": {**COLAS, "qty": 2}, "get": {**COLAS, "qty": 1}},
     {"saving": 150, "quantity": 1, "sku": "cola", "category": "drink"}),
    ("one more to buy", {"kind": "buy_x_get_y", "buy": {**COLAS, "qty": 3}, "get": {"target": {"skus": ["tea"]}, "qty": 1}},
     {"saving": 400, "quantity": 1, "sku": "cola", "category": "drink"}),
    ("units for the next step", {"kind": "tiered_percent", "tiers": {"4": "10"}, "tier_basis": "qty", **DRINKS},
     {"saving": 85, "quantity": 1, "sku": "cola", "category": "drink"}),
    ("money for the next step", {"kind": "tiered_amount", "base_amount": "1", "tiers": {"9": "2", "10.00": "3", "50": "9"}},
     {"saving": 100, "amount": 50}),
    ("money for the threshold", {"kind": "percent_order", "percent": "10", "when": {"min_amount": "10", "basis": "original"}},
     {"saving": 100, "amount": 50}),
    ("money in a category", {"kind": "amount", "amount": "1", **DRINKS, "when": {"min_amount": "8.00"}},
     {"saving": 100, "amount": 100, "category": "drink"}),
    ("something beside it", {"kind": "amount", "amount": "1", **COLAS, "when": {"contains": {"skus": ["crisps"]}}},
     {"saving": 100, "quantity": 1, "sku": "crisps"}),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "want"), [entry[1:] for entry in NEAR], ids=[entry[0] for entry in NEAR])
def test_it_says_what_is_missing_and_what_it_saves(definition: dict[str, Any], want: dict[str, Any]) -> None:
    assert near(definition) == miss(**want)


FAR: list[tuple[str, dict[str, Any]]] = [
    ("too many units are missing", {"kind": "percent", "percent": "10", "when": {"min_qty": 9}}),
    ("too much money is missing", {"kind": "percent", "percent": "10", "when": {"min_amount": "99.00"}}),
    ("two things are missing", {"kind": "percent", "percent": "10", "when": {"min_qty": 5, "min_amount": "9.90"}}),
    ("it has acted as often as it may", {"kind": "cheapest_free", "when": {"min_qty": 2}, **DRINKS}),
    ("nothing is begun", {"kind": "n_for_price", "n": 2, "price": "2.90", "max_applications": 9, **COLAS}),
    ("its price would be dearer", {"kind": "n_for_price", "n": 3, "price": "9.00", **COLAS}),
    ("the last step is reached", {"kind": "tiered_percent", "tiers": {"2": "10"}, "tier_basis": "qty", **DRINKS}),
    ("the next step is far", {"kind": "tiered_percent", "tiers": {"100": "10"}, **DRINKS}),
    ("free ones count elsewhere", {"kind": "cheapest_free", **COLAS, "when": {"min_qty": 1, "target": {"skus": ["bread"]}}}),
    ("it simply applies", {"kind": "percent", "percent": "10"}),
]


@pytest.mark.parametrize("definition", [entry[1] for entry in FAR], ids=[entry[0] for entry in FAR])
def test_it_is_silent_where_nothing_is_near(definition: dict[str, Any]) -> None:
    assert near(definition) == ()


def test_the_most_valuable_come_first_and_no_more_than_asked_for() -> None:
    small = {"kind": "amount", "amount": "1", "when": {"min_amount": "10", "basis": "original"}}
    large = small | {"amount": "3"}
    assert [found.promotion for found in near(small, large, small)] == ["p1", "p0", "p2"]
    assert [found.promotion for found in near(small, large, small, prompts=1)] == ["p1"]
    assert near(small, prompts=0) == ()


def test_a_promise_counts_only_what_the_basket_saves_in_all() -> None:
    """A third tin starts the exclusive 1.00 and ends the other 0.50: the shopper gains half of what the promotion gives."""
    other = {"kind": "amount", "amount": "0.50"}
    exclusive = {"kind": "amount", "amount": "1.00", "exclusive": True, "when": {"min_qty": 3}, **COLAS}
    assert [found.saving for found in near(exclusive, other)] == [50]


def test_an_empty_basket_has_no_near_misses_of_its_own() -> None:
    assert near({"kind": "percent", "percent": "10", "when": {"min_qty": 1}}, lines=()) == ()


def test_a_prompt_for_a_product_that_is_not_there_leaves_no_trace() -> None:
    definition = {"kind": "amount", "amount": "1", **COLAS, "when": {"contains": {"skus": ["crisps"]}}}
    shelf = compile_promotions([parse_promotion(definition, "EUR", name="p0")], currency="EUR")
    pricer = Pricer(shelf)
    for _ in range(2):
        priced = pricer.price([COLA, BREAD], Shopper(), prompts=3)
        assert [found.sku for found in priced.near_misses] == ["crisps"]
        assert priced.units == 3
