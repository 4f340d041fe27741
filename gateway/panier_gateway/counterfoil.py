"""Counterfoils: what the back office took is kept for some days, and handed in again where a backup made it forget."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panier_gateway.ledger import Parcel

SCHEMA = """
CREATE TABLE IF NOT EXISTS counterfoil(
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, identity TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS counterfoil_at ON counterfoil(at);
"""
_LAST = "last_delivery"


class Counterfoils:
    """SQL in the ledger's file, within the caller's transaction.

    The back office counts each store's deliveries in its own database. An answer whose number is not above the last one's comes
    from a database that forgot what it had taken since: an older backup, or a standby that was not quite as far.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._conn = connection

    def keep(self, parcels: Iterable[Parcel], now: int) -> None:
        """Keeps items that the back office says are on its disk."""
        self._conn.executemany(
            "INSERT INTO counterfoil(kind, identity, body, at) VALUES (?, ?, ?, ?)",
            [(parcel.kind, parcel.identity, parcel.body, now) for parcel in parcels],
        )

    def goes_back(self, delivery: int) -> bool:
        """Whether the back office counts this delivery as one that it had counted already; notes the number."""
        if not delivery:  # it does not count
            return False
        last = self._conn.execute("SELECT value FROM fact WHERE name = ?", (_LAST,)).fetchone()
        self._conn.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (_LAST, str(delivery)))
        # What a disk spoiled tells nothing.
        return last is not None and last[0].isdecimal() and delivery <= int(last[0])

    def hand_in_again(self) -> int:
        """Puts all that is kept back into the outbox, oldest first; gives how many items."""
        kept = "SELECT kind, identity, body FROM counterfoil ORDER BY id"
        self._conn.execute(f"INSERT OR IGNORE INTO outbox(kind, identity, body) {kept}")
        return self._conn.execute("DELETE FROM counterfoil").rowcount

    def tidy(self, before: int, limit: int) -> bool:
        """Lets go of some of what is older; True where there may be more."""
        found = self._conn.execute(
            "DELETE FROM counterfoil WHERE id IN (SELECT id FROM counterfoil WHERE at < ? ORDER BY at LIMIT ?)", (before, limit)
        )
        return found.rowcount == limit
