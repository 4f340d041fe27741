"""Changes products and prices; each real change becomes an entry of the feed, an unchanged product none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from panier.catalogue import Product, told
from panier.intake import Outcome, Refused
from panier.snapshot import canonical
from panier_backoffice.feed import log
from panier_backoffice.problem import NotFound, Unfit, first_reason
from panier_backoffice.product import repository
from panier_backoffice.product.schemas import PricePoint
from panier_backoffice.written import unprintable

DEAREST = 10**12
_TAX_RATE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?")
_PRODUCT: TypeAdapter[Product] = TypeAdapter(Product)


def take_products(session: Session, given: Sequence[Mapping[str, Any]], at: int) -> Outcome:
    """Stores products that are new or differ from what is held; refuses each bad one by itself, with the reason.

    A `cost` beside a product's own fields stays here: no shop hears of it. Without it what is known stays; null forgets it.
    """
    bodies: dict[str, str] = {}
    products: dict[str, Product] = {}
    costs: dict[str, int | None] = {}
    refused: list[Refused] = []
    taken = repository.owners(session, _codes(given))
    for index, raw in enumerate(given):
        try:
            product, cost = _checked(raw, taken), _cost(raw)
        except Unfit as error:
            refused.append(Refused(index=index, identity=_sku(raw), reason=str(error)))
            continue
        taken.update(dict.fromkeys(product.gtins, product.sku))
        products[product.sku] = product
        if "cost" in raw:
            costs[product.sku] = cost
        bodies[product.sku] = canonical(told(_PRODUCT.dump_python(product, mode="json")))
    held = repository.bodies(session, bodies.keys())
    changed = [sku for sku, body in bodies.items() if held.get(sku) != body]
    _store(session, [products[sku] for sku in changed], bodies, held, at)
    repository.put_costs(session, costs)
    return Outcome(stored=len(changed), known=len(bodies) - len(changed), refused=refused)


def _store(session: Session, products: Sequence[Product], bodies: Mapping[str, str], held: Mapping[str, str], at: int) -> None:
    sequences = log.append(session, [("product", product.sku, bodies[product.sku]) for product in products], at)
    rows: list[dict[str, object]] = [
        {
            "sku": product.sku,
            "name": product.name,
            "category": product.category,
            "size": product.size,
            "unit_price": product.unit_price,
            "tax_rate": product.tax_rate,
            "unit": product.unit,
            "deposit": product.deposit,
            "tare": product.tare,
            "sequence": sequence,
        }
        for product, sequence in zip(products, sequences, strict=True)
    ]
    repository.put_rows(session, rows)
    gtins = {product.sku: product.gtins for product in products}
    repository.replace_gtins(session, gtins, [sku for sku in gtins if sku in held])


def take_prices(session: Session, given: Sequence[tuple[str, int]], at: int) -> Outcome:
    """Changes prices only: (sku, minor units). A product that is not sold here is refused."""
    held = repository.bodies(session, [sku for sku, _ in given])
    places = [index for index, (sku, _) in enumerate(given) if sku in held]
    bodies = [json.loads(held[sku]) | {"unit_price": unit_price} for sku, unit_price in given if sku in held]
    outcome = take_products(session, bodies, at)
    refused = [one.model_copy(update={"index": places[one.index]}) for one in outcome.refused]
    refused += [
        Refused(index=index, identity=sku, reason=f"there is no product {sku!r}")
        for index, (sku, _) in enumerate(given)
        if sku not in held
    ]
    refused.sort(key=lambda one: one.index)
    return Outcome(stored=outcome.stored, known=outcome.known, refused=refused)


def remove_product(session: Session, sku: str, at: int) -> int:
    """Takes a product out of the assortment; returns the feed's sequence. Raises NotFound."""
    if repository.find(session, sku) is None:
        raise NotFound(f"there is no product {sku!r}")
    repository.remove(session, sku)
    return log.append(session, [("product", sku, None)], at)[0]


def price_history(session: Session, sku: str) -> list[PricePoint]:
    """Every price that the product had, oldest first. Raises NotFound."""
    entries = log.history(session, "product", sku)
    if not entries:
        raise NotFound(f"there never was a product {sku!r}")
    points = [
        PricePoint(sequence=entry.sequence, at=entry.at, unit_price=json.loads(entry.body)["unit_price"] if entry.body else None)
        for entry in entries
    ]
    return [
        point
        for before, point in zip([None, *points], points, strict=False)
        if before is None or before.unit_price != point.unit_price
    ]


def _checked(raw: Mapping[str, Any], taken: Mapping[str, str]) -> Product:
    try:
        product = _PRODUCT.validate_python(raw)
    except ValidationError as error:
        field, why = first_reason(error)
        if field.startswith("gtins."):
            why = "a GTIN is stated by its 14 digits in quotes: put a 0 before one of 13"
        raise Unfit({field: why}) from error
    for field, text in (("name", product.name), ("category", product.category), ("size", product.size)):
        if stray := unprintable(text):
            raise Unfit({field: stray})
    for field, amount in (("unit_price", product.unit_price), ("deposit", product.deposit)):
        if amount > DEAREST:
            raise Unfit({field: f"{amount} is more than {DEAREST}, the most that a receipt can state"})
    if product.tax_rate is not None and not _TAX_RATE.fullmatch(product.tax_rate):
        raise Unfit({"tax_rate": f'{product.tax_rate[:20]!r} is not a percentage such as "5.5"'})
    for gtin in product.gtins:
        if not (gtin.isascii() and gtin.isdigit()):
            raise Unfit({"gtins": f"{gtin!r} is not a GTIN-14: 14 digits, shorter codes filled with zeros in front"})
        if taken.get(gtin, product.sku) != product.sku:
            raise Unfit({"gtins": f"{gtin} identifies product {taken[gtin]!r} already; a code identifies one product"})
    return product


def _cost(raw: Mapping[str, Any]) -> int | None:
    cost = raw.get("cost")
    if cost is not None and (isinstance(cost, bool) or not isinstance(cost, int) or not 0 <= cost <= DEAREST):
        raise Unfit({"cost": f"{str(cost)[:20]!r} is not an amount in minor units, of 0 to {DEAREST}"})
    return cost


def _codes(given: Sequence[Mapping[str, Any]]) -> set[str]:
    return {code for raw in given if isinstance(raw.get("gtins"), list) for code in raw["gtins"] if isinstance(code, str)}


def _sku(raw: Mapping[str, Any]) -> str | None:
    sku = raw.get("sku")
    return sku[:64] if isinstance(sku, str) else None
