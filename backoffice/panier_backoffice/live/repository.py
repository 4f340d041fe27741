"""Reads and writes what stores look like."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from panier.intake import Live
from panier_backoffice.database import put
from panier_backoffice.live.table import LiveState


def replace(session: Session, store: str, live: Live, at: int) -> None:
    put(session, LiveState, [{"store": store, "state": live.model_dump(mode="json"), "at": at}], ["store"])


def find(session: Session, store: str) -> LiveState | None:
    return session.get(LiveState, store)


def all_states(session: Session) -> list[LiveState]:
    """By store."""
    return list(session.scalars(select(LiveState).order_by(LiveState.store)))
