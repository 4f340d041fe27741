from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sending import events_in

from panier.lease import HeldLease
from panier.message import MAX_PAYLOAD, Acknowledgement, EventBatch
from panier.trip import HelpEnded, HelpRequested, LeasesHeld, TripAbandoned, TripStarted
from panier_device.outbox import FIRST_WAIT, LONGEST_WAIT, Outbox, WrongAcknowledgement
from panier_io.journal import Journal


def journal_of(path: Path, events: int) -> Journal:
    journal = Journal(path, "hand-1")
    trip = journal.append(None, 1, TripStarted(store="north", currency="USD", timezone="UTC", snapshot=0))[0].trip
    if events > 1:
        journal.append(trip, 1, *[HelpRequested()] * (events - 1))
    return journal


def sequences(outbox: Outbox, now: float = 0) -> list[list[int]]:
    sent: list[list[int]] = []
    while batch := outbox.next_batch(now):
        sent.append([event["sequence"] for event in batch.events])
    return sent


def ack(journal: Journal, upto: int) -> Acknowledgement:
    return Acknowledgement(journal=journal.id, upto=upto)


def test_a_long_journal_goes_out_in_batches_with_few_in_flight(tmp_path: Path):
    journal = journal_of(tmp_path / "j.db", 1000)
    outbox = Outbox(journal)
    sent = sequences(outbox)
    assert [len(batch) for batch in sent] == [200, 200, 200]
    assert [sequence for batch in sent for sequence in batch] == list(range(1, 601))
    outbox.acknowledged(ack(journal, 200), 0)
    assert [len(batch) for batch in sequences(outbox)] == [200]


def test_numbers_that_were_left_out_after_damage_hold_nothing_up(tmp_path: Path):
    journal = journal_of(tmp_path / "j.db", 3)
    journal.acknowledge(1)
    # After damage a thousand numbers are left out: some may have been sent by events that are gone.
    journal._conn.execute("UPDATE sqlite_sequence SET seq = 1003")
    journal.last = 1003
    outbox = Outbox(journal)
    assert sequences(outbox) == [[2, 3]]
    outbox.acknowledged(ack(journal, 3), 0)
    assert (outbox.again_at, sequences(outbox)) == (None, [])
    journal.append(events_in(journal)[0].trip, 2, HelpRequested())
    batch = outbox.next_batch(0)
    assert batch is not None
    assert (batch.follows, [event["sequence"] for event in batch.events]) == (3, [1004])


def held(count: int, name: str) -> LeasesHeld:
    leases = [HeldLease(promotion=f"{name}{n}", is_spend=False, holder="h" * 120, left=10**12) for n in range(count)]
    return LeasesHeld(leases=tuple(leases))


def test_large_events_go_out_in_batches_that_a_broker_takes(tmp_path: Path):
    # Fifty short trips offline, in a shop with 220 limited promotions; then one event as large as any may be.
    journal = journal_of(tmp_path / "j.db", 1)
    trip = events_in(journal)[0].trip
    journal.append(trip, 1, *[held(220, "promotion-")] * 50)
    journal.append(trip, 1, held(1000, "\x01" * 60))
    outbox = Outbox(journal)
    sent: list[EventBatch] = []
    while batch := outbox.next_batch(0):
        sent.append(batch)
    assert [event["sequence"] for batch in sent for event in batch.events] == list(range(1, 53))
    assert max(len(batch.encode()) for batch in sent) <= MAX_PAYLOAD
    assert len(sent) == 4


def test_what_stays_unanswered_is_sent_again_with_growing_patience(tmp_path: Path):
    outbox = Outbox(journal_of(tmp_path / "j.db", 3))
    now, waits = 0.0, []
    for _ in range(8):
        assert sequences(outbox, now) == [[1, 2, 3]]
        assert outbox.again_at is not None
        assert not outbox.overdue(outbox.again_at - 0.001)
        waits.append(outbox.again_at - now)
        now = outbox.again_at
        assert outbox.overdue(now)
    assert FIRST_WAIT * 0.8 <= waits[0] <= FIRST_WAIT * 1.2
    assert LONGEST_WAIT * 0.8 <= waits[-1] <= LONGEST_WAIT * 1.2


def test_nothing_is_repeated_once_it_is_acknowledged(tmp_path: Path):
    journal = journal_of(tmp_path / "j.db", 3)
    outbox = Outbox(journal)
    sequences(outbox)
    outbox.acknowledged(ack(journal, 3), 0.5)
    assert outbox.again_at is None
    assert not outbox.overdue(100)
    assert not outbox.start_over()
    assert sequences(outbox) == []


def test_a_new_line_repeats_from_the_last_acknowledgement(tmp_path: Path):
    journal = journal_of(tmp_path / "j.db", 5)
    outbox = Outbox(journal)
    sequences(outbox)
    outbox.acknowledged(ack(journal, 2), 0)
    assert outbox.start_over()
    assert sequences(outbox) == [[3, 4, 5]]


def test_an_acknowledgement_ahead_of_what_was_sent_is_believed(tmp_path: Path):
    # The device was restarted: an earlier run had sent them.
    journal = journal_of(tmp_path / "j.db", 5)
    outbox = Outbox(journal)
    outbox.acknowledged(ack(journal, 4), 0)
    assert sequences(outbox) == [[5]]


@pytest.mark.parametrize("upto", [6, 10**9])
def test_an_acknowledgement_beyond_the_journal_changes_nothing(tmp_path: Path, upto: int):
    journal = journal_of(tmp_path / "j.db", 5)
    outbox = Outbox(journal)
    with pytest.raises(WrongAcknowledgement, match="ends at 5"):
        outbox.acknowledged(ack(journal, upto), 0)
    assert journal.acknowledged == 0
    assert sequences(outbox) == [[1, 2, 3, 4, 5]]


def test_an_acknowledgement_of_another_journal_changes_nothing(tmp_path: Path):
    journal = journal_of(tmp_path / "j.db", 5)
    with pytest.raises(WrongAcknowledgement, match=journal.id):
        Outbox(journal).acknowledged(Acknowledgement(journal="zzzzzz", upto=5), 0)
    assert journal.acknowledged == 0


def test_a_gateway_put_back_to_an_older_backup_gets_what_is_still_held(tmp_path: Path):
    journal = journal_of(tmp_path / "j.db", 5)
    outbox = Outbox(journal)
    sequences(outbox)
    outbox.acknowledged(ack(journal, 5), 0)
    with pytest.raises(WrongAcknowledgement, match="lost its disk"):
        outbox.acknowledged(ack(journal, 2), 0)
    assert sequences(outbox) == [[3, 4, 5]]
    assert journal.acknowledged == 5


def test_a_gateway_without_memory_is_told_that_the_events_before_are_held_by_nobody(tmp_path: Path):
    journal = journal_of(tmp_path / "j.db", 5)
    journal.append(f"hand-1.{journal.id}.1", 1, TripAbandoned())
    outbox = Outbox(journal)
    sequences(outbox)
    outbox.acknowledged(ack(journal, 6), 0)
    journal.forget()
    with pytest.raises(WrongAcknowledgement):
        outbox.acknowledged(ack(journal, 0), 0)
    assert outbox.next_batch(0) is None
    journal.append(None, 2, TripStarted(store="north", currency="USD", timezone="UTC", snapshot=0))
    with pytest.raises(WrongAcknowledgement):
        outbox.acknowledged(ack(journal, 0), 0)
    batch = outbox.next_batch(0, at=77)
    assert batch is not None
    assert (batch.follows, [event["sequence"] for event in batch.events], batch.at) == (0, [7], 77)


def test_a_journal_that_was_renewed_sends_the_rest_under_new_names_with_its_trip_whole(tmp_path: Path):
    journal = journal_of(tmp_path / "j.db", 5)
    before = journal.id
    journal.greet(f"hand-1.{before}.1", "Claire")
    journal.acknowledge(2)
    assert journal.renew(3) == 5
    trip = journal.open_trip()
    assert trip is not None
    assert (trip.trip, journal.id != before, journal.waiting) == (f"hand-1.{journal.id}.1", True, 5)
    assert journal.greeting(trip.trip) == "Claire"
    assert sequences(Outbox(journal)) == [[1, 2, 3, 4, 5]]
    name = journal.id
    journal.close()
    again = Journal(tmp_path / "j.db", "hand-1")
    assert (again.damage, again.id, again.last) == (None, name, 5)
    again.acknowledge(5)
    # A basket whose owner scans nothing just now stays on the screen, too.
    assert again.renew(9) == 5
    trip = again.open_trip()
    assert trip is not None
    again.append(trip.trip, 9, TripAbandoned())
    again.acknowledge(6)
    assert again.renew(9) == 0


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(["append", "send", "ack", "lose", "cut"]), st.integers(0, 40)), max_size=40))
def test_the_receiver_gets_every_event_once_in_order_whatever_is_lost(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
):
    journal = journal_of(tmp_path_factory.mktemp("outbox") / "j.db", 1)
    trip = events_in(journal)[0].trip
    outbox, stored, now = Outbox(journal), 0, 0.0

    def deliver(heard: bool) -> None:
        nonlocal stored
        while batch := outbox.next_batch(now):
            first, last = batch.events[0]["sequence"], batch.events[-1]["sequence"]
            if heard and first <= stored + 1:
                stored = max(stored, last)

    for what, count in steps:
        now += 100
        outbox.overdue(now)
        if what == "append":
            journal.append(trip, 1, *[HelpEnded()] * (count + 1))
        elif what in ("send", "lose"):
            deliver(what == "send")
        elif what == "cut":
            outbox.start_over()
        elif stored >= journal.acknowledged:
            outbox.acknowledged(ack(journal, stored), now)
    for _ in range(3):
        now += 100
        outbox.overdue(now)
        deliver(True)
        outbox.acknowledged(ack(journal, stored), now)
    assert stored == journal.last
    assert journal.waiting == 0
    journal.close()
