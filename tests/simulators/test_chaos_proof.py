from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from panier.topic import StoreTopics
from panier_simulators.chaos.mqtt import Publish
from panier_simulators.chaos.proof import Books, Verdict, prove
from panier_simulators.chaos.witness import Farewell, WireWitness
from panier_simulators.sample.shop import SampleLine, SampleTrip
from panier_simulators.shopper import Shopping

TRIP = "till-01.abc234.1"
PLANNED = SampleTrip(
    basket=31, household=900, store=330, at=datetime(2017, 1, 1, tzinfo=UTC), lines=(SampleLine(sku="995242", quantity=2),)
)
DONE = Shopping(device="till-01", basket=31, planned_units=2, trip=TRIP, units=2, total=398)
PAINTED = Farewell("till-01", TRIP, 398)
RECEIPT: dict[str, Any] = {
    "receipt": TRIP, "device": "till-01", "units": 2, "total": 398, "device_total": 398, "arrived_at": 9, "finished_at": 5,
    "lines": [{"sku": "995242", "quantity": 2}],
}  # fmt: skip
BOOKS = Books(receipts=(RECEIPT,), contacts=({"contact": "till-01.abc234.3"},), incidents=(), dead_letters=())
WHATS: list[dict[str, Any]] = [
    {"kind": "trip_started"},
    {"kind": "item_added", "sku": "995242"},
    {"kind": "offer_shown", "offer": "c1"},
    {"kind": "item_added", "sku": "995242", "quantity": 2},
    {"kind": "item_removed", "sku": "995242", "quantity": 1},
    {"kind": "trip_finished", "units": 2, "total": 398},
]


def heard(upto: int = len(WHATS)) -> WireWitness:
    """A wire on which the whole trip went by, in two overlapping batches, and was acknowledged up to `upto`."""
    wire = WireWitness(StoreTopics("s1"))
    events = [{"sequence": place, "trip": TRIP, "what": what} for place, what in enumerate(WHATS, start=1)]
    for part in (events[:4], events[2:]):
        batch = json.dumps({"journal": "abc234", "events": part}).encode()
        wire.hear_device(True, Publish("panier/1/s1/till-01/up/events", batch))
    answer = json.dumps({"journal": "abc234", "upto": upto}).encode()
    wire.hear_gateway(True, Publish("panier/1/s1/till-01/down/ack", answer))
    return wire


def verdict(books: Books = BOOKS, wire: WireWitness | None = None, **other: Any) -> Verdict:
    known: dict[str, Any] = {"planned": [PLANNED], "done": [DONE], "painted": [PAINTED], "explained": ()}
    return prove(books, wire=wire or heard(), **{**known, **other})


def told(found: Verdict) -> dict[str, int]:
    """What is wrong, by kind, where anything is."""
    counts = {name: len(getattr(found, name)) for name in ("lost", "duplicated", "mismatched", "unexplained")}
    return {name: count for name, count in counts.items() if count}


def test_a_trip_that_all_witnesses_saw_alike_holds():
    assert verdict().holds
    assert told(verdict()) == {}


def test_a_receipt_that_is_missing_is_missed_by_plan_screen_and_wire():
    found = verdict(replace(BOOKS, receipts=()))
    assert told(found) == {"lost": 1}
    assert len(found.lost[TRIP]) == 3


def test_a_painted_end_that_no_shopper_and_no_wire_knows_is_lost():
    assert told(verdict(painted=[PAINTED, Farewell("till-01", "till-01.abc234.7", 100)])) == {"lost": 1}


def test_an_acknowledged_offer_that_is_no_contact_is_lost():
    assert told(verdict(replace(BOOKS, contacts=()))) == {"lost": 1}


def test_a_receipt_that_is_there_twice_is_told_by_all():
    found = verdict(replace(BOOKS, receipts=(RECEIPT, RECEIPT)))
    assert list(found.duplicated) == [TRIP]
    assert found.mismatched, "its screen was painted once"


def test_a_receipt_under_another_name_is_one_that_nobody_acknowledged_or_remembers():
    assert told(verdict(replace(BOOKS, receipts=(RECEIPT, {**RECEIPT, "receipt": TRIP + "+"})))) == {"duplicated": 1}


def test_a_contact_that_is_there_twice_is_told():
    assert told(verdict(replace(BOOKS, contacts=2 * BOOKS.contacts))) == {"duplicated": 1}


@pytest.mark.parametrize(
    ("wrong", "count"), [({"total": 399}, 3), ({"device_total": 399}, 1), ({"lines": [{"sku": "995242", "quantity": 1}]}, 2)]
)
def test_a_receipt_with_other_figures_is_told_by_each_witness_that_saw_them(wrong: dict[str, Any], count: int):
    found = verdict(replace(BOOKS, receipts=({**RECEIPT, **wrong},)))
    assert told(found) == {"mismatched": 1}
    assert len(found.mismatched[TRIP]) == count


def test_an_incident_is_unexplained_unless_a_fault_accounts_for_it():
    books = replace(BOOKS, incidents=({"kind": "disk_refused", "incident": "s1.disk.1", "text": "full"},))
    assert told(verdict(books)) == {"unexplained": 1}
    assert verdict(books, explained=("disk_refused",)).holds


def test_an_acknowledgement_of_what_was_never_sent_is_told():
    assert told(verdict(wire=heard(upto=len(WHATS) + 1))) == {"mismatched": 1}


def test_two_events_under_one_sequence_are_told():
    wire = heard()
    other = {"journal": "abc234", "events": [{"sequence": 2, "trip": TRIP, "what": {"kind": "item_added", "sku": "1"}}]}
    wire.hear_device(True, Publish("panier/1/s1/till-01/up/events", json.dumps(other).encode()))
    assert told(verdict(wire=wire)) == {"mismatched": 1}


def test_an_end_that_was_not_acknowledged_and_yet_arrived_is_told():
    assert told(verdict(wire=heard(upto=5))) == {"duplicated": 1}


@pytest.mark.parametrize("end", [lambda one: replace(one, trip=None), lambda one: one])
def test_a_shopper_who_did_not_see_the_end_is_known_by_units_and_total(end: Callable[[Shopping], Shopping]):
    assert verdict(done=[end(DONE)]).holds
