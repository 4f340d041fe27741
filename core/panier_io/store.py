"""Opening an SQLite file the way that every edge store of Panier does: a commit is on the disk when it returns."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from panier.error import PanierError

if TYPE_CHECKING:
    from sqlite_utils import Database


class StoreUnusable(PanierError):
    """A file that holds what must not be lost cannot be opened."""

    code = "store_unusable"


def open_database(path: Path) -> Database:
    """A database in WAL mode with synchronous=FULL: a commit returns after the log was fsynced, so a power cut keeps it.

    Transactions are stated by the caller (BEGIN ... COMMIT on `conn`); one thread uses a connection at a time.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA busy_timeout=5000")
    except (OSError, sqlite3.Error) as error:
        raise StoreUnusable(f"{path} cannot be used: {error}; is the disk full, or read-only?") from error
    return _database_class()(connection)


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
