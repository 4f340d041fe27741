"""Reads and writes stores and tokens."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from panier_backoffice.store.table import StoreRow, TokenRow


def find_store(session: Session, name: str) -> StoreRow | None:
    return session.get(StoreRow, name)


def take_turn(session: Session, name: str) -> int:
    """Waits until no other transaction has its turn for this store, and has it until this one ends; gives the delivery's number.

    Two that insert the same keys in another order would wait for each other for ever. On SQLite every writer has the turn anyway.
    """
    counted = update(StoreRow).where(StoreRow.name == name).values(deliveries=StoreRow.deliveries + 1)
    return session.execute(counted.returning(StoreRow.deliveries)).scalar_one()


def all_stores(session: Session) -> list[StoreRow]:
    """By name."""
    return list(session.scalars(select(StoreRow).order_by(StoreRow.name)))


def find_token(session: Session, digest: str) -> TokenRow | None:
    return session.get(TokenRow, digest)


def tokens_of(session: Session, store: str | None) -> list[TokenRow]:
    """Newest first, taken-back ones included."""
    return list(session.scalars(select(TokenRow).where(TokenRow.store == store).order_by(TokenRow.created_at.desc())))
