"""What a code brings, before anybody writes it down."""

from __future__ import annotations

import pytest
from tests.device.conftest import CARD, MILK, Desk

from panier.barcode import NO_NUMBERING
from panier.trip import CardScanned, CodeRefused, CouponShown, Event, Happening, ItemAdded, Trip, TripStarted, start
from panier_device.decision import Decision
from panier_device.fitting import load_rules
from panier_device.lookup import Lookup
from panier_device.shelf import Shelf

NOON, MIDNIGHT = 1_795_280_400_000, 1_795_237_200_000
"""Of 21 November 2026 in New York; when the day begins there, it is five o'clock in UTC."""
HOUR = 3_600_000
GOOD_UNTIL_THE_20TH = "]d2010200000000003917261120"


@pytest.fixture
def lookup(desk: Desk) -> Lookup:
    return Lookup(desk.shop, Shelf(desk.shop, desk.tally, "EUR", "UTC"), desk.tally, load_rules("sample"), NO_NUMBERING)


def only(found: CardScanned | CouponShown | Decision) -> Happening:
    assert isinstance(found, Decision)
    (happened,) = found.happenings
    return happened


def trip_in(timezone: str) -> Trip:
    what = TripStarted(store="north", currency="USD", timezone=timezone, snapshot=7)
    return start(Event(sequence=1, at=1, trip="hand-1.j.1", what=what))


def test_a_code_brings_goods_a_card_or_a_coupon_and_nothing_is_written(desk: Desk, lookup: Lookup):
    item = only(lookup.find(MILK, "scan", None, NOON))
    assert isinstance(item, ItemAdded)
    assert (item.sku, item.unit_price, item.snapshot, item.entry) == ("3", 179, 7, "scan")
    assert lookup.find(CARD, "scan", None, NOON) == CardScanned(card=CARD)
    assert lookup.find("9912345678909", "scan", None, NOON) == CouponShown(coupon="9912345678909")
    assert only(lookup.find_sku("1")) == ItemAdded(
        sku="1", name="Espresso beans 1 kg", unit_price=1240, category="coffee", tax_rate=None, snapshot=7, entry="shelf"
    )  # fmt: skip
    assert (desk.kinds, desk.agent.now.trip) == ([], None)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("2000000000916", "unknown_product"), ("2000000000038", "wrong_check_digit"), (GOOD_UNTIL_THE_20TH, "expired")],
)
def test_what_the_shop_cannot_use_is_counted_once(desk: Desk, lookup: Lookup, code: str, reason: str):
    refused = only(lookup.find(code, "scan", None, NOON))
    assert isinstance(refused, CodeRefused)
    assert (refused.reason, desk.tally.refused.labels(reason)._value.get()) == (reason, 1)


@pytest.mark.parametrize(
    ("trip", "at", "is_sold"),
    [
        (None, MIDNIGHT - HOUR, True),
        (None, MIDNIGHT + HOUR, False),
        (trip_in("UTC"), MIDNIGHT - HOUR, False),
        (trip_in("America/Los_Angeles"), MIDNIGHT + HOUR, True),
    ],
    ids=["the store's 20th", "the store's 21st", "in UTC it is the 21st already", "in Los Angeles it is still the 20th"],
)
def test_a_day_ends_by_the_clock_of_the_trip_or_of_the_store(lookup: Lookup, trip: Trip | None, at: int, is_sold: bool):
    assert isinstance(only(lookup.find(GOOD_UNTIL_THE_20TH, "scan", trip, at)), ItemAdded if is_sold else CodeRefused)
