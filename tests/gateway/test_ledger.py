"""What the ledger keeps, for how long, and how it outlives an older format and a damaged disk."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

import pytest
from tests.gateway.conftest import ITEM, STARTED, batch, journal, kinds, priced, stored, unpriced

from panier.member import Standing
from panier.message import happening_to_json
from panier.trip import CardScanned, Event, HelpRequested, TripAbandoned, TripFinished
from panier_gateway.intake import TWO_MACHINES, Intake
from panier_gateway.ledger import Ledger, LedgerUnusable
from panier_io.store import insert_rows


def test_more_events_than_one_statement_takes_are_all_stored(intake, ledger):
    (taken,) = intake.take_in([batch(journal(STARTED, *[ITEM] * 199))], now=5)
    assert taken.upto == 200
    assert stored(ledger) == list(range(1, 201))


def test_open_trips_are_rebuilt_from_the_disk(intake, ledger):
    intake.take_in([batch(journal(STARTED, ITEM, ITEM))], now=5)
    again = Intake("shop", ledger, unpriced, lambda trip: trip.member)
    assert again.open_trips() == intake.open_trips()
    assert again.upto("till-1", "j") == 3


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


def test_a_ledger_of_format_3_is_taken_over_with_where_members_stand(tmp_path):
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as old:
        old.executescript(
            """
            CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
            INSERT INTO fact VALUES ('format', '3');
            CREATE TABLE lease(
                promotion TEXT NOT NULL, is_spend INTEGER NOT NULL, holder TEXT NOT NULL, granted INTEGER NOT NULL,
                used INTEGER NOT NULL, PRIMARY KEY (promotion, is_spend, holder)) STRICT, WITHOUT ROWID;
            INSERT INTO lease VALUES ('p', 0, 'till-1.j', 4, 4), ('p', 0, 'till-1.j.1', 1, 1), ('p', 0, 'till-1.j.9', 1, 0);
            CREATE TABLE member_trip(
                trip TEXT PRIMARY KEY, member TEXT NOT NULL, points INTEGER NOT NULL, uses TEXT NOT NULL) STRICT, WITHOUT ROWID;
            INSERT INTO member_trip VALUES ('till-1.j.1', 'm', 30, '{"p": 1}'), ('till-1.j.5', 'm', 5, '{"p": 2}');
            """
        )
    old.close()
    ledger = Ledger(path)
    intake = Intake("shop", ledger, priced, lambda trip: trip.member)
    assert ledger.damage is None
    for _ in range(2):
        assert intake.purses.standing(["m"]) == {"m": Standing(points=35, uses={"p": 3})}
        intake.tidy(now=6)
    assert ledger.connection.execute("SELECT holder FROM lease").fetchall() == [("till-1.j",), ("till-1.j.9",)]
    assert ledger.connection.execute("SELECT member FROM member_past").fetchall() == [("m",)]
    ledger.connection.execute("UPDATE fact SET value = '5' WHERE name = 'format'")
    ledger.close()
    with pytest.raises(LedgerUnusable, match="has format 5; this version knows 4"):
        Ledger(path)


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
    assert ledger.held("till-1", "j", 1, 6) == {}
    (after,) = intake.take_in([batch([Event(sequence=4, at=4, trip="till-1.j.4", what=STARTED)])], now=40 * DAY)
    assert after.upto == 4
    (conflict,) = Intake("shop", ledger, priced, lambda trip: trip.member).take_in([batch(events)], now=40 * DAY)
    assert conflict.wrong == TWO_MACHINES


def test_a_months_sums_are_let_go_of_a_piece_at_a_time_and_none_of_them_is_taken_for_granted_meanwhile(ledger, intake):
    pieces, sums = 3, 2 * 5_000 + 7
    intake.take_in([batch(journal(STARTED, HelpRequested(), name=name), name=name) for name in ("j", "k")], now=5)
    with ledger.transaction():
        rows = [("till-1", "j", sequence, 9, "", "", sequence) for sequence in range(3, sums + 3)]
        insert_rows(ledger.connection, "event", "device, journal, sequence, at, trip, what, sum", rows)
        ledger.connection.execute("UPDATE journal SET upto = ? WHERE journal = 'j'", (rows[-1][2],))
    intake = Intake("shop", ledger, unpriced, lambda trip: trip.member)
    left = []
    for piece in range(1, pieces + 1):
        assert intake.tidy(now=40 * DAY) is (piece < pieces)
        left.append(ledger.connection.execute("SELECT count(*) FROM event WHERE what = ''").fetchone()[0])
        again = Event(sequence=left[0] + 2, at=9, trip="till-1.j.1", what=ITEM)
        if left[-1]:
            # The intake has its turn: a live trip goes on, and what is gone cannot be compared.
            (live,) = intake.take_in([batch([Event(sequence=2 + piece, at=9, trip="till-1.k.1", what=ITEM)], name="k")], now=9)
            assert live.upto == 2 + piece
    assert left == [sums - 5_000, sums - 10_000, 0]
    (conflict,) = intake.take_in([batch([again])], now=9)
    assert conflict.wrong == TWO_MACHINES


def test_an_earlier_trip_that_is_forgotten_after_a_later_one_makes_nobody_forget_that_one(ledger):
    intake = Intake("shop", ledger, priced, lambda trip: trip.member)
    done = TripFinished(units=1, discount=0, total=1)
    later = [Event(sequence=n, at=n, trip="till-1.j.4", what=what) for n, what in ((4, STARTED), (5, ITEM), (6, done))]
    intake.take_in([batch([*journal(STARTED, ITEM, done), *later])], now=5)
    stuck, delivered = ledger.parcels(9)
    ledger.delivered([delivered])
    intake.tidy(now=4 * DAY)
    ledger.delivered([stuck])
    for day in (5, 35, 36):
        intake.tidy(now=day * DAY)
    assert ledger.held("till-1", "j", 1, 6) == {}
    clone = [replace(event, at=77) for event in later]
    (conflict,) = intake.take_in([batch(clone)], now=37 * DAY)
    assert conflict.wrong == TWO_MACHINES


@pytest.mark.parametrize("figure", ["format", "last_delivery"])
def test_a_ledger_with_a_spoilt_figure_goes_on_without_it(tmp_path, figure):
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    ledger.connection.execute("INSERT OR REPLACE INTO fact VALUES (?, '4q')", (figure,))
    ledger.close()
    again = Ledger(path)
    assert again.damage is not None
    assert again.damage.reason == f"ledger.db: its {figure} is no number"
    again.close()
    assert Ledger(path).damage is None


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


def spoil(path, table, column, condition):
    """Changes a byte to one that no text has, as a disk does: the file's own structure stays sound."""
    with sqlite3.connect(path) as disk:
        text = f"CAST(x'ff' || substr(CAST({column} AS BLOB), 2) AS TEXT)"
        assert disk.execute(f"UPDATE {table} SET {column} = {text} WHERE {condition}").rowcount == 1
        assert disk.execute("PRAGMA quick_check").fetchone() == ("ok",)
    disk.close()


def test_a_byte_that_changed_in_an_open_trip_takes_that_trip_alone_and_staff_are_told(tmp_path):
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    intake = Intake("shop", ledger, unpriced, lambda trip: trip.member)
    for device in ("till-1", "till-2"):
        intake.take_in([batch(journal(STARTED, ITEM, device=device), device=device)], now=5)
    ledger.close()
    spoil(path, "event", "what", "device = 'till-1' AND sequence = 2")
    ledger = Ledger(path)
    intake = Intake("shop", ledger, unpriced, lambda trip: trip.member)
    assert list(intake.open_trips()) == ["till-2"]
    intake.incidents.report_damage(now=6)
    assert [json.loads(parcel.body)["trip"] for parcel in ledger.parcels(9)] == ["till-1.j.1"]
    (again,) = intake.take_in([batch(journal(STARTED, ITEM))], now=7)
    assert (again.upto, again.wrong) == (2, None)


def test_a_byte_that_changed_in_a_delivered_trip_does_not_keep_the_others_on_the_disk(tmp_path):
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    intake = Intake("shop", ledger, priced, lambda trip: trip.member)
    events = journal(STARTED, ITEM, TripFinished(units=1, discount=0, total=1))
    intake.take_in([batch(events)], now=5)
    ledger.delivered(ledger.parcels(9))
    ledger.close()
    spoil(path, "event", "what", "sequence = 2")
    ledger = Ledger(path)
    intake = Intake("shop", ledger, priced, lambda trip: trip.member)
    intake.tidy(now=4 * DAY)
    assert stored(ledger) == []
    (again,) = intake.take_in([batch(events)], now=4 * DAY)
    assert (again.upto, again.wrong) == (3, None)
    (conflict,) = intake.take_in([batch([replace(events[0], at=9), *events[1:]])], now=4 * DAY)
    assert conflict.wrong == TWO_MACHINES
