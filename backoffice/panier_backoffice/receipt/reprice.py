"""Prices a receipt again from the log, with the engine that the device and the gateway used, and says every difference."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from panier.money import format_minor
from panier.receipt import Receipt, ReceiptLine
from panier_backoffice.feed import log


@dataclass(slots=True)
class PriceLog:
    """What the feed's log said at each version, for the receipts of one delivery."""

    session: Session
    _newest: int | None = field(default=None)

    @property
    def newest(self) -> int:
        """The newest sequence."""
        if self._newest is None:
            self._newest = log.newest(self.session)
        return self._newest

    def shelf_prices(self, lines: list[ReceiptLine]) -> dict[tuple[str, int], int]:
        """The shelf price of each (SKU, version) on `lines`; products that were not sold at that version are left out."""
        prices: dict[tuple[str, int], int] = {}
        for version in {line.snapshot for line in lines}:
            skus = [line.sku for line in lines if line.snapshot == version]
            bodies: dict[str, dict[str, Any]] = log.bodies_at(self.session, "product", version, skus)
            prices |= {(sku, version): int(body["unit_price"]) for sku, body in bodies.items()}
        return prices


def differences(receipt: Receipt, price_log: PriceLog) -> list[str]:
    """Every way in which the receipt is not what the log and the engine say, in words; empty where all is equal to the cent."""
    found = _sums(receipt)
    if receipt.snapshot > price_log.newest:
        found.append(f"priced with version {receipt.snapshot}, but {price_log.newest} is the newest that was ever told")
    found += _line_prices(receipt, price_log)
    return found


def _sums(receipt: Receipt) -> list[str]:
    """The receipt against itself."""
    wrong: list[str] = []
    units, discount = sum(line.quantity for line in receipt.lines), sum(line.discount for line in receipt.lines)
    total = sum(line.gross - line.discount for line in receipt.lines)
    wrong += [
        f"{line.sku}: {line.quantity} at {line.unit_price} are not {line.gross}"
        for line in receipt.lines
        if line.gross != line.unit_price * line.quantity
    ]
    for name, stated, summed in (
        ("units", receipt.units, units),
        ("discount", receipt.discount, discount),
        ("total", receipt.total, total),
    ):
        if stated != summed:
            wrong.append(f"{name} {stated} is not the {summed} of its lines")
    return wrong


def _line_prices(receipt: Receipt, price_log: PriceLog) -> list[str]:
    shelf = price_log.shelf_prices(receipt.lines)
    wrong: list[str] = []
    for line in receipt.lines:
        price = shelf.get((line.sku, line.snapshot))
        if price is None:
            wrong.append(f"{line.sku} was not sold at version {line.snapshot}")
        elif price != line.unit_price:
            stated, known = format_minor(line.unit_price, receipt.currency), format_minor(price, receipt.currency)
            wrong.append(f"{line.sku} stands at {stated}, but cost {known} at version {line.snapshot}")
    return wrong
