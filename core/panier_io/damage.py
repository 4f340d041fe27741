"""Damaged files: noticed when they are opened, set aside whole, and what can be read carried over. Nothing is skipped in silence.

journal.db                  the file that is used, sound
journal.damaged-1.db        what was found, as it was found, with its write-ahead log beside it, for a person to look at
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from panier_io.store import StoreUnusable, open_database, transaction

_KEPT = 3
"""Damaged files kept beside each other: a disk that dies slowly must not be filled by the evidence."""
_WAL_HEADER, _FRAME_HEADER = 32, 24
_PROBED = 100_000
_DAMAGED = frozenset({
    sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA,
})  # fmt: skip
"""SQLite's errors that tell of what was read. Others tell of a disk that is full or refuses to write, and nothing of the file."""

Look = Callable[[sqlite3.Connection], str | None]
"""What only the owner of a file can see is wrong with it, such as sums of rows; None where nothing is."""
Make = Callable[[sqlite3.Connection], None]
"""Makes the tables of a new file."""
Settle = Callable[[sqlite3.Connection, str], None]
"""Brings a new file in order after the rows were carried over: connection, reason. It holds only when all of it holds."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that was not what was written: the reason, and where it lies now."""

    reason: str
    aside: Path

    def __str__(self) -> str:
        return f"{self.reason}; set aside as {self.aside.name}: look at it, then delete it"


def mend(path: Path, make: Make, look: Look, settle: Settle) -> Damage | None:
    """Looks whether the SQLite file at `path` is whole; where it is not, sets it aside and puts a new one with what can be read.

    May be cut short at any moment: the old file stays until the new one is whole on the disk. Sequences of AUTOINCREMENT
    never go back. Gives None where the file is sound, or not there. Raises StoreUnusable, also where the disk lets nobody look.
    """
    _finish(path)
    if not path.exists():
        return None
    claimed = _commits_claimed(_beside(path, "-wal"))
    try:
        database = open_database(path)
    except sqlite3.DatabaseError as error:
        return _replace(path, None, make, settle, f"{path.name} cannot be read: {error}")
    with closing(database.conn) as connection:
        try:
            reason = _flaw(connection, claimed, look)
        except StoreUnusable as error:
            raise StoreUnusable(f"{path}: {error}") from error
        return _replace(path, connection, make, settle, f"{path.name}: {reason}") if reason else None


def discard(path: Path, look: Look) -> str:
    """Looks whether the SQLite file at `path`, all of which can be fetched again, is whole; where it is not, deletes it.

    Gives the reason, "" where the file is sound or not there. Raises StoreUnusable, also where the disk lets nobody look.
    """
    if not path.exists():
        return ""
    try:
        with closing(open_database(path).conn) as connection:
            # The end of its log may be lost: what stood before it is whole, and older.
            reason = _flaw(connection, 0, look)
    except StoreUnusable as error:
        raise StoreUnusable(f"{path}: {error}") from error
    except sqlite3.DatabaseError as error:
        reason = str(error)
    if reason:
        _remove_old(path)
    return f"{path.name}: {reason}" if reason else ""


def is_damage(error: Exception) -> bool:
    """True where an error tells that a file cannot be read any more, not that the disk refuses or somebody else is at work."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code in _DAMAGED or code & 0xFF == sqlite3.SQLITE_CORRUPT


def _flaw(connection: sqlite3.Connection, claimed: int, look: Look) -> str | None:
    try:
        held = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
        if claimed > max(held, 0):
            return f"the write-ahead log ends at frame {held} of {claimed}: the last writes cannot be read"
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        return str(found)[:120] if found != "ok" else look(connection)
    except sqlite3.DatabaseError as error:
        code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        # The general error: a table that is not there, or a definition that makes no sense.
        if not is_damage(error) and code & 0xFF != sqlite3.SQLITE_ERROR:
            raise StoreUnusable(f"cannot look whether it is whole: {error}; is the disk full, or read-only?") from error
        return str(error)
    except ValueError as error:
        return str(error)


def _commits_claimed(log: Path) -> int:
    """Frames up to the last one that says that it ends a commit, whether its checksum holds or not; see SQLite's file format.

    SQLite drops everything from the first bad frame on and says nothing. Frames of an older round have another salt. A log that
    was being written when the power went may claim a commit that nobody was told of: better a report too many.
    """
    with suppress(FileNotFoundError), log.open("rb") as file:
        header = file.read(_WAL_HEADER)
        if len(header) < _WAL_HEADER:
            return 0
        page, salt = struct.unpack(">I", header[8:12])[0], header[16:24]
        if not 512 <= page <= 65536:
            return 0
        claimed = place = 0
        size = log.stat().st_size
        while len(frame := file.read(_FRAME_HEADER)) == _FRAME_HEADER:
            place += 1
            if file.tell() + page > size:
                break  # a process that was killed between a frame's head and its page had told nobody of that commit
            if frame[8:16] == salt and struct.unpack(">I", frame[4:8])[0]:
                claimed = place
            file.seek(page, os.SEEK_CUR)
        return claimed
    return 0


def _replace(path: Path, old: sqlite3.Connection | None, make: Make, settle: Settle, reason: str) -> Damage:
    held = asides(path)
    aside = _aside(path, _number(held[-1]) + 1 if held else 1)
    try:
        _set_aside(path, aside)
        _build(path, old, make, settle, reason)
    except (OSError, sqlite3.Error, StoreUnusable) as error:
        # The damaged file is still there, and is all the evidence that is needed of it.
        for half in (_beside(path, ".building"), _beside(path, ".new"), aside):
            _remove(half)
        raise StoreUnusable(f"{reason}; nothing new can be put in its place: {error}; is the disk full, or read-only?") from error
    if old is not None:
        old.close()
    _finish(path)
    for older in held[: 1 - _KEPT]:
        _remove(older)
    return Damage(reason, aside)


def _build(path: Path, old: sqlite3.Connection | None, make: Make, settle: Settle, reason: str) -> None:
    building = _beside(path, ".building")
    _remove(building)
    new = open_database(building)
    with closing(new.conn) as connection:
        make(connection)
        with transaction(connection):
            if old is not None:
                _carry_over(old, connection)
            settle(connection, reason)
    # Closed, it is one file without a log.
    _sync(building)
    building.replace(_beside(path, ".new"))
    _sync(path.parent)


def _finish(path: Path) -> None:
    """Puts the whole new file in the place of the damaged one; also where the process that made it was cut off just then."""
    whole = _beside(path, ".new")
    if whole.exists():
        _remove_old(path)
        whole.replace(path)
        _sync(path.parent)


def _remove_old(path: Path) -> None:
    # The log first: beside the new file it would be taken for its own.
    _beside(path, "-wal").unlink(missing_ok=True)
    _remove(path)


def _set_aside(path: Path, aside: Path) -> None:
    """Copies the file and its log. The copy has its name only once it is whole; a part of one is no evidence."""
    part = _beside(path, ".aside")
    try:
        for suffix in ("-wal", ""):
            with suppress(FileNotFoundError):
                shutil.copy2(_beside(path, suffix), part)
                _sync(part)
                part.replace(_beside(aside, suffix))
    finally:
        part.unlink(missing_ok=True)


def asides(path: Path) -> list[Path]:
    """The damaged files that were set aside for `path` and that nobody has deleted, oldest first."""
    return sorted(path.parent.glob(f"{path.stem}.damaged-*{path.suffix}"), key=_number)


def _number(aside: Path) -> int:
    return int(aside.stem.rpartition("-")[2])


def _aside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")


def _carry_over(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    # Bytes that are no text any more must not stop the rows beside them; the owner's sums find them.
    old.text_factory = _text
    for (table,) in new.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall():
        with suppress(sqlite3.DatabaseError):  # a table that the old file does not have, or whose definition is lost
            _carry_table(old, new, table)
    with suppress(sqlite3.DatabaseError):
        for table, sequence in old.execute("SELECT name, seq FROM sqlite_sequence"):
            new.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (sequence, table))
            new.execute(
                "INSERT INTO sqlite_sequence SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
                (table, sequence),
            )


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _carry_table(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
    has = {row[1] for row in old.execute(f"PRAGMA table_info({table})")}
    info = [row for row in new.execute(f"PRAGMA table_info({table})") if row[1] in has]
    if not info:
        return  # the old file does not have this table
    columns = ", ".join(row[1] for row in info)
    has_rowid = "WITHOUT ROWID" not in new.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    key = ["rowid"] if has_rowid else [row[1] for row in sorted(info, key=lambda row: row[5]) if row[5]]
    insert = f"INSERT OR IGNORE INTO {table}({columns}) VALUES ({', '.join('?' * len(info))})"  # noqa: S608  (names of tables)
    for row in _readable(old, table, columns, key):
        with suppress(sqlite3.IntegrityError):  # a value that the table's own rules refuse is not what was written
            new.execute(insert, row)


def _readable(old: sqlite3.Connection, table: str, columns: str, key: list[str]) -> Iterator[tuple[object, ...]]:
    """Rows from the front up to the first bad page, then from the back, then, where rows have numbers, one by one between."""
    reached: list[int | None] = []
    for way in ("ASC", "DESC"):
        last = None
        order = ", ".join(f"{name} {way}" for name in key)
        try:
            for first, *row in old.execute(f"SELECT {key[0]}, {columns} FROM {table} ORDER BY {order}"):  # noqa: S608
                last = first
                yield tuple(row)
            return
        except sqlite3.DatabaseError:
            reached.append(last)
    low, high = reached
    if key == ["rowid"] and low is not None and high is not None:
        for number in range(low + 1, min(high, low + _PROBED)):
            with suppress(sqlite3.DatabaseError):
                yield from old.execute(f"SELECT {columns} FROM {table} WHERE rowid = ?", (number,))  # noqa: S608


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        _beside(path, suffix).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
