"""Weighed goods: grams at a price a kilogram; and prices that staff change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Ge, Gt, Le

from panier.error import PanierError
from panier.money import format_minor
from panier.pricing import BasketLine


class NotWeighed(PanierError):
    """A weight or a price that cannot be."""

    code = "not_weighed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """One bag on the scale: `grams` with the packing, whose weight is `tare`, at a price a kilogram in minor units."""

    grams: Annotated[int, Gt(0), Le(1_000_000)]
    price_per_kg: Annotated[int, Ge(0), Le(10**12)]
    tare: Annotated[int, Ge(0), Le(1_000_000)] = 0

    @property
    def price(self) -> int:
        """What the bag costs. Raises NotWeighed."""
        return weigh("", self.price_per_kg, self.grams, tare=self.tare).unit_price

    def spelled(self, currency: str) -> str:
        """As a receipt states it: "0.532 kg x 3.99/kg"."""
        return f"{(self.grams - self.tare) / 1000:.3f} kg x {format_minor(self.price_per_kg, currency)}/kg"


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
