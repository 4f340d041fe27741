"""Reads and writes members."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from panier.feed import MemberRecord
from panier.member import EVERY_MEMBER
from panier_backoffice.database import among, put, put_new
from panier_backoffice.feed.table import FeedRow
from panier_backoffice.member.table import CardRow, MemberRow, SegmentRow


def find(session: Session, member: str) -> MemberRow | None:
    return session.get(MemberRow, member)


def bodies(session: Session, members: Collection[str]) -> dict[str, str]:
    """The feed's newest body of each known member."""
    found = select(MemberRow.member, FeedRow.body).join(FeedRow, FeedRow.sequence == MemberRow.sequence)
    found = found.where(among(session, MemberRow.member, members))
    return {member: body for member, body in session.execute(found) if body is not None}


def card_owners(session: Session, cards: Collection[str]) -> dict[str, str]:
    """Whose each known card is."""
    return dict(session.execute(select(CardRow.card, CardRow.member).where(among(session, CardRow.card, cards))).all())


def put_records(session: Session, records: Sequence[MemberRecord], sequences: Sequence[int]) -> None:
    """Makes exactly these cards and segments each member's."""
    members = [record.member for record in records]
    rows = [
        {"member": record.member, "first_name": record.first_name, "sequence": sequence}
        for record, sequence in zip(records, sequences, strict=True)
    ]
    put(session, MemberRow, rows, ["member"])
    for table in (CardRow, SegmentRow):
        session.execute(delete(table).where(among(session, table.member, members)))
    put_new(session, CardRow, [{"card": card, "member": record.member} for record in records for card in record.cards])
    segments = [{"member": record.member, "segment": name} for record in records for name in dict.fromkeys(record.segments)]
    put_new(session, SegmentRow, segments)


def records(session: Session, rows: Sequence[MemberRow]) -> list[MemberRecord]:
    """The members with their cards and segments."""
    members = [row.member for row in rows]
    cards: dict[str, list[str]] = {member: [] for member in members}
    segments: dict[str, list[str]] = {member: [] for member in members}
    for row in session.scalars(select(CardRow).where(among(session, CardRow.member, members)).order_by(CardRow.card)):
        cards[row.member].append(row.card)
    for row in session.scalars(select(SegmentRow).where(among(session, SegmentRow.member, members)).order_by(SegmentRow.segment)):
        segments[row.member].append(row.segment)
    return [
        MemberRecord(member=row.member, first_name=row.first_name, cards=cards[row.member], segments=segments[row.member])
        for row in rows
    ]


def search(session: Session, typed: str, limit: int, segment: str = "") -> list[MemberRow]:
    """Members by id, first name or card, by id; all of them where nothing was typed."""
    asked = select(MemberRow).order_by(MemberRow.member).limit(limit)
    if segment and segment != EVERY_MEMBER:
        asked = asked.where(MemberRow.member.in_(select(SegmentRow.member).where(SegmentRow.segment == segment)))
    if word := typed.strip():
        by_card = select(CardRow.member).where(CardRow.card == word)
        named = MemberRow.first_name.istartswith(word, autoescape=True)
        asked = asked.where(or_(MemberRow.member == word, MemberRow.member.in_(by_card), named))
    return list(session.scalars(asked))


def known_members(session: Session, members: Collection[str]) -> set[str]:
    return set(session.scalars(select(MemberRow.member).where(among(session, MemberRow.member, members))))


def count(session: Session) -> int:
    return session.execute(select(func.count()).select_from(MemberRow)).scalar_one()


def segments(session: Session) -> list[tuple[str, int]]:
    """Segments with their numbers of members: every member first, then by name."""
    asked = select(SegmentRow.segment, func.count()).where(SegmentRow.segment != EVERY_MEMBER).group_by(SegmentRow.segment)
    return [(EVERY_MEMBER, count(session)), *((name, held) for name, held in session.execute(asked.order_by(SegmentRow.segment)))]


def names_in(session: Session, segment: str) -> list[str]:
    """The members of a segment."""
    if segment == EVERY_MEMBER:
        return list(session.scalars(select(MemberRow.member)))
    return list(session.scalars(select(SegmentRow.member).where(SegmentRow.segment == segment)))


def members_in(session: Session, segment: str) -> int:
    """How many members a segment holds."""
    if segment == EVERY_MEMBER:
        return count(session)
    return session.execute(select(func.count()).select_from(SegmentRow).where(SegmentRow.segment == segment)).scalar_one()
