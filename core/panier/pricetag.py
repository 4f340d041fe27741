"""Whether a line stands at what the shelf said: the receiver's check of prices, weights and deposits that a device stated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from panier.catalogue import Product
from panier.money import format_minor
from panier.shelflife import reduced
from panier.weighed import NotWeighed, Weighing


class Tagged(Protocol):
    """A line of a trip or of a receipt."""

    @property
    def sku(self) -> str: ...
    @property
    def unit_price(self) -> int: ...
    @property
    def quantity(self) -> int: ...
    @property
    def snapshot(self) -> int: ...
    @property
    def weighings(self) -> Sequence[Weighing]: ...
    @property
    def is_labelled(self) -> bool: ...
    @property
    def deposit(self) -> int: ...
    @property
    def mark_down(self) -> int: ...
    @property
    def priced_by(self) -> str: ...


def strange_prices(line: Tagged, product: Product | None, currency: str) -> Iterator[str]:
    """Every way in which `line` is not what `product` was at the line's version (None: not sold then), in words.

    What the label of a piece stated, its date as well as its price, is known to nobody else, and is taken as it is; so is what
    staff gave a price that is in no catalogue.
    """

    def money(minor: int) -> str:
        return format_minor(minor, currency)

    sku, version = line.sku, line.snapshot
    if product is None and line.priced_by:
        return
    if product is None:
        yield f"{sku} was not sold at version {version}"
        return
    if line.deposit != product.deposit:
        yield f"{sku} has a deposit of {money(line.deposit)}, but had {money(product.deposit)} at version {version}"
    if line.mark_down and not any(step.percent == line.mark_down for step in product.mark_down):
        yield f"{sku} was reduced by {line.mark_down} % for its date, and no such mark-down was known at version {version}"
    prices = (product.unit_price, reduced(product.unit_price, line.mark_down))
    for weighing in line.weighings:
        if product.unit != "kg":
            yield f"{sku} was weighed, but was sold by the piece at version {version}"
        elif weighing.price_per_kg not in prices:
            stated, known = money(weighing.price_per_kg), money(prices[1])
            yield f"{sku} was weighed at {stated} a kg, but cost {known} at version {version}"
        elif _price(weighing) != line.unit_price:
            yield f"{sku} stands at {money(line.unit_price)}, but {weighing.spelled(currency)} is not that"
    if line.is_labelled or (line.weighings and len(line.weighings) == line.quantity):
        return
    if product.unit == "kg":
        yield f"{sku} is sold by weight, and not all of its {line.quantity} units were weighed"
    elif line.unit_price not in prices:
        yield f"{sku} stands at {money(line.unit_price)}, but cost {money(prices[1])} at version {version}"


def _price(weighing: Weighing) -> int | None:
    try:
        return weighing.price
    except NotWeighed:
        return None
