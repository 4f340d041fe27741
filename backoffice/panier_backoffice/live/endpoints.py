"""`/api/v1/stores/{store}/live`: what the store looks like right now."""

from __future__ import annotations

from fastapi import APIRouter, Response

from panier.intake import Live
from panier_backoffice.bell import announce
from panier_backoffice.live import repository
from panier_backoffice.office import TheOffice
from panier_backoffice.store.access import OwnStore

router = APIRouter(prefix="/api/v1/stores/{store}", tags=["live"])


@router.put("/live", status_code=204)
def put_live(office: TheOffice, store: OwnStore, live: Live) -> Response:
    """Replaces what was known of the store's terminals and counters."""
    with office.delivering() as session:
        repository.replace(session, store, live, office.clock())
        announce(session, "live")
    return Response(status_code=204)


@router.get("/live")
def get_live(office: TheOffice, store: OwnStore) -> Live:
    """What the gateway last said; empty where it never spoke."""
    with office.reading() as session:
        held = repository.find(session, store)
        return Live.model_validate(held.state) if held else Live()
