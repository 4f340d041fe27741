"""What the scales of the sample store print on bags, by weight or with the price, and the numbers that a catalogue lists.

Fruit, vegetables and meat carry GS1 element strings, (01) and (3103), as DataBar Expanded does; the deli counter prints the price
into a number of its own, as in the United States: 02, five digits of item, a digit that guards the price, four of price.
"""

from __future__ import annotations

import random

from panier_simulators.sample.numbering import check_digit, product_code

LIGHTEST, HEAVIEST = 150, 1500
"""Grams in a bag."""

_DEAREST = 9999


def weight_number(product_id: int) -> str:
    """GTIN-14 of loose goods whose label states the weight: indicator 9, then the product's own number."""
    body = "9" + product_code(product_id)[:12]
    return body + check_digit(body)


def price_number(item: int) -> str:
    """GTIN-14 of loose goods whose label states the price, as a catalogue lists it: with a price of 0."""
    return "0" + _priced(item, 0)


def print_label(listed: str, price_per_kg: int, bag: str) -> str:
    """The code on one bag; equal words for the bag give an equal weight. `listed` is the number in the catalogue."""
    grams = random.Random(bag).randint(LIGHTEST, HEAVIEST)  # noqa: S311 (goods, not secrets)
    if listed.startswith("9"):
        return f"01{listed}3103{grams:06d}"
    return _priced(int(listed[3:8]), min(_DEAREST, (grams * price_per_kg + 500) // 1000))


def weighed_grams(label: str) -> int | None:
    """What a label says that its bag weighs, or None where it says a price."""
    return int(label[-6:]) if len(label) == 26 else None


def _priced(item: int, price: int) -> str:
    body = f"02{item:05d}{_guard(f'{price:04d}')}{price:04d}"
    return body + check_digit(body)


def _guard(price: str) -> str:
    """The check digit of a price of four digits: weights 2-, 2-, 3 and 5- (GS1 General Specifications, 7.9.2 and 7.9.3)."""
    first, second, third, fourth = map(int, price)
    return str((_less(2 * first) + _less(2 * second) + 3 * third + _less(5 * fourth)) * 3 % 10)


def _less(product: int) -> int:
    """The units digit less the tens digit: a weight with a minus."""
    return product % 10 - product // 10
