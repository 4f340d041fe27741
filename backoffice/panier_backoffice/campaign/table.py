"""Tables of campaigns and of what members did with their offers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from panier_backoffice.database import Table


class CampaignRow(Table):
    """A campaign as it is now. The feed keeps every revision that was pushed, so that a receipt can be priced again.

    While `state` is running, the stores have exactly this revision.
    """

    __tablename__ = "campaign"

    campaign: Mapped[str] = mapped_column(String(64), primary_key=True)
    revision: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), index=True)
    title: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(String(80))
    promotion: Mapped[dict[str, Any]]
    segment: Mapped[str | None] = mapped_column(String(64))
    members: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    starts_at: Mapped[int | None]
    ends_at: Mapped[int | None]
    holdout: Mapped[int] = mapped_column(default=0, server_default="0")
    """Percent of the audience that never get it."""
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[int]
    pushed_at: Mapped[int | None]
    stopped_at: Mapped[int | None]


class ContactRow(Table):
    """A member met an offer: shown, accepted or refused. Counts are folds over these rows, never numbers that are edited."""

    __tablename__ = "contact"
    __table_args__ = (Index(None, "offer", "what", "trip"),)

    contact: Mapped[str] = mapped_column(String(160), primary_key=True)
    store: Mapped[str] = mapped_column(String(64))
    device: Mapped[str] = mapped_column(String(64))
    trip: Mapped[str] = mapped_column(String(160), index=True)
    member: Mapped[str | None] = mapped_column(String(64), index=True)
    offer: Mapped[str] = mapped_column(String(64))
    what: Mapped[str] = mapped_column(String(16))
    at: Mapped[int]
