"""Table of what stores look like."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from panier_backoffice.database import Table


class LiveState(Table):
    """A store as its gateway last described it. In the database, so that every process of the back office shows the same."""

    __tablename__ = "live"

    store: Mapped[str] = mapped_column(String(32), ForeignKey("store.name"), primary_key=True)
    state: Mapped[dict[str, Any]]
    at: Mapped[int]
