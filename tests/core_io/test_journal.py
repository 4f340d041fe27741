from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.sending import events_in, record

from panier.message import Malformed, event_from_json
from panier.trip import CardScanned, Happening, HelpRequested, ItemAdded, TripAbandoned, TripFinished, TripStarted
from panier_io.journal import Journal, JournalUnusable

START = TripStarted(store="north", currency="USD", timezone="America/New_York", snapshot=7)
MILK = ItemAdded(sku="1", name="Milk", unit_price=199, category="dairy", tax_rate=None, snapshot=7, entry="scan")
DONE = TripFinished(units=1, discount=0, total=199)


@pytest.fixture
def journal(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db", "hand-1")
    yield journal
    journal.close()


def test_the_first_event_names_the_trip(journal: Journal):
    started, milk = journal.append(None, 1000, START, MILK)
    assert started.trip == milk.trip == f"hand-1.{journal.id}.1"
    assert journal.append(started.trip, 1001, MILK)[0].sequence == 3


def test_an_event_without_a_trip_is_refused_and_nothing_is_written(journal: Journal):
    with pytest.raises(ValueError, match="TripStarted"):
        journal.append(None, 1000, MILK)
    with pytest.raises(ValueError, match="TripStarted"):
        journal.append("hand-1.x.1", 1000, MILK, START)
    assert journal.last == 0
    assert events_in(journal) == []


def test_what_was_appended_is_there_after_reopening(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db", "hand-1")
    written = journal.append(None, 1000, START, MILK, MILK)
    name = journal.id
    journal.close()
    again = Journal(tmp_path / "journal.db", "hand-1")
    assert (again.id, again.last, events_in(again)) == (name, 3, written)
    trip = again.open_trip()
    assert trip is not None
    assert trip.units == 2


@pytest.mark.parametrize("price", [-1, 10**12 + 1])
def test_what_could_not_be_read_again_is_not_written(journal: Journal, price: int):
    with pytest.raises(Malformed, match="unit_price"):
        journal.append(None, 1000, START, replace(MILK, unit_price=price))
    assert (journal.last, events_in(journal)) == (0, [])
    assert [event.sequence for event in journal.append(None, 1000, START, MILK)] == [1, 2]


def test_records_are_the_events_as_they_are_sent(journal: Journal):
    written = journal.append(None, 1000, START, MILK, HelpRequested())
    records = journal.records(1, 10)
    assert [(sequence, event_from_json(text)) for sequence, text in records] == [(2, written[1]), (3, written[2])]
    assert [json.loads(text) for _, text in records] == [record(event) for event in written[1:]]


def test_an_event_that_the_disk_spoiled_meanwhile_holds_nothing_up(journal: Journal):
    journal.append(None, 1000, START, MILK, HelpRequested())
    # Spoiled after the file was looked through: the first, the last, and neither is JSON any more.
    journal._conn.execute("UPDATE event SET what = substr(what, 2) WHERE sequence IN (1, 3)")
    texts = [text for _, text in journal.records(0, 10)]
    assert json.loads(texts[0])["what"].startswith('"store":"north"')
    assert event_from_json(texts[1]).what == MILK
    with pytest.raises(Malformed):
        event_from_json(texts[2])
    journal.acknowledge(1)
    assert journal.forget() == 0, "its trip may be open"
    assert journal.renew(0) == 3


def test_a_new_file_is_a_new_journal(tmp_path: Path):
    assert Journal(tmp_path / "a.db", "hand-1").id != Journal(tmp_path / "b.db", "hand-1").id


def test_a_journal_of_another_device_is_refused(tmp_path: Path):
    Journal(tmp_path / "journal.db", "hand-1").close()
    with pytest.raises(JournalUnusable, match="hand-2"):
        Journal(tmp_path / "journal.db", "hand-2")


def test_acknowledgements_only_grow_and_never_pass_the_end(journal: Journal):
    journal.append(None, 1000, START, MILK)
    journal.acknowledge(2)
    journal.acknowledge(1)
    assert (journal.acknowledged, journal.waiting) == (2, 0)
    with pytest.raises(JournalUnusable):
        journal.acknowledge(3)


def test_forgetting_keeps_the_open_trip_and_what_is_not_acknowledged(journal: Journal):
    first = journal.append(None, 1000, START, MILK, DONE)[0].trip
    second = journal.append(None, 2000, START, MILK)[0].trip
    journal.acknowledge(2)
    assert journal.forget() == 2
    assert [event.sequence for event in events_in(journal)] == [3, 4, 5]
    journal.acknowledge(5)
    assert journal.forget() == 1
    assert {event.trip for event in events_in(journal)} == {second} != {first}


@pytest.mark.parametrize("end", [DONE, TripAbandoned()], ids=["finished", "abandoned"])
def test_forgetting_takes_a_trip_that_ended_and_sequences_go_on(tmp_path: Path, end: Happening):
    journal = Journal(tmp_path / "journal.db", "hand-1")
    journal.append(None, 1000, START, MILK, end)
    journal.acknowledge(3)
    assert journal.forget() == 3
    journal.close()
    again = Journal(tmp_path / "journal.db", "hand-1")
    assert again.open_trip() is None
    assert again.append(None, 3000, START)[0].sequence == 4


def test_a_first_name_is_gone_from_the_disk_once_erased(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db", "hand-1")
    trip = journal.append(None, 1000, START, CardScanned(card="29001"))[0].trip
    journal.greet(trip, "Gwendolyn-Unmistakable")
    assert journal.greeting(trip) == "Gwendolyn-Unmistakable"
    journal.erase_greeting()
    assert journal.greeting(trip) == ""
    assert not any(b"Unmistakable" in file.read_bytes() for file in tmp_path.iterdir())


WRITER = """
import sys
from pathlib import Path
from panier.trip import HelpRequested, TripStarted
from panier_io.journal import Journal
journal = Journal(Path(sys.argv[1]), "hand-1")
trip = journal.append(None, 1, TripStarted(store="north", currency="USD", timezone="UTC", snapshot=0))[0].trip
while True:
    for event in journal.append(trip, 2, HelpRequested(), HelpRequested()):
        print(event.sequence, flush=True)
"""


def test_everything_that_append_returned_survives_kill_9(tmp_path: Path):
    path = tmp_path / "journal.db"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    told = [writer.stdout.readline() for _ in range(40)]
    os.kill(writer.pid, signal.SIGKILL)
    told += writer.stdout.readlines()
    writer.wait()
    returned = int([line for line in told if line.endswith("\n")][-1])
    journal = Journal(path, "hand-1")
    kept = events_in(journal)
    assert [event.sequence for event in kept] == list(range(1, len(kept) + 1))
    assert len(kept) >= returned
    # Both of a pair or neither: what is appended together is one transaction.
    assert len(kept) % 2 == 1
    assert isinstance(kept[-1].what, HelpRequested)


def test_the_journal_is_synchronous_to_the_disk(journal: Journal):
    conn: sqlite3.Connection = journal._db.conn
    assert conn.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert conn.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
