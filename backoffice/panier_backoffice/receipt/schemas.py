"""What the API says about receipts."""

from __future__ import annotations

from pydantic import BaseModel

from panier.receipt import OfferUse, ReceiptLine, Saving, Vat


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
    offers: list[OfferUse]
    coupons: list[str]
    lines: list[ReceiptLine]
    savings: list[Saving]
    arrived_at: int


class Totals(BaseModel):
    """Sums over receipts in one currency, in minor units."""

    currency: str
    receipts: int
    units: int
    discount: int
    total: int
    device_total: int
