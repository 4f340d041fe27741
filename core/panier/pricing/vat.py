"""VAT by rate, of prices that contain it and of prices that it is added to; by line, as promotions left the line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from panier.definition import WHOLE
from panier.pricing.ledger import tax_on


@dataclass(frozen=True, slots=True)
class VatRow:
    """What was sold at one rate (millionths of a percent): minor units, `net` and `tax` adding up to `gross`."""

    rate: int
    net: int
    tax: int
    gross: int


def contained_tax(amount: int, rate: int) -> int:
    """The tax in an amount that contains it, rounded half up."""
    return (2 * amount * rate + WHOLE + rate) // (2 * (WHOLE + rate))


def vat_table(lines: Iterable[tuple[int, int]], *, is_inclusive: bool) -> tuple[VatRow, ...]:
    """Rows by rate, lowest first, of (amount after promotions, rate) a line; each line is rounded by itself."""
    rows: dict[int, VatRow] = {}
    for amount, rate in lines:
        tax = contained_tax(amount, rate) if is_inclusive else tax_on(amount, rate)
        net = amount - tax if is_inclusive else amount
        known = rows.get(rate, VatRow(rate, 0, 0, 0))
        rows[rate] = VatRow(rate, known.net + net, known.tax + tax, known.gross + net + tax)
    return tuple(rows[rate] for rate in sorted(rows))
