"""Files that are not what was written: noticed, set aside whole, and what can be read goes on."""

from __future__ import annotations

import json
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.sending import events_in

from panier.trip import CardScanned, HelpRequested, TripStarted
from panier_io import damage
from panier_io.damage import mend
from panier_io.journal import SKIPPED, Journal
from panier_io.store import StoreUnusable
from panier_simulators.chaos.trouble import Trouble, compiler

START = TripStarted(store="north", currency="USD", timezone="UTC", snapshot=7)


def written(directory: Path, events: int, *, acknowledged: int = 0) -> tuple[Path, str]:
    """A journal of so many events that was closed in order; gives its file and its id."""
    journal = Journal(directory / "journal.db", "hand-1")
    trip = journal.append(None, 1000, START)[0].trip
    for _ in range(events - 1):
        journal.append(trip, 1001, HelpRequested())
    journal.acknowledge(acknowledged)
    journal.close()
    return directory / "journal.db", journal.id


def sequences(journal: Journal) -> list[int]:
    return [row[0] for row in journal._conn.execute("SELECT sequence FROM event ORDER BY 1")]


def overwrite(path: Path, old: bytes, new: bytes, occurrence: int = 0) -> None:
    content = bytearray(path.read_bytes())
    place = -1
    for _ in range(occurrence + 1):
        place = content.index(old, place + 1)
    content[place : place + len(new)] = new
    path.write_bytes(bytes(content))


def test_a_sound_journal_has_no_damage_and_leaves_nothing_beside_it(tmp_path: Path):
    path, name = written(tmp_path, 5)
    journal = Journal(path, "hand-1")
    assert (journal.damage, journal.trouble, journal.id, journal.last) == (None, "", name, 5)
    journal.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["journal.db"]


def test_a_changed_byte_within_an_event_is_found_set_aside_and_the_others_go_on(tmp_path: Path):
    path, name = written(tmp_path, 5, acknowledged=1)
    overwrite(path, b"help_requested", b"help_Requested", occurrence=2)
    found = path.read_bytes()
    journal = Journal(path, "hand-1")
    assert "is not what was written" in str(journal.damage)
    assert (journal.id, len(sequences(journal))) == (name, 4)
    assert (tmp_path / "journal.damaged-1.db").read_bytes() == found
    assert "set aside as journal.damaged-1.db" in journal.trouble
    (lost,) = {2, 3, 4, 5} - set(sequences(journal))
    assert journal.waiting == 3
    assert journal.append(f"hand-1.{name}.1", 1002, HelpRequested())[0].sequence == 5 + SKIPPED + 1
    assert [event.sequence for event in events_in(journal, lost)] == list(range(lost + 1, 6)) or lost == 5
    journal.close()
    again = Journal(path, "hand-1")
    assert (again.damage, again.waiting) == (None, 4)
    (tmp_path / "journal.damaged-1.db").unlink()
    assert again.trouble == ""
    again.close()


@pytest.mark.parametrize("page", [2, 3, 4, 6, 9, 12])
def test_a_torn_page_costs_only_what_stood_on_it(tmp_path: Path, page: int):
    path, name = written(tmp_path, 400)
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    path.write_bytes(bytes(content))
    journal = Journal(path, "hand-1")
    assert journal.damage is not None
    held = sequences(journal)
    # Page 2 is the root of the events: without it SQLite finds none, and all of them are in the file that was set aside.
    assert len(held) == 0 if page == 2 else len(held) >= 300
    assert (journal.id, journal.waiting, journal.last) == (name, len(held), 400 + SKIPPED)
    journal.close()
    assert Journal(path, "hand-1").damage is None


def test_a_file_that_is_no_database_begins_a_new_journal_and_is_kept(tmp_path: Path):
    path, name = written(tmp_path, 5)
    path.write_bytes(b"\0" * 8192)
    journal = Journal(path, "hand-1")
    assert journal.damage is not None
    assert journal.id != name
    assert sequences(journal) == []
    assert (tmp_path / "journal.damaged-1.db").read_bytes() == b"\0" * 8192


def test_a_corrupted_tail_of_the_log_is_reported_and_its_numbers_are_never_given_again(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db", "hand-1")
    trip = journal.append(None, 1000, START)[0].trip
    for _ in range(9):
        journal.append(trip, 1001, HelpRequested())
    # As a power cut leaves it: the log has not been brought into the file.
    left = tmp_path / "left"
    left.mkdir()
    for file in ("journal.db", "journal.db-wal"):
        shutil.copy(tmp_path / file, left / file)
    log = bytearray((left / "journal.db-wal").read_bytes())
    log[-2000] ^= 0xFF
    (left / "journal.db-wal").write_bytes(bytes(log))
    again = Journal(left / "journal.db", "hand-1")
    assert "the last writes cannot be read" in str(again.damage)
    assert sequences(again) == list(range(1, 10))
    assert again.append(trip, 1002, HelpRequested())[0].sequence > 10
    assert (left / "journal.damaged-1.db-wal").read_bytes() == bytes(log)


def test_a_write_that_never_committed_is_no_damage(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db", "hand-1")
    journal.append(None, 1000, START)
    left = tmp_path / "left"
    left.mkdir()
    for file in ("journal.db", "journal.db-wal"):
        shutil.copy(tmp_path / file, left / file)
    log = (left / "journal.db-wal").read_bytes()
    # The first page of a next commit reached the log, its last one did not.
    frame = bytearray(log[32 : 32 + 24 + 4096])
    frame[4:8] = b"\0\0\0\0"
    (left / "journal.db-wal").write_bytes(log + bytes(frame))
    again = Journal(left / "journal.db", "hand-1")
    assert again.damage is None
    assert sequences(again) == [1]


@pytest.mark.parametrize("stage", ["building", "whole"])
def test_mending_that_was_cut_short_is_finished_or_begun_again(tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch):
    path, name = written(tmp_path, 5)
    overwrite(path, b"help_requested", b"help_Requested")

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as power:
        power.setattr(damage, "_carry_over" if stage == "building" else "_remove_old", cut)
        with pytest.raises(KeyboardInterrupt):
            Journal(path, "hand-1")
    journal = Journal(path, "hand-1")
    assert (journal.id, len(sequences(journal))) == (name, 4)
    assert journal.trouble
    journal.close()
    assert not list(tmp_path.glob("*.new*")) + list(tmp_path.glob("*.building*"))


def test_the_evidence_never_fills_the_disk(tmp_path: Path):
    path, _ = written(tmp_path, 9)
    for _ in range(6):
        overwrite(path, b"help_requested", b"help_Requested")
        journal = Journal(path, "hand-1")
        assert journal.damage is not None
        journal.close()
    assert [file.name for file in damage.asides(path)] == [f"journal.damaged-{number}.db" for number in (4, 5, 6)]


@contextmanager
def a_disk_that_takes(size: int) -> Generator[None]:
    """No file may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("share", [0.5, 1.0], ids=["no room for the copy", "no room for the new file"])
def test_a_disk_that_fills_up_in_the_middle_costs_no_evidence_and_leaves_no_part_of_one(tmp_path: Path, share: float):
    path, name = written(tmp_path, 400)
    for number in (9, 10, 11):
        (tmp_path / f"journal.damaged-{number}.db").write_text(f"evidence {number}")
    overwrite(path, b"help_requested", b"help_Requested")
    found = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    for _ in range(3):
        with (
            a_disk_that_takes(int(path.stat().st_size * share)),
            pytest.raises(StoreUnusable, match=r"is not what was written.*is the disk full"),
        ):
            Journal(path, "hand-1")
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == found
    journal = Journal(path, "hand-1")
    assert (journal.id, len(sequences(journal))) == (name, 399)
    assert "journal.damaged-12.db" in journal.trouble
    journal.close()
    assert [file.name for file in damage.asides(path)] == [f"journal.damaged-{number}.db" for number in (10, 11, 12)]
    assert (tmp_path / "journal.damaged-12.db").read_bytes() == found["journal.db"]


def test_a_journal_of_format_1_is_taken_over_whole(tmp_path: Path):
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as old:
        old.executescript(
            """
            PRAGMA journal_mode=WAL;
            CREATE TABLE event(
                sequence INTEGER PRIMARY KEY AUTOINCREMENT, trip TEXT NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL) STRICT;
            CREATE INDEX event_trip ON event(trip, sequence);
            CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
            CREATE TABLE greeting(trip TEXT PRIMARY KEY, first_name TEXT NOT NULL) STRICT;
            INSERT INTO fact VALUES ('journal', 'abcdef'), ('device', 'hand-1'), ('format', '1'), ('acknowledged', '1');
            """
        )
        started = {"kind": "trip_started", "store": "north", "currency": "USD", "timezone": "UTC", "snapshot": 7}
        for what in (started, {"kind": "help_requested"}):
            old.execute("INSERT INTO event(trip, at, what) VALUES ('hand-1.abcdef.1', 5, ?)", (json.dumps(what),))
    old.close()
    journal = Journal(path, "hand-1")
    assert (journal.damage, journal.id, journal.last, journal.acknowledged) == (None, "abcdef", 2, 1)
    trip = journal.open_trip()
    assert trip is not None
    assert trip.needs_help
    journal.append(trip.trip, 6, HelpRequested())
    journal.close()
    # From now on a changed byte is noticed.
    overwrite(path, b"trip_started", b"trip_Started")
    again = Journal(path, "hand-1")
    assert again.damage is not None
    assert sequences(again) == [2, 3]


@pytest.mark.parametrize("spoilt", ["device", "journal", "format", "acknowledged"])
@pytest.mark.parametrize("where", ["name", "value"])
def test_a_journal_whose_own_name_or_figures_are_spoilt_goes_on_with_what_its_events_say(tmp_path: Path, spoilt: str, where: str):
    path, name = written(tmp_path, 4, acknowledged=2)
    changed = "name = 'x' || name" if where == "name" else "value = 'x' || value"
    with closing(sqlite3.connect(path)) as held, held:
        held.execute(f"UPDATE fact SET {changed} WHERE name = ?", (spoilt,))
    again = Journal(path, "hand-1")
    assert again.damage is not None
    assert "its name or its figures" in str(again.damage) or "event 1 is not what was written" in str(again.damage)
    # What the gateway has already comes to it again, where nobody knows any more.
    assert (again.id, again.acknowledged) == (name, 0 if spoilt == "acknowledged" else 2)
    assert sequences(again)[-2:] == [3, 4]
    trip = again.open_trip()
    assert trip is not None
    again.append(trip.trip, 9, HelpRequested())
    again.close()
    assert Journal(path, "hand-1").damage is None


def test_a_journal_whose_name_is_spoilt_and_that_holds_no_event_begins_anew(tmp_path: Path):
    path = tmp_path / "journal.db"
    journal = Journal(path, "hand-1")
    name = journal.id
    journal.close()
    with closing(sqlite3.connect(path)) as held, held:
        held.execute("DELETE FROM fact WHERE name = 'journal'")
    again = Journal(path, "hand-1")
    assert (again.damage is not None, again.id != name, again.last) == (True, True, 0)


def test_a_card_number_leaves_the_disk_with_its_event(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db", "hand-1")
    trip = journal.append(None, 1000, START, CardScanned(card="2900000000179"))[0].trip
    journal.append(trip, 1001, HelpRequested())
    assert any(b"2900000000179" in file.read_bytes() for file in tmp_path.iterdir())
    journal.append(None, 1002, START)
    journal.acknowledge(4)
    journal.forget()
    assert not any(b"2900000000179" in file.read_bytes() for file in tmp_path.iterdir())


REFUSED = """
import errno, os, sqlite3, sys
from pathlib import Path
from panier_io.store import open_database, transaction
from panier_simulators.chaos.trouble import Trouble

directory = Path(sys.argv[1])
trouble, held = Trouble(directory / "trouble"), open_database(directory / "notes.db").conn
held.execute("CREATE TABLE note(text)")

def note(count):
    with transaction(held):
        held.executemany("INSERT INTO note VALUES (?)", [("x" * 900,)] * count)

note(20)
trouble.order(os.getpid(), fsync_errno=errno.EIO)
try:
    note(300)
except sqlite3.Error:
    print("refused")
if sys.argv[2] == "while the disk refuses":
    try:
        note(1)
    except sqlite3.Error:
        os._exit(9)
trouble.order(os.getpid())
if sys.argv[2] == "in a transaction":
    note(1)
else:
    held.execute("INSERT INTO note VALUES ('y')")
os._exit(9)
"""


@pytest.mark.skipif(compiler() is None, reason="no C compiler on this machine: apt install gcc")
@pytest.mark.parametrize(
    ("way", "notes"),
    # What nobody was told of may be there, or not.
    [("in a transaction", {21}), ("by itself", {21}), ("while the disk refuses", {20, 320})],
)
def test_a_commit_that_the_disk_refused_is_not_taken_for_damage_after_a_kill(tmp_path: Path, way: str, notes: set[int]):
    trouble = Trouble(tmp_path / "trouble")
    trouble.build()
    with trouble.reaches():
        program = [sys.executable, "-c", REFUSED, str(tmp_path), way]
        said = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert said.stdout == "refused\n", said.stderr
    assert mend(tmp_path / "notes.db", lambda _: None, lambda _: None, lambda *_: None) is None
    with closing(sqlite3.connect(tmp_path / "notes.db")) as held:
        assert held.execute("SELECT count(*) FROM note").fetchone()[0] in notes


FULL = """
import errno, os, sys
from pathlib import Path
from panier_io.journal import Journal
from panier_io.store import StoreUnusable
from panier_simulators.chaos.trouble import Trouble

directory, call, refusal = Path(sys.argv[1]), sys.argv[2], getattr(errno, sys.argv[3])
Trouble(directory / "trouble").order(os.getpid(), **{call: refusal})
try:
    Journal(directory / "killed" / "journal.db", "hand-1")
except StoreUnusable as error:
    print(error)
"""


@pytest.mark.skipif(compiler() is None, reason="no C compiler on this machine: apt install gcc")
@pytest.mark.parametrize(("call", "error"), [("write_errno", "ENOSPC"), ("write_errno", "EIO"), ("fsync_errno", "EIO")])
def test_a_disk_that_refuses_at_the_start_says_nothing_about_the_file(tmp_path: Path, call: str, error: str):
    journal = Journal(tmp_path / "journal.db", "hand-1")
    trip = journal.append(None, 1000, START)[0].trip
    for _ in range(9):
        journal.append(trip, 1001, HelpRequested())
    (tmp_path / "killed").mkdir()
    for name in ("journal.db", "journal.db-wal"):
        shutil.copy(tmp_path / name, tmp_path / "killed" / name)
    trouble = Trouble(tmp_path / "trouble")
    trouble.build()
    with trouble.reaches():
        program = [sys.executable, "-c", FULL, str(tmp_path), call, error]
        said = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert said.stdout.endswith("is the disk full, or read-only?\n"), said.stderr
    again = Journal(tmp_path / "killed" / "journal.db", "hand-1")
    assert (again.last, again.damage, again.trouble) == (10, None, "")
