"""What staff type at the monitor when a shopper holds something whose code the shop does not know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from panier.catalogue import TAX_RATE
from panier.message import LiveRow, StaffPrice, UnknownRow
from panier.money import NotMoney, format_minor, parse_minor
from panier_gateway.monitor.view import printable

_MOST = 1_000_000
"""Minor units; a slip of the finger must not make a tin cost a car."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What cannot be taken of what was typed, and the field to mend it in."""

    field: Literal["name", "price", "vat", "sku"]
    says: str


def price_of(row: LiveRow, code: UnknownRow, name: str, price: str, sku: str, vat: str = "") -> StaffPrice | Wrong:
    """What was typed, or what is wrong with it."""
    name, price, sku = name.strip(), price.strip().replace(",", "."), sku.strip()
    vat = vat.strip().removesuffix("%").rstrip().replace(",", ".")
    if sku and (name or price):
        return Wrong("sku", "Either a SKU, or a name and a price.")
    if sku:
        return Wrong("vat", "A SKU brings its own VAT rate: leave this empty.") if vat else _answer(row, code, sku=sku)
    if not name:
        return Wrong("name", "What is it? Type a name, or the SKU of a product.")
    try:
        minor = parse_minor(price, row.currency)
    except NotMoney:
        return Wrong("price", "What does it cost? Type a price such as 2.49.")
    if not 0 < minor <= _MOST:
        return Wrong("price", f"A price is from {format_minor(1, row.currency)} to {format_minor(_MOST, row.currency)}.")
    if vat and not re.fullmatch(TAX_RATE, vat):
        return Wrong("vat", "Which VAT rate? Type percent such as 5.5, or nothing.")
    return _answer(row, code, name=name, unit_price=minor, tax_rate=vat)


def _answer(
    row: LiveRow, code: UnknownRow, *, sku: str = "", name: str = "", unit_price: int = 0, tax_rate: str = ""
) -> StaffPrice:
    return StaffPrice(
        trip=row.trip or "", sequence=code.sequence, sku=sku, name=name, unit_price=unit_price, tax_rate=tax_rate
    )  # fmt: skip


class PriceIt(ModalScreen[StaffPrice | None]):
    """One unknown code: its digits, and what it is sold as."""

    CSS = """
    PriceIt { align: center middle; }
    PriceIt Vertical { width: 64; height: auto; padding: 1 2; border: round $primary; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Back")]

    def __init__(self, row: LiveRow, code: UnknownRow) -> None:
        super().__init__()
        self._row = row
        self._code = code

    def compose(self) -> ComposeResult:
        """The code, four fields, and what is wrong with them."""
        with Vertical():
            code = printable(self._code.code)
            yield Static(f"{self._row.device}: unknown code {code}\n", markup=False)
            yield Input(placeholder="Name, as on the receipt", id="name", max_length=60)
            yield Input(placeholder=f"Price in {printable(self._row.currency)}", id="price", max_length=12)
            yield Input(placeholder="VAT in %; leave empty for the store's own", id="vat", max_length=8)
            yield Input(placeholder="or the SKU of a product that you sell", id="sku", max_length=64)
            yield Static("Enter puts it into the shopper's basket.", id="wrong", markup=False)
            yield Footer()

    def on_input_submitted(self) -> None:
        """Enter in any field."""
        name, price, sku, vat = (self.query_one(f"#{field}", Input).value for field in ("name", "price", "sku", "vat"))
        found = price_of(self._row, self._code, name, price, sku, vat)
        if isinstance(found, Wrong):
            self.query_one("#wrong", Static).update(f"! {found.says}")
            self.query_one(f"#{found.field}", Input).focus()
        else:
            self.dismiss(found)
