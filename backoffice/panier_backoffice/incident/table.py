"""Tables of what a person should look at."""

from __future__ import annotations

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from panier_backoffice.database import Identifier, Table


class IncidentRow(Table):
    """Something that a person should look at; it stays open until a person settles it."""

    __tablename__ = "incident"

    incident: Mapped[str] = mapped_column(String(200), primary_key=True)
    store: Mapped[str] = mapped_column(String(64), index=True)
    device: Mapped[str | None] = mapped_column(String(64))
    trip: Mapped[str | None] = mapped_column(String(160), index=True)
    kind: Mapped[str] = mapped_column(String(64))
    text: Mapped[str]
    at: Mapped[int]
    settled_at: Mapped[int | None]
    settled_by: Mapped[str | None] = mapped_column(String(200))


class DeadLetterRow(Table):
    """An item that could not be taken in, as it came, with the reason. Sent again, it is counted, not kept twice."""

    __tablename__ = "dead_letter"
    __table_args__ = (UniqueConstraint("digest"),)

    number: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    digest: Mapped[str] = mapped_column(String(64))
    store: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    identity: Mapped[str | None] = mapped_column(String(160))
    reason: Mapped[str]
    body: Mapped[str]
    times: Mapped[int]
    first_at: Mapped[int]
    last_at: Mapped[int]
    settled_at: Mapped[int | None]
    settled_by: Mapped[str | None] = mapped_column(String(200))
