"""What the API says about receipts."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from panier.lease import HeldLease
from panier.member import Standing
from panier.receipt import Minor, Name, OfferUse, ReceiptLine, Saving, Tender, Vat


class ReceiptHead(BaseModel):
    """A receipt without its lines; money in minor units, times in milliseconds since 1970 UTC. `number` counts arrivals."""

    number: int
    receipt: str
    store: str
    device: str
    started_at: int
    finished_at: int
    currency: str
    snapshot: int
    member: str | None
    units: int
    discount: int
    total: int
    device_total: int


class FullReceipt(ReceiptHead):
    """A receipt as the gateway formed it."""

    journal: str
    first_sequence: int
    last_sequence: int
    timezone: str
    fingerprint: str
    segments: list[str]
    deposit: int
    vat: list[Vat]
    tenders: list[Tender]
    offers: list[OfferUse]
    coupons: list[str]
    standing: Standing
    leases: list[HeldLease]
    lines: list[ReceiptLine]
    savings: list[Saving]
    arrived_at: int


class ReturnedLine(BaseModel):
    """Units that come back, as they stand on the receipt: SKU, unit price in minor units, and how many."""

    sku: Name
    unit_price: Minor
    quantity: Annotated[int, Field(ge=1, le=100_000)]


class Returned(BaseModel):
    """What a shopper brings back."""

    lines: Annotated[list[ReturnedLine], Field(min_length=1, max_length=1000)]


class RefundQuote(BaseModel):
    """What goes back to the shopper, in minor units. `forgone` is what is owed more for what is kept, where a deal was broken."""

    currency: str
    refund: int
    forgone: int
    kept_total: int


class Totals(BaseModel):
    """Sums over receipts in one currency, in minor units."""

    currency: str
    receipts: int
    units: int
    discount: int
    total: int
    device_total: int
