"""Tables of stores and tokens."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from panier_backoffice.database import Table


class StoreRow(Table):
    """One shop; the store is the shard, so most rows elsewhere name one."""

    __tablename__ = "store"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3))
    timezone: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]
    deliveries: Mapped[int] = mapped_column(default=0)


class TokenRow(Table):
    """A bearer token, as the SHA-256 of it: tokens are long and random, so that a slow hash would only slow every request.

    Without a store it is a token for scripts, which may do what an administrator may.
    """

    __tablename__ = "token"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    store: Mapped[str | None] = mapped_column(String(32), ForeignKey("store.name"), index=True)
    label: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]
    revoked_at: Mapped[int | None]
