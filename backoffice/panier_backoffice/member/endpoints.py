"""`/api/v1/members` and `/api/v1/segments`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from panier.feed import MemberRecord
from panier_backoffice.member import repository
from panier_backoffice.office import TheOffice
from panier_backoffice.problem import NotFound
from panier_backoffice.store.access import ScriptOnly

router = APIRouter(prefix="/api/v1", tags=["members"], dependencies=[ScriptOnly])


class Segment(BaseModel):
    """A segment and how many members it holds; `member` is everyone with a card."""

    segment: str
    members: int


@router.get("/members")
def search_members(
    office: TheOffice,
    q: Annotated[str, Query(max_length=100, description="a member's id, a card, or the beginning of a first name")] = "",
    segment: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> list[MemberRecord]:
    """Members by id."""
    with office.reading() as session:
        return repository.records(session, repository.search(session, q, limit, segment))


@router.get("/members/{member}")
def get_member(office: TheOffice, member: str) -> MemberRecord:
    """One member."""
    with office.reading() as session:
        row = repository.find(session, member)
        if row is None:
            raise NotFound(f"there is no member {member!r}")
        return repository.records(session, [row])[0]


@router.get("/segments")
def list_segments(office: TheOffice) -> list[Segment]:
    """Segments, every member first."""
    with office.reading() as session:
        return [Segment(segment=name, members=count) for name, count in repository.segments(session)]
