"""A trip is priced the same way everywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from panier.definition import milliseconds
from panier.offer import Offer
from panier.pricing.refund import NotBought
from panier.receipt import NoReceipt, OfferUse, form_receipt
from panier.till import (
    TripPricer,
    UnknownTimezone,
    answer_shown,
    compile_definitions,
    compile_offers,
    coupon_titles,
    price_trip,
    refund_trip,
)
from panier.trip import Line, Trip, TripFinished


def at(text: str, zone: str = "America/New_York") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def line(sku: str, unit_price: int, quantity: int = 1, category: str = "") -> Line:
    return Line(
        sku=sku, name=sku.title(), unit_price=unit_price, category=category, tax_rate="8.875", snapshot=3, quantity=quantity
    )  # fmt: skip


TRIP = Trip(
    trip="till-1.aaaaaa.1", store="s1", currency="USD", timezone="America/New_York", snapshot=3,
    started_at=at("2026-03-02T16:50"), last_at=at("2026-03-02T17:30"), first_sequence=1, last_sequence=9,
    lines=(line("tea", 400, 2), line("bread", 250)),
)  # fmt: skip
SHELF: dict[str, dict[str, Any]] = {
    "b-tea": {"kind": "percent", "percent": "10", "target": {"skus": ["tea"]}, "title": "Tea week"},
    "a-happy": {"kind": "amount", "amount": "1.00", "schedule": {"weekdays": [1], "from": "17:00", "to": "19:00"}},
    "c-members": {"kind": "percent_order", "percent": "50", "segment": "member"},
}
OFFER = Offer(offer="camp", revision=2, title="Bread for you", reason="You like it",
              promotion={"id": "x", "kind": "percent", "percent": "20", "target": {"skus": ["bread"]}})  # fmt: skip


def test_definitions_compile_in_any_order_to_the_same_prices() -> None:
    shelf, refused = compile_definitions(SHELF, "USD")
    other, _ = compile_definitions(dict(reversed(SHELF.items())), "USD")
    assert refused == []
    assert len(shelf) == 3
    assert price_trip(TRIP, shelf) == price_trip(TRIP, other)
    assert price_trip(TRIP, shelf).applied == ("b-tea", "a-happy")


def test_a_broken_definition_is_refused_by_name_and_the_rest_serves() -> None:
    shelf, refused = compile_definitions(SHELF | {"broken": {"kind": "percent", "percent": "-5"}}, "USD")
    assert [str(error) for error in refused] == ["promotion broken: percent: -5 is negative"]
    assert price_trip(TRIP, shelf).discount == 100 + 80


BAD: list[tuple[dict[str, Any], str]] = [
    ({"kind": "percent", "percent": "5", "layer": "catalogue", "only_undiscounted": True}, "only_undiscounted: contradicts"),
    ({"kind": "percent", "percent": "5", "target": {"skus": ["tea"], "price_min": "2", "price_max": "1"}},
     "target.price_max: is below price_min"),
    ({"kind": "free_gift", "gift": {"sku": "tea", "unit_price": "4"}, "per": {"skus": ["tea"], "qty": 2}},
     "gift.sku: tea earns itself as a gift"),
    ({"kind": "percent", "percent": "5", "valid_from": "2026-03-02", "valid_to": "2026-03-03", "schedule": {"weekdays": [6, 7]}},
     "schedule.weekdays: none of these days"),
    ({"kind": "amount", "amount": "-1"}, "amount: -1 is negative"),
    ({"kind": "percent", "percent": "5", "valid_from": "2026-03-02", "valid_to": "2026-03-01"}, "valid_to: the window ends at"),
    ({"kind": "percent", "percent": "5", "format": 2}, "format: 2 is newer than 1"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "reason"), BAD, ids=[reason.split(":")[0] for _, reason in BAD])
def test_bad_input_is_refused_with_field_and_reason_and_the_rest_of_the_snapshot_serves(
    definition: dict[str, Any], reason: str
) -> None:
    shelf, refused = compile_definitions(SHELF | {"bad": definition}, "USD")
    assert [error.promotion for error in refused] == ["bad"]
    assert str(refused[0]).startswith(f"promotion bad: {reason}")
    assert price_trip(TRIP, shelf).discount == 100 + 80


def test_happy_hours_follow_the_stores_clock_through_summer_time() -> None:
    shelf, _ = compile_definitions({"a-happy": SHELF["a-happy"]}, "USD")

    def discount(text: str) -> int:
        return price_trip(TRIP, shelf, at=at(text)).discount

    assert [discount(f"2026-03-02T{time}") for time in ("16:59:59", "17:00", "18:59:59", "19:00")] == [0, 100, 100, 0]
    # The clocks changed in New York on 8 March 2026: the same hour on the wall, another one in UTC.
    assert [discount(f"2026-03-09T{time}") for time in ("16:59:59", "17:00", "18:59:59", "19:00")] == [0, 100, 100, 0]
    assert discount("2026-03-03T17:30") == 0
    assert at("2026-03-09T17:00") % 86_400_000 != at("2026-03-02T17:00") % 86_400_000


HOURS: list[tuple[str, dict[str, Any], str, bool]] = [
    # In New York the hour from 1 to 2 comes twice on 1 November 2026: the promotion runs through both.
    ("America/New_York", {"from": "01:00", "to": "02:00"}, "2026-11-01T04:59:59Z", False),
    ("America/New_York", {"from": "01:00", "to": "02:00"}, "2026-11-01T05:00Z", True),
    ("America/New_York", {"from": "01:00", "to": "02:00"}, "2026-11-01T06:59:59Z", True),
    ("America/New_York", {"from": "01:00", "to": "02:00"}, "2026-11-01T07:00Z", False),
    # The one from 2 to 3 does not come at all on 8 March.
    ("America/New_York", {"from": "02:00", "to": "03:00"}, "2026-03-08T06:59:59Z", False),
    ("America/New_York", {"from": "02:00", "to": "03:00"}, "2026-03-08T07:00Z", False),
    # Lord Howe puts its clocks on and back by half an hour.
    ("Australia/Lord_Howe", {"from": "02:00", "to": "02:30"}, "2026-10-03T15:30Z", False),
    ("Australia/Lord_Howe", {"from": "02:30", "to": "03:00"}, "2026-10-03T15:30Z", True),
    ("Australia/Lord_Howe", {"from": "01:30", "to": "02:00"}, "2026-04-04T14:30Z", True),
    ("Australia/Lord_Howe", {"from": "01:30", "to": "02:00"}, "2026-04-04T15:29:59Z", True),
    ("Australia/Lord_Howe", {"from": "01:30", "to": "02:00"}, "2026-04-04T15:30Z", False),
    # Three quarters of an hour; and a Monday that begins on Sunday by UTC.
    ("Asia/Kathmandu", {"from": "17:00", "to": "19:00"}, "2026-03-02T11:14:59Z", False),
    ("Asia/Kathmandu", {"from": "17:00", "to": "19:00"}, "2026-03-02T11:15Z", True),
    ("Pacific/Chatham", {"weekdays": [1]}, "2026-06-07T11:14:59Z", False),
    ("Pacific/Chatham", {"weekdays": [1]}, "2026-06-07T11:15Z", True),
]


@pytest.mark.parametrize(("zone", "schedule", "now", "is_open"), HOURS)
def test_hours_are_those_of_the_wall_clock_when_clocks_change(
    zone: str, schedule: dict[str, Any], now: str, is_open: bool
) -> None:
    shelf, _ = compile_definitions({"p": {"kind": "percent", "percent": "10", "schedule": schedule}}, "USD")
    priced = price_trip(replace(TRIP, timezone=zone), shelf, at=milliseconds(datetime.fromisoformat(now)))
    assert bool(priced.discount) is is_open


@pytest.mark.parametrize(
    ("window", "now", "is_open"),
    [
        ({"valid_from": "2026-03-08"}, "2026-03-08T04:59:59.999Z", False),
        ({"valid_from": "2026-03-08"}, "2026-03-08T05:00Z", True),
        # The day that the clocks go forward has 23 hours.
        ({"valid_to": "2026-03-08"}, "2026-03-09T03:59:59.999Z", True),
        ({"valid_to": "2026-03-08"}, "2026-03-09T04:00Z", False),
        ({"valid_to": "2026-03-08T12:00:00"}, "2026-03-08T16:00Z", True),
        ({"valid_to": "2026-03-08T12:00:00"}, "2026-03-08T16:00:00.001Z", False),
        ({"valid_to": "2026-03-08T12:00:00+00:00"}, "2026-03-08T12:00:00.001Z", False),
    ],
)
def test_a_window_is_of_the_stores_days_unless_it_names_an_offset(window: dict[str, str], now: str, is_open: bool) -> None:
    shelf, _ = compile_definitions({"p": {"kind": "percent", "percent": "10", **window}}, "USD")
    assert bool(price_trip(TRIP, shelf, at=milliseconds(datetime.fromisoformat(now))).discount) is is_open


def test_the_last_event_says_when_unless_a_time_is_given() -> None:
    shelf, _ = compile_definitions(SHELF, "USD")
    assert price_trip(TRIP, shelf) == price_trip(TRIP, shelf, at=TRIP.last_at)
    assert price_trip(replace(TRIP, last_at=at("2026-03-02T19:00")), shelf).applied == ("b-tea",)


def test_segments_and_offers_of_the_member_count_and_an_offer_is_named_by_its_campaign() -> None:
    shelf, _ = compile_definitions(SHELF, "USD")
    broken = replace(OFFER, offer="camp-2", promotion={"kind": "nonsense"})
    offers, refused = compile_offers([OFFER, broken], "USD")
    assert [error.promotion for error in refused] == ["camp-2"]
    priced = price_trip(replace(TRIP, segments=("member",)), shelf, offers)
    assert sorted((saved.promotion, saved.title) for saved in priced.savings) == [
        ("a-happy", "a-happy"), ("b-tea", "Tea week"), ("c-members", "c-members"), ("camp", "Bread for you"),
    ]  # fmt: skip
    assert priced == price_trip(replace(TRIP, segments=("member",)), shelf, compile_offers([OFFER], "USD")[0])


def test_near_misses_are_told_where_they_are_asked_for() -> None:
    shelf, _ = compile_definitions({"p": {"kind": "n_for_price", "n": 3, "price": "10", "target": {"skus": ["tea"]}}}, "USD")
    assert price_trip(TRIP, shelf).near_misses == ()
    assert [miss.saving for miss in price_trip(TRIP, shelf, prompts=3).near_misses] == [200]


def test_a_time_zone_that_is_not_known_is_named() -> None:
    shelf, _ = compile_definitions({}, "USD")
    for name in ("Mars/Olympus", "../../etc/passwd", ""):
        with pytest.raises(UnknownTimezone, match="is not known here"):
            price_trip(replace(TRIP, timezone=name), shelf)


def finished(trip: Trip, total: int) -> Trip:
    return replace(trip, finished=TripFinished(units=3, discount=0, total=total))


def test_a_receipt_holds_what_was_priced_and_what_the_screen_showed() -> None:
    gift = {"kind": "free_gift", "title": "Cup", "gift": {"sku": "cup", "unit_price": "5.00"}, "per": {"skus": ["tea"], "qty": 2}}
    shelf, _ = compile_definitions(SHELF | {"d-gift": gift}, "USD")
    offers, _ = compile_offers([OFFER], "USD")
    trip = finished(replace(TRIP, member="m-1", segments=("member",), offers=(OFFER,)), 777)
    priced = price_trip(trip, shelf, offers)
    receipt = form_receipt(trip, priced, "0" * 64, "till-1", "aaaaaa")
    assert (receipt.receipt, receipt.device, receipt.journal, receipt.snapshot) == ("till-1.aaaaaa.1", "till-1", "aaaaaa", 3)
    assert (receipt.started_at, receipt.finished_at) == (trip.started_at, trip.last_at)
    assert (receipt.member, receipt.segments, receipt.offers) == ("m-1", ["member"], [OfferUse(offer="camp", revision=2)])
    assert [(found.sku, found.name, found.quantity, found.tax_rate) for found in receipt.lines] == [
        ("tea", "Tea", 2, "8.875"), ("bread", "Bread", 1, "8.875"), ("cup", "Cup", 1, None),
    ]  # fmt: skip
    assert (receipt.units, receipt.discount, receipt.total) == (4, priced.discount, priced.total)
    assert receipt.total == sum(found.gross - found.discount for found in receipt.lines)
    assert receipt.discount == sum(saved.amount for saved in receipt.savings)
    assert receipt.device_total == 777


def test_no_receipt_without_an_end_nor_of_another_basket_nor_beyond_its_bounds() -> None:
    shelf, _ = compile_definitions({}, "USD")
    with pytest.raises(NoReceipt, match="is not finished"):
        form_receipt(TRIP, price_trip(TRIP, shelf), "0" * 64, "till-1", "aaaaaa")
    trip = finished(TRIP, 1)
    with pytest.raises(NoReceipt, match="does not hold what was priced"):
        form_receipt(trip, price_trip(replace(TRIP, lines=TRIP.lines[:1]), shelf), "0" * 64, "till-1", "aaaaaa")
    with pytest.raises(NoReceipt, match="fingerprint: String should match"):
        form_receipt(trip, price_trip(trip, shelf), "none", "till-1", "aaaaaa")


def test_a_trip_priced_as_it_goes_is_priced_as_if_anew() -> None:
    shelf, _ = compile_definitions(SHELF, "USD")
    offers, _ = compile_offers([OFFER], "USD")
    pricer = TripPricer()
    more = replace(TRIP, lines=(TRIP.lines[0], replace(TRIP.lines[1], quantity=2), line("milk", 100)))
    late = replace(more, last_at=at("2026-03-02T19:00"))
    fewer = replace(TRIP, lines=TRIP.lines[:1], last_at=at("2026-03-02T17:45"))
    for trip, held in ((TRIP, None), (more, None), (late, None), (fewer, None), (more, offers), (more, offers)):
        for prompts in (0, 2):
            assert pricer.price(trip, shelf, held, prompts=prompts) == price_trip(trip, shelf, held, prompts=prompts)


def test_the_clock_touches_only_what_it_opens_or_closes() -> None:
    shelf = compile_definitions(SHELF, "USD")[0]
    pricer = TripPricer()
    for minute in ("16:50", "16:55", "17:10", "18:59", "19:01"):
        now = at(f"2026-03-02T{minute}")
        assert pricer.price(TRIP, shelf, at=now) == price_trip(TRIP, shelf, at=now)


def test_more_near_misses_than_can_be_tried_are_left_out() -> None:
    near = {"kind": "percent", "percent": "10", "target": {"skus": ["tea"]}, "when": {"min_qty": 3}}
    many = {f"p{number}": near for number in range(9)}
    priced = price_trip(TRIP, compile_definitions(many, "USD")[0], prompts=9)
    assert 0 < len(priced.near_misses) <= 6


def test_a_shelf_price_reduction_is_known_beside_what_else_acts() -> None:
    shelf, _ = compile_definitions(
        {
            "shelf": {"kind": "percent", "percent": "10", "layer": "catalogue", "target": {"skus": ["tea"]}},
            "bread": {"kind": "percent", "percent": "20", "target": {"skus": ["bread"]}},
            "order": {"kind": "percent_order", "percent": "5", "only_undiscounted": True},
        },
        "USD",
    )
    pricer = TripPricer()
    priced = pricer.price(TRIP, shelf)
    assert priced == price_trip(TRIP, shelf)
    assert {saving.promotion for saving in priced.savings} == {"shelf", "bread", "order"}


COUPONS: dict[str, dict[str, Any]] = {
    "tea": {"kind": "amount", "amount": "1.50", "coupon": "TEA", "target": {"skus": ["tea"]}, "title": "1.50 off tea"},
    "tea-again": {"kind": "percent", "percent": "1", "coupon": "TEA", "target": {"skus": ["tea"]}},
    "cake": {"kind": "percent", "percent": "50", "coupon": "CAKE", "target": {"skus": ["cake"]}},
    "plain": {"kind": "percent", "percent": "5", "target": {"skus": ["cake"]}},
}


def test_a_coupon_counts_once_it_is_shown_and_is_answered_beside_all_that_the_trip_holds() -> None:
    shelf, _ = compile_definitions(COUPONS, "USD")
    offers, _ = compile_offers([replace(OFFER, promotion={**OFFER.promotion, "coupon": "MINE"})], "USD")
    assert coupon_titles(shelf) | coupon_titles(offers) | coupon_titles(None) == {
        "TEA": "1.50 off tea", "CAKE": "cake", "MINE": "Bread for you",
    }  # fmt: skip
    shown = replace(TRIP, coupons=frozenset({"TEA", "MINE", "CAKE"}))
    assert price_trip(TRIP, shelf, offers).discount == 0
    assert price_trip(shown, shelf, offers).discount == 150 + 50 + 8
    assert answer_shown(replace(shown, coupons=frozenset({"TEA"})), shelf, None, "TEA").saving == 150 + 8
    assert answer_shown(shown, shelf, offers, "MINE").saving == 50
    assert answer_shown(shown, shelf, offers, "CAKE").reason == "lacks_goods"


def test_a_receipt_says_which_coupons_were_shown() -> None:
    shelf, _ = compile_definitions(COUPONS, "USD")
    shown = replace(TRIP, coupons=frozenset({"TEA", "CAKE"}))
    priced = price_trip(shown, shelf)
    done = replace(shown, finished=TripFinished(units=3, discount=priced.discount, total=priced.total))
    assert form_receipt(done, priced, "0" * 64, "till-1", "aaaaaa").coupons == ["CAKE", "TEA"]


def test_what_comes_back_of_a_trip_is_what_is_kept_less_with_its_deposit() -> None:
    shelf, _ = compile_definitions(SHELF, "USD")
    bottled = replace(TRIP, lines=(replace(TRIP.lines[0], deposit=25), TRIP.lines[1]))
    assert refund_trip(bottled, shelf, None, {("tea", 400): 1}).amount == 360 + 25
    assert refund_trip(bottled, shelf, None, {("bread", 250): 1}).amount == 250
    with pytest.raises(NotBought, match="1 of cake at 9 come back"):
        refund_trip(bottled, shelf, None, {("cake", 9): 1})
