"""The device's journal: events on disk before anyone sees them, and what of them the gateway has acknowledged."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from panier.error import PanierError
from panier.message import happening_from_json, happening_to_json
from panier.trip import Event, Happening, Trip, TripStarted, fold
from panier_io.store import open_database

FORMAT = 1
_ENDS = ("trip_finished", "trip_abandoned")
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # base 32 without l, o, 0 and 1, which people confuse


class JournalUnusable(PanierError):
    """The file is not a journal of this device and this format."""

    code = "journal_unusable"


class Journal:
    """Append-only log of one device's events in SQLite (WAL, synchronous=FULL).

    `append` returns when the event is on the disk. A new file makes a new journal id, so that a device that was wiped never
    reuses an identity. Not for use from two threads at once.
    """

    def __init__(self, path: Path, device: str) -> None:
        self._db = open_database(path)
        self._db.conn.executescript(
            """
            CREATE TABLE IF NOT EXISTS event(
                sequence INTEGER PRIMARY KEY AUTOINCREMENT, trip TEXT NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL) STRICT;
            CREATE INDEX IF NOT EXISTS event_trip ON event(trip, sequence);
            CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
            CREATE TABLE IF NOT EXISTS greeting(trip TEXT PRIMARY KEY, first_name TEXT NOT NULL) STRICT;
            PRAGMA secure_delete=ON;
            """
        )
        self.device = device
        self._claim(path)
        self.id = self._fact("journal")
        self.acknowledged = int(self._fact("acknowledged"))
        """Highest sequence that the gateway has on its disk."""
        self.last = self._last()
        """Highest sequence written."""

    def append(self, trip: str | None, at: int, *happenings: Happening) -> list[Event]:
        """Writes what happened, all of it or nothing, and waits for the disk.

        `trip` is None where the first happening is a TripStarted, whose sequence names the trip; the others belong to it.
        """
        if not happenings or any(
            (trip is None and place == 0) != isinstance(w, TripStarted) for place, w in enumerate(happenings)
        ):
            raise ValueError("a TripStarted opens a trip; every other event belongs to one")
        first = self.last + 1
        name = trip or f"{self.device}.{self.id}.{first}"
        events = [Event(sequence=first + place, at=at, trip=name, what=what) for place, what in enumerate(happenings)]
        rows = [(event.sequence, name, at, happening_to_json(event.what)) for event in events]
        with self._transaction():
            self._db.conn.executemany("INSERT INTO event(sequence, trip, at, what) VALUES (?, ?, ?, ?)", rows)
        self.last = events[-1].sequence
        return events

    def after(self, sequence: int, limit: int) -> list[Event]:
        """Up to `limit` events that follow `sequence`, oldest first."""
        rows = self._db.conn.execute(
            "SELECT sequence, at, trip, what FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?", (sequence, limit)
        )
        return [_event(*row) for row in rows]

    def acknowledge(self, upto: int) -> None:
        """Notes that everything up to `upto` is on the gateway's disk. Lower figures than before change nothing."""
        if upto <= self.acknowledged:
            return
        if upto > self.last:
            raise JournalUnusable(f"acknowledged up to {upto}, but journal {self.id} ends at {self.last}")
        self._db.conn.execute("UPDATE fact SET value = ? WHERE name = 'acknowledged'", (str(upto),))
        self.acknowledged = upto

    def forget(self) -> int:
        """Deletes what is acknowledged, but for a trip that is still open; gives the number of events."""
        newest = self._db.conn.execute(
            "SELECT trip, json_extract(what, '$.kind') FROM event ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        kept = None if newest is None or newest[1] in _ENDS else newest[0]
        return self._db.conn.execute(
            "DELETE FROM event WHERE sequence <= ? AND trip IS NOT ?", (self.acknowledged, kept)
        ).rowcount

    def greet(self, trip: str, first_name: str) -> None:
        """Keeps the first name of the member of `trip` until `erase_greeting`; it is in no event."""
        self._db.conn.execute("INSERT OR REPLACE INTO greeting VALUES (?, ?)", (trip, first_name))

    def greeting(self, trip: str) -> str:
        """The first name of the member of `trip`, or nothing."""
        row = self._db.conn.execute("SELECT first_name FROM greeting WHERE trip = ?", (trip,)).fetchone()
        return row[0] if row else ""

    def erase_greeting(self) -> None:
        """Overwrites every first name on the disk, in the write-ahead log too."""
        if self._db.conn.execute("DELETE FROM greeting").rowcount:
            self._db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @property
    def waiting(self) -> int:
        """Events that are not acknowledged yet."""
        return self.last - self.acknowledged

    def open_trip(self) -> Trip | None:
        """The state of the trip that was under way when the device stopped, or None."""
        newest = self._db.conn.execute("SELECT trip FROM event ORDER BY sequence DESC LIMIT 1").fetchone()
        if newest is None:
            return None
        rows = self._db.conn.execute("SELECT sequence, at, trip, what FROM event WHERE trip = ? ORDER BY sequence", newest)
        trip = fold(_event(*row) for row in rows)
        return trip if trip.is_open else None

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Generator[None, None, None]:
        self._db.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.conn.execute("ROLLBACK")
            raise
        self._db.conn.execute("COMMIT")

    def _claim(self, path: Path) -> None:
        if self._db.conn.execute("SELECT 1 FROM fact").fetchone() is None:
            name = "".join(secrets.choice(_ALPHABET) for _ in range(6))
            facts = {"journal": name, "device": self.device, "format": str(FORMAT), "acknowledged": "0"}
            with self._transaction():
                self._db.conn.executemany("INSERT INTO fact VALUES (?, ?)", facts.items())
        owner, form = self._fact("device"), self._fact("format")
        if owner != self.device:
            raise JournalUnusable(
                f"{path} is the journal of device {owner}, not of {self.device}; give each device its own directory"
            )
        if int(form) > FORMAT:
            raise JournalUnusable(f"{path} has format {form}; this version knows {FORMAT}: install the newer version again")

    def _fact(self, name: str) -> str:
        return self._db.conn.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()[0]

    def _last(self) -> int:
        row = self._db.conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
        return row[0] if row else 0


def _event(sequence: int, at: int, trip: str, what: str) -> Event:
    return Event(sequence=sequence, at=at, trip=trip, what=happening_from_json(what))
