"""What each kind of promotion, each common field and each setting means, in baskets small enough to reckon by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from panier.case import CaseInvalid, price_case

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
VECTORS = json.loads((Path(__file__).parent / "vectors" / "promotions.json").read_text("utf-8"))
ALL = {"all": True}


def line(sku: str, unit_price: str, qty: int = 1, category: str = "", **more: str) -> dict[str, Any]:
    return {"sku": sku, "unit_price": unit_price, "qty": qty, "category": category, **more}


def priced(lines: list[dict[str, Any]], *promotions: dict[str, Any], **case: Any) -> dict[str, Any]:
    return price_case({"id": "case", "lines": lines, "promotions": list(promotions), **case}, NOW)


def off(result: dict[str, Any]) -> dict[str, str]:
    """What came off each line, for lines that something came off."""
    return {sku: amount for sku, amount in result["line_discounts"].items() if Decimal(amount)}


@pytest.mark.parametrize("case", VECTORS, ids=[case["id"] for case in VECTORS])
def test_the_engine_agrees_with_the_test_suites_of_eight_public_engines(case: dict[str, Any]) -> None:
    result = price_case({key: value for key, value in case.items() if key != "expect"}, NOW)
    expect = case["expect"]
    for name, want in expect.items():
        if name == "line_discounts":
            assert {sku: result["line_discounts"][sku] for sku in want} == want
        else:
            assert result[name] == want, name


AB = [line("a", "10.00", 2), line("b", "4.00", 3)]

KINDS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("percent of each line", {"kind": "percent", "percent": "12.5"}, {"a": "2.50", "b": "1.50"}),
    ("percent of the cheapest units", {"kind": "percent", "percent": "50", "max_units": 4}, {"a": "5.00", "b": "6.00"}),
    ("percent of the dearest units", {"kind": "percent", "percent": "50", "max_units": 3, "unit_order": "dearest_first"},
     {"a": "10.00", "b": "2.00"}),
    ("percent of some units a line", {"kind": "percent", "percent": "50", "max_units_per_line": 1}, {"a": "5.00", "b": "2.00"}),
    ("percent of some units a line and in all", {"kind": "percent", "percent": "50", "max_units_per_line": 2, "max_units": 3},
     {"a": "5.00", "b": "4.00"}),
    ("amount a unit", {"kind": "amount_per_unit", "amount": "1.25"}, {"a": "2.50", "b": "3.75"}),
    ("amount a unit never exceeds the unit", {"kind": "amount_per_unit", "amount": "5.00", "max_units_per_line": 1},
     {"a": "5.00", "b": "4.00"}),
    ("amount a line", {"kind": "amount_per_line", "amount": "13.00"}, {"a": "13.00", "b": "12.00"}),
    ("amount a line within some units", {"kind": "amount_per_line", "amount": "13.00", "max_units_per_line": 1},
     {"a": "10.00", "b": "4.00"}),
    ("amount over the basket", {"kind": "amount", "amount": "8.00"}, {"a": "5.00", "b": "3.00"}),
    ("amount beyond the basket", {"kind": "amount", "amount": "99.00"}, {"a": "20.00", "b": "12.00"}),
    ("amount on the cheapest units", {"kind": "amount", "amount": "3.00", "max_units": 2}, {"b": "3.00"}),
    ("amount on units that cost less", {"kind": "amount", "amount": "9.00", "max_units": 2}, {"b": "8.00"}),
    ("amount again on further units", {"kind": "amount", "amount": "3.00", "max_units": 3, "max_applications": 9},
     {"a": "3.00", "b": "3.00"}),
    ("amount again for further units", {"kind": "amount", "amount": "2.00", "when": {"min_qty": 2}, "max_applications": 9},
     {"a": "2.50", "b": "1.50"}),
    ("amount again for further money", {"kind": "amount", "amount": "4.00", "when": {"min_amount": "15"}, "max_applications": 9},
     {"a": "5.00", "b": "3.00"}),
    ("amount never again without further units", {"kind": "amount", "amount": "8.00", "max_applications": 9},
     {"a": "5.00", "b": "3.00"}),
    ("percent of the order", {"kind": "percent_order", "percent": "25"}, {"a": "5.00", "b": "3.00"}),
    ("percent of the order, at most", {"kind": "percent_order", "percent": "25", "max_discount": "0.80"},
     {"a": "0.50", "b": "0.30"}),
    ("cheapest free", {"kind": "cheapest_free"}, {"b": "4.00"}),
    ("cheapest free needs its units", {"kind": "cheapest_free", "when": {"min_qty": 6}}, {}),
    ("cheapest free again for further units", {"kind": "cheapest_free", "when": {"min_qty": 2}, "max_applications": 9},
     {"b": "8.00"}),
    ("cheapest free as often as allowed", {"kind": "cheapest_free", "max_applications": 4}, {"a": "10.00", "b": "12.00"}),
    ("n for a price takes the cheapest", {"kind": "n_for_price", "n": 3, "price": "10.00"}, {"b": "2.00"}),
    ("n for a price over two lines", {"kind": "n_for_price", "n": 4, "price": "11.00"}, {"a": "5.00", "b": "6.00"}),
    ("n for a price, dearer", {"kind": "n_for_price", "n": 3, "price": "12.01"}, {}),
    ("n for a price, too few", {"kind": "n_for_price", "n": 6, "price": "1.00"}, {}),
    ("n for a price again", {"kind": "n_for_price", "n": 2, "price": "6.00", "max_applications": 9},
     {"a": "5.71", "b": "4.29"}),
    ("amount in whole groups, in line order", {"kind": "per_complete_group", "group_size": 3, "amount": "1.00"},
     {"a": "2.00", "b": "1.00"}),
    ("percent in whole groups", {"kind": "per_complete_group", "group_size": 2, "percent": "50"}, {"a": "10.00", "b": "4.00"}),
    ("percent in so many groups", {"kind": "per_complete_group", "group_size": 2, "percent": "50", "max_applications": 1},
     {"a": "10.00"}),
    ("no whole group", {"kind": "per_complete_group", "group_size": 6, "percent": "50"}, {}),
    ("groups below a step", {"kind": "per_complete_group", "group_size": 5, "base_percent": "10", "tiers": {"32.01": "50"}},
     {"a": "2.00", "b": "1.20"}),
    ("groups on a step", {"kind": "per_complete_group", "group_size": 5, "base_percent": "10", "tiers": {"32": "50"}},
     {"a": "10.00", "b": "6.00"}),
    ("tiered percent by amount", {"kind": "tiered_percent", "tiers": {"30": "10", "40": "20"}}, {"a": "2.00", "b": "1.20"}),
    ("tiered percent by quantity", {"kind": "tiered_percent", "base_percent": "1", "tiers": {"5": "5"}, "tier_basis": "qty"},
     {"a": "1.00", "b": "0.60"}),
    ("tiered percent below its first step", {"kind": "tiered_percent", "tiers": {"40": "20"}}, {}),
    ("tiered amount", {"kind": "tiered_amount", "base_amount": "1.60", "tiers": {"32": "3.20"}}, {"a": "2.00", "b": "1.20"}),
    ("tiered amount by quantity", {"kind": "tiered_amount", "base_amount": "1.60", "tiers": {"6": "9"}, "tier_basis": "qty"},
     {"a": "1.00", "b": "0.60"}),
    ("first and additional", {"kind": "first_additional", "first": "1.00", "additional": "2.00"}, {"a": "3.00", "b": "5.00"}),
    ("first and additional, so many", {"kind": "first_additional", "first": "1.00", "additional": "2.00", "max_units": 2},
     {"a": "3.00", "b": "3.00"}),
    ("first and additional never exceed a unit", {"kind": "first_additional", "first": "5.00", "additional": "6.00"},
     {"a": "11.00", "b": "12.00"}),
    ("buy a, get b", {"kind": "buy_x_get_y", "buy": {"target": {"skus": ["a"]}, "qty": 2},
                      "get": {"target": {"skus": ["b"]}, "qty": 1}}, {"b": "4.00"}),
    ("buy a, get b in part", {"kind": "buy_x_get_y", "buy": {"target": {"skus": ["a"]}, "qty": 2},
                              "get": {"target": {"skus": ["b"]}, "qty": 9, "percent": "50"}}, {"b": "6.00"}),
    ("buy a, get b, all or nothing", {"kind": "buy_x_get_y", "buy": {"target": {"skus": ["a"]}, "qty": 2},
                                      "get": {"target": {"skus": ["b"]}, "qty": 9, "all_or_nothing": True}}, {}),
    ("dearest buy, cheapest are got", {"kind": "buy_x_get_y", "buy": {"target": ALL, "qty": 1},
                                       "get": {"target": ALL, "qty": 1, "pick": "cheapest"}}, {"b": "4.00"}),
    ("dearest buy, then the dearest are got", {"kind": "buy_x_get_y", "max_applications": 9, "buy": {"target": ALL, "qty": 1},
                                               "get": {"target": ALL, "qty": 1}}, {"a": "10.00", "b": "4.00"}),
    ("too few to buy", {"kind": "buy_x_get_y", "buy": {"target": ALL, "qty": 6}, "get": {"target": ALL, "qty": 1}}, {}),
    ("none to get", {"kind": "buy_x_get_y", "buy": {"target": ALL, "qty": 1}, "get": {"target": {"skus": ["c"]}, "qty": 1}}, {}),
    ("a gift is free", {"kind": "free_gift", "gift": {"sku": "g", "unit_price": "2"}, "per": {"skus": ["b"], "qty": 2}},
     {"g": "2.00"}),
    ("a gift for each", {"kind": "free_gift", "gift": {"sku": "g", "unit_price": "2.00"}, "per": {"qty": 2}}, {"g": "4.00"}),
    ("a gift for each, so many", {"kind": "free_gift", "gift": {"sku": "g", "unit_price": "2.00"}, "per": {"qty": 1},
                                  "max_applications": 3}, {"g": "6.00"}),
    ("a gift a basket", {"kind": "free_gift", "gift": {"sku": "g", "unit_price": "2.00"}}, {"g": "2.00"}),
    ("a gift for units that are not there", {"kind": "free_gift", "target": {"skus": ["c"]},
                                             "gift": {"sku": "g", "unit_price": "2.00"}, "per": {"qty": 1}}, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("promotion", "want"), [(promotion, want) for _, promotion, want in KINDS], ids=[name for name, *_ in KINDS]
)
def test_each_kind_takes_off_what_it_says(promotion: dict[str, Any], want: dict[str, str]) -> None:
    result = priced(AB, promotion)
    assert off(result) == want
    assert Decimal(result["discount"]) == sum(map(Decimal, want.values()))


CD = [line("c", "6.00", 1, "drink"), line("d", "3.00", 2, "food")]

FIELDS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, str]]] = [
    ("a target of SKUs", {"target": {"skus": ["c", "x"]}}, {}, {"c": "0.60"}),
    ("a target of categories", {"target": {"categories": ["food"]}}, {}, {"d": "0.60"}),
    ("SKUs and categories must both hold", {"target": {"skus": ["c"], "categories": ["food"]}}, {}, {}),
    ("a target from a price", {"target": {"price_min": "6.00"}}, {}, {"c": "0.60"}),
    ("a target up to a price", {"target": {"price_max": "5.99"}}, {}, {"d": "0.60"}),
    ("units are reached", {"when": {"min_qty": 3}}, {}, {"c": "0.60", "d": "0.60"}),
    ("units are missing", {"when": {"min_qty": 4}}, {}, {}),
    ("units of another target", {"when": {"min_qty": 2, "target": {"skus": ["c"]}}}, {}, {}),
    ("money is reached", {"when": {"min_amount": "12.00"}}, {}, {"c": "0.60", "d": "0.60"}),
    ("money is missing", {"when": {"min_amount": "12.01"}}, {}, {}),
    ("something is with it", {"when": {"contains": {"skus": ["d"]}}, "target": {"skus": ["c"]}}, {}, {"c": "0.60"}),
    ("something is not with it", {"when": {"contains": {"skus": ["x"]}}}, {}, {}),
    ("a coupon is shown", {"coupon": "TEN"}, {"coupons": ["TEN", "X"]}, {"c": "0.60", "d": "0.60"}),
    ("a coupon is not shown", {"coupon": "TEN"}, {"coupons": []}, {}),
    ("a coupon on one product is not shown", {"coupon": "TEN", "target": {"skus": ["c"]}}, {}, {}),
    ("a coupon for a segment", {"coupon": "TEN", "segment": "s"}, {"coupons": ["TEN"], "member": {}}, {}),
    ("a segment", {"segment": "s"}, {"member": {"segments": ["s", "t"]}}, {"c": "0.60", "d": "0.60"}),
    ("not the segment", {"segment": "s"}, {"member": {"segments": ["t"]}}, {}),
    ("a segment's product, as a guest", {"segment": "s", "target": {"skus": ["c"]}}, {}, {}),
    ("uses are left", {"usage_limit": 2, "usage_used": 1}, {}, {"c": "0.60", "d": "0.60"}),
    ("no use is left", {"usage_limit": 1, "usage_used": 1}, {}, {}),
    ("never used", {"usage_limit": 1}, {}, {"c": "0.60", "d": "0.60"}),
    ("the member's uses are left", {"coupon": "TEN", "per_member_limit": 2}, {"coupons": ["TEN"], "member": {"uses": {"TEN": 1}}},
     {"c": "0.60", "d": "0.60"}),
    ("the member's uses are gone", {"coupon": "TEN", "per_member_limit": 1}, {"coupons": ["TEN"], "member": {"uses": {"TEN": 1}}},
     {}),
    ("uses count by id without a coupon", {"id": "p", "per_member_limit": 1}, {"member": {"uses": {"p": 1}}}, {}),
    ("the nth order", {"nth_order": 3}, {"member": {"prior_orders": 2}}, {"c": "0.60", "d": "0.60"}),
    ("not the nth order", {"nth_order": 3}, {"member": {"prior_orders": 3}}, {}),
    ("a member's first order", {"nth_order": 1}, {"member": {}}, {"c": "0.60", "d": "0.60"}),
    ("a guest has no first order", {"nth_order": 1}, {}, {}),
    ("a budget of uses", {"budget": {"type": "usage", "limit": "2", "used": "1"}}, {}, {"c": "0.60", "d": "0.60"}),
    ("a spent budget", {"budget": {"type": "spend", "limit": "5.00", "used": "5.00"}}, {}, {}),
    ("a budget that bears it", {"budget": {"type": "spend", "limit": "5.00", "used": "3.80"}}, {}, {"c": "0.60", "d": "0.60"}),
    ("a budget that does not bear it", {"budget": {"type": "spend", "limit": "1.19", "policy": "refuse_whole"}}, {}, {}),
    ("not yet", {"valid_from": "2026-03-02T12:00:01Z"}, {}, {}),
    ("from now", {"valid_from": "2026-03-02T12:00:00Z"}, {}, {"c": "0.60", "d": "0.60"}),
    ("until now", {"valid_to": "2026-03-02T12:00:00+00:00"}, {}, {"c": "0.60", "d": "0.60"}),
    ("no more", {"valid_to": "2026-03-02T12:59:59+01:00"}, {}, {}),
    ("to the end of the day", {"valid_from": "2026-03-02", "valid_to": "2026-03-02"}, {"now": "2026-03-02T23:59:59.999"},
     {"c": "0.60", "d": "0.60"}),
    ("the next day", {"valid_to": "2026-03-02"}, {"now": "2026-03-03T00:00:00"}, {}),
    ("the hour", {"schedule": {"weekdays": [1], "from": "12:00", "to": "13:00"}}, {}, {"c": "0.60", "d": "0.60"}),
    ("the hour is over", {"schedule": {"from": "11:00", "to": "12:00"}}, {}, {}),
    ("another day", {"schedule": {"weekdays": [2, 3], "to": "24:00"}}, {}, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "case", "want"), [entry[1:] for entry in FIELDS], ids=[entry[0] for entry in FIELDS]
)  # fmt: skip
def test_each_common_field_opens_or_shuts(fields: dict[str, Any], case: dict[str, Any], want: dict[str, str]) -> None:
    assert off(priced(CD, {"kind": "percent", "percent": "10", **fields}, **case)) == want


def test_without_a_time_no_window_is_open() -> None:
    from panier.pricing import BasketLine, Shopper, compile_promotions, price
    from panier.promotion import parse_promotion

    promotion = parse_promotion({"kind": "cheapest_free", "valid_from": "2000-01-01"}, "EUR", name="p")
    assert price([BasketLine("a", 100)], compile_promotions([promotion], currency="EUR"), Shopper()).discount == 0


TEN = {"kind": "percent", "percent": "10"}
HALF = {"kind": "percent", "percent": "50"}


def test_promotions_act_by_priority_and_each_sees_what_the_one_before_left() -> None:
    fixed = {"kind": "amount", "amount": "10.00", "priority": -1}
    assert priced([line("a", "100.00")], fixed, HALF)["discount"] == "60.00"
    assert priced([line("a", "100.00")], fixed | {"priority": 1}, HALF)["discount"] == "55.00"
    assert priced([line("a", "100.00")], HALF, fixed | {"priority": 0})["discount"] == "60.00"


def test_percent_of_the_original_price_ignores_what_came_before() -> None:
    assert priced([line("a", "10.00")], HALF, TEN | {"base": "original"})["discount"] == "6.00"
    assert priced([line("a", "10.00")], HALF, TEN, settings={"percent_base": "original"})["discount"] == "6.00"
    assert (
        priced([line("a", "10.00")], HALF, TEN | {"base": "running"}, settings={"percent_base": "original"})["discount"] == "5.50"
    )
    order = {"kind": "percent_order", "percent": "60", "base": "original"}
    assert priced([line("a", "10.00")], HALF, order)["discount"] == "10.00"
    tiered = {"kind": "tiered_percent", "base_percent": "10", "tiers": {}}
    assert priced([line("a", "10.00")], HALF, tiered, settings={"percent_base": "original"})["discount"] == "6.00"
    some = TEN | {"base": "original", "max_units": 1}
    assert priced([line("a", "10.00", 2)], HALF, some)["discount"] == "11.00"


def test_a_threshold_counts_what_is_still_to_pay_unless_it_says_original() -> None:
    later = {"kind": "amount", "amount": "1.00", "when": {"min_amount": "10.00"}}
    assert priced([line("a", "10.00")], TEN, later)["discount"] == "1.00"
    later["when"] = {"min_amount": "10.00", "basis": "original"}
    assert priced([line("a", "10.00")], TEN, later)["discount"] == "2.00"
    assert priced([line("a", "10.00", 2)], HALF, later | {"max_applications": 5})["discount"] == "12.00"


def test_an_exclusive_promotion_shuts_out_all_others_but_not_shelf_prices() -> None:
    exclusive = {"kind": "amount", "amount": "1.00", "exclusive": True, "priority": -5}
    assert priced([line("a", "10.00")], HALF, exclusive, exclusive | {"amount": "2.00", "priority": -4})["discount"] == "2.00"
    assert priced([line("a", "10.00")], HALF, exclusive | {"when": {"min_qty": 2}})["discount"] == "5.00"
    assert priced([line("a", "10.00")], HALF | {"layer": "catalogue"}, exclusive)["discount"] == "6.00"


def test_the_first_of_an_exclusive_group_that_applies_shuts_out_the_rest() -> None:
    grouped = TEN | {"exclusive_group": "g"}
    assert priced([line("a", "10.00")], grouped | {"when": {"min_qty": 2}}, grouped, grouped)["discount"] == "1.00"
    assert priced([line("a", "10.00")], grouped, TEN | {"exclusive_group": "h"})["discount"] == "1.90"


def test_shelf_prices_come_first_and_only_undiscounted_lines_follow() -> None:
    shelf = TEN | {"layer": "catalogue", "target": {"skus": ["a"]}, "priority": -9}
    lines = [line("a", "10.00"), line("b", "10.00", 2)]
    assert off(priced(lines, HALF | {"only_undiscounted": True}, shelf)) == {"a": "1.00", "b": "10.00"}
    gets = {"kind": "buy_x_get_y", "buy": {"target": ALL, "qty": 1}, "get": {"target": ALL, "qty": 1}, "only_undiscounted": True}
    assert off(priced(lines, gets, shelf)) == {"a": "1.00", "b": "10.00"}
    assert off(priced([line("a", "10.00")], {"kind": "points_burn", "value_per_point": "1", "only_undiscounted": True}, shelf,
                      member={"points": 5})) == {"a": "1.00"}  # fmt: skip


def test_a_floor_holds_and_what_it_takes_from_a_spread_amount_goes_to_the_others() -> None:
    lines = [line("a", "10.00", min_price="9.50"), line("b", "10.00")]
    assert off(priced(lines, HALF)) == {"a": "0.50", "b": "5.00"}
    assert off(priced(lines, {"kind": "percent_order", "percent": "50"})) == {"a": "0.50", "b": "9.50"}
    assert off(priced(lines, {"kind": "percent_order", "percent": "80"})) == {"a": "0.50", "b": "10.00"}
    assert off(priced(lines, {"kind": "n_for_price", "n": 2, "price": "12.00"})) == {"a": "0.50", "b": "7.50"}
    assert off(priced([line("a", "3.00", min_price="5.00")], HALF)) == {}
    first_off = {"kind": "first_additional", "first": "3.00", "additional": "3.00"}
    assert off(priced([line("a", "10.00", 2, min_price="8.00")], first_off)) == {"a": "4.00"}


def test_cents_that_do_not_divide_go_to_the_last_lines_or_to_the_first() -> None:
    lines = [line("c", "5.00"), line("a", "5.00"), line("b", "5.00")]
    one = {"kind": "amount", "amount": "1.00"}
    assert off(priced(lines, one)) == {"c": "0.33", "a": "0.33", "b": "0.34"}
    assert off(priced(lines, one, settings={"remainder": "first"})) == {"c": "0.34", "a": "0.33", "b": "0.33"}
    assert off(priced(lines, one | {"amount": "2.00"})) == {"c": "0.66", "a": "0.67", "b": "0.67"}


def test_percentages_are_rounded_a_line_or_once_for_the_order() -> None:
    lines = [line("a", "0.33"), line("b", "0.33"), line("c", "0.35")]
    assert off(priced(lines, TEN)) == {"a": "0.03", "b": "0.03", "c": "0.04"}
    assert off(priced(lines, TEN, settings={"rounding": "down"})) == {"a": "0.03", "b": "0.03", "c": "0.03"}
    assert priced([line("a", "0.14"), line("b", "0.14")], TEN)["discount"] == "0.02"
    assert priced([line("a", "0.14"), line("b", "0.14")], TEN, settings={"round_at": "order"})["discount"] == "0.03"
    assert (
        priced([line("a", "0.14"), line("b", "0.15")], TEN, settings={"round_at": "order", "rounding": "down"})["discount"]
        == "0.02"
    )
    some = TEN | {"max_units_per_line": 1}
    assert priced([line("a", "0.14", 2), line("b", "0.14", 3)], some, settings={"round_at": "order"})["discount"] == "0.03"
    group = {"kind": "per_complete_group", "group_size": 1, "percent": "10", "max_applications": 1}
    assert off(priced([line("a", "0.14"), line("b", "9.00")], group, settings={"round_at": "order"})) == {"a": "0.01"}
    gets = {"kind": "buy_x_get_y", "buy": {"target": ALL, "qty": 1}, "get": {"target": ALL, "qty": 1, "percent": "0"}}
    assert off(priced([line("a", "0.14", 2)], gets, settings={"round_at": "order"})) == {}


def test_units_that_one_purchase_used_are_not_used_by_the_next() -> None:
    gets = {"kind": "buy_x_get_y", "buy": {"target": ALL, "qty": 1}, "get": {"target": ALL, "qty": 1}}
    assert priced([line("a", "4.00", 4)], gets, gets)["discount"] == "8.00"
    assert priced([line("a", "4.00", 3)], gets, gets)["discount"] == "4.00"


def test_what_is_free_already_is_not_given_again_and_line_discounts_reach_all_units() -> None:
    free = {"kind": "cheapest_free"}
    assert off(priced([line("a", "4.00", 3)], free, free)) == {"a": "8.00"}
    # 4.00 of 12.00 are off; a quarter of the other 8.00 follows, then the cheapest unit that still costs something: 3.00
    assert off(priced([line("a", "4.00", 3)], free, {"kind": "percent", "percent": "25"}, free)) == {"a": "9.00"}
    assert off(priced([line("a", "4.00")], free, {"kind": "amount", "amount": "1", "max_units": 1})) == {"a": "4.00"}


def test_best_single_is_the_one_that_saves_most_and_the_first_of_equals() -> None:
    settings = {"selection": "best_single"}
    earn = {"kind": "points_earn", "points_per_currency": "1"}
    result = priced(AB, TEN, earn, HALF | {"id": "x"}, HALF | {"id": "y"}, {"kind": "cheapest_free"}, settings=settings)
    assert (result["discount"], result["applied"]) == ("16.00", ["x"])
    assert priced(AB, TEN | {"segment": "s"}, settings=settings)["discount"] == "0.00"


def test_best_basket_says_what_it_gained_over_priority_and_that_it_is_proven() -> None:
    """10 % first leaves 0.60 less for the tin at 1.00; the other way round both give all they have."""
    bundle = {"kind": "n_for_price", "n": 3, "price": "10.00", "target": {"skus": ["b"]}}
    result = priced(AB, TEN | {"priority": 1}, bundle, settings={"selection": "best_basket"})
    by_priority = priced(AB, TEN | {"priority": 1}, bundle)
    assert (by_priority["discount"], result["discount"]) == ("4.00", "5.00")
    assert (result["gained"], result["proven"], result["applied"]) == ("1.00", True, ["#2", "#1"])


def test_points_are_earned_on_what_is_paid_in_the_end_whenever_the_promotion_had_its_turn() -> None:
    earn = {"kind": "points_earn", "points_per_currency": "0.5", "priority": 9}
    result = priced([line("a", "19.99")], earn, TEN)
    assert (result["points_earned"], result["applied"]) == (8, ["#2", "#1"])
    assert priced([line("a", "19.99")], earn | {"basis": "before_discount"}, TEN)["points_earned"] == 9
    assert priced([line("a", "19.99")], earn | {"when": {"min_qty": 2}})["points_earned"] == 0
    assert priced([line("a", "19.99")], earn | {"exclusive_group": "g"}, TEN | {"exclusive_group": "g"})["discount"] == "0.00"


def test_points_are_burned_in_whole_multiples_and_only_for_money() -> None:
    burn = {"kind": "points_burn", "value_per_point": "0.015", "multiple_of": 100}
    lines = [line("a", "4.00")]
    result = priced(lines, burn, member={"points": 250})
    assert (result["discount"], result["points_burned"]) == ("3.00", 200)
    result = priced(lines, burn, member={"points": 999})
    assert (result["discount"], result["points_burned"]) == ("3.00", 200)
    result = priced(lines, burn | {"multiple_of": 10}, burn, member={"points": 110})
    assert (result["discount"], result["points_burned"]) == ("1.65", 110)
    assert priced(lines, burn)["points_burned"] == 0


def test_tax_is_added_to_the_reduced_line_half_up() -> None:
    result = priced([line("a", "1.00", tax_rate="5.5"), line("b", "2.00", tax_rate="20"), line("c", "3.00")], HALF)
    assert (result["tax"], result["discount"], result["total"]) == ("0.23", "3.00", "3.23")
    assert "tax" not in priced(AB)


def test_gifts_count_as_free_units_and_lines_of_one_sku_are_summed() -> None:
    gift = {"kind": "free_gift", "gift": {"sku": "a", "unit_price": "10.00"}}
    result = priced(AB, gift, gift, HALF)
    assert result["free_units"] == {"a": 2}
    assert (result["line_discounts"]["a"], result["total"]) == ("30.00", "16.00")


def test_another_currency_has_its_own_minor_units() -> None:
    result = priced([line("a", "110", 3)], TEN, currency="JPY")
    assert (result["discount"], result["total"]) == ("33", "297")


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"lines": [{"sku": "a", "unit_price": "1.00", "cuantity": 2}]}, "case c: lines[0].cuantity: unknown field"),
        ({"lines": [{"sku": "a", "unit_price": "-1.00"}]}, "case c: lines[0].unit_price: -1.00 is negative"),
        (
            {"lines": [{"sku": "a", "unit_price": "1.00", "qty": -1}]},
            "case c: lines[0].qty: -1 is not a whole number of at least 0",
        ),
        ({"lines": {}}, "case c: lines: {} is not a list"),
        ({"lines": [7]}, "case c: lines[0]: 7 is not an object"),
        ({"settings": {"rounding": "up"}}, "case c: settings.rounding: 'up' is unknown"),
        ({"settings": {"round": "down"}}, "case c: settings.round: unknown field; did you mean 'rounding'?"),
        ({"now": "noon"}, "case c: now: 'noon' is not a time"),
        ({"cupons": []}, "case c: cupons: unknown field; did you mean 'coupons'?"),
        ({"member": {"points": "many"}}, "case c: member.points: 'many' is not a whole number"),
    ],
)
def test_a_case_that_does_not_fit_is_refused_with_the_field_and_the_reason(case: dict[str, Any], message: str) -> None:
    with pytest.raises(CaseInvalid) as caught:
        price_case({"id": "c", "lines": [], "promotions": [], **case}, NOW)
    assert str(caught.value).startswith(message)


def test_a_broken_promotion_in_a_case_is_named_and_the_others_are_priced() -> None:
    cup = {"kind": "free_gift", "gift": {"sku": "a", "unit_price": "1"}, "per": {"skus": ["a"]}}
    result = priced(AB, TEN, {"kind": "percent", "percent": "101"}, {"id": "cup", **cup})
    assert off(result) == off(priced(AB, TEN))
    assert result["refused"] == [
        {"promotion": "#2", "field": "percent", "reason": "101 is more than 100 %"},
        {"promotion": "cup", "field": "gift.sku", "reason": "a earns itself as a gift, again and again"},
    ]
    assert "refused" not in priced(AB, TEN)
