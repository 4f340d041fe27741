"""Opening an SQLite file the way that every edge store of Panier does: a commit is on the disk when it returns."""

from __future__ import annotations

import sqlite3
import sys
import zlib
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panier.error import PanierError

if TYPE_CHECKING:
    from sqlite_utils import Database


_ROWS = 128
"""Rows of one INSERT at the most: nine columns each stay far below the parameters that SQLite takes."""
_WRITES = ("BEGIN IMMEDIATE", "INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "ALTER", "DROP")


class StoreUnusable(PanierError):
    """A file that holds what must not be lost cannot be opened."""

    code = "store_unusable"


def open_database(path: Path) -> Database:
    """A database in WAL mode with synchronous=FULL: a commit returns after the log was fsynced, so a power cut keeps it.

    Transactions are stated by the caller (`transaction`); one thread uses a connection at a time. Raises StoreUnusable, and
    sqlite3.DatabaseError where the content is no database.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=_Connection)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA busy_timeout=5000")
            # Kilobytes of pages for each connection; the system keeps the rest of the file for all of them.
            connection.execute("PRAGMA cache_size=-500")
        except sqlite3.Error:
            connection.close()
            raise
    except (OSError, sqlite3.OperationalError) as error:
        raise StoreUnusable(f"{path} cannot be used: {error}; is the disk full, or read-only?") from error
    return _database_class()(connection)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Everything inside holds together, on the disk, when this ends; an exception takes all of it back."""
    before = connection.total_changes
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite takes a transaction back by itself where the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    if isinstance(connection, _Connection) and connection.total_changes > before:
        connection.was_refused = False


class _Connection(sqlite3.Connection):
    """Knows what the disk refused, and sweeps out the remains of it before anything else is written.

    A refused commit may stay in the write-ahead log. What comes next would overwrite its first frames only, and after a kill its
    last one would look like a commit that cannot be read any more: where the disk refuses to sweep, nothing else is written.
    (Where somebody reads the file just then, or another process writes to it, that may happen after all: a false alarm.)
    """

    was_refused = has_remains = False

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        return self._guarded(super().execute, statement, *arguments)

    def executemany(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        return self._guarded(super().executemany, statement, *arguments)

    def _guarded(self, run: Callable[..., sqlite3.Cursor], statement: str, *arguments: Any) -> sqlite3.Cursor:
        try:
            if self.has_remains and not self.in_transaction and statement.startswith(_WRITES):
                self._sweep()
            return run(statement, *arguments)
        except sqlite3.OperationalError as error:
            # The low byte is the kind of error, the others say where it came up.
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL):
                self.was_refused = self.has_remains = True
            raise

    def _sweep(self) -> None:
        """Empties the write-ahead log; where somebody reads it just now, the next call tries again."""
        waits = super().execute("PRAGMA busy_timeout").fetchone()[0]
        super().execute("PRAGMA busy_timeout=0")
        try:
            self.has_remains = super().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] != 0
        finally:
            super().execute(f"PRAGMA busy_timeout={waits}")


def was_refused(connection: sqlite3.Connection) -> bool:
    """True from the moment that the disk refused something on this connection until a transaction wrote something again."""
    return isinstance(connection, _Connection) and connection.was_refused


def insert_rows(connection: sqlite3.Connection, table: str, columns: str, rows: Sequence[Sequence[Any]], more: str = "") -> None:
    """Inserts rows in as few statements as may be, each followed by `more`, such as ON CONFLICT.

    For each statement, and each row of an executemany, the interpreter's lock goes to whatever other thread wants it, and comes
    back when that one waits for something: with a row at a time, a busy event loop decides how fast rows are written.
    """
    at = 0
    while at < len(rows):
        # Powers of two, so that there are few different texts, which SQLite then has compiled already.
        size = min(_ROWS, 1 << (len(rows) - at).bit_length() - 1)
        marks = ", ".join([f"({', '.join('?' * len(rows[at]))})"] * size)
        flat = [value for row in rows[at : at + size] for value in row]
        connection.execute(f"INSERT INTO {table}({columns}) VALUES {marks} {more}", flat)  # noqa: S608  (names of our own)
        at += size


def overwrite_deleted(connection: sqlite3.Connection) -> bool:
    """Empties the write-ahead log, which still holds what was deleted: a card number must leave the disk with its event.

    The connection must have been told PRAGMA secure_delete=ON before it deleted. False where somebody reads the file just now.
    """
    return connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


def row_sum(*values: object) -> int:
    """CRC-32 of a row's values: SQLite notices a torn page, but not a byte that changed within a row."""
    return zlib.crc32("\0".join(map(str, values)).encode(errors="surrogatepass"))


def _database_class() -> type[Database]:
    # sqlite-utils imports pandas and numpy wherever they are installed: 1.5 s and 106 MB that no edge process needs. A None in
    # sys.modules makes such an import fail, which sqlite-utils expects.
    blocked = [name for name in ("pandas", "numpy") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]
    try:
        from sqlite_utils import Database
    finally:
        for name in blocked:
            del sys.modules[name]
    return Database
