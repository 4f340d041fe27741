"""What the shop sells: products, and where to look one up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

from annotated_types import Ge, Len


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One article of the assortment.

    `unit_price` is in minor units of the store's currency; `tax_rate` a decimal string in percent, such as `"10"`; `gtins` every
    GTIN-14 (zero-padded) that identifies it, in-house numbers included.
    """

    sku: Annotated[str, Len(1, 64)]
    gtins: tuple[Annotated[str, Len(14, 14)], ...]
    name: Annotated[str, Len(1, 120)]
    unit_price: Annotated[int, Ge(0)]
    category: Annotated[str, Len(0, 80)] = ""
    size: Annotated[str, Len(0, 40)] = ""
    tax_rate: str | None = None


class Catalogue(Protocol):
    """Looks products up; a device holds it on disk, because 90,000 products in memory would not fit a handheld."""

    def find(self, gtin14: str) -> Product | None:
        """The product with this GTIN-14, or None."""
        ...
