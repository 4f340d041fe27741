"""What the author's check says, with the basket that shows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from panier.draft import DraftInvalid, check_draft
from panier.finding import RULES, Finding
from panier.lint import lint
from panier.opening import next_opening
from panier.promotion import parse_promotion
from panier.specimen import Article, read_articles

ARTICLES = [
    Article(sku="tea", unit_price=400, category="drink", cost=250, name="Green tea"),
    Article(sku="chai", unit_price=300, category="spice", cost=290),
    Article(sku="cola", unit_price=150, category="drink", min_price=100),
    Article(sku="bread", unit_price=250),
    Article(sku="bag", unit_price=0),
    Article(sku="dear", unit_price=100, min_price=100),
]
NOW = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("America/New_York"))  # a Monday
TEA = {"target": {"skus": ["tea"]}}
BREAD = {"target": {"skus": ["bread"]}}
TENTH: dict[str, Any] = {"kind": "percent", "percent": "10"}


def found(*definitions: Any) -> list[Finding]:
    named = [{"id": f"p{number}", **one} if isinstance(one, dict) else one for number, one in enumerate(definitions)]
    return lint(named, ARTICLES, "EUR", NOW)


def said(*definitions: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.rule, one.field, one.promotions) for one in found(*definitions)]


ALONE: list[tuple[str, str, dict[str, Any]]] = [
    ("invalid", "percent", {"kind": "percent", "percent": "-5"}),
    ("invalid", "target.skus", TENTH | {"target": {"skus": ["milk"]}}),
    ("invalid", "gift.sku", {"kind": "free_gift", "gift": {"sku": "tea", "unit_price": "4"}, "per": {"skus": ["tea"], "qty": 2}}),
    ("invalid", "only_undiscounted", TENTH | {"layer": "catalogue", "only_undiscounted": True}),
    ("dead", "valid_to", TENTH | {"valid_to": "2026-03-01"}),
    ("dead", "valid_to", TENTH | {"valid_to": "2026-03-02", "valid_from": "2026-02-22", "schedule": {"weekdays": [7]}}),
    ("dead", "usage_limit", TENTH | {"usage_limit": 1, "usage_used": 1}),
    ("dead", "budget", TENTH | {"budget": {"type": "spend", "limit": "5", "used": "5"}}),
    ("dead", "per_member_limit", TENTH | {"per_member_limit": 0}),
    ("dead", "target", TENTH | {"target": {"categories": ["fish"]}}),
    ("dead", "when.contains", TENTH | BREAD | {"when": {"contains": {"categories": ["drnk"]}}}),
    ("dead", "get.target", {"kind": "buy_x_get_y", "buy": {**BREAD, "qty": 1}, "get": {
        "target": {"categories": ["fish"]}, "qty": 1}, "target": {"categories": ["fish"]}}),
    ("strange", "target.categories", TENTH | {"target": {"categories": ["drinc", "drink"]}}),
    ("strange", "gift.unit_price", {"kind": "free_gift", "gift": {"sku": "cola", "unit_price": "1"}, "per": {"skus": ["tea"]}}),
    ("unreachable", "multiple_of", {"kind": "points_burn", "value_per_point": "0.01", "multiple_of": 100_000}),
    ("unreachable", "budget", {"kind": "amount", "amount": "2", **BREAD, "budget": {"type": "spend", "limit": "1"}}),
    ("unreachable", "min_price", {"kind": "percent", "percent": "10", "target": {"skus": ["dear"]}}),
    ("dead", "target", TENTH | {"target": {"categories": ["drink"], "price_max": "1.00"}}),
    ("dead", "target", TENTH | {"target": {"skus": ["tea"], "categories": ["spice"]}}),
    ("unreachable", "when", TENTH | BREAD | {"when": {"min_qty": 500}}),
    ("unreachable", "when", TENTH | BREAD | {"when": {"min_amount": "90000"}}),
    ("unreachable", "kind", {"kind": "n_for_price", "n": 2, "price": "8.00", **TEA}),
    ("unreachable", "kind", TENTH | BREAD | {"when": {"min_qty": 2, "target": {"categories": ["fish"]}}}),
    ("unreachable", "kind", TENTH | {"target": {"skus": ["bag"]}, "when": {"min_amount": "5"}}),
    ("unreachable", "tiers", {"kind": "tiered_percent", "tiers": {"5": "1", "5000": "10"}, **BREAD}),
    ("unreachable", "tiers", {"kind": "tiered_percent", "tiers": {"5": "1", "500": "10"}, "tier_basis": "qty", **BREAD}),
    ("falling", "tiers", {"kind": "tiered_percent", "tiers": {"5": "10", "10": "5"}, **BREAD}),
    ("below_cost", "percent", {"kind": "percent", "percent": "50", **TEA}),
    # The dearest product bears it; the one with the thinnest margin does not.
    ("below_cost", "percent", TENTH),
    ("below_cost", "amount_per_unit", {
        "kind": "amount_per_unit", "amount": "0.20", "target": {"categories": ["drink", "spice"]},
    }),
    ("below_cost", "buy_x_get_y", {
        "kind": "buy_x_get_y", "buy": {"target": {"skus": ["chai"]}, "qty": 1}, "get": {"target": {"skus": ["tea"]}, "qty": 1},
    }),
    ("below_cost", "free_gift", {"kind": "free_gift", "gift": {"sku": "chai", "unit_price": "3"}, "per": {"skus": ["tea"]}}),
    ("at_floor", "min_price", {"kind": "percent", "percent": "50", "target": {"skus": ["cola"]}}),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "field", "definition"), ALONE, ids=[f"{one[0]}-{n}" for n, one in enumerate(ALONE)])
def test_each_finding_names_its_promotion_and_field(rule: str, field: str, definition: dict[str, Any]) -> None:
    assert said(definition) == [(rule, field, ("p0",))]


@pytest.mark.parametrize("definition", [
    TENTH | TEA,
    {"kind": "cheapest_free", "when": {"min_qty": 3}, "target": {"categories": ["drink"]}, "coupon": "C"},
    {"kind": "per_complete_group", "group_size": 2, "amount": "0.50", **TEA},
    {"kind": "per_complete_group", "group_size": 2, "base_percent": "5", "tiers": {"20": "10"}, **TEA},
    {"kind": "buy_x_get_y", "buy": {**TEA, "qty": 1}, "get": {**BREAD, "qty": 1}},
    {"kind": "buy_x_get_y", "buy": {**TEA, "qty": 9}, "get": {**TEA, "qty": 1}},
    {"kind": "free_gift", "gift": {"sku": "cup", "unit_price": "1.00"}, "per": {"skus": ["tea"], "qty": 2}},
    {"kind": "free_gift", "gift": {"sku": "cup", "unit_price": "1.00"}, **TEA},
    {"kind": "amount", "amount": "1.00", "when": {"contains": BREAD["target"], "min_amount": "10.00"}, **TEA},
    {"kind": "points_earn", "points_per_currency": "1"},
    {"kind": "points_burn", "value_per_point": "0.01", "multiple_of": 100},
    {"kind": "tiered_amount", "tiers": {"20": "2.00"}, **BREAD},
    {"kind": "tiered_amount", "base_amount": "0.10", "tiers": {"3": "0.20"}, "tier_basis": "qty", **BREAD},
    TENTH | BREAD | {"when": {"min_qty": 2, "target": {"skus": ["tea"]}}},
    TENTH | BREAD | {"valid_from": "2027-03-02T08:00:00Z", "schedule": {"weekdays": [6], "from": "09:00", "to": "10:00"}},
    TENTH | {"target": {"price_min": "3.50", "price_max": "4.00"}},
    {"kind": "percent", "percent": "1"},
])  # fmt: skip
def test_a_sound_promotion_passes(definition: dict[str, Any]) -> None:
    assert said(definition) == []


def test_an_overlap_shows_the_basket_as_a_store_prices_it() -> None:
    bundle = {"id": "a", "kind": "n_for_price", "n": 2, "price": "7.00", **TEA}
    [finding] = lint([bundle, {"id": "b", "kind": "percent", "percent": "5", **TEA}], ARTICLES, "EUR", NOW)
    assert finding.as_json() == {
        "rule": "overlap", "severity": "note", "promotions": ["a", "b"], "field": "target",
        "text": "in the example both act", "advice": RULES["overlap"].advice,
        "example": "2 tea at 4.00, together 8.00: a -1.00, b -0.35, to pay 6.65",
        "basket": {
            "lines": [{
                "sku": "tea", "qty": 2, "unit_price": "4.00", "before": "8.00", "after": "6.65",
                "savings": {"a": "1.00", "b": "0.35"},
            }],
            "before": "8.00", "after": "6.65",
        },
    }  # fmt: skip


BOGOF = {"kind": "buy_x_get_y", "buy": {**BREAD, "qty": 1}, "get": {**BREAD, "qty": 1}}
HALF = BOGOF | {"get": {**BREAD, "qty": 1, "percent": "50"}}


@pytest.mark.parametrize(
    ("definitions", "text"),
    [
        ([BOGOF, TENTH | BREAD], "in the example both act"),
        # A unit that one used is not used by the next: whichever saves more takes it.
        ([HALF, BOGOF], "in the example only p1 acts; nothing comes of p0"),
        ([BOGOF, HALF, HALF, HALF, HALF], "in the example only p0 acts; nothing comes of p1, p2 and 2 more"),
        ([HALF, BOGOF, TENTH | BREAD, TENTH | BREAD], "in the example only p1, p2 and p3 act; nothing comes of p0"),
        ([HALF, HALF, {"kind": "percent", "percent": "99", "exclusive": True} | BREAD], "in the example others act instead"),
    ],
)
def test_an_overlap_says_who_acts(definitions: list[dict[str, Any]], text: str) -> None:
    assert next(finding.text for finding in found(*definitions) if finding.rule == "overlap") == text


@pytest.mark.parametrize("about", ["a", "b"])
def test_an_example_is_shared_out_in_the_order_of_the_definitions_whichever_is_asked_about(about: str) -> None:
    definitions = [{"id": name, "kind": "percent", "percent": percent, **TEA} for name, percent in (("a", "5"), ("b", "30"))]
    [everywhere], [alone] = lint(definitions, ARTICLES, "EUR", NOW), lint(definitions, ARTICLES, "EUR", NOW, about=about)
    assert alone.example == everywhere.example
    assert alone.example is not None
    assert [name for name, _ in alone.example.lines[0].savings] == ["a", "b"]


def test_an_overlap_is_seen_on_the_basket_where_both_act() -> None:
    assert said(TENTH | BREAD, TENTH | BREAD | {"when": {"min_qty": 9}}) == [("overlap", "target", ("p1", "p0"))]


def test_what_concerns_one_promotion_can_be_asked_for_alone() -> None:
    definitions = [
        {"id": "a", **TENTH, **BREAD},
        {"id": "b", **TENTH, **BREAD},
        {"id": "c", "kind": "percent"},
        TENTH | {"id": "d"},
    ]
    overlap, low = lint(definitions, ARTICLES, "EUR", NOW), lint(definitions, ARTICLES, "EUR", NOW, about="d")
    assert [one.rule for one in low] == ["below_cost"]
    assert {one.promotions for one in low} == {("d",)}
    assert [(one.rule, one.promotions) for one in overlap[:2]] == [("invalid", ("c",)), ("stacking", ("a", "b", "d"))]
    assert [one.rule for one in lint(definitions, ARTICLES, "EUR", NOW, about="c")] == ["invalid"]


def test_those_whose_author_said_how_they_go_together_are_no_overlap() -> None:
    group = TENTH | BREAD | {"exclusive_group": "bread"}
    assert said(group, TENTH | TEA | {"exclusive_group": "bread"}) == []
    assert said(group | {"coupon": "C"}, TENTH | BREAD | {"percent": "9", "exclusive_group": "bread"}) == []


WEAK = {"kind": "percent", "percent": "5", "title": "Five"} | BREAD | {"exclusive_group": "bread"}


@pytest.mark.parametrize(
    ("weak", "strong", "is_said"),
    [
        (WEAK, TENTH | BREAD | {"exclusive_group": "bread"}, True),
        (WEAK | {"exclusive_group": None}, TENTH | BREAD | {"exclusive": True, "title": "Ten"}, True),
        (WEAK, TENTH | BREAD | {"exclusive_group": "bread", "valid_to": "2026-04-01"}, False),
        (WEAK, TENTH | BREAD | {"exclusive_group": "bread", "usage_limit": 5}, False),
        (WEAK, TENTH | {"exclusive_group": "bread", "target": {"price_min": "2.50", "price_max": "2.50"}}, False),
        (WEAK | {"target": {"all": True}}, TENTH | {"exclusive_group": "bread", "target": {"skus": ["tea"]}}, False),
        (
            WEAK | {"target": {"price_min": "4.00"}},
            TENTH | {"exclusive_group": "bread", "target": {"categories": ["drink"]}},
            False,
        ),
    ],
)
def test_one_that_another_always_keeps_out_is_said(weak: dict[str, Any], strong: dict[str, Any], is_said: bool) -> None:
    shadowed = [one for one in found(weak, strong) if one.rule == "shadowed"]
    assert [one.promotions for one in shadowed] == ([("p0", "p1")] if is_said else [])
    called = "Ten (p1)" if "title" in strong else "p1"
    assert [one.text for one in shadowed] == [f"{called} acts in its place, and only one of the two may"] * is_said


def test_promotions_that_never_run_together_do_not_overlap() -> None:
    mornings = TENTH | BREAD | {"schedule": {"to": "12:00"}}
    evenings = TENTH | BREAD | {"schedule": {"from": "17:00"}}
    march, april = {"valid_to": "2026-03-31"}, {"valid_from": "2026-04-01"}
    assert said(mornings, evenings) == []
    assert said(TENTH | BREAD | march, TENTH | BREAD | april) == []
    assert said(TENTH | BREAD | march, TENTH | BREAD | {"valid_from": "2026-03-31"}) == [("overlap", "target", ("p1", "p0"))]


def test_one_on_the_whole_basket_is_said_once() -> None:
    tops = [TENTH | {"target": {"skus": [sku]}} for sku in ("bread", "cola", "tea")]
    broad = {"kind": "amount", "amount": "0.05"}
    assert said(*tops, broad) == [("overlap", "target", ("p0", "p3"))]


def test_three_that_reduce_one_product_together_are_a_stack_and_named_once() -> None:
    small = {"kind": "percent", "percent": "2", **TEA}
    findings = found(small, small, small, small)
    assert [(one.rule, one.promotions) for one in findings] == [("stacking", ("p0", "p1", "p2", "p3"))]
    assert findings[0].text == "4 reduce Green tea together, and nothing limits it"


def test_what_is_sold_below_cost_is_said_with_name_and_figures() -> None:
    [finding] = found({"kind": "percent", "percent": "50", **TEA})
    assert finding.text == "Green tea is sold at 2.00, below its cost of 2.50"
    together = {"kind": "cheapest_free", "when": {"min_qty": 2}, "target": {"skus": ["tea"]}}
    assert [one.text for one in found(together)] == ["all of it together is sold at 4.00, below its cost of 5.00"]


def test_what_is_no_definition_at_all_is_named_by_its_place() -> None:
    [finding] = found(7)
    assert (finding.promotions, finding.field, finding.text) == (("#1",), "definition", "7 is not an object")
    assert "basket" not in finding.as_json()
    assert said({"id": None} | TENTH | TEA) == []


def test_a_category_that_nothing_is_sold_in_is_said_with_what_may_have_been_meant() -> None:
    [strange] = found({"kind": "percent", "percent": "5", "target": {"categories": ["drinc", "drink"]}})
    assert strange.text == "nothing is sold in 'drinc'; did you mean 'drink'?"
    [dead] = found({"kind": "percent", "percent": "5", "target": {"categories": ["drinc"]}})
    assert dead.text == "no product that is sold here is meant; did you mean 'drink'?"


def test_one_that_never_acts_is_in_no_example_of_others() -> None:
    assert [rule for rule, _, _ in said(TENTH | BREAD, TENTH | BREAD | {"per_member_limit": 0})] == ["dead"]


def test_of_two_with_one_name_the_first_stands() -> None:
    [finding] = found(TENTH | TEA, TENTH | BREAD | {"id": "p0"})
    assert (finding.rule, finding.field, finding.promotions) == ("invalid", "id", ("p0",))
    assert finding.text == "'p0' is used twice, and the first one stands; give it another id"


def test_a_ring_of_gifts_is_found_where_it_closes() -> None:
    gift = {"kind": "free_gift", "gift": {"sku": "bread", "unit_price": "2.50"}, "per": {"skus": ["tea"]}}
    back = {"kind": "free_gift", "gift": {"sku": "tea", "unit_price": "4.00"}, "per": {"skus": ["bread"]}}
    assert said(gift, back) == [("invalid", "gift.sku", ("p1",))]


def test_every_rule_can_be_found() -> None:
    assert {rule for rule, _, _ in ALONE} | {"overlap", "stacking", "product", "shadowed"} == set(RULES)


def test_products_are_read_with_their_costs() -> None:
    named = {"sku": "tea", "unit_price": "4.00", "cost": "2.50", "min_price": "1", "category": "drink", "name": "Green tea"}
    assert read_articles([named, {"sku": "bun", "unit_price": "4.00", "category": ""}], "EUR") == (
        [
            Article(sku="tea", unit_price=400, category="drink", cost=250, min_price=100, name="Green tea"),
            Article(sku="bun", unit_price=400),
        ],
        [],
    )


@pytest.mark.parametrize(
    ("product", "said"),
    [
        (7, "#2: product: 7 is not an object"),
        ({"sku": 7}, "#2: sku: 7 is not a text"),
        ({"sku": "b", "unit_price": "-1"}, "#2 b: unit_price: -1 is negative"),
        ({"sku": "b"}, "#2 b: unit_price: is missing"),
        ({"sku": "a", "unit_price": "1"}, "#2 a: sku: is used twice, and the first one stands"),
        ({"sku": "b", "unit_price": "1", "min_prise": "1"}, "#2 b: min_prise: unknown field; did you mean 'min_price'?"),
        ({"sku": "b", "unit_price": "1", "min_price": "2"}, "#2 b: min_price: is above unit_price"),
    ],
)
def test_a_product_that_does_not_fit_is_left_out_by_its_place_and_name(product: Any, said: str) -> None:
    articles, [error] = read_articles([{"sku": "a", "unit_price": "1"}, product], "EUR")
    assert [one.sku for one in articles] == ["a"]
    assert str(error).startswith(f"product {said}")


def test_a_document_of_another_shape_is_refused_with_its_field() -> None:
    for document, said in (
        ([1], "the document: [1] is not an object"),
        ({"produkts": []}, "produkts: unknown field; did you mean 'products'?"),
        ({"promotions": []}, "products: is missing"),
        ({"products": {}, "promotions": []}, "products: {} is not a list"),
        ({"products": [], "promotions": [], "currency": "XXQ"}, "currency: 'XXQ' is no currency of ISO 4217"),
    ):
        with pytest.raises(DraftInvalid) as caught:
            check_draft(document, NOW)
        assert str(caught.value).startswith(said)
    [finding] = check_draft({"products": [5], "promotions": []}, NOW)
    assert (finding.rule, finding.field, finding.promotions) == ("product", "product #1: product", ())


@pytest.mark.parametrize(
    ("fields", "opens"),
    [
        ({}, "2026-03-02T12:00-05:00"),
        ({"valid_to": "2026-03-02"}, "2026-03-02T12:00-05:00"),
        ({"valid_to": "2026-03-01"}, None),
        ({"valid_from": "2026-03-09"}, "2026-03-09T00:00-04:00"),
        ({"valid_from": "2026-03-09T00:00Z"}, "2026-03-08T20:00-04:00"),
        ({"schedule": {"from": "09:00"}}, "2026-03-02T12:00-05:00"),
        ({"schedule": {"to": "10:00"}}, "2026-03-03T00:00-05:00"),
        ({"schedule": {"weekdays": [1], "to": "10:00"}}, "2026-03-09T00:00-04:00"),
        ({"schedule": {"weekdays": [7], "from": "17:00"}}, "2026-03-08T17:00-04:00"),
        ({"schedule": {"weekdays": [7]}, "valid_to": "2026-03-07"}, None),
    ],
)
def test_a_promotion_opens_next_on_the_stores_clock(fields: dict[str, Any], opens: str | None) -> None:
    promotion = parse_promotion({"id": "p", **TENTH, **fields}, "EUR")
    at = next_opening(promotion, NOW)
    assert (at and at.astimezone(UTC)) == (opens and datetime.fromisoformat(opens))


def test_the_file_in_the_documentation_is_one_to_copy() -> None:
    page = (Path(__file__).parents[2] / "docs" / "promotions.md").read_text()
    written = page.split("<!-- a whole file for --lint -->\n```json\n")[1].split("```")[0]
    assert check_draft(json.loads(written), NOW) == []
