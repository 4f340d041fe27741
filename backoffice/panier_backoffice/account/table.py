"""Tables of accounts."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from panier_backoffice.database import Table


class AccountRow(Table):
    """A person who may sign in. `epoch` is part of every session: raising it ends them all at once."""

    __tablename__ = "account"

    email: Mapped[str] = mapped_column(String(200), primary_key=True)
    password: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    epoch: Mapped[int]
    created_at: Mapped[int]
    closed_at: Mapped[int | None]


class SecretRow(Table):
    """One row: what signs sessions, made at the first start, shared by all processes of this back office."""

    __tablename__ = "secret"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[str] = mapped_column(String(64))
