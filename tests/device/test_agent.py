"""A trip at the terminal, from its first scan to its end, over restarts and a disk that refuses."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from tests.device.conftest import (
    BEANS,
    BREAD,
    CARD,
    GRANOLA,
    MILK,
    PRODUCTS,
    PROMOTIONS,
    Clock,
    Desk,
    body,
    capsule,
    changes,
    open_desk,
    total_of,
)
from tests.sending import events_in

from panier.message import SnapshotPart
from panier.snapshot import Change
from panier.trip import CardScanned, CodeRefused, ItemAdded, ItemRemoved, TripFinished
from panier_device.decision import Message
from panier_device.driver.port import Frame, Reading
from panier_io.store import row_sum


def test_the_scanner_is_told_whether_its_code_was_taken(desk: Desk):
    codes = {MILK: True, CARD: True, "4006381333931": False, "40": False}
    assert {code: desk.agent.take(Reading(Frame(code), "scan", 1)) for code in codes} == codes
    assert not desk.agent.take(Reading(Frame("4", "wrong_speed"), "scan", 1))
    assert desk.agent.now.message == Message("wrong_speed", "attention")


def test_the_first_scan_starts_a_trip_in_the_stores_currency_and_zone(desk: Desk):
    desk.scan(MILK)
    assert desk.kinds == ["trip_started", "item_added"]
    trip, priced = desk.agent.now.trip, desk.agent.now.priced
    assert trip is not None
    assert priced is not None
    assert (trip.currency, trip.timezone, trip.snapshot, trip.units, priced.total) == ("USD", "America/New_York", 7, 1, 179)


def test_an_event_is_on_the_disk_before_it_is_shown(desk: Desk):
    desk.scan(MILK)
    assert desk.shows == ["item_added"]


def test_a_card_may_come_first_and_earns_member_prices_without_a_network(desk: Desk):
    desk.scan(CARD)
    desk.scan(MILK)
    assert desk.kinds == ["trip_started", "card_scanned", "item_added"]
    assert desk.agent.now.priced is not None
    assert desk.agent.now.priced.total == 161
    desk.scan(CARD)
    assert desk.said == "card_again"
    assert desk.kinds.count("card_scanned") == 1


def test_promotions_of_the_snapshot_apply(desk: Desk):
    desk.scan(BEANS)
    desk.scan(BEANS)
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
    desk.scan(MILK)
    desk.scan(text, flaw=flaw)
    event = events_in(desk.journal, 2)[0].what
    assert isinstance(event, CodeRefused)
    assert (event.reason, desk.said) == (reason, reason)
    assert text not in event.seen
    assert desk.agent.now.trip is not None
    assert desk.agent.now.trip.units == 1


def test_a_refused_code_alone_starts_no_trip(desk: Desk):
    desk.scan("2000000000916")
    assert desk.kinds == []
    assert desk.said == "unknown_product"
    assert desk.tally.refused.labels("unknown_product")._value.get() == 1


def test_without_prices_a_product_is_refused_and_a_card_is_taken(tmp_path: Path):
    desk = open_desk(tmp_path, stocked=False)
    desk.scan(MILK)
    assert desk.said == "no_prices_yet"
    desk.scan(CARD)
    assert desk.kinds == ["trip_started", "card_scanned"]


def test_plus_minus_and_delete_act_on_the_last_line(desk: Desk):
    desk.scan(MILK)
    desk.scan(BREAD)
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
    assert desk.said == "nothing_to_change"


def test_a_line_of_thousands_can_be_deleted(desk: Desk):
    desk.scan(MILK)
    trip = desk.trip_id
    milk = events_in(desk.journal, 1)[0].what
    assert isinstance(milk, ItemAdded)
    desk.journal.append(trip, 1, *[replace(milk, quantity=999)] * 2)
    desk.agent.restore()
    desk.agent.put_back(whole_line=True)
    removed = [event.what.quantity for event in events_in(desk.journal, 4) if isinstance(event.what, ItemRemoved)]
    assert removed == [999, 999, 1]


def test_finishing_writes_the_figures_of_the_screen_and_erases_the_name(desk: Desk):
    desk.scan(BEANS)
    desk.scan(CARD)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    trip = desk.trip_id
    assert desk.journal.greeting(trip) == "Claire"
    desk.clock.now += 5_000
    desk.agent.finish()
    finished = events_in(desk.journal)[-1]
    assert finished.what == TripFinished(units=1, discount=248, total=992)
    assert finished.at == desk.clock.now
    farewell = desk.agent.now.farewell
    assert farewell is not None
    assert (farewell.trip, farewell.first_name, farewell.total) == (trip, "Claire", 992)
    assert desk.agent.now.trip is None
    assert desk.journal.greeting(trip) == ""


def test_an_empty_trip_is_abandoned_and_not_sold(desk: Desk):
    desk.scan(CARD)
    desk.agent.finish()
    assert desk.kinds[-1] == "trip_abandoned"
    assert desk.agent.now.farewell is None
    assert desk.said == "goodbye"


def test_the_next_scan_after_thank_you_starts_anew(desk: Desk):
    desk.scan(MILK)
    first = desk.trip_id
    desk.agent.finish()
    desk.scan(BREAD)
    assert desk.trip_id != first
    assert desk.agent.now.farewell is None
    desk.agent.finish()
    desk.agent.dismiss()
    assert desk.agent.now.trip is desk.agent.now.farewell is None


def test_the_price_at_the_end_is_that_of_the_end(tmp_path: Path):
    lunch = {"kind": "percent", "percent": "50", "title": "lunch", "target": {"all": True}, "valid_to": "2026-11-21T13:00:00"}
    desk = open_desk(tmp_path, Clock(), stocked=False)
    desk.shop.settle_in("USD", "America/New_York")
    desk.stock(changes(None, {"lunch": lunch}), version=7)
    desk.scan(BREAD)
    assert desk.agent.now.priced is not None
    assert desk.agent.now.priced.discount == 58
    desk.clock.now += 3 * 3_600_000
    desk.agent.finish()
    assert desk.agent.now.farewell is not None
    assert desk.agent.now.farewell.total == 115


def test_a_clock_that_is_set_back_does_not_turn_the_trip_back(desk: Desk):
    desk.scan(MILK)
    was = desk.clock.now
    desk.clock.now -= 3_600_000
    desk.scan(MILK)
    assert events_in(desk.journal, 2)[0].at == was


def test_help_is_called_and_called_off(desk: Desk):
    desk.agent.call_help()
    assert desk.agent.now.trip is not None
    assert desk.agent.now.trip.needs_help
    desk.agent.call_help()
    assert desk.kinds == ["trip_started", "help_requested", "help_ended"]


def test_new_prices_in_mid_trip_are_adopted_and_lines_keep_theirs(desk: Desk):
    desk.scan(MILK)
    dearer = replace(PRODUCTS["3"], unit_price=199)
    item = Change(version=8, kind="product", key="3", body=body(dearer))
    after = total_of(changes({**PRODUCTS, "3": dearer}))
    assert desk.shop.take(SnapshotPart(version=8, fingerprint=after, since=7, part=0, parts=1, changes=[item])) == "complete"
    desk.agent.snapshot_arrived()
    desk.agent.snapshot_arrived()
    desk.scan(MILK)
    assert desk.kinds == ["trip_started", "item_added", "snapshot_adopted", "item_added"]
    trip = desk.agent.now.trip
    assert trip is not None
    assert [(line.unit_price, line.snapshot) for line in trip.lines] == [(179, 7), (199, 8)]
    assert trip.snapshot == 8


def test_typed_codes_and_picked_products_say_how_they_came_in(desk: Desk):
    desk.agent.type_code(MILK)
    desk.agent.pick("2")
    assert [event.what.entry for event in events_in(desk.journal, 1) if isinstance(event.what, ItemAdded)] == ["typed", "shelf"]
    desk.agent.pick("99")
    assert desk.said == "unknown_product"


def test_after_a_restart_the_trip_is_as_it_was(tmp_path: Path):
    desk = open_desk(tmp_path)
    desk.scan(CARD)
    desk.scan(BEANS)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    before = desk.agent.now
    desk.journal.close()
    again = open_desk(tmp_path)
    again.agent.restore()
    assert again.agent.now.trip == before.trip
    assert again.agent.now.priced == before.priced
    assert again.agent.now.first_name == "Claire"
    assert isinstance(events_in(again.journal, 1)[0].what, CardScanned)


def test_after_a_restart_without_a_trip_no_name_is_left(tmp_path: Path):
    desk = open_desk(tmp_path)
    desk.scan(MILK)
    desk.agent.finish()
    desk.journal.greet("left over", "Claire")
    desk.agent.restore()
    assert desk.journal.greeting("left over") == ""
    assert desk.agent.now.trip is None


def test_prices_that_came_before_a_crash_are_adopted_after_it(tmp_path: Path):
    desk = open_desk(tmp_path)
    desk.scan(MILK)
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
    desk.scan(MILK)
    desk.journal._db.conn.execute("PRAGMA query_only=ON")
    desk.scan(BREAD)
    assert desk.said == "disk_fault"
    assert desk.agent.now.trip is not None
    assert desk.agent.now.trip.units == 1
    desk.journal._db.conn.execute("PRAGMA query_only=OFF")
    desk.scan(BREAD)
    assert desk.agent.now.trip.units == 2
    assert issubclass(sqlite3.OperationalError, sqlite3.Error)


def test_goods_that_no_event_can_hold_are_refused_in_words_and_the_rest_is_sold(desk: Desk):
    odd = replace(PRODUCTS["2"], tax_rate="")
    desk.stock(changes(PRODUCTS | {"2": odd}))
    desk.scan(MILK, BREAD)
    assert desk.said == "malformed"
    desk.scan(MILK)
    assert desk.agent.now.trip is not None
    assert [(line.sku, line.quantity) for line in desk.agent.now.trip.lines] == [("3", 2)]


def test_a_trip_that_cannot_be_read_after_a_restart_is_told_to_the_shopper(tmp_path: Path):
    desk = open_desk(tmp_path)
    desk.scan(MILK)
    unread = '{"kind":"of_a_later_version"}'
    row = (3, desk.trip_id, 1, unread, row_sum(desk.journal.id, 3, desk.trip_id, 1, unread))
    desk.journal._conn.execute("INSERT INTO event(sequence, trip, at, what, sum) VALUES (?, ?, ?, ?, ?)", row)
    desk.close()
    again = open_desk(tmp_path)
    again.agent.show = lambda: None
    again.agent.restore()
    assert (again.said, again.agent.now.trip) == ("trip_unreadable", None)
    again.scan(MILK)
    assert again.agent.now.trip is not None
    assert again.agent.now.trip.units == 1
    again.close()


def test_a_promotion_that_cannot_be_used_is_counted_and_the_others_serve(desk: Desk):
    bad = {"new": {"kind": "percent", "percent": "5", "format": 2}}
    desk.stock(changes(promotions=PROMOTIONS | bad), version=8)
    assert desk.tally.promotions_refused._value.get() == 1
    desk.scan(BEANS)
    desk.scan(BEANS)
    assert desk.agent.now.priced.discount == 280
