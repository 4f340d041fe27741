"""What the gateway must never lose, in one SQLite file: events, trips, dead letters, and the outbox to the back office."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from panier.error import PanierError
from panier.message import Malformed, happening_from_json, happening_to_json
from panier.trip import Event, Happening, Trip, fold
from panier_gateway import table
from panier_gateway.dead_letter import DeadLetters
from panier_io.damage import Damage, mend
from panier_io.log import logger
from panier_io.store import insert_rows, open_database, overwrite_deleted, row_sum, transaction

_PROOF = 64_000  # bytes, as of a large batch

OutboxKind = Literal["receipt", "contact", "incident"]
TripState = Literal["open", "finished", "unsettled", "abandoned", "unreadable"]


class LedgerUnusable(PanierError):
    """The file was written by a newer version."""

    code = "ledger_unusable"


@dataclass(frozen=True, slots=True)
class JournalState:
    """How far one device's journal is on disk; `quarantined` says why nothing more is taken from it.

    `conflict` is the first sequence under which two things were said. `released`: staff let the device go on in a new journal.
    Up to `forgotten` the events are not held any more. `clock_offset` is what its clock lags behind ours, in milliseconds.
    `first_at` is when it was first heard, by our clock, and always after the journal that its device had before.
    """

    upto: int
    quarantined: str | None = None
    conflict: int | None = None
    released: bool = False
    forgotten: int = 0
    clock_offset: int = 0
    first_at: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """An event as it lies on the disk; once `what` is gone, `sum` is there to compare with."""

    at: int
    trip: str
    what: str
    sum: int | None

    def is_same(self, event: Event) -> bool:
        """True where `event` says the same, or nobody can tell any more."""
        if not self.what:
            return self.sum is None or self.sum == event_sum(event)
        if (self.at, self.trip) != (event.at, event.trip):
            return False
        # An earlier version may have written the same in other words.
        return self.what == happening_to_json(event.what) or _readable(self.what) in (None, event.what)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One item that waits for the back office; `body` is JSON."""

    id: int
    kind: OutboxKind
    identity: str
    body: str

    @property
    def content(self) -> dict[str, Any] | None:
        """What `body` says; None where a damaged disk spoiled it."""
        with suppress(ValueError):
            found = json.loads(self.body)
            if isinstance(found, dict):
                return found  # pyright: ignore[reportUnknownVariableType]  (JSON objects have string keys)
        return None


class Ledger:
    """SQL and nothing else; whoever writes states the transaction. One thread uses it at a time.

    Events and journals gather in memory and are written together where the transaction or its part ends, or where somebody reads.
    """

    def __init__(self, path: Path, *, beside_gateway: bool = False, only_reads: bool = False) -> None:
        self._events: list[tuple[Any, ...]] = []
        self._journals: dict[tuple[str, str], tuple[Any, ...]] = {}
        # Only who owns the file may replace it.
        self.damage: Damage | None = None if beside_gateway else mend(path, table.make, table.look, table.settle)
        """What was wrong with the file when it was opened; what could be read went on."""
        self._db = open_database(path)
        path.chmod(0o600)
        self._conn = self._db.conn
        # A byte that is no text any more must not end the gateway at every start: its row alone is then refused.
        self._conn.text_factory = _text
        self.dead_letters = DeadLetters(self._conn)
        held, known = (self._read_format if only_reads else self._bring_up)(), table.FORMAT
        if held > known:
            raise LedgerUnusable(f"{path} has format {held}; this version knows {known}: install the newer version again")
        if held < known:
            raise LedgerUnusable(f"{path} has format {held}; this version reads {known}: start the gateway once, it brings it up")

    def _bring_up(self) -> int:
        table.make(self._conn)
        with self.transaction():
            return table.bring_up(self._conn)

    def _read_format(self) -> int:
        self._conn.execute("PRAGMA query_only=ON")
        return table.read_format(self._conn)

    @property
    def connection(self) -> sqlite3.Connection:
        """For what else must hold together with the events; within `transaction`."""
        return self._conn

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Everything inside holds together, on the disk, when this ends; an exception takes all of it back."""
        try:
            with transaction(self._conn):
                yield
                self._write_down()
        finally:
            self._forget_gathered()

    @contextmanager
    def part(self) -> Generator[None]:
        """A part of a transaction that can be taken back by itself, by an exception."""
        self._write_down()
        self._conn.execute("SAVEPOINT part")
        try:
            yield
            self._write_down()
        except BaseException:
            self._forget_gathered()
            if self._conn.in_transaction:
                self._conn.execute("ROLLBACK TO part")
                self._conn.execute("RELEASE part")
            raise
        self._conn.execute("RELEASE part")

    def journals(self) -> dict[tuple[str, str], JournalState]:
        """Every journal by (device, journal), oldest first."""
        rows = self._conn.execute(
            "SELECT device, journal, upto, quarantined, conflict, released, forgotten, clock_offset, first_at FROM journal"
            " ORDER BY first_at"
        )
        return {
            (device, journal): JournalState(upto, why, conflict, bool(released), forgotten, clock_offset, first_at)
            for device, journal, upto, why, conflict, released, forgotten, clock_offset, first_at in rows
        }

    def keep_journal(self, device: str, journal: str, state: JournalState) -> None:
        """Notes how far a journal is."""
        self._journals[device, journal] = (
            device, journal, state.upto, state.quarantined, state.first_at, state.conflict, state.released, state.forgotten,
            state.clock_offset,
        )  # fmt: skip

    def keep_events(self, device: str, journal: str, events: Iterable[Event]) -> None:
        """Writes events that follow those on disk."""
        self._events += [
            (device, journal, event.sequence, event.at, event.trip, happening_to_json(event.what)) for event in events
        ]

    def _write_down(self) -> None:
        insert_rows(self._conn, "event", "device, journal, sequence, at, trip, what", self._events)
        insert_rows(
            self._conn, "journal", "device, journal, upto, quarantined, first_at, conflict, released, forgotten, clock_offset",
            list(self._journals.values()),
            "ON CONFLICT DO UPDATE SET upto = excluded.upto, quarantined = excluded.quarantined, conflict = excluded.conflict,"
            " released = excluded.released, forgotten = excluded.forgotten, clock_offset = excluded.clock_offset",
        )  # fmt: skip
        self._forget_gathered()

    def _forget_gathered(self) -> None:
        self._events.clear()
        self._journals.clear()

    def events(self, device: str, journal: str, first: int, last: int) -> list[Event]:
        """Events on disk with `first` <= sequence <= `last`, in order."""
        self._write_down()
        rows = self._conn.execute(
            "SELECT sequence, at, trip, what FROM event WHERE device = ? AND journal = ? AND sequence BETWEEN ? AND ?"
            " AND what != '' ORDER BY sequence",
            (device, journal, first, last),
        )
        return [Event(sequence=sequence, at=at, trip=trip, what=happening_from_json(what)) for sequence, at, trip, what in rows]

    def held(self, device: str, journal: str, first: int, last: int) -> dict[int, Held]:
        """What is held of events with `first` <= sequence <= `last`, by sequence, to compare others with."""
        self._write_down()
        rows = self._conn.execute(
            "SELECT sequence, at, trip, what, sum FROM event WHERE device = ? AND journal = ? AND sequence BETWEEN ? AND ?",
            (device, journal, first, last),
        )
        return {row[0]: Held(*row[1:]) for row in rows}

    def keep_trip(
        self, trip: Trip, device: str, journal: str, state: TripState, closed_at: int | None, total: int | None
    ) -> None:
        """Notes a trip's state; `closed_at` by the gateway's clock: the first one holds, however often its receipt is tried."""
        self._conn.execute(
            "INSERT INTO trip VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " closed_at = CASE state WHEN 'unsettled' THEN closed_at ELSE excluded.closed_at END, state = excluded.state,"
            " total = excluded.total, last_sequence = excluded.last_sequence",
            (trip.trip, device, journal, trip.first_sequence, state, closed_at, total, trip.last_sequence),
        )

    def trips(self, state: Literal["open", "unsettled"]) -> list[Trip]:
        """Trips in `state`, folded from their events; one whose events a damaged disk took is marked and stops nothing."""
        rows = self._conn.execute(
            # The first condition lets SQLite use the partial index.
            "SELECT trip, device, journal, first_sequence FROM trip WHERE state IN ('open', 'unsettled') AND state = ?",
            (state,),
        ).fetchall()
        trips: list[Trip] = []
        for row in rows:
            try:
                trips.append(self._trip(*row))
            except PanierError as error:
                logger("ledger").error("trip_unreadable", trip=row[0], reason=str(error))
                self._conn.execute("UPDATE trip SET state = 'unreadable' WHERE trip = ?", (row[0],))
        return trips

    def unreadable(self) -> list[str]:
        """Trips that a damaged disk took, by identity."""
        return [row[0] for row in self._conn.execute("SELECT trip FROM trip WHERE state = 'unreadable' ORDER BY trip")]

    def left_open(self, trip: str) -> Trip | None:
        """A trip that was set aside as abandoned, folded from its events; None where there is no such."""
        row = self._conn.execute(
            "SELECT trip, device, journal, first_sequence FROM trip WHERE trip = ? AND state = 'abandoned'", (trip,)
        ).fetchone()
        return self._trip(*row) if row else None

    def _trip(self, trip: str, device: str, journal: str, first: int) -> Trip:
        events = self.events(device, journal, first, 2**62)
        return fold(event for event in events if event.trip == trip)

    def shift(self, since: int) -> tuple[int, int]:
        """Number of trips finished since `since` (milliseconds) and their turnover in minor units."""
        row = self._conn.execute(
            "SELECT count(*), coalesce(sum(total), 0) FROM trip WHERE state IN ('finished', 'unsettled') AND closed_at >= ?",
            (since,),
        ).fetchone()
        return int(row[0]), int(row[1])

    def reduce(self, before: int, now: int, limit: int) -> int:
        """Takes the content of events off the disk whose trips ended before `before` and are delivered; gives how many trips.

        Their sums stay, so that two machines with one identity are still found out.
        """
        trips = self._conn.execute(
            "SELECT trip, device, journal, first_sequence, coalesce(last_sequence, first_sequence + 5000) FROM trip"
            " WHERE closed_at < ? AND state IN ('finished', 'abandoned') AND NOT EXISTS"
            " (SELECT 1 FROM outbox WHERE kind = 'receipt' AND identity = trip.trip)"
            # Its end may be among what was refused: until a person has decided, it may yet become a receipt.
            " AND NOT (state = 'abandoned' AND EXISTS (SELECT 1 FROM dead_letter AS letter WHERE decided_at IS NULL"
            " AND letter.device = trip.device AND letter.journal = trip.journal AND sequence >= first_sequence)) LIMIT ?",
            (before, limit),
        ).fetchall()
        for trip, device, journal, first, last in trips:
            rows = self._conn.execute(
                "SELECT sequence, at, what FROM event WHERE device = ? AND journal = ? AND sequence BETWEEN ? AND ? AND trip = ?"
                " AND what != ''",
                (device, journal, first, last, trip),
            ).fetchall()
            self._conn.executemany(
                "UPDATE event SET what = '', trip = '', at = ?, sum = ? WHERE device = ? AND journal = ? AND sequence = ?",
                [(now, _sum(trip, at, what), device, journal, sequence) for sequence, at, what in rows],
            )
            self._conn.execute("DELETE FROM trip WHERE trip = ?", (trip,))
        return len(trips)

    def forget_sums(self, before: int, limit: int) -> tuple[int, dict[tuple[str, str], int]]:
        """Deletes the oldest sums of before this time; gives how many, and up to where each journal is forgotten now."""
        key = "device, journal, sequence"
        oldest = f"SELECT {key} FROM event WHERE what = '' AND at < ? ORDER BY at, {key} LIMIT ?"  # noqa: S608  (literals)
        rows = self._conn.execute(
            f"SELECT device, journal, max(sequence) FROM ({oldest}) GROUP BY device, journal",  # noqa: S608
            (before, limit),
        ).fetchall()
        gone = self._conn.execute(f"DELETE FROM event WHERE ({key}) IN ({oldest})", (before, limit)).rowcount  # noqa: S608
        return gone, {(device, journal): upto for device, journal, upto in rows}

    def forget_told(self, before: int) -> bool:
        """Deletes what was told, and what was dealt with, before this time; True where that held something refused."""
        self._conn.execute("DELETE FROM incident WHERE at < ?", (before,))
        return self.dead_letters.forget(before)

    def overwrite_deleted(self) -> None:
        """Takes what was deleted out of the write-ahead log too."""
        overwrite_deleted(self._conn)

    def settled(self, trip: str) -> bool:
        """True where the trip's receipt was formed: it is a fact, and no event can change it."""
        row = self._conn.execute("SELECT state FROM trip WHERE trip = ?", (trip,)).fetchone()
        return row is not None and row[0] == "finished"

    def folded(self, trip: str) -> Trip:
        """A trip out of all of its events. Raises TripOrder where they are no trip."""
        device, journal, first = trip.split(".")
        return self._trip(trip, device, journal, int(first))

    def waiting(self) -> int:
        """Number of items in the outbox."""
        return int(self._conn.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def post(self, kind: OutboxKind, identity: str, body: str) -> None:
        """Puts one item into the outbox; the same identity again changes nothing."""
        self._conn.execute("INSERT OR IGNORE INTO outbox(kind, identity, body) VALUES (?, ?, ?)", (kind, identity, body))

    def note_incident(self, identity: str, at: int) -> bool:
        """Remembers that an incident was reported; False where it was known."""
        return self._conn.execute("INSERT OR IGNORE INTO incident VALUES (?, ?)", (identity, at)).rowcount > 0

    def told(self, prefix: str) -> set[str]:
        """The incidents that were reported whose identities begin with `prefix`."""
        within = (prefix, f"{prefix}\U0010ffff")
        rows = self._conn.execute("SELECT identity FROM incident WHERE identity >= ? AND identity < ?", within)
        return {row[0] for row in rows}

    def incidents(self, since: int) -> int:
        """Number of incidents since `since` (milliseconds)."""
        return int(self._conn.execute("SELECT count(*) FROM incident WHERE at >= ?", (since,)).fetchone()[0])

    def parcels(self, limit: int) -> list[Parcel]:
        """The oldest items that wait."""
        rows = self._conn.execute("SELECT id, kind, identity, body FROM outbox ORDER BY id LIMIT ?", (limit,))
        return [Parcel(*row) for row in rows]

    def delivered(self, parcels: Iterable[Parcel]) -> None:
        """Takes items out of the outbox: the receiver has them on its disk, or they became dead letters."""
        self._conn.executemany("DELETE FROM outbox WHERE id = ?", [(parcel.id,) for parcel in parcels])

    def prove(self) -> None:
        """Writes as much as a large batch and takes it back, within the caller's transaction. Raises sqlite3.Error."""
        self._conn.execute("INSERT OR REPLACE INTO fact VALUES ('proof', ?)", ("x" * _PROOF,))
        self._conn.execute("DELETE FROM fact WHERE name = 'proof'")

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def event_sum(event: Event) -> int:
    """What is kept of an event for comparing once its content is gone; fields that a newer version adds with defaults keep it."""
    return row_sum(event.trip, event.at, happening_to_json(event.what, with_defaults=False))


def _sum(trip: str, at: int, what: str) -> int | None:
    happening = _readable(what)
    return None if happening is None else event_sum(Event(sequence=0, at=at, trip=trip, what=happening))


def _readable(what: str) -> Happening | None:
    try:
        return happening_from_json(what)
    except Malformed:
        return None


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
