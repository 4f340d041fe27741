"""Reads and writes receipts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from panier.receipt import OfferUse, ReceiptLine, Saving, Tender, Vat
from panier_backoffice.database import among, put_many, put_new_returning
from panier_backoffice.receipt.schemas import FullReceipt, ReceiptHead, Totals
from panier_backoffice.receipt.table import LineRow, ReceiptRow, SavingRow

_KEPT_APART = {"lines", "savings", "clock_offset"}


def digests(session: Session, receipts: Collection[str]) -> dict[str, str]:
    """The digest of each receipt that is held already."""
    if not receipts:
        return {}
    asked = select(ReceiptRow.receipt, ReceiptRow.digest).where(among(session, ReceiptRow.receipt, receipts))
    return dict(session.execute(asked).all())


def add(session: Session, arrived: Sequence[tuple[dict[str, Any], str]], at: int) -> set[str]:
    """Stores what each receipt states, with its digest, unless one of its id is held already; the ids of those stored."""
    heads = [
        {name: value for name, value in stated.items() if name not in _KEPT_APART} | {"digest": digest, "arrived_at": at}
        for stated, digest in arrived
    ]
    numbers: dict[str, int] = {
        row.receipt: row.number for row in put_new_returning(session, ReceiptRow, heads, "receipt", "number")
    }
    stored = [(numbers[stated["receipt"]], stated) for stated, _ in arrived if stated["receipt"] in numbers]
    for table, part in ((LineRow, "lines"), (SavingRow, "savings")):
        rows = [
            {"receipt": number, "position": place, **one} for number, stated in stored for place, one in enumerate(stated[part])
        ]
        put_many(session, table, rows)
    return set(numbers)


def find(session: Session, receipt: str) -> ReceiptRow | None:
    return session.scalars(select(ReceiptRow).where(ReceiptRow.receipt == receipt)).one_or_none()


def full(session: Session, row: ReceiptRow) -> FullReceipt:
    """A receipt with its lines and savings."""
    lines = session.scalars(select(LineRow).where(LineRow.receipt == row.number).order_by(LineRow.position))
    savings = session.scalars(select(SavingRow).where(SavingRow.receipt == row.number).order_by(SavingRow.position))
    own = FullReceipt.model_fields.keys() - _KEPT_APART - {"offers", "vat", "tenders"}
    return FullReceipt(
        **{name: getattr(row, name) for name in own},
        offers=[OfferUse(**use) for use in row.offers],
        vat=[Vat(**one) for one in row.vat],
        tenders=[Tender(**one) for one in row.tenders],
        lines=[ReceiptLine.model_validate(line, from_attributes=True) for line in lines],
        savings=[Saving.model_validate(saving, from_attributes=True) for saving in savings],
    )


def in_order_of_arrival(session: Session, store: str | None, device: str | None, after: int, limit: int) -> list[ReceiptHead]:
    """Receipts whose number is above `after`."""
    asked = select(ReceiptRow).where(ReceiptRow.number > after, *_of(store, device)).order_by(ReceiptRow.number).limit(limit)
    return [ReceiptHead.model_validate(row, from_attributes=True) for row in session.scalars(asked)]


def newest(session: Session, store: str | None, limit: int, before: int | None = None) -> list[ReceiptRow]:
    """Receipts, the latest arrival first; below number `before` where that is given."""
    asked = select(ReceiptRow).where(*_of(store)).order_by(ReceiptRow.number.desc()).limit(limit)
    return list(session.scalars(asked if before is None else asked.where(ReceiptRow.number < before)))


def totals(session: Session, store: str | None, since: int = 0) -> list[Totals]:
    """Sums a currency, over receipts that finished at `since` or later."""
    sums = (func.count(), *(func.sum(column) for column in (
        ReceiptRow.units, ReceiptRow.discount, ReceiptRow.total, ReceiptRow.device_total,
    )))  # fmt: skip
    asked = select(ReceiptRow.currency, *sums).where(ReceiptRow.finished_at >= since, *_of(store))
    found = session.execute(asked.group_by(ReceiptRow.currency).order_by(func.count().desc(), ReceiptRow.currency))
    return [_totals(currency, figures) for currency, *figures in found]


def _totals(currency: str, figures: Sequence[int]) -> Totals:
    receipts, units, discount, total, device_total = (int(figure) for figure in figures)
    return Totals(
        currency=currency, receipts=receipts, units=units, discount=discount, total=total, device_total=device_total
    )  # fmt: skip


def _of(store: str | None, device: str | None = None) -> list[ColumnElement[bool]]:
    of_store = [] if store is None else [ReceiptRow.store == store]
    return of_store if device is None else [*of_store, ReceiptRow.device == device]
