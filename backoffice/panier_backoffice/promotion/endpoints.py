"""`/api/v1/promotions`: public promotions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel

from panier_backoffice.office import TheOffice
from panier_backoffice.problem import Unfit
from panier_backoffice.promotion import service
from panier_backoffice.store.access import ScriptOnly

router = APIRouter(prefix="/api/v1/promotions", tags=["promotions"], dependencies=[ScriptOnly])

_EXAMPLE = {"kind": "n_for_price", "n": 2, "price": "5.00", "target": {"skus": ["oat-1l"]}}


class Promotion(BaseModel):
    """A public promotion and the feed entry that says so."""

    promotion: str
    definition: dict[str, Any]
    sequence: int


@router.get("")
def list_promotions(office: TheOffice) -> list[Promotion]:
    """Public promotions by id."""
    with office.reading() as session:
        return [_promotion(row) for row in service.all_promotions(session)]


@router.put("/{promotion}")
def put_promotion(
    office: TheOffice, promotion: str, definition: Annotated[dict[str, Any], Body(examples=[_EXAMPLE])]
) -> Promotion:
    """Adds a public promotion, or replaces it."""
    if definition.setdefault("id", promotion) != promotion:
        raise Unfit({"id": f"the address says {promotion!r}, the definition {definition['id']!r}"})
    with office.writing() as session:
        outcome = service.take_promotions(session, [definition], office.settings.currency, office.clock())
        if outcome.refused:
            field, _, reason = outcome.refused[0].reason.partition(": ")
            raise Unfit({field: reason})
        return _promotion(service.named(session, promotion))


@router.delete("/{promotion}")
def remove_promotion(office: TheOffice, promotion: str) -> dict[str, int]:
    """Ends a public promotion; answers with the feed's sequence."""
    with office.writing() as session:
        return {"sequence": service.remove_promotion(session, promotion, office.clock())}


def _promotion(row: service.PromotionRow) -> Promotion:
    return Promotion(promotion=row.promotion, definition=row.definition, sequence=row.sequence)
