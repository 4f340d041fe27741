"""Tables of receipts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from panier_backoffice.database import Identifier, Table


class ReceiptRow(Table):
    """One finished trip. `number` counts arrivals; `digest` tells a repeat from another receipt under the same id."""

    __tablename__ = "receipt"
    __table_args__ = (Index(None, "store", "finished_at"),)

    number: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    receipt: Mapped[str] = mapped_column(String(120), unique=True)
    store: Mapped[str] = mapped_column(String(64))
    device: Mapped[str] = mapped_column(String(64))
    journal: Mapped[str] = mapped_column(String(64))
    first_sequence: Mapped[int]
    last_sequence: Mapped[int]
    started_at: Mapped[int]
    finished_at: Mapped[int] = mapped_column(index=True)
    currency: Mapped[str] = mapped_column(String(3))
    timezone: Mapped[str] = mapped_column(String(64))
    snapshot: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(String(64))
    member: Mapped[str | None] = mapped_column(String(64), index=True)
    segments: Mapped[list[str]]
    offers: Mapped[list[dict[str, Any]]]
    coupons: Mapped[list[str]]
    standing: Mapped[dict[str, Any]]
    leases: Mapped[list[dict[str, Any]]]
    units: Mapped[int]
    discount: Mapped[int]
    total: Mapped[int]
    device_total: Mapped[int]
    deposit: Mapped[int]
    vat: Mapped[list[dict[str, Any]]]
    tenders: Mapped[list[dict[str, Any]]]
    digest: Mapped[str] = mapped_column(String(64))
    arrived_at: Mapped[int]


class LineRow(Table):
    """Equal units of one product on a receipt."""

    __tablename__ = "receipt_line"

    receipt: Mapped[int] = mapped_column(Identifier, ForeignKey("receipt.number", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sku: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(80))
    unit_price: Mapped[int]
    quantity: Mapped[int]
    gross: Mapped[int]
    discount: Mapped[int]
    tax_rate: Mapped[str | None] = mapped_column(String(12))
    snapshot: Mapped[int]
    weighings: Mapped[list[dict[str, Any]]]
    is_labelled: Mapped[bool]
    deposit: Mapped[int]
    mark_down: Mapped[int]
    priced_by: Mapped[str] = mapped_column(String(64))


class SavingRow(Table):
    """What one promotion or campaign took off a receipt."""

    __tablename__ = "receipt_saving"

    receipt: Mapped[int] = mapped_column(Identifier, ForeignKey("receipt.number", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    promotion: Mapped[str] = mapped_column(String(64), index=True)
    title: Mapped[str] = mapped_column(String(120))
    amount: Mapped[int]
