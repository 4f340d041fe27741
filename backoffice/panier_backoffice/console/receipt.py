"""Pages of trips: the list, one trip, and looking one up by its number."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, Response

from panier.intake import Live
from panier.receipt import Receipt
from panier.slip import slip
from panier_backoffice.campaign.repository import contacts_of, titles
from panier_backoffice.console.guest import SignedIn
from panier_backoffice.console.page import redirect, render
from panier_backoffice.incident import repository as incidents
from panier_backoffice.live import repository as live
from panier_backoffice.office import TheOffice
from panier_backoffice.problem import NotFound
from panier_backoffice.receipt import repository
from panier_backoffice.receipt.paper import as_pdf
from panier_backoffice.store import repository as stores

router = APIRouter(include_in_schema=False)

PAGE = 50


@router.get("/trips")
def trip_list(
    request: Request,
    office: TheOffice,
    visitor: SignedIn,
    q: Annotated[str, Query(max_length=200)] = "",
    store: Annotated[str, Query(max_length=64)] = "",
    before: Annotated[int | None, Query(ge=0, le=2**62)] = None,
) -> Response:
    if q.strip():
        return redirect(f"/trips/{quote(q.strip(), safe='')}")
    with office.reading() as session:
        rows = repository.newest(session, store or None, PAGE + 1, before)
        return render(
            request, "trips.html", receipts=rows[:PAGE], more=rows[PAGE - 1].number if len(rows) > PAGE else None,
            stores=stores.all_stores(session), store=store, before=before,
        )  # fmt: skip


@router.get("/trips/{trip}/receipt.pdf")
def receipt_pdf(office: TheOffice, visitor: SignedIn, trip: str) -> Response:
    return as_pdf(_held(office, trip))


@router.get("/trips/{trip}/receipt.txt")
def receipt_text(office: TheOffice, visitor: SignedIn, trip: str) -> Response:
    return PlainTextResponse(slip(_held(office, trip)))


def _held(office: TheOffice, trip: str) -> Receipt:
    with office.reading() as session:
        row = repository.find(session, trip)
        if row is None:
            raise NotFound(f"there is no receipt {trip!r}")
        return Receipt(**repository.full(session, row).model_dump())


@router.get("/trips/{trip:path}")
def one_trip(request: Request, office: TheOffice, visitor: SignedIn, trip: str) -> Response:
    with office.reading() as session:
        row = repository.find(session, trip)
        contacts = contacts_of(session, trip)
        terminals = [
            (held.store, terminal)
            for held in live.all_states(session)
            for terminal in Live.model_validate(held.state).terminals
            if terminal.trip == trip
        ]
        found = [*incidents.incidents(session, settled=False, limit=50, trip=trip)]
        found += incidents.incidents(session, settled=True, limit=50, trip=trip)
        known = row is not None or contacts or terminals or found
        return render(
            request, "trip.html", 200 if known else 404, trip=trip, terminals=terminals, incidents=found, contacts=contacts,
            receipt=repository.full(session, row) if row else None, titles=titles(session, {one.offer for one in contacts}),
        )  # fmt: skip
