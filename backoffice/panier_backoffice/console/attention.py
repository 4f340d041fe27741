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
    "backoffice_forgot": ("This back office was put back to a backup", "Nothing, where the backup is younger than seven days."),
    "clock_wrong": ("A device's clock is wrong", "Set it; receipts have the right times."),
    "conflict": ("Two devices with one name", "One is a copy: release it at the gateway (panier replay release)."),
    "device_trouble": ("A device's journal was damaged", "Look at what it set aside; if it comes again, replace the disk."),
    "disk_refused": ("A disk was full or failing", "Free space. Nothing needs to be entered again."),
    "entry_refused": ("A shop cannot use a price or an offer", "Correct it here; or update the shop."),
    "events_lost": ("A disk was lost, and events with it", "Look at the trips of that time; the rest goes on by itself."),
    "expired": ("Goods past their last day", "Take them off the shelf; the terminal did not sell them."),
    "feed_replaced": ("Prices and offers come from another log", "Enter again what was entered since the backup."),
    "file_damaged": ("A file of a store's gateway was damaged", "Do what it says; if it comes again, replace the disk."),
    "forged": ("A device spoke in another's name", "Find out what runs on it."),
    "held_up": ("An error of a gateway holds up a device", "Report it with the gateway's log; the device keeps its events."),
    "lease": ("An offer was used more often than allowed", "The receipt is kept. Look at the offer's limit."),
    "ledger_damaged": ("A store's ledger was damaged", "Look at what it set aside; if it comes again, replace its disk."),
    "left_open": ("A trip never ended", "Look whether the goods were paid for otherwise."),
    "malformed": ("Something that nobody can read", "Decide about it at the gateway (panier replay)."),
    "offer_left_out": ("An offer was too long for its member", "Aim the campaign at a category, or shorten its list."),
    "payment_decided": ("Staff said it was paid", "Compare with the payment terminal's records."),
    "payment_mismatch": ("Paid another amount", "Compare with the payment terminal's records; settle it with the shopper."),
    "payment_unknown": ("Paid, or not?", "Look into the payment terminal's records; settle it with the shopper."),
    "price_mismatch": ("A price does not match", "Look at the trip. The receipt is kept as the shopper saw it."),
    "recalled": ("Goods that are called back", "Take them off the shelf; the terminal did not sell them."),
    "receipt_conflict": ("Two receipts for one trip", "Look at the trip. The first is kept."),
    "rights_exceeded": ("A device tried what it may not do", "Find out what runs on it; the broker refused it."),
    "staff_priced": ("Staff gave goods a price", "Look whether it is right, and add the product."),
    "trip_order": ("An event that fits no trip", "Decide about it at the gateway (panier replay)."),
    "two_machines": ("Two machines with one name", "Once both have delivered, enrol one under another name."),
    "unknown_product": ("A code that the catalogue does not know", "Add the product, then Done."),
    "unsettled": ("A trip without a receipt", "Add what is missing to the catalogue; it is tried again by itself."),
}
"""What the kinds are called on the page, and what to do; docs/operating.md says more. Others are shown with their own names."""


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
