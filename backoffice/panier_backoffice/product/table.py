"""Tables of products."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from panier_backoffice.database import Table


class ProductRow(Table):
    """A product as it is now; `sequence` is the feed entry that says so, and earlier ones are its history of prices."""

    __tablename__ = "product"

    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120), index=True)
    category: Mapped[str] = mapped_column(String(80), index=True)
    size: Mapped[str] = mapped_column(String(40))
    unit_price: Mapped[int]
    tax_rate: Mapped[str | None] = mapped_column(String(12))
    unit: Mapped[str] = mapped_column(String(4))
    deposit: Mapped[int]
    tare: Mapped[int]
    sequence: Mapped[int]


class GtinRow(Table):
    """A GTIN-14 and the one product that it identifies."""

    __tablename__ = "product_gtin"

    gtin: Mapped[str] = mapped_column(String(14), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), ForeignKey("product.sku", ondelete="CASCADE"), index=True)


class CostRow(Table):
    """What a unit of a product costs the shop, in minor units, where it is known. It stays in the back office: no feed entry."""

    __tablename__ = "product_cost"

    sku: Mapped[str] = mapped_column(String(64), ForeignKey("product.sku", ondelete="CASCADE"), primary_key=True)
    cost: Mapped[int]
