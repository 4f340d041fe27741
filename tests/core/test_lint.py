"""What the author's check says, with the basket that shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from panier.lint import Article, lint, read_articles

ARTICLES = [
    Article(sku="tea", unit_price=400, category="drink", cost=250),
    Article(sku="cola", unit_price=150, category="drink", min_price=100),
    Article(sku="bread", unit_price=250),
]
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEA = {"target": {"skus": ["tea"]}}


def said(*definitions: dict[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    named = [{"id": f"p{number}", **definition} for number, definition in enumerate(definitions)]
    return [(warning.rule, warning.promotions) for warning in lint(named, ARTICLES, "EUR", NOW)]


WARNED: list[tuple[str, dict[str, Any]]] = [
    ("invalid", {"kind": "percent", "percent": "-5"}),
    ("invalid", {"kind": "percent", "percent": "5", "target": {"skus": ["milk"]}}),
    ("invalid", {"kind": "free_gift", "gift": {"sku": "tea", "unit_price": "4.00"}, "per": {"skus": ["tea"], "qty": 2}}),
    ("invalid", {"kind": "percent", "percent": "5", "layer": "catalogue", "only_undiscounted": True}),
    ("dead", {"kind": "percent", "percent": "5", "valid_to": "2026-03-01"}),
    ("dead", {"kind": "percent", "percent": "5", "usage_limit": 1, "usage_used": 1}),
    ("dead", {"kind": "percent", "percent": "5", "target": {"categories": ["fish"]}}),
    ("unreachable", {"kind": "percent", "percent": "5", "when": {"min_qty": 500}}),
    ("unreachable", {"kind": "percent", "percent": "5", "when": {"min_amount": "90000"}, **TEA}),
    ("unreachable", {"kind": "n_for_price", "n": 2, "price": "8.00", **TEA}),
    ("unreachable", {"kind": "tiered_percent", "base_percent": "1", "tiers": {"5000": "10"}, **TEA}),
    ("below_cost", {"kind": "percent", "percent": "50", **TEA}),
    ("at_floor", {"kind": "percent", "percent": "50", "target": {"skus": ["cola"]}}),
]


@pytest.mark.parametrize(("rule", "definition"), WARNED, ids=[f"{rule}-{number}" for number, (rule, _) in enumerate(WARNED)])
def test_each_rule_names_the_promotion(rule: str, definition: dict[str, Any]) -> None:
    assert said(definition) == [(rule, ("p0",))]


@pytest.mark.parametrize("definition", [
    {"kind": "percent", "percent": "10", **TEA},
    {"kind": "cheapest_free", "when": {"min_qty": 3}, "target": {"categories": ["drink"]}, "coupon": "C"},
    {"kind": "per_complete_group", "group_size": 2, "amount": "0.50", **TEA},
    {"kind": "buy_x_get_y", "buy": {**TEA, "qty": 1}, "get": {"target": {"skus": ["bread"]}, "qty": 1}},
    {"kind": "free_gift", "gift": {"sku": "cup", "unit_price": "1.00"}, "per": {"skus": ["tea"], "qty": 2}},
    {"kind": "amount", "amount": "1.00", "when": {"contains": {"skus": ["bread"]}, "min_amount": "10.00"}},
    {"kind": "points_earn", "points_per_currency": "1"},
    {"kind": "tiered_amount", "base_amount": "0.10", "tiers": {"20": "2.00"}, "target": {"skus": ["bread"]}},
    {"kind": "amount", "amount": "0.50", "when": {"contains": {"skus": ["tea"]}, "min_amount": "1.00"}, "target": {"all": True}},
])  # fmt: skip
def test_a_sound_promotion_passes(definition: dict[str, Any]) -> None:
    assert said(definition) == []


def test_an_overlap_shows_the_basket_as_a_store_prices_it() -> None:
    bundle = {"id": "a", "kind": "n_for_price", "n": 2, "price": "7.00", **TEA}
    warnings = lint([bundle, {"id": "b", "kind": "percent", "percent": "5", **TEA}], ARTICLES, "EUR", NOW)
    assert [warning.as_json() for warning in warnings] == [
        {"rule": "overlap", "promotions": ["a", "b"], "text": "mean the same products; both act",
         "example": "2 tea at 4.00: a -1.00, b -0.35, to pay 6.65"},
    ]  # fmt: skip


def test_three_that_reduce_one_product_together_are_a_stack() -> None:
    small = {"kind": "percent", "percent": "2", **TEA}
    assert ("stacking", ("p0", "p1", "p2")) in said(small, small, small)


def test_products_are_read_with_their_costs() -> None:
    [tea] = read_articles([{"sku": "tea", "unit_price": "4.00", "cost": "2.50", "min_price": "1", "category": "drink"}], "EUR")
    assert tea == Article(sku="tea", unit_price=400, category="drink", cost=250, min_price=100)
    assert read_articles([{"sku": "tea", "unit_price": "4.00"}], "EUR") == [Article(sku="tea", unit_price=400)]
