"""What surrounds pricing: coupons told at once, returns, holdouts, weighed goods, deposits, overrides, VAT."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from panier.case import CaseInvalid, price_case
from panier.definition import PERCENT, WHOLE
from panier.holdout import is_held_out
from panier.pricing import BasketLine, PromotionSet, Settings, Shopper, compile_promotions, price
from panier.pricing.coupon import answer_coupon
from panier.pricing.refund import NotBought, refund
from panier.pricing.vat import VatRow, vat_table
from panier.promotion import parse_promotion
from panier.weighed import NotWeighed, deposit, overridden, weigh

TEA, BREAD = BasketLine("tea", 400, 2, "drink"), BasketLine("bread", 250, 1)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
GUEST = Shopper(now=NOW)


def shelf(*definitions: dict[str, Any]) -> PromotionSet:
    promotions = [parse_promotion(definition, "EUR", name=f"p{number}") for number, definition in enumerate(definitions)]
    return compile_promotions(promotions, currency="EUR", settings=Settings(selection="best_basket"))


COUPON = {"kind": "amount", "amount": "1.00", "coupon": "C", "target": {"skus": ["tea"]}}


def test_a_coupon_is_accepted_with_what_it_brings_now() -> None:
    answer = answer_coupon([TEA, BREAD], shelf(COUPON), GUEST, "C")
    assert (answer.saving, answer.reason) == (100, None)


@pytest.mark.parametrize(
    ("fields", "shopper", "reason"),
    [
        ({"coupon": "OTHER"}, GUEST, "unknown"),
        ({}, replace(GUEST, coupons=frozenset({"C"})), "already_shown"),
        ({"valid_from": "2026-03-03"}, GUEST, "not_now"),
        ({"segment": "vip"}, GUEST, "not_this_member"),
        ({"per_member_limit": 1}, replace(GUEST, uses={"C": 1}), "used_up"),
        ({"target": {"skus": ["milk"]}}, GUEST, "lacks_goods"),
    ],
)
def test_a_coupon_is_refused_with_the_reason(fields: dict[str, Any], shopper: Shopper, reason: str) -> None:
    answer = answer_coupon([TEA, BREAD], shelf(COUPON | fields), shopper, "C")
    assert (answer.saving, answer.reason) == (0, reason)


def test_a_refused_coupon_says_what_is_missing_where_it_is_near() -> None:
    answer = answer_coupon([TEA, BREAD], shelf(COUPON | {"when": {"min_qty": 3}}), GUEST, "C")
    assert answer.reason == "lacks_goods"
    assert answer.lacking is not None
    assert (answer.lacking.quantity, answer.lacking.sku, answer.lacking.saving) == (1, "tea", 100)


def test_a_coupon_that_another_promotion_beats_says_so() -> None:
    better = {"kind": "percent", "percent": "50", "exclusive": True}
    assert answer_coupon([TEA, BREAD], shelf(COUPON, better), GUEST, "C").reason == "another_saves_more"


BUNDLE = {"kind": "n_for_price", "n": 2, "price": "5.00", "target": {"skus": ["tea"]}}


def test_a_refund_is_the_difference_to_what_is_kept() -> None:
    back = refund([TEA, BREAD], [replace(TEA, quantity=1)], shelf(BUNDLE), GUEST)
    assert (back.amount, back.forgone, back.kept.total) == (100, 0, 650)
    assert refund([TEA, BREAD], [TEA, BREAD], shelf(BUNDLE), GUEST).amount == 750


def test_who_breaks_a_bundle_that_was_cheaper_than_its_part_gets_nothing_back() -> None:
    cheap = BUNDLE | {"price": "3.00"}
    back = refund([TEA], [replace(TEA, quantity=1)], shelf(cheap), GUEST)
    assert (back.amount, back.forgone) == (0, 100)


def test_what_was_not_bought_does_not_come_back() -> None:
    with pytest.raises(NotBought, match="3 of tea at 400 come back, but 2 were bought"):
        refund([TEA], [replace(TEA, quantity=3)], shelf(), GUEST)


def test_a_holdout_is_stable_grows_with_its_share_and_differs_by_campaign() -> None:
    members = [f"m-{number}" for number in range(4000)]
    tenth = {member for member in members if is_held_out(member, "spring", 10 * PERCENT)}
    assert 320 < len(tenth) < 480
    assert tenth <= {member for member in members if is_held_out(member, "spring", 20 * PERCENT)}
    assert tenth != {member for member in members if is_held_out(member, "autumn", 10 * PERCENT)}
    assert not any(is_held_out(member, "spring", 0) for member in members)
    assert all(is_held_out(member, "spring", WHOLE) for member in members)


def test_grams_are_rounded_half_up_to_the_minor_unit() -> None:
    assert [weigh("apple", 299, grams).unit_price for grams in (1, 2, 500, 1000, 835)] == [0, 1, 150, 299, 250]
    assert weigh("apple", 299, 540, tare=40).unit_price == 150
    with pytest.raises(NotWeighed, match="weigh again"):
        weigh("apple", 299, 40, tare=40)


def test_deposits_and_overridden_prices_stay_outside_promotions() -> None:
    ten = shelf({"kind": "percent", "percent": "10"}, {"kind": "amount", "amount": "1.00", "when": {"min_amount": "8.25"}})
    assert price([TEA, deposit("crate", 25)], ten, GUEST).discount == 80
    assert price([TEA, overridden(BREAD, 100)], ten, GUEST).discount == 80
    assert price([TEA, overridden(BREAD, 100, keeps_promotions=True)], ten, GUEST).discount == 180
    assert price([TEA, deposit("crate", 25, 2)], ten, GUEST).total == 720 + 50
    with pytest.raises(NotWeighed, match="is no price"):
        overridden(BREAD, -1)


def test_vat_is_reckoned_by_line_in_the_price_or_on_top_of_it() -> None:
    lines = [(1190, 19 * PERCENT), (99, 19 * PERCENT), (107, 7 * PERCENT)]
    assert vat_table(lines, is_inclusive=True) == (VatRow(7 * PERCENT, 100, 7, 107), VatRow(19 * PERCENT, 1083, 206, 1289))
    assert vat_table([(1000, 19 * PERCENT)], is_inclusive=False) == (VatRow(19 * PERCENT, 1000, 190, 1190),)


def test_happy_hours_hold_on_the_night_that_repeats_an_hour() -> None:
    """On 25 October 2026 the clocks of Berlin show 02:30 twice; both are within an offer from two to three."""
    from zoneinfo import ZoneInfo

    night = shelf({"kind": "percent", "percent": "10", "schedule": {"from": "02:00", "to": "03:00"}})
    berlin = ZoneInfo("Europe/Berlin")

    def discount(utc: str) -> int:
        return price([TEA], night, Shopper(now=datetime.fromisoformat(utc).astimezone(berlin))).discount

    moments = ("2026-10-24T23:59:59+00:00", "2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00+00:00", "2026-10-25T02:00:00+00:00")
    assert [discount(moment) for moment in moments] == [0, 80, 80, 0]
    # On 29 March the hour from two to three does not exist.
    assert [discount(f"2026-03-29T{time}+00:00") for time in ("00:59:59", "01:00:00")] == [0, 0]


def test_a_case_may_hold_weighed_goods_deposits_and_prices_that_staff_set() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    case: dict[str, Any] = {
        "id": 1, "promotions": [{"kind": "percent", "percent": "10"}],
        "lines": [
            {"sku": "figs", "price_per_kg": "4.00", "grams": 520, "tare": 20},
            {"sku": "nuts", "price_per_kg": "10.00", "grams": 100},
            {"sku": "cola", "unit_price": "1.00", "qty": 2, "deposit": "0.25"},
            {"sku": "dent", "unit_price": "9.00", "override": "5.00"},
            {"sku": "torn", "unit_price": "9.00", "override": "5.00", "override_keeps_promotions": True},
        ],
    }  # fmt: skip
    result = price_case(case, now)
    # 10 % of 2.00, 1.00, 2.00 and the one 5.00 that promotions may touch; the deposit of 0.50 stays whole.
    assert (result["discount"], result["total"]) == ("1.00", "14.50")
    light = {"id": 1, "promotions": [], "lines": [{"sku": "a", "price_per_kg": "1", "grams": 5, "tare": 5}]}
    with pytest.raises(CaseInvalid, match=r"lines\[0\].tare: 5 g of packing leave nothing of 5 g; weigh again"):
        price_case(light, now)
