"""What the shop sells: products, and where to look one up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, Len

from panier.shelflife import MarkDown, Recall

TAX_RATE = r"[0-9]{1,2}(\.[0-9]{1,4})?"
"""A rate as people state it: percent as a decimal string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One article of the assortment.

    `unit_price` is in minor units of the store's currency, of one piece, or of one kilogram where `unit` is kg; `deposit`, on a
    bottle or crate, comes on top of it for each piece, in minor units; `tax_rate` is a decimal string in percent, such as `"10"`;
    `gtins` every GTIN-14 (zero-padded) that identifies it, in-house numbers included: where one carries a weight or a price, with
    zeros for it. `tare` is what its packing weighs, in grams, where the terminal weighs it.
    `recall` stops pieces that are called back, `mark_down` takes off pieces whose label says few days are left.
    """

    sku: Annotated[str, Len(1, 64)]
    gtins: tuple[Annotated[str, Len(14, 14)], ...]
    name: Annotated[str, Len(1, 120)]
    unit_price: Annotated[int, Ge(0)]
    category: Annotated[str, Len(0, 80)] = ""
    size: Annotated[str, Len(0, 40)] = ""
    tax_rate: str | None = None
    unit: Literal["each", "kg"] = "each"
    deposit: Annotated[int, Ge(0)] = 0
    tare: Annotated[int, Ge(0), Le(9999)] = 0
    recall: Recall | None = None
    mark_down: Annotated[tuple[MarkDown, ...], Len(0, 10)] = ()


_CAME_LATER: dict[str, Any] = {"unit": "each", "deposit": 0, "tare": 0, "recall": None, "mark_down": ()}


def told(body: dict[str, Any]) -> dict[str, Any]:
    """A product's JSON as the feed tells it: without the later fields that say nothing, so that what was told stays equal."""
    return {name: value for name, value in body.items() if name not in _CAME_LATER or value not in (_CAME_LATER[name], [])}
