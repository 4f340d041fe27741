"""Definitions: what is read, and how what does not fit is refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier.mechanic import MECHANICS, NForPrice, Percent, PointsBurn, Target, Tiered
from panier.promotion import PromotionInvalid, Schedule, parse_promotion
from panier.till import compile_definitions

PERCENT: dict[str, Any] = {"id": "p", "kind": "percent", "percent": "10"}
GROUP: dict[str, Any] = {"id": "p", "kind": "per_complete_group", "group_size": 2}
BUY: dict[str, Any] = {
    "id": "p", "kind": "buy_x_get_y",
    "buy": {"target": {"all": True}, "qty": 1}, "get": {"target": {"all": True}, "qty": 1},
}  # fmt: skip


def test_amounts_become_minor_units_and_percentages_stay_exact() -> None:
    assert parse_promotion({"id": "p", "kind": "n_for_price", "n": 3, "price": "5.5"}, "EUR").mechanic == NForPrice(3, 550)
    assert parse_promotion({"id": "p", "kind": "n_for_price", "n": 3, "price": 5}, "JPY").mechanic == NForPrice(3, 5)
    mechanic = parse_promotion(PERCENT | {"percent": "33.333333"}, "EUR").mechanic
    assert isinstance(mechanic, Percent)
    assert mechanic.percent == 33_333_333
    burn = parse_promotion({"id": "p", "kind": "points_burn", "value_per_point": "0.005"}, "EUR").mechanic
    assert burn == PointsBurn(Fraction(1, 2), 1)
    assert parse_promotion(PERCENT | {"percent": Decimal("12.5")}, "EUR").mechanic != mechanic


def test_steps_are_kept_highest_first() -> None:
    mechanic = parse_promotion({"id": "p", "kind": "tiered_amount", "tiers": {"9": "1", "100": "20"}}, "EUR").mechanic
    assert isinstance(mechanic, Tiered)
    assert mechanic.tiers == ((10000, 2000), (900, 100))


def test_a_promotion_goes_by_the_name_it_is_given_else_by_its_own() -> None:
    own = parse_promotion(PERCENT | {"title": "Ten off", "note": "for the autumn"}, "EUR")
    assert (own.id, own.title) == ("p", "Ten off")
    named = parse_promotion(PERCENT | {"title": "Ten off"}, "EUR", name="campaign-1", title="For you")
    assert (named.id, named.title) == ("campaign-1", "For you")
    assert parse_promotion(PERCENT, "EUR").title == "p"


def test_a_target_may_name_all_lines_and_a_schedule_some_hours() -> None:
    promotion = parse_promotion(
        PERCENT | {"target": {"all": True, "price_min": "1"}, "schedule": {"weekdays": [6, 7], "from": "09:30"}}, "EUR"
    )
    assert promotion.target == Target(price_min=100)
    assert promotion.schedule == Schedule(frozenset({6, 7}), 570, 1440)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "percent", "percent": "10"}, "id", "is missing"),
    ({"id": "p"}, "kind", "is missing"),
    ({"id": "p", "kind": "persent"}, "kind", "'persent' is unknown; did you mean 'percent'?"),
    ({"id": "p", "kind": "xyzzy"}, "kind", "'xyzzy' is unknown; known are amount, amount_per_line, "),
    ({"id": "p", "kind": 7}, "kind", "7 is not a text"),
    (PERCENT | {"id": "x" * 65}, "id", "is 65 characters long; the most is 64"),
    (PERCENT | {"format": 2}, "format", "2 is newer than 1, the newest that this version reads; update Panier"),
    (PERCENT | {"precent": "5"}, "precent", "unknown field; did you mean 'percent'?"),
    (PERCENT | {"amount": "5"}, "amount", "unknown field"),
    ({"id": "p", "kind": "percent"}, "percent", "is missing"),
    (PERCENT | {"percent": "100.1"}, "percent", "100.1 is more than 100 %"),
    (PERCENT | {"percent": "-1"}, "percent", "-1 is negative"),
    (PERCENT | {"percent": "1.1234567"}, "percent", "1.1234567 has more than six decimals"),
    (PERCENT | {"percent": "ten"}, "percent", "'ten' is not a number; write it like"),
    (PERCENT | {"percent": "NaN"}, "percent", "'NaN' is not a number"),
    (PERCENT | {"percent": 12.5}, "percent", "12.5 is not a number; write it as text"),
    (PERCENT | {"percent": True}, "percent", "true is not a number"),
    (PERCENT | {"base": "gross"}, "base", "'gross' is unknown; known are original, running"),
    (PERCENT | {"unit_order": "cheepest"}, "unit_order", "'cheepest' is unknown; did you mean 'cheapest'?"),
    (PERCENT | {"max_units": 0}, "max_units", "0 is not a whole number of at least 1"),
    (PERCENT | {"max_units": True}, "max_units", "true is not a whole number"),
    (PERCENT | {"priority": "high"}, "priority", "'high' is not a whole number"),
    (PERCENT | {"exclusive": "yes"}, "exclusive", "'yes' is neither true nor false"),
    (PERCENT | {"layer": "shelf"}, "layer", "'shelf' is unknown"),
    (PERCENT | {"target": {}}, "target", 'names no lines; write {"all": true} for all of them'),
    (PERCENT | {"target": []}, "target", "[] is not an object"),
    (PERCENT | {"target": {"all": False}}, "target.all", "can only be true"),
    (PERCENT | {"target": {"all": True, "skus": ["a"]}}, "target.all", "contradicts skus"),
    (PERCENT | {"percent": "1_0"}, "percent", "'1_0' is not a number; write it like"),
    (PERCENT | {"percent": "\u0661"}, "percent", "'\u0661' is not a number; write it like"),
    (PERCENT | {"priority": "1_0"}, "priority", "'1_0' is not a whole number"),
    (PERCENT | {"priority": -(10**10)}, "priority", "-10000000000 is not a whole number"),
    (PERCENT | {"max_units": Decimal("1.5")}, "max_units", "1.5 is not a whole number of at least 1"),
    (PERCENT | {"max_units": 10**50}, "max_units", f"1{'0' * 39}… (51 characters) is larger than anything in a shop"),
    (PERCENT | {"target": {"skus": []}}, "target.skus", "[] is not a list with at least one entry"),
    (PERCENT | {"target": {"skus": [7]}}, "target.skus", "7 is not a text"),
    (PERCENT | {"target": {"sku": ["a"]}}, "target.sku", "unknown field; did you mean 'skus'?"),
    (PERCENT | {"target": {"price_min": "2", "price_max": "1"}}, "target.price_max", "is below price_min"),
    (PERCENT | {"when": {"min_amount": "1.001"}}, "when.min_amount", "'1.001' has more than the 2 decimals that EUR has"),
    (PERCENT | {"when": {"target": {"all": True}}}, "when.target", "counts towards neither min_qty nor min_amount; to ask"),
    (PERCENT | {"when": {"contains": {"categories": "tea"}}}, "when.contains.categories", "'tea' is not a list"),
    (PERCENT | {"valid_from": "2026-13-01"}, "valid_from", "'2026-13-01' is not a time; write it like"),
    (PERCENT | {"valid_to": "9999-12-31"}, "valid_to", "'9999-12-31' is not a time"),
    (PERCENT | {"valid_from": "2026-03-02", "valid_to": "2026-03-01"}, "valid_to", "the window ends at 2026-03-01, before"),
    (PERCENT | {"schedule": {"weekdays": [0]}}, "schedule.weekdays", "[0] are not days of the week; Monday is 1 and Sunday 7"),
    (PERCENT | {"schedule": {"weekdays": [[1]]}}, "schedule.weekdays", "[[1]] are not days of the week"),
    (PERCENT | {"schedule": {"from": "5 pm"}}, "schedule.from", "'5 pm' is not a time of day; write it like 17:00"),
    (PERCENT | {"schedule": {"to": "24:01"}}, "schedule.to", "'24:01' is not a time of day"),
    (PERCENT | {"schedule": {"from": "19:00", "to": "17:00"}}, "schedule.to", "is not after `from`"),
    (PERCENT | {"usage_used": 1}, "usage_used", "counts towards no usage_limit"),
    (PERCENT | {"budget": {"limit": "1"}}, "budget.type", "is missing"),
    (PERCENT | {"budget": {"type": "money", "limit": "1"}}, "budget.type", "'money' is unknown"),
    (PERCENT | {"budget": {"type": "usage", "limit": "1.5"}}, "budget.limit", "'1.5' is not a whole number"),
    (PERCENT | {"budget": {"type": "spend", "limit": "1", "policy": "cap"}}, "budget.policy", "'cap' is unknown"),
    ({"id": "p", "kind": "amount", "amount": "1e12"}, "amount", "1e12 is larger or finer than anything in a shop"),
    (PERCENT | {"percent": "0." + "9" * 99}, "percent", f"0.{'9' * 38}… (101 characters) is larger or finer"),
    ({"id": "p", "kind": "tiered_percent", "tiers": {"x": "5"}}, "tiers.x", "'x' is not a number"),
    ({"id": "p", "kind": "tiered_percent", "tiers": {"5": "5", "5.0": "6"}}, "tiers", "two steps begin at 5.0"),
    (GROUP, "amount", "a group needs exactly one of amount, percent and base_percent; none is given"),
    (GROUP | {"amount": "1", "percent": "5"}, "amount", "a group needs exactly one of amount, percent and base_percent; amount "),
    (GROUP | {"percent": "5", "tiers": {"5": "5"}}, "tiers", "go with base_percent, not with percent"),
    (BUY | {"get": {"target": {"all": True}, "qty": 1, "pct": "5"}}, "get.pct", "unknown field"),
    (BUY | {"buy": {"qty": 1}}, "buy.target", "is missing"),
    ({"id": "p", "kind": "free_gift", "gift": {"sku": "g"}}, "gift.unit_price", "is missing"),
    ({"id": "p", "kind": "points_earn", "points_per_currency": "0"}, "points_per_currency", "must be above 0"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("definition", "field", "reason"), REFUSED, ids=[f"{field}: {reason[:30]}" for _, field, reason in REFUSED]
)
def test_what_does_not_fit_is_refused_with_promotion_field_and_reason(
    definition: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(PromotionInvalid) as caught:
        parse_promotion(definition, "EUR")
    error = caught.value
    assert error.field == field
    assert error.reason.startswith(reason)
    assert str(error) == f"promotion {definition.get('id', '(without id)')}: {field}: {error.reason}"


LEAVES = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        10**30,
        "",
        "-0",
        "1e999999",
        "NaN",
        "Infinity",
        "½",
        "٣",
        "12.40",
        "2026-02-30",
        "\ud800",
        "x" * 500,
        "\0",
    ]
)
ANYTHING = (
    LEAVES | st.floats() | st.lists(LEAVES, max_size=3) | st.dictionaries(st.sampled_from(["all", "skus", "qty", "1e5"]), LEAVES)
)
FIELDS = [
    "id", "title", "format", "note", "target", "when", "priority", "exclusive", "exclusive_group", "layer", "only_undiscounted",
    "max_applications", "valid_from", "valid_to", "schedule", "coupon", "segment", "nth_order", "per_member_limit", "usage_limit",
    "usage_used", "budget", "percent", "base", "max_units", "max_units_per_line", "unit_order", "amount", "max_discount", "n",
    "price", "group_size", "base_percent", "base_amount", "tiers", "tier_basis", "first", "additional", "buy", "get", "gift",
    "per", "points_per_currency", "basis", "value_per_point", "multiple_of", "nonsense",
]  # fmt: skip


@given(st.sampled_from(sorted(MECHANICS)), st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=4))
def test_whatever_a_definition_holds_it_is_read_or_refused_with_a_field(kind: str, fields: dict[str, Any]) -> None:
    shelf, refused = compile_definitions({"p": {"kind": kind, **fields}, "q": PERCENT}, "EUR")
    assert len(shelf) == 2 - len(refused)
    for error in refused:
        assert error.promotion == "p"
        assert error.field.partition(".")[0] in {*fields, "kind", *FIELDS}
        assert 0 < len(error.reason) <= 400


@pytest.mark.parametrize("field", [name for name in FIELDS if name not in ("note", "id")])
def test_a_field_of_the_wrong_kind_is_named_however_deep_it_is_nested(field: str) -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    kinds = [kind for kind in sorted(MECHANICS) if _refused(kind, field, deep)]
    assert kinds == sorted(MECHANICS)


def _refused(kind: str, field: str, value: Any) -> bool:
    try:
        parse_promotion({"id": "p", "kind": kind, field: value}, "EUR")
    except PromotionInvalid as error:
        return bool(error.field)
    return False


def test_a_window_of_two_clocks_is_refused_only_where_it_ends_too_early_in_every_store() -> None:
    morning = {"valid_from": "2026-03-02T09:00:00-05:00", "valid_to": "2026-03-02T10:00:00"}
    parse_promotion(PERCENT | morning, "EUR")
    with pytest.raises(PromotionInvalid, match="before it starts"):
        parse_promotion(PERCENT | morning | {"valid_to": "2026-03-01T10:00:00"}, "EUR")
