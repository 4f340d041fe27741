"""Products and compiled promotions by version: receipts that arrive together were mostly priced with the same ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Set as AbstractSet

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from panier.catalogue import Product
from panier.pricing import PromotionSet
from panier.till import compile_definitions
from panier_backoffice.feed import log

KEPT = 6
"""Versions at the most; a few hundred promotions compiled take about a megabyte."""
_PRODUCTS = 50_000
"""Products at the most, each as of one version; some 20 megabytes."""
_PRODUCT: TypeAdapter[Product] = TypeAdapter(Product)


class Shelves:
    """Products and public promotions as of each version asked for lately. For any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], PromotionSet] = OrderedDict()
        self._products: dict[tuple[int, str], Product | None] = {}
        self._lock = threading.Lock()

    def products(self, session: Session, version: int, skus: AbstractSet[str]) -> dict[str, Product | None]:
        """Each of `skus` as it was at `version`, which has to be told already; None where it was not sold then."""
        with self._lock:
            held = {sku: self._products[version, sku] for sku in skus if (version, sku) in self._products}
        missing = skus - held.keys()
        if missing:
            bodies = log.bodies_at(session, "product", version, missing)
            found = {sku: _PRODUCT.validate_python(bodies[sku]) if sku in bodies else None for sku in missing}
            with self._lock:
                if len(self._products) + len(found) > _PRODUCTS:
                    self._products.clear()
                self._products.update(((version, sku), product) for sku, product in found.items())
            held |= found
        return held

    def at(self, session: Session, version: int, currency: str) -> PromotionSet:
        """The promotions that held at `version` of the snapshot; broken definitions are left out, as everywhere."""
        # Most versions differ in prices only: what counts is the last change of a promotion.
        key = (log.last_change(session, "promotion", version), currency)
        with self._lock:
            held = self._kept.get(key)
            if held is not None:
                self._kept.move_to_end(key)
                return held
        definitions = log.bodies_at(session, "promotion", version)
        compiled, _ = compile_definitions(definitions, currency)
        with self._lock:
            self._kept[key] = compiled
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return compiled
