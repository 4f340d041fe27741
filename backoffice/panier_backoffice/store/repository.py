"""Reads and writes stores and tokens."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from panier_backoffice.store.table import StoreRow, TokenRow


def find_store(session: Session, name: str) -> StoreRow | None:
    return session.get(StoreRow, name)


def all_stores(session: Session) -> list[StoreRow]:
    """By name."""
    return list(session.scalars(select(StoreRow).order_by(StoreRow.name)))


def find_token(session: Session, digest: str) -> TokenRow | None:
    return session.get(TokenRow, digest)


def tokens_of(session: Session, store: str | None) -> list[TokenRow]:
    """Newest first, taken-back ones included."""
    return list(session.scalars(select(TokenRow).where(TokenRow.store == store).order_by(TokenRow.created_at.desc())))
