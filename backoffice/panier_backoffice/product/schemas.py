"""What the API says about products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, Field

from panier import catalogue
from panier.receipt import Minor, Name
from panier.shelflife import MarkDown, Recall


class Product(BaseModel):
    """One product; `unit_price`, of a piece or a kilogram as `unit` says, and `deposit` in minor units, `gtins` as GTIN-14.

    `tare` is what its packing weighs, in grams, where a terminal weighs it.
    """

    sku: str
    gtins: list[str]
    name: str
    unit_price: int
    category: str
    size: str
    tax_rate: str | None
    unit: str
    deposit: int
    tare: int
    recall: Recall | None = None
    mark_down: list[MarkDown] = []
    cost: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductWithCost(catalogue.Product):
    """A product, and what a unit of it costs the shop in minor units: known to the back office only."""

    cost: Annotated[int, Ge(0)] | None = None


class NewPrice(BaseModel):
    """A price from now on, in minor units."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"unit_price": 199}]})

    unit_price: Minor


class PriceChange(NewPrice):
    """A price from now on of one product."""

    sku: Name


class PricePoint(BaseModel):
    """A price that a product had from a version of the snapshot on; None: it was not sold any more."""

    sequence: int
    at: int
    unit_price: int | None


class Saved(BaseModel):
    """The change is on the disk; `sequence` is its entry in the feed, the old one where nothing changed."""

    sequence: int


class Category(BaseModel):
    """A category and how many products it holds."""

    category: Annotated[str, Field(max_length=80)]
    products: int
