from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import get_args

import pytest
from tests.device.conftest import (
    BEANS,
    BREAD,
    CARD,
    COLA,
    FIGS,
    MILK,
    PRODUCTS,
    PROMOTIONS,
    WEIGHED_AND_DEPOSIT,
    Clock,
    Desk,
    body,
    changes,
    open_desk,
    total_of,
    whole,
)

from panier.barcode import Carrier, PluCode, ProductCode
from panier.member import Capsule
from panier.message import Notice, SnapshotPart
from panier.offer import Offer
from panier.pricing.basket import NearMiss
from panier.pricing.coupon import CouponAnswer, Refusal
from panier.snapshot import Change
from panier.trip import CardScanned, CodeRefused, CouponShown, ItemAdded, ItemRemoved, Trip, TripFinished
from panier_device.decision import MOST_COUPONS, Message, add_scanned, show_coupon, tell_coupon
from panier_device.driver.port import Frame, Reading
from panier_device.screen.word import ENGLISH

GRANOLA = Offer(
    offer="c-1", revision=1, title="-20 % beans", reason="you buy them monthly",
    promotion={"kind": "percent", "percent": "20", "target": {"skus": ["1"]}},
)  # fmt: skip
OATS = replace(GRANOLA, offer="c-2", title="-5 % oats")


def scan(desk: Desk, text: str, flaw: str | None = None) -> None:
    desk.agent.take(Reading(Frame(text, flaw), "scan", 1))


def test_the_scanner_is_told_whether_its_code_was_taken(desk: Desk):
    codes = {MILK: True, CARD: True, "4006381333931": False, "40": False}
    assert {code: desk.agent.take(Reading(Frame(code), "scan", 1)) for code in codes} == codes
    assert not desk.agent.take(Reading(Frame("4", "wrong_speed"), "scan", 1))
    assert desk.agent.now.message == Message("wrong_speed", "attention")


def trip_id(desk: Desk) -> str:
    trip = desk.agent.now.trip
    assert trip is not None
    return trip.trip


def capsule(desk: Desk, *offers: Offer, name: str = "Claire") -> Capsule:
    return Capsule(trip=trip_id(desk), member="m-17", first_name=name, segments=("member", "monthly"), offers=offers)


def said(desk: Desk) -> str | None:
    message = desk.agent.now.message
    return message.key if message else None


def test_the_first_scan_starts_a_trip_in_the_stores_currency_and_zone(desk: Desk):
    scan(desk, MILK)
    assert desk.kinds == ["trip_started", "item_added"]
    trip, priced = desk.agent.now.trip, desk.agent.now.priced
    assert trip is not None
    assert priced is not None
    assert (trip.currency, trip.timezone, trip.snapshot, trip.units, priced.total) == ("USD", "America/New_York", 7, 1, 179)


def test_an_event_is_on_the_disk_before_it_is_shown(desk: Desk):
    scan(desk, MILK)
    assert desk.shows == ["item_added"]


def test_a_card_may_come_first_and_earns_member_prices_without_a_network(desk: Desk):
    scan(desk, CARD)
    scan(desk, MILK)
    assert desk.kinds == ["trip_started", "card_scanned", "item_added"]
    assert desk.agent.now.priced is not None
    assert desk.agent.now.priced.total == 161
    scan(desk, CARD)
    assert said(desk) == "card_again"
    assert desk.kinds.count("card_scanned") == 1


def test_promotions_of_the_snapshot_apply(desk: Desk):
    scan(desk, BEANS)
    scan(desk, BEANS)
    assert desk.agent.now.priced is not None
    assert (desk.agent.now.priced.total, desk.agent.now.priced.discount) == (2200, 280)


@pytest.mark.parametrize(
    ("text", "flaw", "reason"),
    [
        ("2000000000916", None, "unknown_product"),
        ("2000000000038", None, "wrong_check_digit"),
        ("40063", "cut_short", "cut_short"),
        ("400638?333931", "noise", "noise"),
        ("hello", None, "wrong_character"),
        ("2900000000178", None, "wrong_check_digit"),
    ],
)
def test_a_code_that_is_no_use_is_told_and_journalled_masked(desk: Desk, text: str, flaw: str | None, reason: str):
    scan(desk, MILK)
    scan(desk, text, flaw)
    event = desk.journal.after(2, 1)[0].what
    assert isinstance(event, CodeRefused)
    assert (event.reason, said(desk)) == (reason, reason)
    assert text not in event.seen
    assert desk.agent.now.trip is not None
    assert desk.agent.now.trip.units == 1


def test_a_refused_code_alone_starts_no_trip(desk: Desk):
    scan(desk, "2000000000916")
    assert desk.kinds == []
    assert said(desk) == "unknown_product"
    assert desk.tally.refused.labels("unknown_product")._value.get() == 1


def test_without_prices_a_product_is_refused_and_a_card_is_taken(tmp_path: Path):
    desk = open_desk(tmp_path, stocked=False)
    scan(desk, MILK)
    assert said(desk) == "no_prices_yet"
    scan(desk, CARD)
    assert desk.kinds == ["trip_started", "card_scanned"]


def test_plus_minus_and_delete_act_on_the_last_line(desk: Desk):
    scan(desk, MILK)
    scan(desk, BREAD)
    desk.agent.one_more()
    desk.agent.one_more()
    desk.agent.put_back(whole_line=False)
    trip = desk.agent.now.trip
    assert trip is not None
    assert [(line.sku, line.quantity) for line in trip.lines] == [("3", 1), ("2", 2)]
    desk.agent.put_back(whole_line=True)
    desk.agent.put_back(whole_line=True)
    assert desk.agent.now.trip is not None
    assert desk.agent.now.trip.lines == ()
    desk.agent.put_back(whole_line=True)
    desk.agent.one_more()
    assert said(desk) == "nothing_to_change"


def test_a_line_of_thousands_can_be_deleted(desk: Desk):
    scan(desk, MILK)
    trip = trip_id(desk)
    milk = desk.journal.after(1, 1)[0].what
    assert isinstance(milk, ItemAdded)
    desk.journal.append(trip, 1, *[replace(milk, quantity=999)] * 2)
    desk.agent.restore()
    desk.agent.put_back(whole_line=True)
    removed = [event.what.quantity for event in desk.journal.after(4, 10) if isinstance(event.what, ItemRemoved)]
    assert removed == [999, 999, 1]


def test_finishing_writes_the_figures_of_the_screen_and_erases_the_name(desk: Desk):
    scan(desk, BEANS)
    scan(desk, CARD)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    trip = trip_id(desk)
    assert desk.journal.greeting(trip) == "Claire"
    desk.clock.now += 5_000
    desk.agent.finish()
    finished = desk.journal.after(0, 100)[-1]
    assert finished.what == TripFinished(units=1, discount=248, total=992)
    assert finished.at == desk.clock.now
    farewell = desk.agent.now.farewell
    assert farewell is not None
    assert (farewell.trip, farewell.first_name, farewell.total) == (trip, "Claire", 992)
    assert desk.agent.now.trip is None
    assert desk.journal.greeting(trip) == ""


def test_an_empty_trip_is_abandoned_and_not_sold(desk: Desk):
    scan(desk, CARD)
    desk.agent.finish()
    assert desk.kinds[-1] == "trip_abandoned"
    assert desk.agent.now.farewell is None
    assert said(desk) == "goodbye"


def test_the_next_scan_after_thank_you_starts_anew(desk: Desk):
    scan(desk, MILK)
    first = trip_id(desk)
    desk.agent.finish()
    scan(desk, BREAD)
    assert trip_id(desk) != first
    assert desk.agent.now.farewell is None
    desk.agent.finish()
    desk.agent.dismiss()
    assert desk.agent.now.trip is desk.agent.now.farewell is None


def test_the_price_at_the_end_is_that_of_the_end(tmp_path: Path):
    lunch = {"kind": "percent", "percent": "50", "title": "lunch", "target": {"all": True}, "valid_to": "2026-11-21T13:00:00"}
    desk = open_desk(tmp_path, Clock(), stocked=False)
    items = changes(None, {"lunch": lunch})
    desk.shop.take(SnapshotPart(version=7, fingerprint=total_of(items), since=0, part=0, parts=1, changes=items))
    desk.shop.settle_in("USD", "America/New_York")
    desk.agent.snapshot_arrived()
    scan(desk, BREAD)
    assert desk.agent.now.priced is not None
    assert desk.agent.now.priced.discount == 58
    desk.clock.now += 3 * 3_600_000
    desk.agent.finish()
    assert desk.agent.now.farewell is not None
    assert desk.agent.now.farewell.total == 115


def test_a_clock_that_is_set_back_does_not_turn_the_trip_back(desk: Desk):
    scan(desk, MILK)
    was = desk.clock.now
    desk.clock.now -= 3_600_000
    scan(desk, MILK)
    assert desk.journal.after(2, 1)[0].at == was


def test_a_capsule_greets_and_brings_offers(desk: Desk):
    scan(desk, CARD)
    scan(desk, BEANS)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    assert desk.kinds[-1] == "capsule_received"
    assert desk.agent.now.first_name == "Claire"
    assert desk.agent.now.priced is not None
    assert desk.agent.now.priced.total == 992
    assert b"Claire" not in b"".join(str(event).encode() for event in desk.journal.after(0, 100))


def test_the_same_capsule_again_changes_nothing(desk: Desk):
    scan(desk, CARD)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    assert desk.kinds.count("capsule_received") == 1


def test_a_pushed_campaign_is_marked_as_new_until_the_next_scan(desk: Desk):
    scan(desk, CARD)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    assert desk.agent.now.fresh == frozenset()
    desk.agent.capsule_arrived(capsule(desk, GRANOLA, OATS))
    assert desk.agent.now.fresh == {"c-2"}
    scan(desk, MILK)
    assert desk.agent.now.fresh == frozenset()


def test_a_capsule_for_another_trip_is_void(desk: Desk):
    scan(desk, MILK)
    desk.agent.capsule_arrived(replace(capsule(desk, GRANOLA), trip="hand-1.zzzzzz.1"))
    assert desk.kinds == ["trip_started", "item_added"]
    desk.agent.finish()
    desk.agent.capsule_arrived(replace(capsule_of_no_trip(), trip="hand-1.zzzzzz.1"))
    assert desk.kinds[-1] == "trip_finished"


def capsule_of_no_trip() -> Capsule:
    return Capsule(trip="x", member="m-17", first_name="Claire", segments=(), offers=())


def test_an_offer_with_nonsense_in_it_harms_nobody(desk: Desk):
    scan(desk, CARD)
    scan(desk, BEANS)
    desk.agent.capsule_arrived(capsule(desk, replace(GRANOLA, promotion={"kind": "percent", "percent": "-5000"})))
    assert desk.agent.now.priced is not None
    assert desk.agent.now.priced.total == 1240


def test_offers_are_journalled_as_shown_once_a_trip(desk: Desk):
    scan(desk, CARD)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA, OATS))
    desk.agent.painted(("c-1", "c-2"))
    desk.agent.painted(("c-1", "c-2"))
    assert desk.kinds.count("offer_shown") == 2


def test_answers_to_offers_are_journalled(desk: Desk):
    scan(desk, CARD)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA, OATS))
    desk.agent.answer_offer("c-1", accepted=True)
    desk.agent.answer_offer("c-2", accepted=False)
    desk.agent.answer_offer("c-99", accepted=True)
    assert desk.kinds[-2:] == ["offer_accepted", "offer_refused"]


def test_an_unknown_card_is_told_and_journalled_masked(desk: Desk):
    scan(desk, CARD)
    desk.agent.notice_arrived(Notice(trip=trip_id(desk), code="unknown_card", text="no such card"))
    assert said(desk) == "unknown_card"
    refused = desk.journal.after(0, 100)[-1].what
    assert isinstance(refused, CodeRefused)
    assert CARD not in refused.seen
    desk.agent.notice_arrived(Notice(trip="other", code="unknown_card", text="no such card"))
    assert desk.kinds.count("code_refused") == 1


def test_help_is_called_and_called_off(desk: Desk):
    desk.agent.call_help()
    assert desk.agent.now.trip is not None
    assert desk.agent.now.trip.needs_help
    desk.agent.call_help()
    assert desk.kinds == ["trip_started", "help_requested", "help_ended"]


def test_new_prices_in_mid_trip_are_adopted_and_lines_keep_theirs(desk: Desk):
    scan(desk, MILK)
    dearer = replace(PRODUCTS["3"], unit_price=199)
    item = Change(version=8, kind="product", key="3", body=body(dearer))
    after = total_of(changes({**PRODUCTS, "3": dearer}))
    assert desk.shop.take(SnapshotPart(version=8, fingerprint=after, since=7, part=0, parts=1, changes=[item])) == "complete"
    desk.agent.snapshot_arrived()
    desk.agent.snapshot_arrived()
    scan(desk, MILK)
    assert desk.kinds == ["trip_started", "item_added", "snapshot_adopted", "item_added"]
    trip = desk.agent.now.trip
    assert trip is not None
    assert [(line.unit_price, line.snapshot) for line in trip.lines] == [(179, 7), (199, 8)]
    assert trip.snapshot == 8


def test_typed_codes_and_picked_products_say_how_they_came_in(desk: Desk):
    desk.agent.type_code(MILK)
    desk.agent.pick("2")
    assert [event.what.entry for event in desk.journal.after(1, 10) if isinstance(event.what, ItemAdded)] == ["typed", "shelf"]
    desk.agent.pick("99")
    assert said(desk) == "unknown_product"


def test_after_a_restart_the_trip_is_as_it_was(tmp_path: Path):
    desk = open_desk(tmp_path)
    scan(desk, CARD)
    scan(desk, BEANS)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    before = desk.agent.now
    desk.journal.close()
    again = open_desk(tmp_path)
    again.agent.restore()
    assert again.agent.now.trip == before.trip
    assert again.agent.now.priced == before.priced
    assert again.agent.now.first_name == "Claire"
    assert isinstance(again.journal.after(1, 1)[0].what, CardScanned)


def test_after_a_restart_without_a_trip_no_name_is_left(tmp_path: Path):
    desk = open_desk(tmp_path)
    scan(desk, MILK)
    desk.agent.finish()
    desk.journal.greet("left over", "Claire")
    desk.agent.restore()
    assert desk.journal.greeting("left over") == ""
    assert desk.agent.now.trip is None


def test_prices_that_came_before_a_crash_are_adopted_after_it(tmp_path: Path):
    desk = open_desk(tmp_path)
    scan(desk, MILK)
    item = Change(version=8, kind="promotion", key="two")
    after = total_of(
        changes(
            None,
            {
                "member": {
                    "kind": "percent",
                    "title": "member price",
                    "segment": "member",
                    "percent": "10",
                    "target": {"skus": ["3"]},
                }
            },
        )
    )
    assert desk.shop.take(SnapshotPart(version=8, fingerprint=after, since=7, part=0, parts=1, changes=[item])) == "complete"
    again = open_desk(tmp_path)
    again.agent.restore()
    assert again.kinds[-1] == "snapshot_adopted"


def test_a_disk_that_refuses_is_told_and_nothing_is_shown_that_is_not_on_it(desk: Desk):
    scan(desk, MILK)
    desk.journal._db.conn.execute("PRAGMA query_only=ON")
    scan(desk, BREAD)
    assert said(desk) == "disk_fault"
    assert desk.agent.now.trip is not None
    assert desk.agent.now.trip.units == 1
    desk.journal._db.conn.execute("PRAGMA query_only=OFF")
    scan(desk, BREAD)
    assert desk.agent.now.trip.units == 2
    assert issubclass(sqlite3.OperationalError, sqlite3.Error)


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
    held = changes(promotions=COUPONS)
    desk.shop.take(SnapshotPart(version=9, fingerprint=total_of(held), since=0, part=0, parts=1, changes=held))
    desk.agent.snapshot_arrived()
    return desk


def discount(desk: Desk) -> int:
    assert desk.agent.now.priced is not None
    return desk.agent.now.priced.discount


def test_a_coupon_says_what_it_saves_now(couponing: Desk):
    scan(couponing, BEANS)
    scan(couponing, "]E09912345678909")
    message = couponing.agent.now.message
    assert message is not None
    assert (message.key, message.tone, message.gaps) == ("coupon_saves", "good", {"title": "10% off beans", "amount": "1.24"})
    assert discount(couponing) == 124
    assert couponing.kinds[-1] == "coupon_shown"
    assert couponing.shows[-1] == "coupon_shown", "on the disk before it is shown"


def test_a_coupon_before_its_goods_is_kept_and_acts_when_they_come(couponing: Desk):
    scan(couponing, "]C0MILK2")
    assert (couponing.kinds, said(couponing)) == (["trip_started", "coupon_shown"], "coupon_lacks_goods")
    scan(couponing, MILK)
    assert discount(couponing) == 0
    scan(couponing, MILK)
    assert discount(couponing) == 50


def test_card_coupon_and_items_come_in_any_order_to_the_same_price(tmp_path: Path):
    mine = replace(GRANOLA, promotion={**GRANOLA.promotion, "coupon": "9912345678909"})
    totals = set[int]()
    for place, order in enumerate(permutations(("card", "coupon", "beans"))):
        desk = open_desk(tmp_path / str(place))
        for what in order:
            scan(desk, {"card": CARD, "coupon": "9912345678909", "beans": BEANS}[what])
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
    for code in basket:
        scan(couponing, code)
    scan(couponing, coupon)
    message = couponing.agent.now.message
    assert message is not None
    assert (message.key, message.gaps) == (key, gaps)
    trip = couponing.agent.now.trip
    assert trip is not None
    assert trip.coupons == {coupon}


def test_the_same_coupon_again_changes_nothing(couponing: Desk):
    scan(couponing, "MILK2")
    before = couponing.kinds
    scan(couponing, "MILK2")
    assert (couponing.kinds, said(couponing)) == (before, "coupon_again")


def test_a_coupon_of_the_last_members_offer_means_nothing_to_the_next_shopper(desk: Desk):
    scan(desk, CARD)
    desk.agent.capsule_arrived(capsule(desk, replace(GRANOLA, promotion={**GRANOLA.promotion, "coupon": "MINE"})))
    scan(desk, "MINE")
    assert said(desk) == "coupon_lacks_goods"
    desk.agent.finish()
    scan(desk, "MINE")
    assert said(desk) != "coupon_lacks_goods"
    assert desk.agent.now.trip is None


def test_a_trip_holds_so_many_coupons_and_no_more(couponing: Desk):
    trip = replace(trip_of_one(couponing), coupons=frozenset(f"c{number}" for number in range(MOST_COUPONS)))
    decided = show_coupon(trip, "one more", "scan")
    assert [type(what) for what in decided.happenings] == [CodeRefused]
    assert [type(what) for what in show_coupon(None, "first", "scan").happenings] == [CouponShown]


def trip_of_one(desk: Desk) -> Trip:
    scan(desk, MILK)
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


def test_a_promotion_that_cannot_be_used_is_counted_and_the_others_serve(desk: Desk):
    bad = {"new": {"kind": "percent", "percent": "5", "format": 2}}
    for part in whole(8, changes(promotions=PROMOTIONS | bad)):
        desk.shop.take(part)
    desk.agent.snapshot_arrived()
    assert desk.tally.promotions_refused._value.get() == 1
    scan(desk, BEANS)
    scan(desk, BEANS)
    assert desk.agent.now.priced.discount == 280


MARKET = PRODUCTS | WEIGHED_AND_DEPOSIT


def code(**carried) -> ProductCode:
    return ProductCode("02000000000046", Carrier.EAN_13, **carried)


@pytest.mark.parametrize(
    ("content", "product", "price", "grams", "is_labelled"),
    [
        (code(grams=532), "4", 212, 532, False),
        (code(grams=532, price=300), "4", 212, 532, False),  # a weight at the shelf's price can be checked by everybody
        (code(price=433), "4", 433, None, True),
        (code(price=4329, price_decimals=3), "4", 433, None, True),
        (code(price=4, price_decimals=0), "4", 400, None, True),
        (code(grams=532), "5", 150, None, False),  # sold by the piece, whatever it weighs
        (code(price=99, currency="978"), "5", 150, None, False),
        (PluCode("4011"), "5", 150, None, False),
    ],
)
def test_a_label_s_weight_or_price_makes_the_line(
    content: ProductCode | PluCode, product: str, price: int, grams: int | None, is_labelled: bool
):
    (item,) = add_scanned(content, MARKET[product], 7, "scan", "USD").happenings
    assert isinstance(item, ItemAdded)
    assert (item.unit_price, item.is_labelled, item.deposit) == (price, is_labelled, MARKET[product].deposit)
    assert (item.weighing and item.weighing.grams) == grams


@pytest.mark.parametrize("content", [code(), code(grams=0), code(grams=2_000_000), code(price=99, currency="978"), PluCode("46")])
def test_what_is_sold_by_weight_is_not_sold_without_one(content: ProductCode | PluCode):
    (refused,) = add_scanned(content, MARKET["4"], 7, "scan", "USD").happenings
    assert isinstance(refused, CodeRefused)
    assert refused.reason == "needs_weight"


@pytest.fixture
def market(desk: Desk) -> Desk:
    held = changes(MARKET, {"half": {"kind": "percent", "percent": "50", "target": {"skus": ["5"]}}})
    desk.shop.take(SnapshotPart(version=9, fingerprint=total_of(held), since=0, part=0, parts=1, changes=held))
    desk.agent.snapshot_arrived()
    return desk


def test_loose_goods_picked_from_the_list_or_scanned_without_a_label_are_told_to_be_weighed(market: Desk):
    desk = market
    scan(desk, FIGS)
    assert said(desk) == "needs_weight"
    desk.agent.pick("4")
    assert said(desk) == "needs_weight"
    assert desk.agent.now.trip is None


def test_a_bag_has_its_own_label_and_plus_does_not_copy_it(desk: Desk):
    bag = add_scanned(code(grams=532), MARKET["4"], 7, "scan", "USD")
    desk.agent._decide(bag)
    desk.agent.one_more()
    assert said(desk) == "scan_each"
    trip, priced = desk.agent.now.trip, desk.agent.now.priced
    assert trip is not None
    assert priced is not None
    assert (trip.units, priced.total) == (1, 212)
    desk.agent.put_back(whole_line=False)
    assert desk.agent.now.trip is not None
    assert desk.agent.now.trip.lines == ()


def test_a_deposit_is_in_the_total_and_outside_promotions(market: Desk):
    desk = market
    scan(desk, COLA)
    desk.agent.one_more()
    priced = desk.agent.now.priced
    assert priced is not None
    assert (priced.discount, priced.deposit, priced.total, priced.units) == (150, 50, 200, 2)
    desk.agent.finish()
    (done,) = [event.what for event in desk.journal.after(0, 99) if isinstance(event.what, TripFinished)]
    assert done.total == 200
