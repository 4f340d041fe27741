"""Weighed goods: grams at a price a kilogram; and prices that staff change."""

from __future__ import annotations

from dataclasses import replace

from panier.error import PanierError
from panier.pricing import BasketLine


class NotWeighed(PanierError):
    """A weight or a price that cannot be."""

    code = "not_weighed"


def weigh(sku: str, price_per_kg: int, grams: int, category: str = "", *, tare: int = 0) -> BasketLine:
    """One weighing as a line: one unit that costs `grams` less `tare` at `price_per_kg`, rounded half up to the minor unit.

    Two weighings are two lines unless they cost the same: a bag is the unit that promotions count. Raises NotWeighed.
    """
    net = grams - tare
    if net <= 0 or price_per_kg < 0:
        raise NotWeighed(f"{sku}: {grams} g with a tare of {tare} g at {price_per_kg} a kilogram is no goods; weigh again")
    return BasketLine(sku, (2 * net * price_per_kg + 1000) // 2000, 1, category)


def overridden(line: BasketLine, unit_price: int, *, keeps_promotions: bool = False) -> BasketLine:
    """The line at a price that staff set; promotions leave it alone unless told otherwise. Raises NotWeighed below 0."""
    if unit_price < 0:
        raise NotWeighed(f"{line.sku}: {unit_price} is no price; 0 is the least")
    return replace(line, unit_price=unit_price, outside=not keeps_promotions)


def deposit(sku: str, amount: int, quantity: int = 1, tax_rate: int | None = None) -> BasketLine:
    """Deposit on bottles or crates: paid as it stands, counted by no promotion."""
    return BasketLine(sku, amount, quantity, "", 0, tax_rate, 0, outside=True)
