"""The ledger's tables, and how a file of an older format becomes one of today's."""

from __future__ import annotations

import sqlite3

from panier_gateway import counterfoil, purse

FORMAT = 4
"""1 and 2: without some of what `_ADDED` names. 3: without `member_past`; leases of trips that ended stayed."""
_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS journal(
    device TEXT NOT NULL, journal TEXT NOT NULL, upto INTEGER NOT NULL, quarantined TEXT, first_at INTEGER NOT NULL,
    conflict INTEGER, released INTEGER NOT NULL DEFAULT 0, forgotten INTEGER NOT NULL DEFAULT 0,
    clock_offset INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (device, journal)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event(
    device TEXT NOT NULL, journal TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL, trip TEXT NOT NULL,
    what TEXT NOT NULL, sum INTEGER, PRIMARY KEY (device, journal, sequence)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trip(
    trip TEXT PRIMARY KEY, device TEXT NOT NULL, journal TEXT NOT NULL, first_sequence INTEGER NOT NULL,
    state TEXT NOT NULL, closed_at INTEGER, total INTEGER, last_sequence INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS trip_open ON trip(device) WHERE state IN ('open', 'unsettled');
CREATE INDEX IF NOT EXISTS trip_closed ON trip(closed_at);
CREATE TABLE IF NOT EXISTS dead_letter(
    id INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE, device TEXT, journal TEXT, sequence INTEGER,
    reason TEXT NOT NULL, payload TEXT NOT NULL, times INTEGER NOT NULL DEFAULT 1,
    first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, decided_at INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS decision(
    id INTEGER PRIMARY KEY AUTOINCREMENT, letter INTEGER NOT NULL, act TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,
    body TEXT NOT NULL, at INTEGER NOT NULL, done_at INTEGER, ok INTEGER, outcome TEXT) STRICT;
CREATE TABLE IF NOT EXISTS outbox(
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, identity TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, identity)) STRICT;
CREATE INDEX IF NOT EXISTS outbox_kind ON outbox(kind, id);
CREATE TABLE IF NOT EXISTS incident(identity TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA secure_delete=ON;
"""
    + purse.SCHEMA
    + counterfoil.SCHEMA
)
_SPOILT = "name IN ('format', 'last_delivery') AND (value = '' OR value GLOB '*[^0-9]*')"
_ADDED = {
    "journal": (
        "conflict INTEGER", "released INTEGER NOT NULL DEFAULT 0", "forgotten INTEGER NOT NULL DEFAULT 0",
        "clock_offset INTEGER NOT NULL DEFAULT 0",
    ),
    "event": ("sum INTEGER",),
    "trip": ("last_sequence INTEGER",),
    "dead_letter": ("decided_at INTEGER",),
}  # fmt: skip


def make(connection: sqlite3.Connection) -> None:
    """Makes the tables that are not there."""
    connection.executescript(_SCHEMA)


def bring_up(connection: sqlite3.Connection) -> int:
    """Makes an older file one of today's, within the caller's transaction; gives the format that it has then."""
    connection.execute("INSERT OR IGNORE INTO fact VALUES ('format', ?)", (str(FORMAT),))
    held = read_format(connection)
    if held < FORMAT:
        for table, columns in _ADDED.items():
            has = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for column in columns:
                if column.split()[0] not in has:
                    connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
        connection.execute("DELETE FROM lease WHERE granted <= used AND holder LIKE '%.%.%'")
        connection.execute("UPDATE fact SET value = ? WHERE name = 'format'", (str(FORMAT),))
    if held <= FORMAT:
        connection.execute("CREATE INDEX IF NOT EXISTS event_reduced ON event(at) WHERE what = ''")
        connection.execute(
            "CREATE INDEX IF NOT EXISTS dead_letter_waiting ON dead_letter(device, journal, sequence) WHERE decided_at IS NULL"
        )
    return max(held, FORMAT)


def look(connection: sqlite3.Connection) -> str | None:
    """What SQLite cannot know: a figure that is none."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'fact'").fetchone() is None:
        return None
    spoilt = connection.execute(f"SELECT name FROM fact WHERE {_SPOILT}").fetchone()  # noqa: S608  (a literal)
    return f"its {spoilt[0]} is no number" if spoilt else None


def read_format(connection: sqlite3.Connection) -> int:
    """The format that a file says it has."""
    return int(connection.execute("SELECT value FROM fact WHERE name = 'format'").fetchone()[0])


def settle(connection: sqlite3.Connection, _: str) -> None:
    """After damage: no figure may be none, no journal may stand behind the events that were carried over."""
    connection.execute(f"DELETE FROM fact WHERE {_SPOILT}")  # noqa: S608  (a literal)
    connection.execute(
        "INSERT INTO journal(device, journal, upto, first_at)"
        " SELECT device, journal, max(sequence), 0 FROM event GROUP BY device, journal"
        " ON CONFLICT DO UPDATE SET upto = max(upto, excluded.upto)"
    )
