"""What promotions mean beyond the peers' own cases: boundaries, several lines and several promotions, each reckoned by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from panier.case import CaseInvalid, price_case

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ALL = {"all": True}
Json = dict[str, Any]


def line(sku: str, unit_price: str, qty: int = 1, **more: str) -> Json:
    return {"sku": sku, "unit_price": unit_price, "qty": qty, **more}


def a(kind: str, **fields: Any) -> Json:
    return {"kind": kind, **fields}


def buy(units: int, get: int, *, times: int = 1, **got: Any) -> Json:
    return a("buy_x_get_y", buy={"target": ALL, "qty": units}, get={"target": ALL, "qty": get, **got}, max_applications=times)


GIFT = {"sku": "g", "unit_price": "4.00"}
OREGANO = [line("a", "2.37", 6), line("b", "3.28")]
FOUR = [line("a", "10.00"), line("b", "8.00"), line("c", "6.00"), line("d", "4.00")]
STEPS = a("tiered_amount", base_amount="10.00", tiers={"100": "15", "200": "20"})
GROUP = a("per_complete_group", group_size=3, base_percent="10", tiers={"20": "20", "40": "30"})
SHELF = a("percent", percent="25", target={"skus": ["a"]}, layer="catalogue")

CASES: list[tuple[str, list[Json], list[Json], Json, Json]] = [
    # -- spread amounts and floors ------------------------------------------------------------------------------------
    ("what a floor takes from a percentage of the order goes to the other line",
     [line("a", "50.00", min_price="45.00"), line("b", "50.00")], [a("percent_order", percent="20")], {},
     {"discount": "20.00", "line_discounts": {"a": "5.00", "b": "15.00"}}),
    ("what no line can deliver is not delivered",
     [line("a", "50.00", min_price="45.00")], [a("amount", amount="20.00")], {}, {"discount": "5.00", "total": "45.00"}),
    ("a floor counts for each unit of the line",
     [line("a", "10.00", 3, min_price="9.00")], [a("amount_per_line", amount="5.00")], {}, {"discount": "3.00"}),
    ("a second amount finds the first line at its floor",
     [line("a", "20.00", min_price="15.00"), line("b", "20.00")], [a("amount", amount="12.00"), a("amount", amount="6.00")], {},
     {"discount": "18.00", "line_discounts": {"a": "5.00", "b": "13.00"}}),
    ("an amount stays within its target",
     [line("a", "3.00"), line("b", "9.00")], [a("amount", amount="5.00", target={"skus": ["a"]})], {},
     {"discount": "3.00", "line_discounts": {"a": "3.00", "b": "0.00"}}),
    ("an amount on more units than there are gives what they cost",
     [line("a", "3.00", 2)], [a("amount", amount="10.00", max_units=5)], {}, {"discount": "6.00"}),
    ("0.10 in proportion is 1.43, 2.86 and 5.71 cents: the two odd cents go to the last lines",
     [line("a", "1.00"), line("b", "2.00"), line("c", "4.00")], [a("amount", amount="0.10")], {},
     {"line_discounts": {"a": "0.01", "b": "0.03", "c": "0.06"}}),
    ("or to the first ones",
     [line("a", "1.00"), line("b", "2.00"), line("c", "4.00")], [a("amount", amount="0.10")],
     {"settings": {"remainder": "first"}},
     {"line_discounts": {"a": "0.02", "b": "0.03", "c": "0.05"}}),
    # -- rounding -----------------------------------------------------------------------------------------------------
    ("0.711 and 0.164 are rounded a line at a time", OREGANO, [a("percent", percent="5")], {}, {"discount": "0.87"}),
    ("once for the order, 0.875 is rounded up", OREGANO, [a("percent", percent="5")], {"settings": {"round_at": "order"}},
     {"discount": "0.88"}),
    ("once for the order, down", OREGANO, [a("percent", percent="5")], {"settings": {"round_at": "order", "rounding": "down"}},
     {"discount": "0.87"}),
    ("a percentage of the order is 1.4985: half up", [line("a", "9.99")], [a("percent_order", percent="15")], {},
     {"discount": "1.50"}),
    ("or down", [line("a", "9.99")], [a("percent_order", percent="15")], {"settings": {"rounding": "down"}},
     {"discount": "1.49"}),
    # -- percentages of some units, and of original amounts -----------------------------------------------------------
    ("one of two units at the running 8.00",
     [line("a", "10.00", 2)], [a("amount_per_unit", amount="2.00"), a("percent", percent="50", max_units_per_line=1)], {},
     {"discount": "8.00"}),
    ("cheapest units first, as unit_order may state", [line("a", "10.00"), line("b", "4.00", 2)],
     [a("percent", percent="50", max_units=1, unit_order="price_asc")], {}, {"line_discounts": {"a": "0.00", "b": "2.00"}}),
    ("half off a unit for every three, as often as there are three more", [line("a", "4.00", 5), line("b", "3.00", 2)],
     [a("percent", percent="50", max_units=1, when={"min_qty": 3}, max_applications=9)], {}, {"line_discounts": {"b": "3.00"}}),
    ("two of three units in a group, at half price already", [line("a", "10.00", 3)],
     [a("percent", percent="50"), a("per_complete_group", group_size=2, percent="10")], {}, {"discount": "16.00"}),
    ("the same of the original amount", [line("a", "10.00", 3)],
     [a("percent", percent="50"), a("per_complete_group", group_size=2, percent="10")],
     {"settings": {"percent_base": "original"}}, {"discount": "17.00"}),
    # -- units together -----------------------------------------------------------------------------------------------
    ("3 for 10.00 twice, and the seventh at its price",
     [line("a", "4.00", 7)], [a("n_for_price", n=3, price="10.00", max_applications=9)], {}, {"discount": "4.00"}),
    ("2 for 7.00: 8.00 the cheaper pair, 10.00 the other", [line("a", "4.00", 2), line("b", "5.00", 2)],
     [a("n_for_price", n=2, price="7.00", max_applications=2)], {}, {"line_discounts": {"a": "1.00", "b": "3.00"}}),
    ("2 for 7.00 once takes the cheaper pair", [line("b", "5.00", 2), line("a", "4.00", 2)],
     [a("n_for_price", n=2, price="7.00")], {}, {"line_discounts": {"a": "1.00", "b": "0.00"}}),
    ("nothing where the cheapest would be dearer", [line("a", "1.00", 2), line("b", "5.00", 2)],
     [a("n_for_price", n=2, price="7.00", max_applications=2)], {}, {"discount": "0.00"}),
    ("two of seven are free at 3 for 2", [line("a", "4.00", 4), line("b", "2.00", 3)],
     [a("cheapest_free", when={"min_qty": 3}, max_applications=9)], {}, {"line_discounts": {"a": "0.00", "b": "4.00"}}),
    ("whole groups in line order: the third line is left over", [line("c", "9.00"), line("a", "9.00"), line("b", "9.00")],
     [a("per_complete_group", group_size=2, amount="3.00")], {}, {"line_discounts": {"c": "3.00", "a": "3.00", "b": "0.00"}}),
    ("a group may end within a line", [line("a", "10.00", 2), line("b", "20.00", 2)],
     [a("per_complete_group", group_size=3, percent="10")], {}, {"line_discounts": {"a": "2.00", "b": "2.00"}}),
    ("the step of a group counts all of the target", [line("a", "10.00", 4)], [GROUP], {}, {"discount": "9.00"}),
    ("below the second step", [line("a", "9.99", 4)], [GROUP], {}, {"discount": "5.99"}),
    ("below the first step", [line("a", "6.00", 3)], [GROUP], {}, {"discount": "1.80"}),
    # -- steps --------------------------------------------------------------------------------------------------------
    ("the base below the first step", [line("a", "99.99")], [STEPS], {}, {"discount": "10.00"}),
    ("a step begins at its amount", [line("a", "100.00")], [STEPS], {}, {"discount": "15.00"}),
    ("the highest step", [line("a", "100.00", 2)], [STEPS], {}, {"discount": "20.00"}),
    ("never more than the target costs", [line("a", "6.00")], [STEPS], {}, {"discount": "6.00", "total": "0.00"}),
    ("a step counts what is still to pay", [line("a", "100.00")], [a("amount", amount="0.01"), STEPS], {}, {"discount": "10.01"}),
    ("the ninth unit is below the step, the tenth on it", [line("a", "5.00", 9)],
     [a("tiered_percent", base_percent="10", tiers={"10": "15"}, tier_basis="qty")], {}, {"discount": "4.50"}),
    ("on it", [line("a", "5.00", 9), line("b", "5.00")],
     [a("tiered_percent", base_percent="10", tiers={"10": "15"}, tier_basis="qty")], {},
     {"line_discounts": {"a": "6.75", "b": "0.75"}}),
    ("each line has a first unit", [line("a", "9.00", 2), line("b", "9.00")],
     [a("first_additional", first="1.00", additional="2.00")], {}, {"line_discounts": {"a": "3.00", "b": "1.00"}}),
    ("the first unit alone", [line("a", "9.00", 3)], [a("first_additional", first="1.13")], {}, {"discount": "1.13"}),
    ("the further units alone", [line("a", "9.00", 3)], [a("first_additional", additional="2.11")], {}, {"discount": "4.22"}),
    # -- buy and get --------------------------------------------------------------------------------------------------
    ("the dearest buys, the dearest left is got", FOUR, [buy(1, 1)], {}, {"discount": "8.00", "line_discounts": {"b": "8.00"}}),
    ("or the cheapest", FOUR, [buy(1, 1, pick="cheapest")], {}, {"discount": "4.00", "line_discounts": {"d": "4.00"}}),
    ("again with what is left: 8.00 and 4.00", FOUR, [buy(1, 1, times=2)], {}, {"discount": "12.00"}),
    ("again, cheapest first: 4.00 and 6.00", FOUR, [buy(1, 1, times=2, pick="cheapest")], {}, {"discount": "10.00"}),
    ("half off one of three, twice", [line("a", "3.00", 6)], [buy(2, 1, times=9, percent="50")], {}, {"discount": "3.00"}),
    ("five units are one time", [line("a", "3.00", 5)], [buy(2, 1, times=9, percent="50")], {}, {"discount": "1.50"}),
    ("the second time in part", [line("a", "3.00", 5)], [buy(1, 2, times=9)], {}, {"discount": "9.00"}),
    ("the second time not in part", [line("a", "3.00", 5)], [buy(1, 2, times=9, all_or_nothing=True)], {}, {"discount": "6.00"}),
    ("two left of five neither buy nor are got", [line("a", "3.00", 5)], [buy(2, 1), buy(2, 1)], {}, {"discount": "3.00"}),
    ("what is bought is not reduced", [line("a", "9.00"), line("b", "5.00")],
     [a("buy_x_get_y", buy={"target": {"skus": ["b"]}, "qty": 1}, get={"target": ALL, "qty": 2})], {},
     {"line_discounts": {"a": "9.00", "b": "0.00"}}),
    # -- gifts and points ---------------------------------------------------------------------------------------------
    ("a gift for each two units of either product, beside one that is paid",
     [line("a", "5.00", 3), line("b", "1.00", 2), line("g", "4.00")],
     [a("free_gift", gift=GIFT, per={"skus": ["a", "b"], "qty": 2})], {},
     {"discount": "8.00", "total": "21.00", "free_units": {"g": 2}, "line_discounts": {"a": "0.00", "g": "8.00"}}),
    ("no gift below its units", [line("a", "5.00", 2)], [a("free_gift", gift=GIFT, per={"skus": ["a"], "qty": 3})], {},
     {"discount": "0.00", "total": "10.00", "free_units": {}}),
    ("points on 17.99, whole", [line("a", "19.99")],
     [a("points_earn", points_per_currency="1", basis="after_discount"), a("percent", percent="10")], {"member": {"points": 0}},
     {"points_earned": 17}),
    ("a tenth of a point for each of 19.99", [line("a", "19.99")], [a("points_earn", points_per_currency="0.1")], {},
     {"points_earned": 1}),
    ("two points for each, on the target only", [line("a", "7.50"), line("b", "5.00")],
     [a("points_earn", points_per_currency="2", target={"skus": ["a"]})], {}, {"points_earned": 15}),
    ("ten points are three threes", [line("a", "100.00")], [a("points_burn", value_per_point="1.50", multiple_of=3)],
     {"member": {"points": 10}}, {"discount": "13.50", "points_burned": 9}),
    ("10.00 take two threes of 4.50", [line("a", "10.00")], [a("points_burn", value_per_point="1.50", multiple_of=3)],
     {"member": {"points": 10}}, {"discount": "9.00", "points_burned": 6}),
    ("two points are no three", [line("a", "10.00")], [a("points_burn", value_per_point="1.50", multiple_of=3)],
     {"member": {"points": 2}}, {"discount": "0.00", "points_burned": 0}),
    # -- who goes first, and who goes together ------------------------------------------------------------------------
    ("at equal priority the first exclusive one of the list", [line("a", "10.00")],
     [a("percent", percent="10", exclusive=True), a("percent", percent="50", exclusive=True)], {}, {"discount": "1.00"}),
    ("the exclusive one of highest priority, whatever is above it", [line("a", "10.00")],
     [a("percent", percent="50", priority=9), a("percent", percent="10", exclusive=True),
      a("percent", percent="20", exclusive=True, priority=1)], {}, {"discount": "2.00"}),
    ("an exclusive one whose coupon is missing shuts out nobody", [line("a", "10.00")],
     [a("percent", percent="50", exclusive=True, coupon="X"), a("percent", percent="10")], {"coupons": ["Y"]},
     {"discount": "1.00"}),
    ("of a group the one of highest priority, beside all others", [line("a", "10.00")],
     [a("percent", percent="50", exclusive_group="g"), a("amount", amount="1.00", exclusive_group="g", priority=1),
      a("amount_per_unit", amount="2.00")], {}, {"discount": "3.00"}),
    ("only what no shelf price reduced: 10.00 over 40.00 and 10.00", [line("a", "20.00"), line("b", "40.00"), line("c", "10.00")],
     [a("percent_order", percent="20", only_undiscounted=True), SHELF], {},
     {"line_discounts": {"a": "5.00", "b": "8.00", "c": "2.00"}}),
    ("best single takes a gift for what it is worth", [line("a", "10.00")],
     [a("percent", percent="30"), a("free_gift", gift=GIFT)], {"settings": {"selection": "best_single"}},
     {"discount": "4.00", "total": "10.00"}),
    # -- conditions ---------------------------------------------------------------------------------------------------
    ("a threshold is met at its amount", [line("a", "80.00"), line("b", "20.00")],
     [a("amount", amount="10.00", when={"min_amount": "100.00"})], {}, {"discount": "10.00"}),
    ("what came before may take it below", [line("a", "100.00")],
     [a("percent", percent="1"), a("amount", amount="10.00", when={"min_amount": "100.00"})], {}, {"discount": "1.00"}),
    ("unless the original counts", [line("a", "100.00")],
     [a("percent", percent="1"), a("amount", amount="10.00", when={"min_amount": "100.00", "basis": "original"})], {},
     {"discount": "11.00"}),
    ("a category's threshold for an amount off all", [line("a", "30.00", category="x"), line("b", "30.00", category="y")],
     [a("amount", amount="6.00", when={"min_amount": "30.00", "target": {"categories": ["x"]}})], {},
     {"line_discounts": {"a": "3.00", "b": "3.00"}}),
    ("all parts of a target must hold",
     [line("a", "5.00", category="x"), line("b", "5.00", category="x"), line("c", "5.01", category="x")],
     [a("percent", percent="10", target={"categories": ["x"], "skus": ["a", "c"], "price_min": "5.00", "price_max": "5.00"})], {},
     {"discount": "0.50", "line_discounts": {"a": "0.50"}}),
    ("a budget refuses all where both lines together exceed it", [line("a", "10.00"), line("b", "10.00")],
     [a("percent", percent="10", budget={"type": "spend", "limit": "1000", "used": "998.01", "policy": "refuse_whole"})], {},
     {"discount": "0.00"}),
    ("a budget may be used to its last cent", [line("a", "10.00"), line("b", "10.00")],
     [a("percent", percent="10", budget={"type": "spend", "limit": "1000", "used": "998", "policy": "refuse_whole"})], {},
     {"discount": "2.00"}),
    ("a time without an offset is the store's own clock", [line("a", "10.00")],
     [a("percent", percent="10", valid_to="2026-03-02T12:59:59")], {"now": "2026-03-02T13:00:00+02:00"}, {"discount": "0.00"}),
    ("a time with one is not", [line("a", "10.00")],
     [a("percent", percent="10", valid_to="2026-03-02T12:59:59+00:00")], {"now": "2026-03-02T13:00:00+02:00"},
     {"discount": "1.00"}),
    # -- tax ----------------------------------------------------------------------------------------------------------
    ("19 % on 8.50 is 1.615", [line("a", "10.00", tax_rate="19")], [a("percent", percent="15")], {},
     {"discount": "1.50", "tax": "1.62", "total": "10.12"}),
    ("half a cent on each line is up, though rounding is down and once for the order",
     [line("a", "0.05", tax_rate="10"), line("b", "0.05", tax_rate="10")], [],
     {"settings": {"rounding": "down", "round_at": "order"}}, {"tax": "0.02", "total": "0.12"}),
    ("a gift bears no tax", [line("a", "10.00", tax_rate="20")], [a("free_gift", gift=GIFT)], {},
     {"discount": "4.00", "tax": "2.00", "total": "12.00"}),
    # -- how a case may be written ------------------------------------------------------------------------------------
    ("one SKU on two lines is said once",
     [line("a", "10.00"), line("a", "10.00"), line("a", "4.00")], [a("percent", percent="10")], {},
     {"line_discounts": {"a": "2.40"}, "total": "21.60"}),
    ("a line of no units is not there", [line("a", "10.00", 0), line("b", "4.00")], [a("cheapest_free", when={"min_qty": 2})], {},
     {"discount": "0.00", "total": "4.00", "line_discounts": {"b": "0.00"}}),
    ("null is as good as nothing", [{"sku": "a", "unit_price": "10.00", "qty": None, "category": None, "min_price": None}],
     [a("percent", percent="10", target=None, when=None, coupon=None)],
     {"member": None, "settings": None, "coupons": None, "now": None}, {"discount": "1.00"}),
    ("numbers are read as they are written",
     [{"sku": "a", "unit_price": Decimal("1.25"), "qty": Decimal("2.0"), "min_price": 1, "tax_rate": 10}],
     [a("amount", amount=Decimal("2E-1"), when={"min_qty": "2.0", "min_amount": 2})], {"member": {"points": Decimal(7)}},
     {"discount": "0.20", "tax": "0.23", "total": "2.53"}),
    ("words to the reader mean nothing to the engine", [{**line("a", "1.00"), "name": "Tea", "note": "green"}], [],
     {"title": "tea", "description": "a cup", "member": {"name": "Ida", "points": 1}}, {"total": "1.00"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "promotions", "case", "want"), [entry[1:] for entry in CASES], ids=[entry[0] for entry in CASES]
)
def test_a_case_comes_to_what_was_reckoned_by_hand(lines: list[Json], promotions: list[Json], case: Json, want: Json) -> None:
    result = price_case({"id": "case", "lines": lines, "promotions": promotions, **case}, NOW)
    assert "refused" not in result
    for name, figure in want.items():
        if name == "line_discounts":
            assert {sku: result[name].get(sku) for sku in figure} == figure
        else:
            assert result[name] == figure, name


def test_a_case_may_have_no_promotions_at_all() -> None:
    assert price_case({"id": "case", "lines": [line("a", "1.00")]}, NOW)["total"] == "1.00"


@pytest.mark.parametrize("number", ["2.5", Decimal("1E+400"), "NaN", "1e999999999", True, 2.0])
def test_half_a_unit_and_what_no_shop_counts_are_refused(number: object) -> None:
    with pytest.raises(CaseInvalid, match=r"qty: .* is (not a whole number of at least 0|larger than anything in a shop)"):
        price_case({"id": "case", "lines": [{"sku": "a", "unit_price": "1.00", "qty": number}]}, NOW)
