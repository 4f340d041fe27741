"""A receipt: what a finished trip comes to, as the gateway forms it and the back office keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from panier.definition import PERCENT
from panier.error import PanierError
from panier.lease import MAX_LEASES, HeldLease
from panier.member import UNKNOWN, Standing
from panier.payment import Payment
from panier.pricing import PricedBasket
from panier.pricing.vat import vat_table
from panier.reading import PART
from panier.trip import Trip
from panier.weighed import Weighing

Name = Annotated[str, Field(min_length=1, max_length=64)]
Minor = Annotated[int, Field(ge=0, le=10**12)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Moment = Annotated[int, Field(ge=0, le=10**14)]
"""Milliseconds since 1970 UTC."""


class _Part(BaseModel):
    model_config = PART


class ReceiptLine(_Part):
    """Equal units of one product. `gross` is unit price times quantity, `discount` what promotions took off; minor units.

    `deposit` is that of one unit, in neither. `weighings` are the bags that were weighed; `is_labelled` says that a label, not
    the shelf, stated the price; `mark_down` is the percentage that the date on their label took off; `priced_by` says who of the
    staff gave goods a price whose code was unknown.
    """

    sku: Name
    name: Annotated[str, Field(max_length=120)]
    category: Annotated[str, Field(max_length=80)]
    unit_price: Minor
    quantity: Annotated[int, Field(ge=1, le=100_000)]
    gross: Minor
    discount: Minor
    tax_rate: Annotated[str, Field(max_length=12)] | None = None
    snapshot: Count
    weighings: Annotated[list[Weighing], Field(max_length=100_000)] = []
    is_labelled: bool = False
    deposit: Minor = 0
    mark_down: Annotated[int, Field(ge=0, le=99)] = 0
    priced_by: Annotated[str, Field(max_length=64)] = ""


class Saving(_Part):
    """What one promotion, or one campaign's offer, took off the basket."""

    promotion: Name
    title: Annotated[str, Field(max_length=120)]
    amount: Minor


class OfferUse(_Part):
    """An offer that the member held in this trip, by campaign and revision."""

    offer: Name
    revision: Annotated[int, Field(ge=1)]


class Tender(_Part):
    """What was paid with at the terminal; without one, a trip is paid at the till.

    `asked_at` is when it was asked for, and what prices hold as of. `unknown`: nobody could find out whether it was paid.
    `trace` and `terminal` are the payment terminal's own numbers. No card data is known here.
    """

    kind: Literal["card"] = "card"
    outcome: Literal["approved", "unknown"]
    amount: Minor
    reference: Name
    asked_at: Moment
    decided_by: Literal["terminal", "staff", "nobody"] = "terminal"
    trace: Annotated[str, Field(max_length=32)] = ""
    terminal: Annotated[str, Field(max_length=32)] = ""


class Vat(_Part):
    """What was sold at one rate (percent, such as "5.5"), deposits included, and the tax that its prices contain; minor units."""

    rate: Annotated[str, Field(max_length=12)]
    net: Minor
    tax: Minor
    gross: Minor


class Receipt(_Part):
    """One finished trip. `receipt` is the trip's id and the key of idempotence; times are milliseconds since 1970 UTC.

    `snapshot` and `fingerprint` name the prices and promotions it was priced with; `device_total` is what the screen showed.
    `clock_offset` is what the gateway added to the times by the device's clock; prices held as of the time by that clock.
    `total` holds the `deposit`; `vat` is by rate, lowest first, and leaves out what has no rate.
    """

    receipt: Annotated[str, Field(min_length=1, max_length=120)]
    store: Name
    device: Name
    journal: Name
    first_sequence: Count
    last_sequence: Count
    started_at: Moment
    finished_at: Moment
    clock_offset: Annotated[int, Field(ge=-(10**14), le=10**14)] = 0
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    timezone: Name
    snapshot: Count
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    member: Name | None = None
    segments: Annotated[list[Name], Field(max_length=1000)] = []
    offers: Annotated[list[OfferUse], Field(max_length=200)] = []
    coupons: Annotated[list[Name], Field(max_length=1000)] = []
    standing: Standing = UNKNOWN
    leases: Annotated[list[HeldLease], Field(max_length=MAX_LEASES)] = []
    """Both are what the device was told and priced with."""
    lines: Annotated[list[ReceiptLine], Field(max_length=5000)]
    savings: Annotated[list[Saving], Field(max_length=1000)] = []
    units: Count
    discount: Minor
    total: Minor
    device_total: Minor
    deposit: Minor = 0
    vat: Annotated[list[Vat], Field(max_length=100)] = []
    tenders: Annotated[list[Tender], Field(max_length=100)] = []


def with_true_times(receipt: Receipt, clock_offset: int) -> Receipt:
    """The receipt with its times moved by what the device's clock was wrong by, in milliseconds."""
    moved = {name: max(0, getattr(receipt, name) + clock_offset) for name in ("started_at", "finished_at")}
    tenders = [tender.model_copy(update={"asked_at": max(0, tender.asked_at + clock_offset)}) for tender in receipt.tenders]
    return receipt.model_copy(update={**moved, "clock_offset": clock_offset, "tenders": tenders})


class NoReceipt(PanierError):
    """A trip that no receipt can be formed from, and why."""

    code = "no_receipt"


def form_receipt(trip: Trip, priced: PricedBasket, fingerprint: str, device: str, journal: str) -> Receipt:
    """The receipt of a finished trip; `priced` is what `price_trip` made of it, `fingerprint` that of its snapshot.

    Gifts are lines of their own, named by what gave them. Raises NoReceipt where the trip is not finished, where `priced` is
    of another basket, or where a figure is beyond what a receipt holds.
    """
    if trip.finished is None:
        raise NoReceipt(f"trip {trip.trip} is not finished")
    paid = [(line.sku, line.unit_price, line.quantity) for line in priced.lines if not line.is_gift]
    if paid != [(line.sku, line.unit_price, line.quantity) for line in trip.lines]:
        raise NoReceipt(f"trip {trip.trip} does not hold what was priced; price it again")
    try:
        lines = _lines(trip, priced)
        return Receipt(
            receipt=trip.trip, store=trip.store, device=device, journal=journal,
            first_sequence=trip.first_sequence, last_sequence=trip.last_sequence,
            started_at=trip.started_at, finished_at=trip.last_at, currency=trip.currency, timezone=trip.timezone,
            snapshot=trip.snapshot, fingerprint=fingerprint, member=trip.member, segments=list(trip.segments),
            offers=[OfferUse(offer=offer.offer, revision=offer.revision) for offer in trip.offers],
            coupons=sorted(trip.coupons), standing=trip.standing, leases=list(trip.leases),
            lines=lines, deposit=priced.deposit, vat=vat_of(lines),
            savings=[Saving(promotion=saved.promotion, title=saved.title, amount=saved.amount) for saved in priced.savings],
            units=priced.units, discount=priced.discount, total=priced.total, device_total=trip.finished.total,
            tenders=_tenders(trip.payment),
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NoReceipt(f"trip {trip.trip}: {where}: {first['msg']}") from error


def _lines(trip: Trip, priced: PricedBasket) -> list[ReceiptLine]:
    lines = [
        ReceiptLine(
            sku=line.sku, name=line.name, category=line.category, unit_price=line.unit_price, quantity=line.quantity,
            gross=found.gross, discount=found.discount, tax_rate=line.tax_rate, snapshot=line.snapshot,
            weighings=list(line.weighings), is_labelled=line.is_labelled, deposit=line.deposit,
            mark_down=line.mark_down, priced_by=line.priced_by,
        )
        for line, found in zip(trip.lines, priced.lines, strict=False)
    ]  # fmt: skip
    gifts = [
        ReceiptLine(
            sku=gift.sku, name=gift.explanations[0].title, category="", unit_price=gift.unit_price, quantity=gift.quantity,
            gross=gift.gross, discount=gift.discount, snapshot=trip.snapshot,
        )
        for gift in priced.lines[len(trip.lines) :]
    ]  # fmt: skip
    return lines + gifts


def _tenders(payment: Payment | None) -> list[Tender]:
    if payment is None or payment.ended is None:
        return []
    begun, ended, outcome = payment.begun, payment.ended, payment.ended.outcome
    if outcome == "declined":
        return []
    return [
        Tender(
            outcome=outcome, amount=begun.amount, reference=begun.reference, asked_at=payment.at,
            decided_by=ended.decided_by, trace=ended.trace, terminal=ended.terminal,
        )
    ]  # fmt: skip


def vat_of(lines: Sequence[ReceiptLine]) -> list[Vat]:
    """The tax that the lines contain, by rate: each line rounded by itself, its deposit likewise."""
    taxed = [(line, rate) for line in lines if (rate := _rate(line.tax_rate)) is not None]
    amounts = [(line.gross - line.discount, rate) for line, rate in taxed]
    amounts += [(line.deposit * line.quantity, rate) for line, rate in taxed if line.deposit]
    return [
        Vat(rate=f"{(Decimal(row.rate) / PERCENT).normalize():f}", net=row.net, tax=row.tax, gross=row.gross)
        for row in vat_table(amounts, is_inclusive=True)
    ]


def _rate(text: str | None) -> int | None:
    """Millionths of a percent; None for what is no rate, which a device may state and nobody can reckon with."""
    try:
        rate = Decimal(text or "")
    except InvalidOperation:
        return None
    return int(rate * PERCENT) if 0 <= rate <= 100 else None
