"""A receipt as text, for a printer, a letter, or the eye."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from panier.money import format_minor
from panier.receipt import Receipt, ReceiptLine, Tender

WIDTH = 42
"""Columns of the usual 80 mm paper."""


def slip(receipt: Receipt) -> str:
    """The receipt in lines of WIDTH columns: goods, reductions, deposits, the total with what paid it, savings, VAT by rate."""

    def money(minor: int) -> str:
        return format_minor(minor, receipt.currency)

    at = datetime.fromtimestamp(receipt.finished_at / 1000, UTC).astimezone(ZoneInfo(receipt.timezone))
    rows = [_row(f"{receipt.store} {receipt.device}", f"{at:%Y-%m-%d %H:%M}"), ""]
    for line in receipt.lines:
        rows += _line(line, receipt.currency)
    rows += ["-" * WIDTH, _row(f"TOTAL {receipt.currency}", money(receipt.total))]
    rows += [_row(_paid(tender), money(tender.amount)) for tender in receipt.tenders]
    rows += [_row("of it deposit", money(receipt.deposit))] if receipt.deposit else []
    rows += [_row(f"you saved: {saving.title}", money(saving.amount)) for saving in receipt.savings if saving.amount]
    rows += [_row(f"VAT {row.rate} % in {money(row.gross)}, net {money(row.net)}", money(row.tax)) for row in receipt.vat]
    rows += [_row(f"coupon {coupon}", "") for coupon in receipt.coupons]
    return "\n".join([*rows, "", receipt.receipt, ""])


def _paid(tender: Tender) -> str:
    if tender.outcome == "unknown":
        return "payment in doubt: see staff"
    named = [word for word in (tender.terminal, tender.trace) if word]
    return " ".join(["paid by card", *named])


def _line(line: ReceiptLine, currency: str) -> list[str]:
    def money(minor: int) -> str:
        return format_minor(minor, currency)

    count = f" {line.quantity} x {money(line.unit_price)}" if line.quantity > 1 else ""
    rows = [_row(f"{line.name}{count}", money(line.gross))]
    rows += [_row(f"  {weighing.spelled(currency)}", "") for weighing in line.weighings]
    rows += [_row("  saved", money(-line.discount))] if line.discount else []
    if line.deposit:
        rows.append(_row(f"  deposit {line.quantity} x {money(line.deposit)}", money(line.deposit * line.quantity)))
    return rows


def _row(left: str, right: str) -> str:
    room = WIDTH - len(right) - 1
    cut = left if len(left) <= room else left[: room - 1] + "…"
    return f"{cut:<{room}} {right}".rstrip()
