"""Coupons at the terminal: what each saves, what it lacks, and in which order things may come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import get_args

import pytest
from tests.device.conftest import BEANS, BREAD, CARD, GRANOLA, MILK, Desk, capsule, changes, open_desk

from panier.pricing.basket import NearMiss
from panier.pricing.coupon import CouponAnswer, Refusal
from panier.trip import CodeRefused, CouponShown, Trip
from panier_device.decision import MOST_COUPONS, show_coupon, tell_coupon
from panier_device.screen.word import ENGLISH

COUPONS = {
    "two-milk": {
        "kind": "amount", "amount": "0.50", "coupon": "MILK2", "title": "0.50 off 2 milk", "target": {"skus": ["3"]},
        "when": {"min_qty": 2},
    },
    "beans": {"kind": "percent", "percent": "10", "coupon": "9912345678909", "title": "10% off beans", "target": {"skus": ["1"]}},
    "old": {"kind": "percent", "percent": "10", "coupon": "OLD", "title": "last year", "valid_to": "2020-01-01"},
    "club": {"kind": "percent", "percent": "10", "coupon": "CLUB", "title": "club", "segment": "club"},
    "half": {"kind": "percent", "percent": "50", "title": "half", "target": {"skus": ["2"]}, "exclusive_group": "bread"},
    "bread": {
        "kind": "percent", "percent": "20", "coupon": "BREAD", "title": "20% off bread", "target": {"skus": ["2"]},
        "exclusive_group": "bread",
    },
    "points": {"kind": "points_earn", "points_per_currency": "1", "coupon": "POINTS", "title": "points"},
}  # fmt: skip


@pytest.fixture
def couponing(desk: Desk) -> Desk:
    desk.stock(changes(promotions=COUPONS))
    return desk


def discount(desk: Desk) -> int:
    assert desk.agent.now.priced is not None
    return desk.agent.now.priced.discount


def test_a_coupon_says_what_it_saves_now(couponing: Desk):
    couponing.scan(BEANS)
    couponing.scan("]E09912345678909")
    message = couponing.agent.now.message
    assert message is not None
    assert (message.key, message.tone, message.gaps) == ("coupon_saves", "good", {"title": "10% off beans", "amount": "1.24"})
    assert discount(couponing) == 124
    assert couponing.kinds[-1] == "coupon_shown"
    assert couponing.shows[-1] == "coupon_shown", "on the disk before it is shown"


def test_a_coupon_before_its_goods_is_kept_and_acts_when_they_come(couponing: Desk):
    couponing.scan("]C0MILK2")
    assert (couponing.kinds, couponing.said) == (["trip_started", "coupon_shown"], "coupon_lacks_goods")
    couponing.scan(MILK)
    assert discount(couponing) == 0
    couponing.scan(MILK)
    assert discount(couponing) == 50


def test_card_coupon_and_items_come_in_any_order_to_the_same_price(tmp_path: Path):
    mine = replace(GRANOLA, promotion={**GRANOLA.promotion, "coupon": "9912345678909"})
    totals = set[int]()
    for place, order in enumerate(permutations(("card", "coupon", "beans"))):
        desk = open_desk(tmp_path / str(place))
        for what in order:
            desk.scan({"card": CARD, "coupon": "9912345678909", "beans": BEANS}[what])
            if what == "card":
                desk.agent.capsule_arrived(capsule(desk, mine))
        assert desk.agent.now.priced is not None
        totals.add(desk.agent.now.priced.total)
    assert totals == {1240 - 248}


@pytest.mark.parametrize(
    ("basket", "coupon", "key", "gaps"),
    [
        ([MILK], "MILK2", "coupon_lacks_units", {"n": "1", "what": "Oat milk 1 l"}),
        ([MILK], "OLD", "coupon_not_now", {"title": "last year"}),
        ([MILK], "CLUB", "coupon_not_this_member", {"title": "club"}),
        ([BREAD], "BREAD", "coupon_another_saves_more", {"title": "20% off bread"}),
        ([MILK], "POINTS", "coupon_taken", {"title": "points", "amount": "0.00"}),
        ([MILK], "9810000000006", "coupon_unknown", {"title": "9810000000006"}),
    ],
)
def test_a_coupon_that_saves_nothing_now_says_what_is_missing_and_is_kept(
    couponing: Desk, basket: list[str], coupon: str, key: str, gaps: dict[str, str]
):
    couponing.scan(*basket, coupon)
    message = couponing.agent.now.message
    assert message is not None
    assert (message.key, message.gaps) == (key, gaps)
    trip = couponing.agent.now.trip
    assert trip is not None
    assert trip.coupons == {coupon}


def test_the_same_coupon_again_changes_nothing(couponing: Desk):
    couponing.scan("MILK2")
    before = couponing.kinds
    couponing.scan("MILK2")
    assert (couponing.kinds, couponing.said) == (before, "coupon_again")


def test_a_coupon_of_the_last_members_offer_means_nothing_to_the_next_shopper(desk: Desk):
    desk.scan(CARD)
    desk.agent.capsule_arrived(capsule(desk, replace(GRANOLA, promotion={**GRANOLA.promotion, "coupon": "MINE"})))
    desk.scan("MINE")
    assert desk.said == "coupon_lacks_goods"
    desk.agent.finish()
    desk.scan("MINE")
    assert desk.said != "coupon_lacks_goods"
    assert desk.agent.now.trip is None


def test_a_trip_holds_so_many_coupons_and_no_more(couponing: Desk):
    trip = replace(trip_of_one(couponing), coupons=frozenset(f"c{number}" for number in range(MOST_COUPONS)))
    decided = show_coupon(trip, "one more", "scan")
    assert [type(what) for what in decided.happenings] == [CodeRefused]
    assert [type(what) for what in show_coupon(None, "first", "scan").happenings] == [CouponShown]


def trip_of_one(desk: Desk) -> Trip:
    desk.scan(MILK)
    assert desk.agent.now.trip is not None
    return desk.agent.now.trip


def test_what_a_coupon_lacks_is_named_as_the_shop_names_it():
    def lacking(**missing) -> CouponAnswer:
        return CouponAnswer("C", 0, "lacks_goods", NearMiss(promotion="p", title="tea deal", saving=50, **missing))

    def told(answer: CouponAnswer) -> tuple[str, Mapping[str, str]]:
        message = tell_coupon(answer, "tea deal", {"3": "Oat milk 1 l"}.get, "USD")
        return message.key, message.gaps

    assert told(lacking(quantity=1, sku="3")) == ("coupon_lacks_units", {"n": "1", "what": "Oat milk 1 l"})
    assert told(lacking(quantity=2, sku="9", category="tea")) == ("coupon_lacks_units", {"n": "2", "what": "tea"})
    assert told(lacking(amount=250)) == ("coupon_lacks_amount", {"amount": "2.50", "what": "tea deal"})


def test_every_answer_to_a_coupon_has_words():
    keys = {f"coupon_{reason}" for reason in get_args(Refusal)} - {"coupon_already_shown"}
    assert keys <= ENGLISH.messages.keys()
