"""The device's journal: events on disk before anyone sees them, and what of them the gateway has acknowledged."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from panier.error import PanierError
from panier.lease import Lease
from panier.message import happening_from_json, happening_to_json
from panier.trip import Event, Happening, Trip, TripStarted, fold
from panier_io.damage import asides, mend
from panier_io.store import open_database, overwrite_deleted, row_sum, transaction, was_refused

FORMAT = 2
"""1: without `event.sum`. 2: each event carries the sum of what was written."""
SKIPPED = 1000
"""Sequences left out after damage, more than a write-ahead log holds: no number of an event that was lost is given twice."""
_ENDS = ("trip_finished", "trip_abandoned")
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # base 32 without l, o, 0 and 1, which people confuse
_SCHEMA = """
CREATE TABLE IF NOT EXISTS event(
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, trip TEXT NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL,
    sum INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX IF NOT EXISTS event_trip ON event(trip, sequence);
CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS greeting(trip TEXT PRIMARY KEY, first_name TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS lease(
    promotion TEXT NOT NULL, is_spend INTEGER NOT NULL, holder TEXT NOT NULL, granted INTEGER NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (promotion, is_spend, holder)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slip(trip TEXT PRIMARY KEY, body TEXT NOT NULL, begun INTEGER NOT NULL DEFAULT 0) STRICT;
PRAGMA secure_delete=ON;
"""


class JournalUnusable(PanierError):
    """The file is not a journal of this device and this format."""

    code = "journal_unusable"


class Journal:
    """Append-only log of one device's events in SQLite (WAL, synchronous=FULL).

    `append` returns when the event is on the disk. A new file makes a new journal id, so that a device that was wiped never
    reuses an identity. A file that is not what was written is set aside, see `damage`: the events that can be read go on, and
    sequences that may have been given already are never given again. Not for use from two threads at once.
    """

    def __init__(self, path: Path, device: str) -> None:
        self._path = path
        self.damage = mend(path, _make, _flaw, _settle)
        """What was wrong with the file when it was opened, or None."""
        self._db = open_database(path)
        self._conn = self._db.conn
        _make(self._conn)
        self.device = device
        self._claim(path)
        facts = _facts(self._conn)
        self.id = facts["journal"]
        self.acknowledged = int(facts["acknowledged"])
        """Highest sequence that the gateway has on its disk."""
        self.last = _last(self._conn)
        """Highest sequence written, or lost."""
        self._lost = _lost(facts)
        self._has_traces = True
        """Whether the write-ahead log may hold what was deleted, perhaps before a kill: a first name, a card number."""

    def append(
        self, trip: str | None, at: int, *happenings: Happening, leases: Iterable[Lease] = (), slip: str = ""
    ) -> list[Event]:
        """Writes what happened, all of it or nothing, and waits for the disk.

        `trip` is None where the first happening is a TripStarted, whose sequence names the trip; the others belong to it.
        `leases` are those that this changed; the trip's own end with it. `slip` is what is to be printed of it from now on.
        Raises Malformed, and writes nothing, where an event could not be read again.
        """
        if not happenings or any(
            (trip is None and place == 0) != isinstance(w, TripStarted) for place, w in enumerate(happenings)
        ):
            raise ValueError("a TripStarted opens a trip; every other event belongs to one")
        first = self.last + 1
        name = trip or f"{self.device}.{self.id}.{first}"
        events = [Event(sequence=first + place, at=at, trip=name, what=what) for place, what in enumerate(happenings)]
        rows = [_row(self.id, event.sequence, name, at, _text(event.what)) for event in events]
        with transaction(self._conn):
            self._conn.executemany("INSERT INTO event(sequence, trip, at, what, sum) VALUES (?, ?, ?, ?, ?)", rows)
            self.hold(leases)
            if any(what.kind in _ENDS for what in happenings):
                self._conn.execute("DELETE FROM lease WHERE holder = ?", (name,))
            if slip:
                self._conn.execute("INSERT OR REPLACE INTO slip(trip, body) VALUES (?, ?)", (name, slip))
        self.last = events[-1].sequence
        return events

    def records(self, sequence: int, limit: int) -> list[tuple[int, str]]:
        """Up to `limit` events that follow `sequence`, oldest first, up to where some are missing between, as they are sent.

        Each is its sequence and its JSON, unread: what nobody can read the gateway sets aside.
        """
        rows = self._conn.execute(
            "SELECT sequence, json_object('sequence', sequence, 'at', at, 'trip', trip, "
            "'what', json(iif(json_valid(what), what, json_quote(what)))) "
            "FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?",
            (sequence, limit),
        ).fetchall()
        return [row for place, row in enumerate(rows) if row[0] == rows[0][0] + place]

    def acknowledge(self, upto: int) -> None:
        """Notes that everything up to `upto` is on the gateway's disk. Lower figures than before change nothing."""
        if upto <= self.acknowledged:
            return
        if upto > self.last:
            raise JournalUnusable(f"acknowledged up to {upto}, but journal {self.id} ends at {self.last}")
        self._conn.execute("UPDATE fact SET value = ? WHERE name = 'acknowledged'", (str(upto),))
        self.acknowledged = upto

    def forget(self) -> int:
        """Takes what is acknowledged off the disk, but for a trip that is still open; gives the number of events."""
        kept = (self.acknowledged, self._under_way())
        gone = self._conn.execute("DELETE FROM event WHERE sequence <= ? AND trip IS NOT ?", kept).rowcount
        self._has_traces |= gone > 0
        self._overwrite()
        return gone

    def renew(self, upto: int) -> int:
        """Begins a new journal in this file: takes over what follows `upto` and is not acknowledged, with its trips whole, and an
        open trip.

        For when staff released a journal under which two devices spoke; nothing of it is merged with what the gateway holds
        under the old name. Gives the number of events that were taken over, under new numbers and new names of trips.
        """
        floor = max(upto, self.acknowledged)
        rows = self._conn.execute(
            "SELECT sequence, trip, at, what FROM event"
            " WHERE trip IN (SELECT trip FROM event WHERE sequence > ?) OR trip IS ? ORDER BY 1",
            (floor, self._under_way()),
        ).fetchall()
        name = new_name()
        trips: dict[str, str] = {}
        numbers = {row[0]: number for number, row in enumerate(rows, start=1)}
        for sequence, trip, _, _ in rows:
            trips.setdefault(trip, f"{self.device}.{name}.{numbers[sequence]}")
        with transaction(self._conn):
            self._conn.execute("DELETE FROM event")
            self._conn.executemany(
                "INSERT INTO event(sequence, trip, at, what, sum) VALUES (?, ?, ?, ?, ?)",
                [_row(name, numbers[sequence], trips[trip], at, _renumbered(what, numbers)) for sequence, trip, at, what in rows],
            )
            for old, new in trips.items():
                self._conn.execute("UPDATE greeting SET trip = ? WHERE trip = ?", (new, old))
                self._conn.execute("UPDATE slip SET trip = ? WHERE trip = ?", (new, old))
            self._conn.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'event'", (len(rows),))
            # Two devices held them under the old name; the gateway grants anew.
            self._conn.execute("DELETE FROM lease")
            facts = {"journal": name, "acknowledged": "0", "lost": "[]"}
            self._conn.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts.items())
        self.id, self.acknowledged, self.last, self._lost = name, 0, len(rows), []
        return len(rows)

    def hold(self, leases: Iterable[Lease]) -> None:
        """Keeps leases as they are now."""
        rows = [(lease.promotion, lease.is_spend, lease.holder, lease.granted, lease.used) for lease in leases]
        self._conn.executemany("INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?, ?)", rows)

    def leases(self) -> list[Lease]:
        """Every lease of this device, and of the trip that is under way."""
        rows = self._conn.execute("SELECT promotion, is_spend, holder, granted, used FROM lease")
        return [
            Lease(promotion=promotion, is_spend=bool(is_spend), holder=holder, granted=granted, used=used)
            for promotion, is_spend, holder, granted, used in rows
        ]

    def greet(self, trip: str, first_name: str) -> None:
        """Keeps the first name of the member of `trip` until `erase_greeting`; it is in no event."""
        self._conn.execute("INSERT OR REPLACE INTO greeting VALUES (?, ?)", (trip, first_name))

    def greeting(self, trip: str) -> str:
        """The first name of the member of `trip`, or nothing."""
        row = self._conn.execute("SELECT first_name FROM greeting WHERE trip = ?", (trip,)).fetchone()
        return row[0] if row else ""

    def erase_greeting(self) -> None:
        """Overwrites every first name on the disk, in the write-ahead log too; what the disk refuses of it is done next time."""
        self._has_traces |= self._conn.execute("DELETE FROM greeting").rowcount > 0
        self._overwrite()

    def slips(self) -> list[tuple[str, str, int]]:
        """What is to be printed, oldest first: the trip, what was given for it, and how often printing it was begun."""
        return self._conn.execute("SELECT trip, body, begun FROM slip ORDER BY rowid").fetchall()

    def begin_slip(self, trip: str) -> None:
        """Notes that printing begins: on the disk before the first byte, so that what comes out a second time says so."""
        self._conn.execute("UPDATE slip SET begun = begun + 1 WHERE trip = ?", (trip,))

    def print_again(self, trip: str, body: str) -> None:
        """Puts what was printed once back among what is to be printed."""
        self._conn.execute("INSERT OR IGNORE INTO slip VALUES (?, ?, 1)", (trip, body))

    def end_slip(self, trip: str) -> None:
        """What is on the paper is kept no longer; it is overwritten, in the write-ahead log too."""
        self._has_traces |= self._conn.execute("DELETE FROM slip WHERE trip = ?", (trip,)).rowcount > 0
        self._overwrite()

    @property
    def waiting(self) -> int:
        """Events that are not acknowledged yet."""
        return self.last - self.acknowledged - _missing(self._lost, self.acknowledged)

    @property
    def trouble(self) -> str:
        """What staff should know of this file, until somebody has deleted what was set aside; or nothing."""
        aside = asides(self._path)
        return f"{self._fact('damage')}; set aside as {aside[-1].name}" if aside else ""

    def open_trip(self) -> Trip | None:
        """The state of the trip that was under way when the device stopped, or None."""
        newest = self._conn.execute("SELECT trip FROM event ORDER BY sequence DESC LIMIT 1").fetchone()
        if newest is None:
            return None
        rows = self._conn.execute("SELECT sequence, at, trip, what FROM event WHERE trip = ? ORDER BY sequence", newest)
        trip = fold(_event(*row) for row in rows)
        return trip if trip.is_open else None

    def try_writing(self) -> None:
        """Takes the place of a writer and gives it up again, with nothing written. Raises sqlite3.Error."""
        with transaction(self._conn):
            pass

    @property
    def is_refused(self) -> bool:
        """True from the moment that the disk refused something until something is written again."""
        return was_refused(self._conn)

    def prove_writing(self) -> None:
        """Writes something that means nothing, and waits for the disk. Raises sqlite3.Error."""
        with transaction(self._conn):
            self._conn.execute("INSERT OR REPLACE INTO fact VALUES ('proof', ?)", (new_name(),))

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def _claim(self, path: Path) -> None:
        if "journal" not in _facts(self._conn):
            facts = {"journal": new_name(), "device": self.device, "format": str(FORMAT), "acknowledged": "0"}
            with transaction(self._conn):
                self._conn.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts.items())
        owner, form = self._fact("device"), int(self._fact("format"))
        if owner != self.device:
            raise JournalUnusable(
                f"{path} is the journal of device {owner}, not of {self.device}; give each device its own directory"
            )
        if form > FORMAT:
            raise JournalUnusable(f"{path} has format {form}; this version knows {FORMAT}: install the newer version again")
        if form < FORMAT:
            with transaction(self._conn):
                _migrate(self._conn)

    def _overwrite(self) -> None:
        if self._has_traces:
            self._has_traces = not overwrite_deleted(self._conn)

    def _under_way(self) -> str | None:
        """The name of the trip that has no end yet, as far as can be read."""
        newest = self._conn.execute(
            "SELECT trip, iif(json_valid(what), json_extract(what, '$.kind'), '') FROM event ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        return None if newest is None or newest[1] in _ENDS else newest[0]

    def _fact(self, name: str) -> str:
        row = self._conn.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""


def new_name() -> str:
    """A journal's identity: six characters by chance."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


def _event(sequence: int, at: int, trip: str, what: str) -> Event:
    return Event(sequence=sequence, at=at, trip=trip, what=happening_from_json(what))


def _text(what: Happening) -> str:
    """A happening as it is written. Raises Malformed where it could not be read back: it would hold up all that follows."""
    text = happening_to_json(what)
    happening_from_json(text)
    return text


def _renumbered(what: str, numbers: dict[int, int]) -> str:
    """A happening as it is written, with the new number of the refused code that it answers."""
    try:
        said = json.loads(what)
    except ValueError:
        return what  # spoiled; the gateway sets it aside
    if not said.get("answers"):
        return what
    return json.dumps(said | {"answers": numbers.get(said["answers"], 0)}, ensure_ascii=False, separators=(",", ":"))


def _row(journal: str, sequence: int, trip: str, at: int, what: str) -> tuple[object, ...]:
    return sequence, trip, at, what, row_sum(journal, sequence, trip, at, what)


def _make(connection: sqlite3.Connection) -> None:
    connection.executescript(_SCHEMA)


def _migrate(connection: sqlite3.Connection) -> None:
    if "sum" not in {row[1] for row in connection.execute("PRAGMA table_info(event)")}:
        connection.execute("ALTER TABLE event ADD COLUMN sum INTEGER NOT NULL DEFAULT 0")
    journal = _facts(connection)["journal"]
    for row in connection.execute("SELECT sequence, trip, at, what FROM event").fetchall():
        connection.execute("UPDATE event SET sum = ? WHERE sequence = ?", (_row(journal, *row)[-1], row[0]))
    connection.execute("UPDATE fact SET value = ? WHERE name = 'format'", (str(FORMAT),))


def _facts(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, value FROM fact").fetchall())


def _last(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
    return row[0] if row else 0


def _lost(facts: dict[str, str]) -> list[list[int]]:
    """Ranges of sequences that are not acknowledged and that nobody can read any more, first and last."""
    return json.loads(facts.get("lost", "[]"))


def _missing(lost: Sequence[Sequence[int]], after: int) -> int:
    return sum(last - max(first - 1, after) for first, last in lost if last > after)


def _wrong_sums(connection: sqlite3.Connection, journal: str) -> list[int]:
    rows = connection.execute("SELECT sequence, trip, at, what, sum FROM event")
    return [row[0] for row in rows if row != _row(journal, *row[:4])]


def _flaw(connection: sqlite3.Connection) -> str | None:
    """What SQLite cannot know: events that are not what was written, or that are not there."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'fact'").fetchone() is None:
        return None  # cut off while it was made: nothing was ever written
    facts = _facts(connection)
    if not facts:
        return None  # so was this
    if not _is_sound(facts) or _name(connection) not in (None, (facts["device"], facts["journal"])):
        return "its name or its figures are not what was written"
    if int(facts["format"]) != FORMAT:
        return None
    if wrong := _wrong_sums(connection, facts["journal"]):
        return f"event {wrong[0]} is not what was written"
    upto = int(facts["acknowledged"])
    if upto > _last(connection):
        return f"acknowledged up to {upto}, but the last event is {_last(connection)}"
    held = connection.execute("SELECT count(*) FROM event WHERE sequence > ?", (upto,)).fetchone()[0]
    wanted = _last(connection) - upto - _missing(_lost(facts), upto)
    return None if held == wanted else f"{wanted - held} of {wanted} waiting events are missing"


def _is_sound(facts: dict[str, str]) -> bool:
    return {"device", "journal"} <= facts.keys() and all(facts.get(name, "").isdecimal() for name in ("format", "acknowledged"))


def _name(connection: sqlite3.Connection) -> tuple[str, str] | None:
    """Device and journal as most events have them in the names of their trips; None where there is no event."""
    names = Counter(trip.rpartition(".")[0] for (trip,) in connection.execute("SELECT trip FROM event"))
    if not names:
        return None
    device, _, journal = names.most_common(1)[0][0].partition(".")
    return device, journal


def _restored(connection: sqlite3.Connection) -> dict[str, str]:
    """The journal's facts, mended by what its events say; nothing where they are spoilt and there is no event."""
    facts, name = _facts(connection), _name(connection)
    if name is None:
        return facts if _is_sound(facts) else {}
    facts["device"], facts["journal"] = name
    if not facts.get("format", "").isdecimal():
        facts["format"] = str(FORMAT)
    if not facts.get("acknowledged", "").isdecimal():
        # The gateway knows what it has.
        facts["acknowledged"] = str(connection.execute("SELECT min(sequence) - 1 FROM event").fetchone()[0])
    connection.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts.items())
    return facts


def _settle(connection: sqlite3.Connection, reason: str) -> None:
    """After damage: drops what is not what was written, and notes what is missing, so that it is looked for and told once."""
    facts = _restored(connection)
    if not facts:
        # Without its name nothing can be sent under it: a new journal begins.
        connection.execute("DELETE FROM sqlite_sequence")
        connection.execute("DELETE FROM fact")
    elif int(facts["format"]) == FORMAT:
        wrong = _wrong_sums(connection, facts["journal"])
        connection.executemany("DELETE FROM event WHERE sequence = ?", [(sequence,) for sequence in wrong])
    if facts:
        upto = int(facts["acknowledged"])
        last = max(_last(connection), upto) + SKIPPED
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'event'")
        connection.execute("INSERT INTO sqlite_sequence VALUES ('event', ?)", (last,))
        held = [row[0] for row in connection.execute("SELECT sequence FROM event WHERE sequence > ? ORDER BY 1", (upto,))]
        edges = zip([upto, *held], [*held, last + 1], strict=True)
        lost = [[before + 1, after - 1] for before, after in edges if after - before > 1]
        connection.execute("INSERT OR REPLACE INTO fact VALUES ('lost', ?)", (json.dumps(lost),))
    # What was used of them may be lost: whatever is left counts as used, until the gateway grants more.
    connection.execute("UPDATE lease SET used = max(granted, used)")
    connection.execute("INSERT OR REPLACE INTO fact VALUES ('damage', ?)", (reason[:150],))
