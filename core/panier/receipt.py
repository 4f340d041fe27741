"""A receipt: what a finished trip comes to, as the gateway forms it and the back office keeps it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=64)]
Minor = Annotated[int, Field(ge=0, le=10**12)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Moment = Annotated[int, Field(ge=0, le=10**14)]
"""Milliseconds since 1970 UTC."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ReceiptLine(_Part):
    """Equal units of one product. `gross` is unit price times quantity, `discount` what promotions took off; minor units."""

    sku: Name
    name: Annotated[str, Field(max_length=120)]
    category: Annotated[str, Field(max_length=80)]
    unit_price: Minor
    quantity: Annotated[int, Field(ge=1, le=100_000)]
    gross: Minor
    discount: Minor
    tax_rate: Annotated[str, Field(max_length=12)] | None = None
    snapshot: Count


class Saving(_Part):
    """What one promotion, or one campaign's offer, took off the basket."""

    promotion: Name
    title: Annotated[str, Field(max_length=120)]
    amount: Minor


class OfferUse(_Part):
    """An offer that the member held in this trip, by campaign and revision."""

    offer: Name
    revision: Annotated[int, Field(ge=1)]


class Receipt(_Part):
    """One finished trip. `receipt` is the trip's id and the key of idempotence; times are milliseconds since 1970 UTC.

    `snapshot` and `fingerprint` name the prices and promotions it was priced with; `device_total` is what the screen showed.
    """

    receipt: Annotated[str, Field(min_length=1, max_length=120)]
    store: Name
    device: Name
    journal: Name
    first_sequence: Count
    last_sequence: Count
    started_at: Moment
    finished_at: Moment
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    timezone: Name
    snapshot: Count
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    member: Name | None = None
    segments: Annotated[list[Name], Field(max_length=200)] = []
    offers: Annotated[list[OfferUse], Field(max_length=200)] = []
    lines: Annotated[list[ReceiptLine], Field(max_length=5000)]
    savings: Annotated[list[Saving], Field(max_length=1000)] = []
    units: Count
    discount: Minor
    total: Minor
    device_total: Minor
