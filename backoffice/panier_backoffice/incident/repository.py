"""Reads and writes incidents and dead letters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from panier_backoffice.database import put_new_returning
from panier_backoffice.incident.table import DeadLetterRow, IncidentRow
from panier_backoffice.problem import NotFound

UNKNOWN_CODE = "unknown_product"
"""The kind of incident that is counted by its code instead of listed one by one."""


def add(session: Session, incidents: Iterable[dict[str, Any]]) -> int:
    """Stores what incidents state and returns how many were new; one that is held already stays as it is."""
    rows = [{**incident, "settled_at": None, "settled_by": None} for incident in incidents]
    return len(put_new_returning(session, IncidentRow, rows, "incident"))


def bury(session: Session, store: str, kind: str, identity: str | None, reason: str, body: str, at: int) -> None:
    """Keeps an item that could not be taken in; a repeat of the same is counted, and waits for a person again."""
    digest = hashlib.sha256(f"{store}\0{kind}\0{reason}\0{body}".encode()).hexdigest()
    held = session.scalars(select(DeadLetterRow).where(DeadLetterRow.digest == digest)).one_or_none()
    if held is None:
        held = DeadLetterRow(
            digest=digest, store=store, kind=kind, identity=identity, reason=reason, body=body, times=0, first_at=at, last_at=at
        )  # fmt: skip
        session.add(held)
    held.times += 1
    held.last_at = at
    held.settled_at = held.settled_by = None
    session.flush()


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A code that shoppers of a store scanned and that nobody has seen to: `text` names it, `trips` counts where."""

    store: str
    text: str
    trips: int
    last_at: int


def unknown_codes(session: Session, limit: int) -> list[UnknownCode]:
    """Codes that belong into the catalogue, those of most trips first."""
    counted = select(IncidentRow.store, IncidentRow.text, func.count(), func.max(IncidentRow.at))
    asked = counted.where(IncidentRow.kind == UNKNOWN_CODE, IncidentRow.settled_at.is_(None))
    grouped = asked.group_by(IncidentRow.store, IncidentRow.text).order_by(func.count().desc(), IncidentRow.text).limit(limit)
    return [UnknownCode(*row) for row in session.execute(grouped)]


def settle_unknown_code(session: Session, store: str, text: str, by: str | None, at: int) -> None:
    """Somebody has put it into the catalogue, or knows that it does not belong there."""
    waiting = (IncidentRow.kind == UNKNOWN_CODE, IncidentRow.store == store, IncidentRow.text == text)
    session.execute(update(IncidentRow).where(*waiting, IncidentRow.settled_at.is_(None)).values(settled_at=at, settled_by=by))


def incidents(
    session: Session, *, settled: bool, limit: int, trip: str | None = None, without: str | None = None
) -> list[IncidentRow]:
    """Open or settled incidents, the latest first, `without` those of a kind."""
    asked = select(IncidentRow).where(IncidentRow.settled_at.is_not(None) if settled else IncidentRow.settled_at.is_(None))
    if trip is not None:
        asked = asked.where(IncidentRow.trip == trip)
    if without is not None:
        asked = asked.where(IncidentRow.kind != without)
    return list(session.scalars(asked.order_by(IncidentRow.at.desc(), IncidentRow.incident).limit(limit)))


def dead_letters(session: Session, *, settled: bool, limit: int) -> list[DeadLetterRow]:
    """Open or settled dead letters, the latest first."""
    asked = select(DeadLetterRow).where(DeadLetterRow.settled_at.is_not(None) if settled else DeadLetterRow.settled_at.is_(None))
    return list(session.scalars(asked.order_by(DeadLetterRow.last_at.desc(), DeadLetterRow.number).limit(limit)))


def open_counts(session: Session) -> tuple[int, int]:
    """How many incidents and dead letters wait for a person."""
    waiting = select(func.count()).select_from(IncidentRow).where(IncidentRow.settled_at.is_(None))
    letters = select(func.count()).select_from(DeadLetterRow).where(DeadLetterRow.settled_at.is_(None))
    return session.execute(waiting).scalar_one(), session.execute(letters).scalar_one()


def settle_incident(session: Session, incident: str, by: str | None, at: int) -> None:
    """A person has seen to it; `by` None takes that back. Raises NotFound."""
    row = session.get(IncidentRow, incident)
    if row is None:
        raise NotFound(f"there is no incident {incident!r}")
    row.settled_at, row.settled_by = (at, by) if by else (None, None)


def settle_dead_letter(session: Session, number: int, by: str | None, at: int) -> None:
    """A person has seen to it; `by` None takes that back. Raises NotFound."""
    row = session.get(DeadLetterRow, number)
    if row is None:
        raise NotFound(f"there is no dead letter {number}")
    row.settled_at, row.settled_by = (at, by) if by else (None, None)
