"""A receipt laid out in rows of equal columns: one layout for text, for paper and for PDF."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import wrap
from typing import Literal
from zoneinfo import ZoneInfo

from panier.money import format_minor
from panier.receipt import Receipt, ReceiptLine, Saving, Tender

WIDTH = 42
"""Columns of the usual 80 mm paper."""
NARROWEST = 24

Style = Literal["plain", "bold", "big"]
"""`big` is twice as wide and twice as high: it takes half of the columns."""


@dataclass(frozen=True, slots=True)
class SlipRow:
    """One row that fits the columns it was laid out for: text on the left, mostly an amount on the right."""

    left: str
    right: str = ""
    style: Style = "plain"
    is_centred: bool = False

    def text(self, columns: int) -> str:
        """The row in so many columns, which may be more than it needs; too few cut the left side, never the amount."""
        if self.is_centred:
            return self.left[:columns].center(columns).rstrip()
        room = max(0, columns - len(self.right) - bool(self.right))
        return f"{self.left[:room]:<{room}} {self.right}".rstrip()


@dataclass(frozen=True, slots=True)
class SlipCode:
    """A barcode for the till, the gate or the service desk; what it holds stands below it as a row."""

    content: str


SlipPart = SlipRow | SlipCode


def lay_out(receipt: Receipt, width: int = WIDTH, *, card: str = "", is_copy: bool = False) -> tuple[SlipPart, ...]:
    """The receipt's parts from top to bottom, for a paper of `width` columns: goods with what they were reduced by, deposits,
    total with what paid it, what was saved and by which offer, the VAT in it by rate and what has none, and the trip as a barcode
    and in letters.

    `card` is the shopper's card, `masked` already; a copy says so on top. Widths below NARROWEST are taken for it.
    """
    width = max(NARROWEST, width)
    sheet = _Sheet(receipt, width)
    at = datetime.fromtimestamp(receipt.finished_at / 1000, UTC).astimezone(ZoneInfo(receipt.timezone))
    parts: list[SlipPart] = [SlipRow("COPY", style="big", is_centred=True)] if is_copy else []
    parts += sheet.row(f"{receipt.store} {receipt.device}", f"{at:%Y-%m-%d %H:%M}")
    parts.append(SlipRow(""))
    for line in receipt.lines:
        parts += sheet.line(line)
    parts += [SlipRow("-" * width), *sheet.total(), *sheet.reductions()]
    for row in receipt.vat:
        parts += sheet.row(f"VAT {row.rate} % in {sheet.money(row.gross)}, net {sheet.money(row.net)}", sheet.money(row.tax))
    if receipt.vat and (rest := receipt.total - sum(row.gross for row in receipt.vat)):
        parts += sheet.row("without a VAT rate", sheet.money(rest))
    parts += [part for coupon in receipt.coupons for part in sheet.row(f"coupon {coupon}")]
    shopper = card or (masked(receipt.member) if receipt.member else "")
    parts += sheet.row(f"{'card' if card else 'member'} {shopper}") if shopper else []
    name = [SlipRow(piece, is_centred=True) for piece in wrap(receipt.receipt, width)]
    return (*parts, SlipRow(""), SlipCode(receipt.receipt), *name)


def slip(receipt: Receipt) -> str:
    """The receipt as plain text in lines of WIDTH columns."""
    rows = [part for part in lay_out(receipt) if isinstance(part, SlipRow)]
    return "\n".join([*(row.text(WIDTH) for row in rows), ""])


def masked(number: str) -> str:
    """A card or member number with all but its last four characters hidden, and never more than half of it shown."""
    shown = min(4, len(number) // 2)
    return "*" * (len(number) - shown) + number[len(number) - shown :]


@dataclass(frozen=True, slots=True)
class _Sheet:
    receipt: Receipt
    width: int

    def money(self, minor: int) -> str:
        return format_minor(minor, self.receipt.currency)

    def row(self, left: str, right: str = "", style: Style = "plain") -> list[SlipRow]:
        """Text on the left, an amount on the right of its last row; what does not fit goes on in the next row."""
        width = self.width // 2 if style == "big" else self.width
        room = width - len(right) - bool(right)
        if len(left) <= room:
            return [SlipRow(left, right, style)]
        indent = " " * (len(left) - len(left.lstrip()))
        rows = wrap(left, width, initial_indent=indent, subsequent_indent=indent + "  ")
        if len(rows[-1]) > room:
            # Narrower, so that words stand beside the amount; where that leaves too few columns, it stands alone.
            is_wide = room > width // 2
            rows = wrap(left, room, initial_indent=indent, subsequent_indent=indent + "  ") if is_wide else [*rows, ""]
        *first, last = rows
        return [*(SlipRow(text, style=style) for text in first), SlipRow(last, right, style)]

    def line(self, line: ReceiptLine) -> list[SlipRow]:
        """A product by its whole name, in as many rows as that takes, with what was weighed, taken off, and put on as deposit."""
        amount, name = self.money(line.gross), " ".join(line.name.split()) or line.sku
        count = f"{line.quantity} x {self.money(line.unit_price)}" if line.quantity > 1 else ""
        if count and len(f"{name} {count} {amount}") > self.width:
            rows = [*self.row(name), *self.row(f"  {count}", amount)]
        else:
            rows = self.row(f"{name} {count}".rstrip(), amount)
        for weighing in line.weighings:
            rows += self.row(f"  {weighing.spelled(self.receipt.currency)}")
        rows += self.row(f"  {line.mark_down} % off for its date") if line.mark_down else []
        rows += self.row("  saved", self.money(-line.discount)) if line.discount else []
        if line.deposit:
            each, whole = self.money(line.deposit), self.money(line.deposit * line.quantity)
            rows += self.row(f"  deposit {line.quantity} x {each}", whole)
        return rows

    def total(self) -> list[SlipRow]:
        units, deposit = self.receipt.units, self.receipt.deposit
        return [
            *self.row("1 item" if units == 1 else f"{units} items"),
            *self.row(f"TOTAL {self.receipt.currency}", self.money(self.receipt.total), "big"),
            *(self.row("of it deposit", self.money(deposit)) if deposit else []),
            *(row for tender in self.receipt.tenders for row in self.row(_paid(tender), self.money(tender.amount))),
        ]

    def reductions(self) -> list[SlipRow]:
        """What was saved, by promotion; the member's own offers say so."""
        savings = [saving for saving in self.receipt.savings if saving.amount]
        rows = [part for saving in savings for part in self.row(self._named(saving), self.money(saving.amount))]
        return rows + (self.row("you saved in all", self.money(self.receipt.discount), "bold") if len(savings) > 1 else [])

    def _named(self, saving: Saving) -> str:
        is_offer = any(use.offer == saving.promotion for use in self.receipt.offers)
        return f"{'your offer' if is_offer else 'you saved'}: {saving.title}"


def _paid(tender: Tender) -> str:
    if tender.outcome == "unknown":
        return "payment in doubt: see staff"
    named = [word for word in (tender.terminal, tender.trace) if word]
    return " ".join(["paid by card", *named])
