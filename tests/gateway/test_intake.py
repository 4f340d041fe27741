"""The intake by itself, on a real ledger: order, repeats, gaps, refusals, conflicts; and the disk before the state."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panier.error import PanierError
from panier.message import EventBatch, Status, event_to_json, happening_to_json
from panier.payment import PaymentBegun, PaymentEnded
from panier.receipt import Receipt
from panier.trip import (
    CardScanned,
    CodeRefused,
    Event,
    HelpRequested,
    ItemAdded,
    ItemRemoved,
    OfferShown,
    TripAbandoned,
    TripFinished,
    TripStarted,
)
from panier_gateway.batch import Batch
from panier_gateway.floor import Floor
from panier_gateway.intake import TWO_MACHINES, Intake, Settled
from panier_gateway.ledger import Ledger

STARTED = TripStarted(store="shop", currency="USD", timezone="America/New_York", snapshot=0)
ITEM = ItemAdded(sku="a", name="A", unit_price=1, category="", tax_rate=None, snapshot=0, entry="scan")


def journal(*happenings, device="till-1", name="j", trip=None):
    first = trip or f"{device}.{name}.1"
    return [Event(sequence=n, at=n, trip=first, what=what) for n, what in enumerate(happenings, start=1)]


def batch(events, device="till-1", name="j"):
    return Batch(device, EventBatch(journal=name, events=[json.loads(event_to_json(event)) for event in events]))


def unpriced(trip):
    raise PanierError("no engine here")


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def intake(ledger):
    return Intake("shop", ledger, unpriced, lambda trip: trip.member)


def stored(ledger, device="till-1", name="j"):
    return [event.sequence for event in ledger.events(device, name, 0, 10**9)]


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
    (letter,) = ledger.dead_letters()
    assert (letter.device, letter.journal, letter.sequence) == ("till-1", "j", 2)
    assert letter.reason.startswith(reason)
    assert json.loads(letter.payload) == records[1]
    assert stored(ledger) == [1, 3]


def test_a_refused_event_that_comes_again_counts_as_received(intake, ledger):
    records = [{"sequence": 1, "nonsense": True}]
    for _ in range(2):
        (taken,) = intake.take_in([Batch("till-1", EventBatch(journal="j", events=records))], now=5)
        assert taken.upto == 1
    assert ledger.count("dead_letter") == 1


def test_a_batch_without_any_sequence_is_kept_as_a_dead_letter_and_moves_nothing(intake, ledger):
    (taken,) = intake.take_in([Batch("till-1", EventBatch(journal="j", events=[{"x": 1}]))], now=5)
    assert taken.upto == 0
    assert [letter.reason for letter in ledger.dead_letters()] == ["no event of the batch has a sequence"]


def test_other_content_under_a_stored_identity_quarantines_the_journal_and_merges_nothing(intake, ledger):
    events = journal(STARTED, ITEM, ITEM)
    intake.take_in([batch(events)], now=5)
    clone = [*events[:2], replace(events[2], what=HelpRequested()), Event(sequence=4, at=4, trip=events[0].trip, what=ITEM)]
    (conflict,) = intake.take_in([batch(clone)], now=6)
    (after,) = intake.take_in([batch([Event(sequence=4, at=4, trip=events[0].trip, what=ITEM)])], now=7)
    assert (conflict.upto, after.upto) == (None, None)
    assert stored(ledger) == [1, 2, 3]
    assert list(intake.quarantined()) == [("till-1", "j")]
    assert [parcel.kind for parcel in ledger.parcels(9)] == ["incident"]
    restarted = Intake("shop", ledger, unpriced, lambda trip: trip.member)
    assert list(restarted.quarantined()) == [("till-1", "j")]


def test_a_wiped_device_starts_a_journal_of_its_own_and_its_old_trip_is_reported(intake, ledger):
    intake.take_in([batch(journal(STARTED, ITEM))], now=5)
    (taken,) = intake.take_in([batch(journal(STARTED, name="k"), name="k")], now=6)
    assert taken.upto == 1
    assert intake.open_trips()["till-1"].trip == "till-1.k.1"
    (incident,) = ledger.parcels(9)
    assert json.loads(incident.body)["kind"] == "left_open"


def test_a_device_wiped_in_the_middle_of_a_payment_is_reported_with_what_was_asked_for(intake, ledger):
    begun = PaymentBegun(reference="till-1.j.3", amount=1234, units=1, discount=0)
    intake.take_in([batch(journal(STARTED, ITEM, begun))], now=5)
    intake.take_in([batch(journal(STARTED, name="k"), name="k")], now=6)
    (incident,) = ledger.parcels(9)
    assert "a payment of 12.34 was under way: look up till-1.j.3" in json.loads(incident.body)["text"]


def test_a_payment_in_doubt_stands_on_the_row_until_it_is_decided(intake):
    floor = Floor("USD", lambda trip: trip.units)
    floor.hear("till-1", Status(state="online", journal="j"), now=0)
    begun = PaymentBegun(reference="till-1.j.3", amount=1234, units=1, discount=0)
    events = journal(STARTED, ITEM, begun, HelpRequested(), PaymentEnded(reference="till-1.j.3", outcome="declined"))
    for upto, wrong in ((3, None), (4, "is it paid? look at the payment terminal, then decide at the device"), (5, None)):
        (taken,) = intake.take_in([batch(events[:upto])], now=upto)
        floor.take(taken, now=upto)
        assert floor.row("till-1").wrong == wrong


def priced(trip):
    total = trip.finished.total
    receipt = SimpleNamespace(receipt=trip.trip, total=total, model_dump_json=lambda: json.dumps({"receipt": trip.trip}))
    return Settled(receipt)


def kinds(ledger):
    return sorted(json.loads(parcel.body).get("kind", parcel.kind) for parcel in ledger.parcels(99))


@pytest.mark.parametrize("restarts", [False, True])
def test_two_machines_with_one_identity_both_finish_their_trips_and_staff_are_told_once(ledger, restarts):
    def anew():
        return Intake("shop", ledger, priced, lambda trip: trip.member)

    intake = anew()
    paid = TripFinished(units=1, discount=0, total=1)
    first, second = journal(STARTED, ITEM, ITEM, paid, name="a"), journal(STARTED, ITEM, paid, name="b")
    said = []
    for now, (events, name) in enumerate(
        [(first[:2], "a"), (second[:2], "b"), (first[2:3], "a"), (second[2:], "b"), (first[3:], "a")], start=5
    ):
        intake = anew() if restarts else intake
        (taken,) = intake.take_in([batch(events, name=name)], now)
        assert taken.refused == ()
        said.append((taken.another_machine, taken.trip is None))
        if now == 7:
            assert intake.open_trips()["till-1"].trip == "till-1.b.1"
    assert said == [(False, False), (False, False), (True, True), (False, False), (True, True)]
    assert ledger.dead_letters() == []
    assert kinds(ledger) == ["left_open", "receipt", "receipt", "two_machines"]
    assert ledger.trips("open") == []


def test_the_live_row_follows_the_newer_machine_and_says_that_there_are_two(intake):
    floor = Floor("USD", lambda trip: trip.units)
    first, second = journal(STARTED, ITEM, name="a"), journal(STARTED, ITEM, ITEM, name="b")
    for events, name in [(first[:1], "a"), (second[:2], "b"), (first[1:], "a"), (second[2:], "b")]:
        (taken,) = intake.take_in([batch(events, name=name)], now=5)
        floor.take(taken, now=5)
    row = floor.row("till-1")
    assert (row.trip, row.units, row.wrong) == ("till-1.b.1", 2, TWO_MACHINES)


def test_repeats_of_an_older_journal_accuse_nobody(intake):
    old = journal(STARTED, ITEM, name="a")
    intake.take_in([batch(old, name="a")], now=5)
    intake.take_in([batch(journal(STARTED, name="b"), name="b")], now=6)
    (again,) = intake.take_in([batch(old, name="a")], now=7)
    assert not again.another_machine


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


def test_one_batch_that_trips_over_a_bug_does_not_hold_up_the_others(ledger):
    def broken(trip):
        raise RuntimeError("a bug of ours")

    intake = Intake("shop", ledger, unpriced, broken)
    bad, good = batch(journal(STARTED, OfferShown(offer="c1"))), batch(journal(STARTED, device="till-2"), device="till-2")
    first, second = intake.take_in([bad, good], now=5)
    assert (first.upto, second.upto) == (None, 1)
    assert stored(ledger) == []
    assert stored(ledger, "till-2") == [1]


def test_what_one_group_brings_twice_is_compared_within_the_group(intake, ledger):
    clone = journal(STARTED, replace(ITEM, sku="b"))
    first, repeated, contradicted = intake.take_in(
        [batch(journal(STARTED, ITEM)), batch(journal(STARTED, ITEM)), batch(clone)], now=5
    )
    assert (first.upto, repeated.upto, contradicted.upto) == (2, 2, None)
    assert contradicted.wrong == TWO_MACHINES
    assert stored(ledger) == [1, 2]


def test_more_events_than_one_statement_takes_are_all_stored(intake, ledger):
    (taken,) = intake.take_in([batch(journal(STARTED, *[ITEM] * 199))], now=5)
    assert taken.upto == 200
    assert stored(ledger) == list(range(1, 201))


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


def test_open_trips_are_rebuilt_from_the_disk(intake, ledger):
    intake.take_in([batch(journal(STARTED, ITEM, ITEM))], now=5)
    again = Intake("shop", ledger, unpriced, lambda trip: trip.member)
    assert again.open_trips() == intake.open_trips()
    assert again.upto("till-1", "j") == 3


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


def test_a_released_journal_is_told_to_begin_anew_where_the_dispute_began(intake, ledger):
    events = journal(STARTED, ITEM, ITEM)
    intake.take_in([batch(events)], now=5)
    intake.take_in([batch([events[0], replace(events[1], what=HelpRequested())])], now=6)
    # A newer journal of the same device must not hide the older one's quarantine.
    intake.take_in([batch(journal(STARTED, name="k"), name="k")], now=7)
    assert list(intake.quarantined()) == [("till-1", "j")]
    assert intake.release("till-1", "j", now=8)
    assert not intake.release("till-1", "nobody", now=8)
    for one in (intake, Intake("shop", ledger, unpriced, lambda trip: trip.member)):
        (taken,) = one.take_in([batch(events)], now=9)
        assert (taken.upto, taken.renew, one.quarantined()) == (1, True, {})
        assert one.renewed_from("till-1", "j") == 1
    assert stored(ledger) == [1, 2, 3]


def test_the_live_row_shows_the_quarantine_of_an_older_journal_until_it_is_released(intake):
    floor = Floor("USD", lambda trip: trip.units)
    events = journal(STARTED, ITEM)
    clone = [events[0], replace(events[1], what=HelpRequested())]
    for held, name in ((events, "j"), (clone, "j"), (journal(STARTED, name="k"), "k")):
        (taken,) = intake.take_in([batch(held, name=name)], now=5)
        floor.take(taken, now=5)
    assert (floor.row("till-1").state, floor.row("till-1").wrong) == ("quarantined", TWO_MACHINES)
    intake.release("till-1", "j", now=6)
    floor.restore_quarantine(intake.quarantined())
    assert floor.row("till-1").state != "quarantined"


def test_a_ledger_of_format_1_is_taken_over(tmp_path):
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as old:
        old.executescript(
            """
            CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
            INSERT INTO fact VALUES ('format', '1');
            CREATE TABLE journal(
                device TEXT NOT NULL, journal TEXT NOT NULL, upto INTEGER NOT NULL, quarantined TEXT, first_at INTEGER NOT NULL,
                PRIMARY KEY (device, journal)) STRICT, WITHOUT ROWID;
            INSERT INTO journal VALUES ('till-1', 'j', 2, NULL, 5);
            CREATE TABLE event(
                device TEXT NOT NULL, journal TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL, trip TEXT NOT NULL,
                what TEXT NOT NULL, PRIMARY KEY (device, journal, sequence)) STRICT, WITHOUT ROWID;
            CREATE TABLE trip(
                trip TEXT PRIMARY KEY, device TEXT NOT NULL, journal TEXT NOT NULL, first_sequence INTEGER NOT NULL,
                state TEXT NOT NULL, closed_at INTEGER, total INTEGER) STRICT, WITHOUT ROWID;
            INSERT INTO trip VALUES ('till-1.j.1', 'till-1', 'j', 1, 'open', NULL, NULL);
            """
        )
        rows = [("till-1", "j", e.sequence, e.at, e.trip, happening_to_json(e.what)) for e in journal(STARTED, ITEM)]
        old.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", rows)
    old.close()
    ledger = Ledger(path)
    intake = Intake("shop", ledger, priced, lambda trip: trip.member)
    assert ledger.damage is None
    assert intake.open_trips()["till-1"].units == 1
    done = TripFinished(units=1, discount=0, total=1)
    (taken,) = intake.take_in([batch(journal(STARTED, ITEM, done))], now=6)
    assert (taken.upto, kinds(ledger)) == (3, ["receipt"])


DAY = 86_400_000


def test_what_is_delivered_leaves_the_disk_and_a_copied_device_is_found_out_all_the_same(ledger, tmp_path):
    intake = Intake("shop", ledger, priced, lambda trip: trip.member)
    events = journal(STARTED, CardScanned(card="2900000000179"), ITEM, TripFinished(units=1, discount=0, total=1))
    clone = [*events[:2], replace(events[2], what=HelpRequested())]
    intake.take_in([batch(events)], now=5)
    assert not intake.tidy(now=4 * DAY)
    assert stored(ledger) == [1, 2, 3, 4]  # the receipt is not delivered yet
    ledger.delivered(ledger.parcels(9))
    intake.tidy(now=4 * DAY)
    assert stored(ledger) == []
    assert not any(b"2900000000179" in file.read_bytes() for file in tmp_path.iterdir())
    for one in (intake, Intake("shop", ledger, priced, lambda trip: trip.member)):
        (again,) = one.take_in([batch(events)], now=4 * DAY)
        assert (again.upto, again.wrong) == (4, None)
    (conflict,) = intake.take_in([batch(clone)], now=4 * DAY)
    assert conflict.wrong == TWO_MACHINES


def test_repeats_that_are_too_old_to_compare_are_not_taken_for_granted(ledger):
    intake = Intake("shop", ledger, priced, lambda trip: trip.member)
    events = journal(STARTED, ITEM, TripAbandoned())
    intake.take_in([batch(events)], now=5)
    intake.tidy(now=4 * DAY)
    intake.tidy(now=40 * DAY)
    assert ledger.count("event") == 0
    (after,) = intake.take_in([batch([Event(sequence=4, at=4, trip="till-1.j.4", what=STARTED)])], now=40 * DAY)
    assert after.upto == 4
    (conflict,) = Intake("shop", ledger, priced, lambda trip: trip.member).take_in([batch(events)], now=40 * DAY)
    assert conflict.wrong == TWO_MACHINES


def test_a_device_that_fell_silent_with_its_broker_is_offline_until_it_speaks(intake):
    floor = Floor("USD", lambda trip: trip.units)
    floor.hear("till-1", Status(state="online", journal="j"), now=0)
    floor.note_silence(now=120_000)
    assert floor.row("till-1").state == "idle"
    floor.note_silence(now=151_000)
    assert floor.row("till-1").state == "offline"
    (taken,) = intake.take_in([batch(journal(STARTED))], now=152_000)
    floor.take(taken, now=152_000)
    assert floor.row("till-1").state == "shopping"


def test_hardware_that_is_amiss_stands_on_the_row_until_it_is_mended():
    floor = Floor("USD", lambda trip: trip.units)
    floor.hear("till-1", Status(state="online", journal="j", hardware="scanner away"), now=0)
    assert floor.row("till-1").wrong == "scanner away"
    floor.hear("till-1", Status(state="online", journal="j", trouble="its journal was damaged", hardware="scanner away"), now=1)
    assert floor.row("till-1").wrong == "its journal was damaged"
    floor.hear("till-1", Status(state="online", journal="j"), now=2)
    assert floor.row("till-1").wrong is None


def test_a_damaged_ledger_goes_on_with_what_can_be_read_and_staff_are_told(tmp_path):
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    intake = Intake("shop", ledger, unpriced, lambda trip: trip.member)
    names = [f"till-{number}" for number in range(1, 60)]
    for name in names:
        intake.take_in([batch(journal(STARTED, *[ITEM] * 20, device=name), device=name)], now=5)
    root = ledger._conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'event'").fetchone()[0]
    ledger.close()
    content = bytearray(path.read_bytes())
    page = next(at for at in range(len(content) - 4096, 4096 * root, -4096) if content.count(b"item_added", at, at + 4096) > 5)
    content[page : page + 4096] = bytes(4096)
    path.write_bytes(bytes(content))
    ledger = Ledger(path)
    assert ledger.damage is not None
    intake = Intake("shop", ledger, unpriced, lambda trip: trip.member)
    intake.incidents.report_damage(now=6)
    assert len(intake.open_trips()) > 50
    assert all(intake.upto(name, "j") == 21 for name in intake.open_trips())
    told = [json.loads(parcel.body) for parcel in ledger.parcels(99)]
    assert {incident["kind"] for incident in told} == {"ledger_damaged"}
    assert "ledger.damaged-1.db" in told[0]["text"]
    assert (tmp_path / "ledger.damaged-1.db").read_bytes() == bytes(content)
    ledger.close()
    assert Ledger(path).damage is None


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
