"""The intake by itself, on a real ledger: order, repeats, gaps, refusals; and the disk before the state."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.conftest import ITEM, STARTED, batch, journal, kinds, priced, stored, unpriced

from panier.message import EventBatch, happening_to_json
from panier.payment import PaymentBegun
from panier.receipt import Receipt
from panier.trip import CodeRefused, Event, ItemRemoved, OfferShown, TripAbandoned, TripFinished
from panier_gateway.batch import Batch
from panier_gateway.closing import Settled
from panier_gateway.intake import Intake
from panier_gateway.ledger import Ledger


def test_a_batch_moves_the_acknowledgement_and_folds_the_trip(intake, ledger):
    (taken,) = intake.take_in([batch(journal(STARTED, ITEM, ITEM))], now=5)
    assert (taken.upto, taken.refused) == (3, ())
    assert taken.trip is not None
    assert taken.trip.units == 2
    assert stored(ledger) == [1, 2, 3]


def test_goods_past_their_date_are_told_to_staff_once_a_trip(intake, ledger):
    stopped = CodeRefused(reason="expired", seen="17", entry="scan")
    intake.take_in([batch(journal(STARTED, stopped, stopped, replace(stopped, reason="needs_weight")))], now=5)
    (incident,) = (json.loads(parcel.body) for parcel in ledger.parcels(9))
    assert (incident["kind"], incident["trip"]) == ("expired", "till-1.j.1")
    assert "17, which is past its date" in incident["text"]


def test_a_recalled_piece_is_told_to_staff(intake, ledger):
    intake.take_in([batch(journal(STARTED, CodeRefused(reason="recalled", seen="17", entry="scan")))], now=5)
    (incident,) = (json.loads(parcel.body) for parcel in ledger.parcels(9))
    assert (incident["kind"], "17, which is called back: take it off the shelf" in incident["text"]) == ("recalled", True)


def test_repeats_change_nothing_and_are_acknowledged_again(intake, ledger):
    events = journal(STARTED, ITEM, ITEM)
    intake.take_in([batch(events)], now=5)
    (again,) = intake.take_in([batch(events[:2])], now=6)
    assert (again.upto, again.events) == (3, ())
    assert stored(ledger) == [1, 2, 3]


def test_a_batch_beyond_a_gap_is_not_stored_and_the_gap_is_said(intake, ledger):
    events = journal(STARTED, ITEM, ITEM, ITEM)
    intake.take_in([batch(events[:1])], now=5)
    (beyond,) = intake.take_in([batch(events[2:])], now=6)
    assert (beyond.upto, beyond.wrong) == (1, "events 2 to 2 are missing")
    assert stored(ledger) == [1]


def test_a_jump_within_a_batch_ends_it_there(intake, ledger):
    events = journal(STARTED, ITEM, ITEM, ITEM)
    (taken,) = intake.take_in([batch([events[0], events[1], events[3]])], now=5)
    assert taken.upto == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"what": {"kind": "item_added"}}, "malformed: event: what.item_added"),
        ({"what": {"kind": "who_knows"}}, "malformed: event: what"),
        ({"at": -1}, "malformed: event: at"),
        ({"at": 10**20}, "malformed: event: at"),
        ({"sequence": "two"}, None),
        ({"trip": "till-2.j.1"}, "forged: trip till-2.j.1 is not one of till-1's journal j"),
        ({"trip": "till-1.other.1"}, "forged"),
        ({"trip": "till-1.j.9"}, "trip_order: item_added belongs to trip till-1.j.9, which is not open"),
        ({"what": {"kind": "item_removed", "sku": "b", "unit_price": 1}}, "trip_order: 1 of b cannot be put back"),
        ({"what": json.loads(happening_to_json(STARTED))}, "forged: trip till-1.j.1 starts with event 2"),
    ],
)
def test_one_bad_event_is_set_aside_with_its_reason_and_the_rest_goes_on(intake, ledger, change, reason):
    good = batch(journal(STARTED, ITEM, ITEM))
    records = [dict(record) for record in good.message.events]
    records[1] |= change
    (taken,) = intake.take_in([Batch("till-1", EventBatch(journal="j", events=records))], now=5)
    assert taken.upto == 3
    if reason is None:
        assert taken.refused == ()
        return
    assert [refusal.sequence for refusal in taken.refused] == [2]
    assert taken.refused[0].reason.startswith(reason)
    (letter,) = ledger.dead_letters.waiting()
    assert (letter.device, letter.journal, letter.sequence) == ("till-1", "j", 2)
    assert letter.reason.startswith(reason)
    assert json.loads(letter.payload) == records[1]
    assert stored(ledger) == [1, 3]


def test_a_refused_event_that_comes_again_counts_as_received(intake, ledger):
    records = [{"sequence": 1, "nonsense": True}]
    for _ in range(2):
        (taken,) = intake.take_in([Batch("till-1", EventBatch(journal="j", events=records))], now=5)
        assert taken.upto == 1
    assert ledger.dead_letters.count() == 1


def test_a_batch_without_any_sequence_is_kept_as_a_dead_letter_and_moves_nothing(intake, ledger):
    (taken,) = intake.take_in([Batch("till-1", EventBatch(journal="j", events=[{"x": 1}]))], now=5)
    assert taken.upto == 0
    assert [letter.reason for letter in ledger.dead_letters.waiting()] == ["no event of the batch has a sequence"]


def test_what_cannot_be_read_and_comes_again_is_one_letter_however_it_grows(intake, ledger):
    for now in range(1, 200):
        intake.refuse_payload("till-1", f"events: Invalid JSON: line 1 column {now}", b"{" * now, now)
    (letter,) = ledger.dead_letters.waiting()
    assert (letter.times, letter.payload, letter.last_at) == (199, "{", 199)
    intake.refuse_payload("till-1", "events: EventBatch of 900001 bytes; the most is 900000", b"x" * 900_001, 200)
    assert [len(letter.payload) for letter in ledger.dead_letters.waiting()] == [1, 64_000]


def test_a_wiped_device_starts_a_journal_of_its_own_and_its_old_trip_is_reported(intake, ledger):
    intake.take_in([batch(journal(STARTED, ITEM))], now=5)
    (taken,) = intake.take_in([batch(journal(STARTED, name="k"), name="k")], now=6)
    assert taken.upto == 1
    assert intake.open_trips()["till-1"].trip == "till-1.k.1"
    (incident,) = ledger.parcels(9)
    told = json.loads(incident.body)
    assert told["kind"] == "left_open"
    assert told["text"].endswith("till-1 goes on in journal k, where it may come under another number: look before you book it")


def test_a_device_wiped_in_the_middle_of_a_payment_is_reported_with_what_was_asked_for(intake, ledger):
    begun = PaymentBegun(reference="till-1.j.3", amount=1234, units=1, discount=0)
    intake.take_in([batch(journal(STARTED, ITEM, begun))], now=5)
    intake.take_in([batch(journal(STARTED, name="k"), name="k")], now=6)
    (incident,) = ledger.parcels(9)
    assert "a payment of 12.34 was under way: look up till-1.j.3" in json.loads(incident.body)["text"]


@pytest.mark.parametrize("batches", [1, 4])
def test_a_trip_that_its_own_journal_left_open_and_finishes_late_has_its_receipt(ledger, batches):
    intake = Intake("shop", ledger, priced, lambda trip: trip.member)
    start, item, other, end = journal(STARTED, ITEM, STARTED, TripFinished(units=1, discount=0, total=1))
    events = [start, item, replace(other, trip="till-1.j.3"), end]
    for place in range(0, 4, 4 // batches):
        (taken,) = intake.take_in([batch(events[place : place + 4 // batches])], now=5)
        assert taken.refused == ()
    assert [parcel.identity for parcel in ledger.parcels(9) if parcel.kind == "receipt"] == ["till-1.j.1"]
    assert [trip.trip for trip in ledger.trips("open")] == ["till-1.j.3"]


def test_a_trip_of_another_store_is_refused(intake, ledger):
    (taken,) = intake.take_in([batch(journal(replace(STARTED, store="other")))], now=5)
    assert "of store other, not of shop" in taken.refused[0].reason


def test_contacts_with_offers_wait_for_the_back_office_under_the_events_identity(intake, ledger):
    intake.take_in([batch(journal(STARTED, OfferShown(offer="c1")))], now=5)
    (parcel,) = ledger.parcels(9)
    assert (parcel.kind, parcel.identity) == ("contact", "till-1.j.2")


def test_an_abandoned_trip_leaves_no_receipt(intake, ledger):
    intake.take_in([batch(journal(STARTED, ITEM, TripAbandoned()))], now=5)
    assert intake.open_trips() == {}
    assert ledger.parcels(9) == []


def test_a_receipt_that_cannot_be_formed_keeps_the_trip_and_tells_someone(intake, ledger):
    intake.take_in([batch(journal(STARTED, ITEM, TripFinished(units=1, discount=0, total=1)))], now=5)
    assert [trip.trip for trip in ledger.trips("unsettled")] == ["till-1.j.1"]
    assert json.loads(ledger.parcels(9)[0].body)["kind"] == "unsettled"


def test_a_trip_whose_receipt_is_formed_late_counts_on_the_day_on_which_it_ended(ledger):
    settle = [unpriced, unpriced, priced]
    intake = Intake("shop", ledger, lambda trip: settle.pop(0)(trip), lambda trip: trip.member)
    intake.take_in([batch(journal(STARTED, ITEM, TripFinished(units=1, discount=0, total=5)))], now=5)
    for today in (100, 200):
        assert intake.settle_what_is_left(now=today) == (today == 200)
        assert (ledger.shift(0), ledger.shift(6)) == ((1, 5), (0, 0))
    assert kinds(ledger) == ["receipt", "unsettled"]


def test_one_batch_that_trips_over_a_bug_does_not_hold_up_the_others(ledger):
    def broken(trip):
        raise RuntimeError("a bug of ours")

    intake = Intake("shop", ledger, unpriced, broken)
    bad, good = batch(journal(STARTED, OfferShown(offer="c1"))), batch(journal(STARTED, device="till-2"), device="till-2")
    for now in (5, 6):
        first, second = intake.take_in([bad, good], now)
        assert (first.upto, first.is_held_up, second.upto, second.is_held_up) == (None, True, 1, False)
    assert stored(ledger) == []
    assert stored(ledger, "till-2") == [1]
    assert intake.quarantined() == {}
    (incident,) = (json.loads(parcel.body) for parcel in ledger.parcels(9))
    assert (incident["kind"], incident["device"]) == ("held_up", "till-1")
    assert "till-1 keeps those of journal j, and sends them again (RuntimeError: a bug of ours)" in incident["text"]
    mended = Intake("shop", ledger, unpriced, lambda _: None)
    (taken,) = mended.take_in([bad], now=7)
    assert (taken.upto, kinds(ledger)) == (2, ["contact", "held_up"])


def test_names_of_journals_under_which_nothing_is_stored_are_not_remembered(intake, ledger):
    beyond = journal(STARTED, ITEM)[1:]
    for number in range(50):
        (taken,) = intake.take_in([batch(beyond, name=f"j{number}")], now=5)
        assert taken.upto == 0
    assert (intake._state.journals, intake._state.trips) == ({}, {})
    (taken,) = intake.take_in([batch(journal(STARTED, name="j7"), name="j7")], now=6)
    assert (taken.upto, list(ledger.journals())) == (1, [("till-1", "j7")])


def test_a_disk_that_refuses_the_commit_leaves_the_state_where_it_was(intake, ledger):
    events = journal(STARTED, ITEM)
    # The smallest disk there is: SQLite refuses to grow the file.
    pages = ledger._conn.execute("PRAGMA page_count").fetchone()[0]
    ledger._conn.execute(f"PRAGMA max_page_count = {pages}")
    big = Event(sequence=2, at=2, trip=events[0].trip, what=replace(ITEM, name="x" * 120))
    many = [events[0], *(replace(big, sequence=n) for n in range(2, 200))]
    with pytest.raises(sqlite3.OperationalError, match="full"):
        intake.take_in([batch(many)], now=5)
    assert intake.upto("till-1", "j") == 0
    assert intake.open_trips() == {}
    ledger._conn.execute("PRAGMA max_page_count = 1000000")
    (taken,) = intake.take_in([batch(many)], now=6)
    assert taken.upto == 199


def test_a_gateway_that_lost_its_disk_takes_up_from_what_the_device_still_holds_and_says_what_is_missing(intake, ledger):
    events = [
        Event(sequence=8, at=8, trip="till-1.j.8", what=STARTED), Event(sequence=9, at=9, trip="till-1.j.8", what=ITEM),
    ]  # fmt: skip
    (waits,) = intake.take_in([batch(events)], now=5)
    assert (waits.upto, waits.wrong) == (0, "events 1 to 7 are missing")
    told = Batch("till-1", batch(events).message.model_copy(update={"follows": 0}))
    (taken,) = intake.take_in([told], now=6)
    assert (taken.upto, stored(ledger)) == (9, [8, 9])
    (again,) = intake.take_in([told], now=7)
    assert (again.upto, kinds(ledger)) == (9, ["events_lost"])


def test_events_that_the_device_lost_between_others_are_given_up_only_once_those_before_are_here(intake, ledger):
    events = journal(STARTED, ITEM, ITEM, ITEM)
    after_gap = Batch("till-1", batch(events[3:]).message.model_copy(update={"follows": 2}))
    (early,) = intake.take_in([after_gap], now=5)
    assert early.upto == 0
    intake.take_in([batch(events[:2])], now=5)
    (taken,) = intake.take_in([after_gap], now=6)
    assert (taken.upto, stored(ledger), kinds(ledger)) == (4, [1, 2, 4], ["events_lost"])


@pytest.mark.parametrize(
    ("behind", "told"), [(0, []), (2_000, []), (90_000, []), (7_200_000, ["clock_wrong"]), (-(10**9), ["clock_wrong"])]
)
def test_receipts_get_the_times_that_the_devices_clock_should_have_shown(ledger, behind, told):
    now = 1_795_280_400_000

    def timed(trip):
        values = {"receipt": trip.trip, "total": 1, "started_at": trip.started_at, "finished_at": trip.last_at}
        return Settled(Receipt.model_construct(**values))

    intake = Intake("shop", ledger, timed, lambda trip: trip.member)
    events = [
        replace(event, at=now - behind + event.sequence)
        for event in journal(STARTED, ITEM, TripFinished(units=1, discount=0, total=1))
    ]
    message = batch(events).message.model_copy(update={"at": now - behind + 10})
    intake.take_in([Batch("till-1", message, arrived_at=now + 10)], now)
    (receipt,) = [json.loads(parcel.body) for parcel in ledger.parcels(9) if parcel.kind == "receipt"]
    offset = behind if abs(behind) > 3_000 else 0
    assert receipt["finished_at"] - receipt["clock_offset"] == now - behind + 3
    assert receipt["clock_offset"] == offset
    assert [kind for kind in kinds(ledger) if kind != "receipt"] == told


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(0, 11), st.integers(1, 12)), max_size=30))
def test_whatever_pieces_arrive_in_whatever_order_the_ledger_holds_a_prefix_once(tmp_path_factory, cuts):
    events = journal(STARTED, *[ITEM] * 9, ItemRemoved(sku="a", unit_price=1), TripAbandoned())
    ledger = Ledger(tmp_path_factory.mktemp("cut") / "ledger.db")
    intake = Intake("shop", ledger, unpriced, lambda trip: trip.member)
    for start, size in cuts:
        (taken,) = intake.take_in([batch(events[start : start + size])], now=5)
        assert taken.upto == len(stored(ledger))
    assert stored(ledger) == list(range(1, len(stored(ledger)) + 1))
    (taken,) = intake.take_in([batch(events)], now=6)
    assert taken.upto == 12
    assert stored(ledger) == list(range(1, 13))
    ledger.close()
