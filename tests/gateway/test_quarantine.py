"""Two machines with one identity: told apart, told to staff once, and let go by a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.gateway.conftest import ITEM, STARTED, batch, journal, kinds, priced, stored, unpriced

from panier.trip import Event, HelpRequested, TripFinished
from panier_gateway.intake import TWO_MACHINES, Intake


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
    assert ledger.dead_letters.waiting() == []
    assert kinds(ledger) == ["left_open", "receipt", "receipt", "two_machines"]
    assert ledger.trips("open") == []


def test_repeats_of_an_older_journal_accuse_nobody(intake):
    old = journal(STARTED, ITEM, name="a")
    intake.take_in([batch(old, name="a")], now=5)
    intake.take_in([batch(journal(STARTED, name="b"), name="b")], now=6)
    (again,) = intake.take_in([batch(old, name="a")], now=7)
    assert not again.another_machine


def test_the_journal_that_began_last_is_the_newest_also_where_the_gateways_clock_was_set_back_meanwhile(ledger):
    intake = Intake("shop", ledger, priced, lambda trip: trip.member)
    intake.take_in([batch(journal(STARTED, name="b"), name="b")], now=1_000_000)
    intake.take_in([batch(journal(STARTED, name="a"), name="a")], now=1_000)
    restarted = Intake("shop", ledger, priced, lambda trip: trip.member)
    assert restarted.is_alive(("till-1", "a"))
    assert restarted.open_trips()["till-1"].trip == "till-1.a.1"
    with ledger.transaction():
        restarted.purses.lend("till-1.b", None, {("uses", False): 9}, {}, 1)
        restarted.purses.lend("till-1.a", None, {("uses", False): 9}, {}, 1)
    assert restarted.purses.stranded() == {"till-1.b"}
    (taken,) = restarted.take_in([batch(journal(STARTED, ITEM, name="a"), name="a")], now=2_000_000)
    assert not taken.another_machine
    assert "two_machines" not in kinds(ledger)


def test_what_one_group_brings_twice_is_compared_within_the_group(intake, ledger):
    clone = journal(STARTED, replace(ITEM, sku="b"))
    first, repeated, contradicted = intake.take_in(
        [batch(journal(STARTED, ITEM)), batch(journal(STARTED, ITEM)), batch(clone)], now=5
    )
    assert (first.upto, repeated.upto, contradicted.upto) == (2, 2, None)
    assert contradicted.wrong == TWO_MACHINES
    assert stored(ledger) == [1, 2]


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
