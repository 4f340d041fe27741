"""`POST /api/v1/stores/{store}/intake`: what gateways deliver."""

from __future__ import annotations

from fastapi import APIRouter

from panier.intake import Intake, IntakeResult, Outcome
from panier_backoffice.intake.service import Delivery
from panier_backoffice.metrics import Meters
from panier_backoffice.office import TheOffice
from panier_backoffice.receipt.reprice import PriceLog
from panier_backoffice.store.access import OwnStore

router = APIRouter(prefix="/api/v1/stores/{store}", tags=["intake"])


@router.post("/intake")
def take_in(office: TheOffice, store: OwnStore, intake: Intake) -> IntakeResult:
    """Takes receipts, contacts and incidents in. Everything that is not refused is on the disk when the answer leaves.

    Sending a delivery again is harmless. An item that does not fit is refused by itself, with the reason, and kept for a person.
    """
    delivery = Delivery(store, office.clock(), intake)
    with office.reading() as session:
        delivery.reprice(PriceLog(session, office.shelves))
    with office.delivering() as session:
        result = delivery.take(session)
    office.meters.mismatches.inc(delivery.mismatches)
    for kind in ("receipts", "contacts", "incidents"):
        _count(office.meters, kind, getattr(result, kind))
    return result


def _count(meters: Meters, kind: str, outcome: Outcome) -> None:
    for word, count in (("stored", outcome.stored), ("known", outcome.known), ("refused", len(outcome.refused))):
        meters.intake.labels(kind, word).inc(count)
