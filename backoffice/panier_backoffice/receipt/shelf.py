"""Products and compiled promotions by version: receipts that arrive together were mostly priced with the same ones."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from panier.catalogue import Product
from panier.pricing import PromotionSet
from panier.till import compile_definitions
from panier_backoffice.feed import log
from panier_io.kept import Kept

KEPT = 6
"""Versions at the most; a few hundred promotions compiled take about a megabyte."""
_PRODUCTS = 2_000
"""Products at the most, each as of one version; some two megabytes."""
_PRODUCT: TypeAdapter[Product] = TypeAdapter(Product)


class Shelves:
    """Products and public promotions as of each version asked for lately. For any thread."""

    def __init__(self) -> None:
        self._promotions = Kept[tuple[int, str], PromotionSet](KEPT)
        self._products = Kept[tuple[int, str], Product | None](_PRODUCTS)

    def products(self, session: Session, version: int, skus: AbstractSet[str]) -> dict[str, Product | None]:
        """Each of `skus` as it was at `version`, which has to be told already; None where it was not sold then."""
        held = {sku: product for (_, sku), product in self._products.those_of((version, sku) for sku in skus).items()}
        if missing := skus - held.keys():
            bodies = log.bodies_at(session, "product", version, missing)
            found = {sku: _PRODUCT.validate_python(bodies[sku]) if sku in bodies else None for sku in missing}
            self._products.keep({(version, sku): product for sku, product in found.items()})
            held |= found
        return held

    def at(self, session: Session, version: int, currency: str) -> PromotionSet:
        """The promotions that held at `version` of the snapshot; broken definitions are left out, as everywhere."""
        # Most versions differ in prices only: what counts is the last change of a promotion.
        change = log.last_change(session, "promotion", version)
        return self._promotions.get((change, currency), lambda: _compile(session, version, currency))


def _compile(session: Session, version: int, currency: str) -> PromotionSet:
    compiled, _ = compile_definitions(log.bodies_at(session, "promotion", version), currency)
    return compiled
