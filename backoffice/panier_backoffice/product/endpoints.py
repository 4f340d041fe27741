"""`/api/v1/products`: the assortment and its prices."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body, Query

from panier_backoffice.office import TheOffice
from panier_backoffice.problem import NotFound, Unfit
from panier_backoffice.product import repository, schemas, service
from panier_backoffice.product.table import ProductRow
from panier_backoffice.store.access import ScriptOnly

router = APIRouter(prefix="/api/v1", tags=["products"], dependencies=[ScriptOnly])

_EXAMPLE = {
    "sku": "oat-1l", "gtins": ["00000040111445"], "name": "Oat milk 1 l", "unit_price": 199, "category": "Milk", "size": "1 l",
    "tax_rate": "5.5", "cost": 120,
}  # fmt: skip


@router.get("/products")
def search_products(
    office: TheOffice,
    q: Annotated[str, Query(max_length=100, description="words of the name or category, a SKU, or a barcode")] = "",
    after: Annotated[str, Query(max_length=64, description="the last SKU of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> list[schemas.Product]:
    """Products by SKU."""
    with office.reading() as session:
        rows = repository.search(session, q, limit, after)
        gtins = repository.gtins_of(session, [row.sku for row in rows])
        costs = repository.costs_of(session, [row.sku for row in rows])
        bodies = repository.bodies(session, [row.sku for row in rows])
        return [_product(row, gtins[row.sku], costs.get(row.sku), bodies[row.sku]) for row in rows]


@router.get("/categories")
def list_categories(office: TheOffice) -> list[schemas.Category]:
    """Categories that products carry."""
    with office.reading() as session:
        return [schemas.Category(category=name, products=count) for name, count in repository.categories(session)]


@router.get("/products/{sku}")
def get_product(office: TheOffice, sku: str) -> schemas.Product:
    """One product."""
    with office.reading() as session:
        row, cost = _named(repository.find(session, sku), sku), repository.costs_of(session, [sku]).get(sku)
        return _product(row, repository.gtins_of(session, [sku])[sku], cost, repository.bodies(session, [sku])[sku])


@router.put("/products/{sku}")
def put_product(
    office: TheOffice, sku: str, product: Annotated[schemas.ProductWithCost, Body(examples=[_EXAMPLE])]
) -> schemas.Saved:
    """Adds a product, or replaces what was said about it."""
    if product.sku != sku:
        raise Unfit({"sku": f"the address says {sku!r}, the product {product.sku!r}"})
    with office.writing() as session:
        outcome = service.take_products(session, [asdict(product)], office.clock())
        if outcome.refused:
            raise Unfit({"product": outcome.refused[0].reason})
        return schemas.Saved(sequence=_named(repository.find(session, sku), sku).sequence)


@router.put("/products/{sku}/price")
def put_price(office: TheOffice, sku: str, price: schemas.NewPrice) -> schemas.Saved:
    """Changes the price; every store's snapshot follows within a second."""
    with office.writing() as session:
        outcome = service.take_prices(session, [(sku, price.unit_price)], office.clock())
        if outcome.refused:
            raise NotFound(outcome.refused[0].reason)
        return schemas.Saved(sequence=_named(repository.find(session, sku), sku).sequence)


@router.get("/products/{sku}/prices")
def list_prices(office: TheOffice, sku: str) -> list[schemas.PricePoint]:
    """Every price that the product had, oldest first."""
    with office.reading() as session:
        return service.price_history(session, sku)


@router.delete("/products/{sku}")
def remove_product(office: TheOffice, sku: str) -> schemas.Saved:
    """Takes a product out of the assortment; receipts and history keep it."""
    with office.writing() as session:
        return schemas.Saved(sequence=service.remove_product(session, sku, office.clock()))


def _named(row: ProductRow | None, sku: str) -> ProductRow:
    if row is None:
        raise NotFound(f"there is no product {sku!r}")
    return row


def _product(row: ProductRow, gtins: list[str], cost: int | None, body: str) -> schemas.Product:
    told = json.loads(body)
    return schemas.Product(
        sku=row.sku, gtins=gtins, name=row.name, unit_price=row.unit_price, category=row.category, size=row.size,
        tax_rate=row.tax_rate, unit=row.unit, deposit=row.deposit, tare=row.tare, cost=cost, recall=told.get("recall"),
        mark_down=told.get("mark_down", []),
    )  # fmt: skip
