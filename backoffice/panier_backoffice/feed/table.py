"""Tables of the feed."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from panier_backoffice.database import Identifier, Table


class FeedRow(Table):
    """From `sequence` on, `key` of `kind` is `body` (canonical JSON), or is gone (None). Never changed, only added to."""

    __tablename__ = "feed_entry"
    __table_args__ = (Index(None, "kind", "key", "sequence"),)

    sequence: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(64))
    body: Mapped[str | None]
    at: Mapped[int]


class FeedEnd(Table):
    """One row: the newest sequence.

    Writers take numbers by changing it, so that they wait for each other until they commit: with a database's own counter, a
    later number could become visible before an earlier one, and a reader would pass over that one for ever.
    """

    __tablename__ = "feed_end"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
