"""`/api/v1/import`: a whole assortment in pages, where only real changes reach the feed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from panier.intake import Outcome
from panier_backoffice.feed import log
from panier_backoffice.intake.text import writable
from panier_backoffice.member.service import take_members
from panier_backoffice.office import TheOffice
from panier_backoffice.product.schemas import PriceChange
from panier_backoffice.product.service import take_prices, take_products
from panier_backoffice.promotion.service import take_promotions
from panier_backoffice.store.access import ScriptOnly

router = APIRouter(prefix="/api/v1", tags=["import"], dependencies=[ScriptOnly])

PAGE = 10_000
"""Items of one kind in one request at the most."""

Items = Annotated[list[dict[str, Any]], Field(max_length=PAGE), AfterValidator(writable)]


class Import(BaseModel):
    """A page. Items stay unparsed here, so that one that does not fit is refused by itself and the rest is taken."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "products": [{"sku": "oat-1l", "gtins": ["00000040111445"], "name": "Oat milk 1 l", "unit_price": 199}],
                    "prices": [{"sku": "beans-1kg", "unit_price": 1240}],
                    "promotions": [
                        {"id": "milk-2", "kind": "n_for_price", "n": 2, "price": "3.00", "target": {"skus": ["oat-1l"]}}
                    ],
                    "members": [{"member": "m-17", "first_name": "Claire", "cards": ["2900000000179"], "segments": ["regulars"]}],
                }
            ]
        }
    )

    products: Items = []
    prices: Annotated[list[PriceChange], Field(max_length=PAGE)] = []
    promotions: Items = []
    members: Items = []


class Imported(BaseModel):
    """What became of each kind: stored (new or changed), known (unchanged), refused with the reason; and the newest sequence."""

    products: Outcome
    prices: Outcome
    promotions: Outcome
    members: Outcome
    last: int


@router.post("/import")
def import_page(office: TheOffice, page: Import) -> Imported:
    """Takes one page in one transaction; sending it again changes nothing."""
    at = office.clock()
    with office.writing() as session:
        products = take_products(session, page.products, at)
        prices = take_prices(session, [(change.sku, change.unit_price) for change in page.prices], at)
        promotions = take_promotions(session, page.promotions, office.settings.currency, at)
        members = take_members(session, page.members, at)
        last = log.newest(session)
    return Imported(products=products, prices=prices, promotions=promotions, members=members, last=last)
