"""Table of public promotions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from panier_backoffice.database import Table


class PromotionRow(Table):
    """A public promotion as it is now; `sequence` is the feed entry that says so."""

    __tablename__ = "promotion"

    promotion: Mapped[str] = mapped_column(String(64), primary_key=True)
    definition: Mapped[dict[str, Any]]
    sequence: Mapped[int]
