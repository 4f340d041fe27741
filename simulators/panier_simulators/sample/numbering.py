"""The sample store's own numbers: restricted-circulation EAN-13 for products and loyalty cards.

GS1 leaves the prefixes 20 to 29 to each company; the sample uses 20 for products and 29 for cards.
"""

from __future__ import annotations

import hashlib

PRODUCT_PREFIX = "20"
CARD_PREFIX = "29"
COUPON_PREFIX = "99"
"""GS1 leaves 99 to coupons of a market."""


def product_code(product_id: int) -> str:
    """EAN-13 of a product: "20", its id in 10 digits, the check digit."""
    return _numbered(PRODUCT_PREFIX, product_id)


def card_number(household: int) -> str:
    """EAN-13 on a household's loyalty card: "29", its id in 10 digits, the check digit."""
    return _numbered(CARD_PREFIX, household)


def coupon_code(number: int) -> str:
    """EAN-13 of a coupon: "99", the last 10 digits of its number, the check digit."""
    return _numbered(COUPON_PREFIX, number % 10**10)


def member_id(household: int) -> str:
    """The pseudonym under which a member is known; neither the card nor the household can be read from it at a glance."""
    return f"m{hashlib.sha256(f'panier sample household {household}'.encode()).hexdigest()[:11]}"


def check_digit(digits: str) -> str:
    """GS1 modulo 10 check digit of the digits before it (GS1 General Specifications, 7.9)."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _numbered(prefix: str, number: int) -> str:
    digits = f"{prefix}{number:010d}"
    if len(digits) != 12:
        raise ValueError(f"{number} does not fit the 10 digits of an in-house number")
    return digits + check_digit(digits)
