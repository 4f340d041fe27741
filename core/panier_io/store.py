"""Opening an SQLite file the way that every edge store of Panier does: a commit is on the disk when it returns."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def open_database(path: Path) -> Database:
    """A database in WAL mode with synchronous=FULL: a commit returns after the log was fsynced, so a power cut keeps it.

    Transactions are stated by the caller (BEGIN ... COMMIT on `conn`); one thread uses a connection at a time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA busy_timeout=5000")
    return _database_class()(connection)


def _database_class() -> type[Database]:
    # sqlite-utils imports pandas wherever it is installed: 1.5 s and 106 MB that no edge process needs. A None in sys.modules
    # makes that one import fail, which sqlite-utils expects.
    blocked = "pandas" not in sys.modules
    if blocked:
        sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        from sqlite_utils import Database
    finally:
        if blocked:
            del sys.modules["pandas"]
    return Database
