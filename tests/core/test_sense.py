"""What can be read but not be meant, by itself and together."""

from __future__ import annotations

from typing import Any

import pytest

from panier.definition import PromotionInvalid
from panier.promotion import Promotion, parse_promotion
from panier.sense import Sense, check_sold, separate


def gift(name: str, sku: str, *earned_by: str) -> Promotion:
    per = {"per": {"skus": list(earned_by)}} if earned_by else {}
    return parse_promotion({"id": name, "kind": "free_gift", "gift": {"sku": sku, "unit_price": "1"}, **per}, "EUR")


def windowed(valid_from: str, valid_to: str, *weekdays: int) -> Promotion:
    window = {"valid_from": valid_from, "valid_to": valid_to, "schedule": {"weekdays": list(weekdays)}}
    return parse_promotion({"id": "p", "kind": "cheapest_free", **window}, "EUR")


def test_gifts_that_earn_each_other_are_refused_with_the_whole_ring_and_the_first_ones_stay() -> None:
    chain = [gift("a", "cup", "tea"), gift("b", "spoon", "cup", "bowl"), gift("c", "fork", "spoon"), gift("d", "spoon", "cup")]
    kept, refused = separate([*chain, gift("e", "tea", "water", "fork")])
    assert kept == chain
    [error] = refused
    assert (error.promotion, error.field) == ("e", "gift.sku")
    assert error.reason.startswith("closes a ring of gifts that earn each other: tea earns cup by a, cup earns spoon by ")
    assert error.reason.endswith(", spoon earns fork by c")


def test_two_gifts_that_lead_to_one_another_nowhere_are_no_ring() -> None:
    assert separate([gift("a", "cup", "tea"), gift("b", "cup", "bread"), gift("c", "spoon", "bread"), gift("d", "tea")])[1] == []


@pytest.mark.parametrize(
    ("window", "weekdays", "fits"),
    [
        (("2026-03-02", "2026-03-03"), (1,), True),  # a Monday and a Tuesday
        (("2026-03-02", "2026-03-03"), (3, 7), False),
        (("2026-03-02", "2026-03-09"), (7,), True),
        # In UTC it is Monday; in a store in New York Sunday night, and Tuesday in one in Auckland.
        (("2026-03-02T00:00Z", "2026-03-02T23:00Z"), (7,), True),
        (("2026-03-02T00:00Z", "2026-03-02T23:00Z"), (2,), True),
        (("2026-03-02T00:00Z", "2026-03-02T23:00Z"), (4,), False),
    ],
)
def test_weekdays_that_never_come_are_refused(window: tuple[str, str], weekdays: tuple[int, ...], fits: bool) -> None:
    if fits:
        Sense().take(windowed(*window, *weekdays))
    else:
        with pytest.raises(PromotionInvalid, match=r"schedule\.weekdays: none of these days lies between"):
            Sense().take(windowed(*window, *weekdays))


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"target": {"skus": ["milk", "tea"]}}, "target.skus: milk is not sold here; try tea"),
        ({"target": {"skus": ["m1", "m2", "m3"]}}, "target.skus: m1 is not sold here, nor are 2 others that it names; try tea"),
        ({"when": {"min_qty": 1, "target": {"skus": ["milk"]}}}, "when.target.skus: milk"),
        ({"when": {"contains": {"skus": ["milk"]}}}, "when.contains.skus: milk"),
        (
            {"kind": "buy_x_get_y", "buy": {"target": {"skus": ["tea"]}, "qty": 1}, "get": {"target": {"skus": ["x"]}, "qty": 1}},
            "get.target.skus: x",
        ),
        ({"kind": "free_gift", "gift": {"sku": "cup", "unit_price": "1"}, "per": {"skus": ["x"]}}, "per.skus: x"),
    ],
)
def test_what_is_not_sold_is_named_with_its_field(definition: dict[str, Any], said: str) -> None:
    promotion = parse_promotion({"id": "p", "kind": "cheapest_free", **definition}, "EUR")
    with pytest.raises(PromotionInvalid) as caught:
        check_sold(promotion, {"tea"}, lambda sku: "; try tea")
    assert str(caught.value).startswith(f"promotion p: {said}")


def test_a_gift_need_not_be_on_sale() -> None:
    check_sold(gift("a", "cup", "tea"), {"tea"})
