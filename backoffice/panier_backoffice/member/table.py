"""Tables of members."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from panier_backoffice.database import Table


class MemberRow(Table):
    """A member as known now; `sequence` is the feed entry that says so."""

    __tablename__ = "member"

    member: Mapped[str] = mapped_column(String(64), primary_key=True)
    first_name: Mapped[str] = mapped_column(String(40), index=True)
    sequence: Mapped[int]


class CardRow(Table):
    """A loyalty card and the one member whose it is."""

    __tablename__ = "member_card"

    card: Mapped[str] = mapped_column(String(64), primary_key=True)
    member: Mapped[str] = mapped_column(String(64), ForeignKey("member.member", ondelete="CASCADE"), index=True)


class SegmentRow(Table):
    """A member is in a segment."""

    __tablename__ = "member_segment"
    __table_args__ = (Index(None, "segment", "member"),)

    member: Mapped[str] = mapped_column(String(64), ForeignKey("member.member", ondelete="CASCADE"), primary_key=True)
    segment: Mapped[str] = mapped_column(String(64), primary_key=True)
