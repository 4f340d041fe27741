"""The rows that staff watch: what each terminal does, and what is wrong with it."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace

from tests.gateway.conftest import ITEM, STARTED, batch, journal

from panier.message import EventBatch, Status
from panier.payment import PaymentBegun, PaymentEnded
from panier.trip import HelpRequested
from panier_gateway.floor import Floor
from panier_gateway.intake import TWO_MACHINES, Taken


def test_a_payment_in_doubt_stands_on_the_row_until_it_is_decided(intake):
    floor = Floor("USD")
    floor.hear("till-1", Status(state="online", journal="j"), now=0)
    begun = PaymentBegun(reference="till-1.j.3", amount=1234, units=1, discount=0)
    events = journal(STARTED, ITEM, begun, HelpRequested(), PaymentEnded(reference="till-1.j.3", outcome="declined"))
    for upto, wrong in ((3, None), (4, "is it paid? look at the payment terminal, then decide at the device"), (5, None)):
        (taken,) = intake.take_in([batch(events[:upto])], now=upto)
        floor.take(taken, now=upto)
        assert floor.row("till-1").wrong == wrong


def test_the_live_row_follows_the_newer_machine_and_says_that_there_are_two(intake):
    floor = Floor("USD")
    first, second = journal(STARTED, ITEM, name="a"), journal(STARTED, ITEM, ITEM, name="b")
    for events, name in [(first[:1], "a"), (second[:2], "b"), (first[1:], "a"), (second[2:], "b")]:
        (taken,) = intake.take_in([batch(events, name=name)], now=5)
        floor.take(taken, now=5)
    row = floor.row("till-1")
    assert (row.trip, row.units, row.wrong) == ("till-1.b.1", 2, TWO_MACHINES)


def test_the_live_row_shows_the_quarantine_of_an_older_journal_until_it_is_released(intake):
    floor = Floor("USD")
    events = journal(STARTED, ITEM)
    clone = [events[0], replace(events[1], what=HelpRequested())]
    for held, name in ((events, "j"), (clone, "j"), (journal(STARTED, name="k"), "k")):
        (taken,) = intake.take_in([batch(held, name=name)], now=5)
        floor.take(taken, now=5)
    assert (floor.row("till-1").state, floor.row("till-1").wrong) == ("quarantined", TWO_MACHINES)
    intake.release("till-1", "j", now=6)
    floor.restore_quarantine(intake.quarantined())
    assert floor.row("till-1").state != "quarantined"


def test_a_journal_that_an_error_of_ours_holds_up_is_no_quarantine_and_stands_on_the_row_until_it_is_taken(intake):
    floor = Floor("USD")
    wrong = "an error of the gateway holds up its events: report it with the gateway's log"
    floor.hear("till-1", Status(state="online", journal="j"), now=0)
    floor.take(Taken(device="till-1", journal="j", upto=None, wrong=wrong, is_held_up=True), now=1)
    assert (floor.row("till-1").state, floor.row("till-1").wrong) == ("idle", wrong)
    (taken,) = intake.take_in([batch(journal(STARTED))], now=2)
    floor.take(taken, now=2)
    assert (floor.row("till-1").state, floor.row("till-1").wrong) == ("shopping", None)


def test_a_device_that_fell_silent_with_its_broker_is_offline_until_it_speaks(intake):
    seconds = [0.0]
    floor = Floor("USD", steady=lambda: seconds[0])
    floor.hear("till-1", Status(state="online", journal="j"), now=9_000_000)
    seconds[0] = 120.0
    floor.note_silence()
    assert floor.row("till-1").state == "idle"
    seconds[0] = 151.0
    floor.note_silence()
    assert floor.row("till-1").state == "offline"
    (taken,) = intake.take_in([batch(journal(STARTED))], now=152_000)
    floor.take(taken, now=152_000)
    assert floor.row("till-1").state == "shopping"


def test_a_clock_that_is_set_back_hides_no_silence():
    seconds = [0.0]
    floor = Floor("USD", steady=lambda: seconds[0])
    floor.hear("till-1", Status(state="online", journal="j"), now=9_000_000)
    floor.hear("till-1", Status(state="online", journal="j"), now=1_000)
    assert floor.row("till-1").last_at == 1_000
    seconds[0] = 151.0
    floor.note_silence()
    assert floor.row("till-1").state == "offline"


def test_hardware_that_is_amiss_stands_on_the_row_until_it_is_mended():
    floor = Floor("USD")
    floor.hear("till-1", Status(state="online", journal="j", hardware="scanner away"), now=0)
    assert floor.row("till-1").wrong == "scanner away"
    floor.hear("till-1", Status(state="online", journal="j", trouble="its journal was damaged", hardware="scanner away"), now=1)
    assert floor.row("till-1").wrong == "its journal was damaged"
    floor.hear("till-1", Status(state="online", journal="j"), now=2)
    assert floor.row("till-1").wrong is None


def test_the_live_row_counts_the_refused_events_until_a_person_has_decided_about_each(intake):
    floor = Floor("USD")
    start, first, second = journal(STARTED, ITEM, ITEM)
    whole = batch([start, first, second])
    empty = [{**one, "what": {**one["what"], "quantity": 0}} for one in whole.message.events[1:]]
    (taken,) = intake.take_in([replace(whole, message=EventBatch(journal="j", events=[whole.message.events[0], *empty]))], now=1)
    floor.take(taken, now=1)
    floor.changed.clear()
    assert floor.row("till-1").wrong.startswith("2 events refused: malformed: ")
    floor.keep_refused({("till-1", "j", 2), ("till-1", "j", 3)})
    assert not floor.changed
    floor.keep_refused({("till-1", "j", 3), ("till-2", "j", 2)})
    assert floor.row("till-1").wrong.startswith("1 event refused: malformed: ")
    floor.keep_refused(set())
    assert (floor.row("till-1").wrong, list(floor.changed)) == (None, ["till-1"])


def test_figures_can_be_read_in_a_thread_while_terminals_come(monkeypatch):
    floor = Floor("USD")
    interval = sys.getswitchinterval()
    come = threading.Thread(target=lambda: [floor.enrol([f"till-{n}"]) for n in range(3_000)])
    sys.setswitchinterval(1e-6)
    try:
        come.start()
        while come.is_alive():
            floor.counters()
    finally:
        sys.setswitchinterval(interval)
        come.join()
    assert len(floor.terminals) == 3_000
