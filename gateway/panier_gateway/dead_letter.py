"""What was refused, until a person has dealt with it, and what people decided."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

_LETTER = "SELECT id, device, journal, sequence, reason, payload, times, first_at, last_at, decided_at FROM dead_letter"
_LONGEST_COPY = 64_000  # characters

Act = Literal["replay", "correct", "drop", "release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Something that was refused, and why. `is_copy`: its sender still holds it, and sends it again; a part of it will do."""

    device: str | None
    journal: str | None
    sequence: int | None
    reason: str
    payload: str
    is_copy: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as it is kept; `decided_at` is when a person dealt with it, in milliseconds."""

    id: int
    device: str | None
    journal: str | None
    sequence: int | None
    reason: str
    payload: str
    times: int
    first_at: int
    last_at: int
    decided_at: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody wants done: with a letter, or (`release`) with the journal that `body` names; else `body` is new content."""

    id: int
    letter: int
    act: Act
    who: str
    why: str
    body: str


class DeadLetters:
    """SQL and nothing else, in the ledger's file; whoever writes states the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._conn = connection

    def keep(self, letter: DeadLetter, now: int) -> None:
        """Keeps what was refused; the same thing again only counts."""
        # What is sent again says another time and more events, and the reason may number the place that does not fit.
        same = re.sub(r"\d+", "#", letter.reason) if letter.is_copy else f"{letter.reason}\0{letter.payload}"
        text = f"{letter.device}\0{letter.journal}\0{letter.sequence}\0{same}"
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
        payload = letter.payload[:_LONGEST_COPY] if letter.is_copy else letter.payload
        self._conn.execute(
            "INSERT INTO dead_letter(digest, device, journal, sequence, reason, payload, first_at, last_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(digest) DO UPDATE SET times = times + 1, last_at = excluded.last_at,"
            # Refused again after somebody dealt with it: it waits for somebody again, as it is now.
            " payload = iif(decided_at IS NULL, payload, excluded.payload), decided_at = NULL",
            (digest, letter.device, letter.journal, letter.sequence, letter.reason, payload, now, now),
        )

    def waiting(self) -> list[Letter]:
        """Dead letters that nobody has dealt with, oldest first."""
        return [Letter(*row) for row in self._conn.execute(f"{_LETTER} WHERE decided_at IS NULL ORDER BY id")]

    def events(self) -> set[tuple[str, str, int]]:
        """The refused events (device, journal, sequence) that nobody has dealt with."""
        rows = self._conn.execute(
            "SELECT device, journal, sequence FROM dead_letter WHERE decided_at IS NULL AND sequence IS NOT NULL"
        )
        return {(device, journal, sequence) for device, journal, sequence in rows}

    def find(self, number: int) -> Letter | None:
        """One dead letter."""
        row = self._conn.execute(f"{_LETTER} WHERE id = ?", (number,)).fetchone()
        return Letter(*row) if row else None

    def decide(self, letter: int, act: Act, who: str, why: str, body: str, now: int) -> int:
        """Writes down what somebody decided, for the gateway to do; gives its number."""
        return (
            self._conn.execute(
                "INSERT INTO decision(letter, act, who, why, body, at) VALUES (?, ?, ?, ?, ?, ?)",
                (letter, act, who, why, body, now),
            ).lastrowid
            or 0
        )

    def decisions(self) -> list[Decision]:
        """What was decided and is not done, oldest first."""
        rows = self._conn.execute("SELECT id, letter, act, who, why, body FROM decision WHERE done_at IS NULL ORDER BY id")
        return [Decision(*row) for row in rows]

    def close(self, decision: Decision, outcome: str, done: bool, now: int) -> None:
        """Notes what came of a decision; a letter that was dealt with is waiting no more."""
        self._conn.execute(
            "UPDATE decision SET done_at = ?, ok = ?, outcome = ? WHERE id = ?", (now, int(done), outcome, decision.id)
        )
        if done and decision.act != "release":
            self._conn.execute("UPDATE dead_letter SET decided_at = coalesce(decided_at, ?) WHERE id = ?", (now, decision.letter))

    def decision(self, number: int) -> dict[str, Any]:
        """One decision with what came of it."""
        return self._decisions("id = ?", number)[0]

    def history(self, letter: int) -> list[dict[str, Any]]:
        """What was decided about a letter, oldest first."""
        return self._decisions("letter = ?", letter)

    def _decisions(self, condition: str, value: int) -> list[dict[str, Any]]:
        names = ("id", "letter", "act", "who", "why", "at", "done_at", "ok", "outcome")
        rows = self._conn.execute(f"SELECT {', '.join(names)} FROM decision WHERE {condition} ORDER BY id", (value,))  # noqa: S608
        return [{**dict(zip(names, row, strict=True)), "ok": bool(row[7])} for row in rows]

    def count(self) -> int:
        """Those that nobody has dealt with."""
        return int(self._conn.execute("SELECT count(*) FROM dead_letter WHERE decided_at IS NULL").fetchone()[0])

    def forget(self, before: int) -> bool:
        """Deletes what was dealt with before this time (milliseconds); False where there was nothing."""
        letters = self._conn.execute("DELETE FROM dead_letter WHERE decided_at < ?", (before,)).rowcount
        # Who decided what, and why, stays; what it was about may name a card.
        done = "UPDATE decision SET body = '' WHERE body != '' AND act != 'release' AND done_at < ?"
        return self._conn.execute(done, (before,)).rowcount + letters > 0
