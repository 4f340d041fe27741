"""`/api/v1/receipts` and `/api/v1/totals`: for scripts, and for a store about itself."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, Response

from panier.pricing.refund import NotBought
from panier.receipt import Receipt
from panier.slip import slip
from panier.till import compile_offers, refund_trip
from panier_backoffice.office import TheOffice
from panier_backoffice.problem import NotAllowed, NotFound, Unfit
from panier_backoffice.receipt import repository
from panier_backoffice.receipt.paper import as_pdf
from panier_backoffice.receipt.reprice import PriceLog, trip_of
from panier_backoffice.receipt.schemas import FullReceipt, ReceiptHead, RefundQuote, Returned, Totals
from panier_backoffice.store.access import Holder

router = APIRouter(prefix="/api/v1", tags=["receipts"])

Store = Annotated[str | None, Query(max_length=64, description="one store only; a store's token sees its own anyway")]


@router.get("/receipts")
def list_receipts(
    office: TheOffice,
    holder: Holder,
    store: Store = None,
    device: Annotated[str | None, Query(max_length=64)] = None,
    after: Annotated[int, Query(ge=0, le=2**62, description="the last number of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> list[ReceiptHead]:
    """Receipts in the order in which they arrived."""
    with office.reading() as session:
        return repository.in_order_of_arrival(session, _visible(holder, store), device, after, limit)


@router.get("/receipts/{receipt}")
def get_receipt(office: TheOffice, holder: Holder, receipt: str) -> FullReceipt:
    """One receipt by its trip's id, with lines and savings."""
    with office.reading() as session:
        row = repository.find(session, receipt)
        if row is None or holder not in (None, row.store):
            raise NotFound(f"there is no receipt {receipt!r}")
        return repository.full(session, row)


@router.get("/receipts/{receipt}/text", response_class=PlainTextResponse)
def get_slip(office: TheOffice, holder: Holder, receipt: str) -> PlainTextResponse:
    """One receipt as text of 42 columns, with deposits and the VAT in it by rate."""
    return PlainTextResponse(slip(Receipt(**get_receipt(office, holder, receipt).model_dump())))


@router.get("/receipts/{receipt}/pdf", response_class=Response, responses={200: {"content": {"application/pdf": {}}}})
def get_pdf(office: TheOffice, holder: Holder, receipt: str) -> Response:
    """The same as PDF, on a page of 80 mm paper as long as it needs, with the trip as a QR code."""
    held = Receipt(**get_receipt(office, holder, receipt).model_dump())
    return as_pdf(held)


@router.post("/receipts/{receipt}/refund-quote")
def quote_refund(office: TheOffice, holder: Holder, receipt: str, returned: Returned) -> RefundQuote:
    """What units of a receipt come back to: what is kept is priced again as of the purchase. Nothing is paid, nothing changes."""
    held = Receipt(**get_receipt(office, holder, receipt).model_dump())
    units: Counter[tuple[str, int]] = Counter()
    for line in returned.lines:
        units[line.sku, line.unit_price] += line.quantity
    with office.reading() as session:
        price_log = PriceLog(session, office.shelves)
        offers = [offer for use in held.offers if (offer := price_log.offer(use)) is not None]
        shelf = office.shelves.at(session, held.snapshot, held.currency)
    try:
        found = refund_trip(trip_of(held), shelf, compile_offers(offers, held.currency)[0], units)
    except NotBought as error:
        raise Unfit({"lines": str(error)}) from error
    return RefundQuote(currency=held.currency, refund=found.amount, forgone=found.forgone, kept_total=found.kept.total)


@router.get("/totals")
def get_totals(
    office: TheOffice, holder: Holder, store: Store = None, since: Annotated[int, Query(ge=0, le=10**14)] = 0
) -> list[Totals]:
    """Sums over receipts that finished at `since` (milliseconds since 1970 UTC) or later, one entry a currency."""
    with office.reading() as session:
        return repository.totals(session, _visible(holder, store), since)


def _visible(holder: str | None, store: str | None) -> str | None:
    if holder is not None and store not in (None, holder):
        raise NotAllowed(f"this token is for store {holder!r}, not for {store!r}")
    return holder or store
