"""What SQLite's errors mean for people: a damaged file, somebody else at work, or a disk that refuses."""

from __future__ import annotations

import sqlite3

from panier_io.damage import is_damage


def in_words(error: Exception) -> str:
    """What went wrong and what to do about it, for staff."""
    if is_damage(error):
        return f"a file of the gateway is damaged: {error}; restart the gateway, it mends what it can"
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"another process writes just now: {error}; try again in a moment"
    return f"the gateway's disk refuses: {error}; free some space, nothing is lost"
