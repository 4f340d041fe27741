"""What a person should look at: incidents and dead letters; each stays until someone says that it is done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from panier_backoffice.console.guest import OwnForm, SignedIn, text
from panier_backoffice.console.page import redirect, render
from panier_backoffice.incident import repository
from panier_backoffice.office import TheOffice
from panier_backoffice.problem import NotFound

router = APIRouter(include_in_schema=False)

MOST = 200
KINDS = {
    "price_mismatch": "A price does not match",
    "receipt_conflict": "Two receipts for one trip",
    "conflict": "Two devices with one name",
    "two_machines": "Two machines with one name",
    "clock_wrong": "A device's clock is wrong",
    "disk_refused": "A disk is full or failing",
    "ledger_damaged": "A store's ledger was damaged",
    "payment_unknown": "Paid, or not?",
    "payment_decided": "Staff said it was paid",
    "payment_mismatch": "Paid another amount",
    "unknown_product": "A code that the catalogue does not know",
    "staff_priced": "Staff gave goods a price",
}
"""What the kinds are called on the page; others are shown as they are, with spaces."""


@router.get("/attention")
def attention(request: Request, office: TheOffice, visitor: SignedIn, done: Annotated[bool, Query()] = False) -> Response:
    with office.reading() as session:
        return render(
            request, "attention.html", done=done, kinds=KINDS,
            incidents=repository.incidents(session, settled=done, limit=MOST, without=None if done else repository.UNKNOWN_CODE),
            unknown=[] if done else repository.unknown_codes(session, MOST),
            letters=repository.dead_letters(session, settled=done, limit=MOST),
        )  # fmt: skip


@router.post("/attention/{what}")
def settle(office: TheOffice, visitor: SignedIn, what: str, form: OwnForm) -> Response:
    """Marks one as done, or open again."""
    name, undo = text(form, "name"), text(form, "undo") == "1"
    by = None if undo else visitor.email
    with office.writing() as session:
        if what == "incident":
            repository.settle_incident(session, name, by, office.clock())
        elif what == "code":
            repository.settle_unknown_code(session, text(form, "store"), name, visitor.email, office.clock())
        elif what == "letter" and name.isascii() and name.isdigit() and len(name) < 19:  # 64 bits hold 18 digits
            repository.settle_dead_letter(session, int(name), by, office.clock())
        else:
            raise NotFound(f"there is no {what} {name!r}")
    return redirect("/attention?done=true" if undo else "/attention")
