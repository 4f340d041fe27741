"""`/api/v1/incidents` and `/api/v1/dead-letters`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from panier_backoffice.incident import repository
from panier_backoffice.office import TheOffice
from panier_backoffice.store.access import ScriptOnly

router = APIRouter(prefix="/api/v1", tags=["incidents"], dependencies=[ScriptOnly])

Settled = Annotated[bool, Query(description="those that a person has settled, instead of the open ones")]
Limit = Annotated[int, Query(ge=1, le=5000)]


class OpenIncident(BaseModel):
    """Something that a person should look at."""

    model_config = ConfigDict(from_attributes=True)

    incident: str
    store: str
    device: str | None
    trip: str | None
    kind: str
    text: str
    at: int
    settled_at: int | None
    settled_by: str | None


class DeadLetter(BaseModel):
    """An item that could not be taken in: `body` as it came, `times` how often it came."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    store: str
    kind: str
    identity: str | None
    reason: str
    body: str
    times: int
    first_at: int
    last_at: int
    settled_at: int | None
    settled_by: str | None


@router.get("/incidents")
def list_incidents(office: TheOffice, settled: Settled = False, limit: Limit = 500) -> list[OpenIncident]:
    """Incidents, the latest first."""
    with office.reading() as session:
        return [OpenIncident.model_validate(row) for row in repository.incidents(session, settled=settled, limit=limit)]


@router.get("/dead-letters")
def list_dead_letters(office: TheOffice, settled: Settled = False, limit: Limit = 500) -> list[DeadLetter]:
    """Dead letters, the latest first."""
    with office.reading() as session:
        return [DeadLetter.model_validate(row) for row in repository.dead_letters(session, settled=settled, limit=limit)]
