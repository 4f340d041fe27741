"""Which coupon a scan shows: a code that a promotion asks for, or a number that says by itself that it is a coupon's."""

from __future__ import annotations

from collections.abc import Container

from panier.barcode.frame import unframe
from panier.barcode.gtin import read_gtin
from panier.barcode.refusal import BarcodeRefused

# GS1 General Specifications, 1.4.2: 981 to 984 are coupons of a common currency, 990 to 999 coupons of one market or shop.
_NUMBERS = ("981", "982", "983", "984", "99")
_IDENTIFIER = 3


def coupon_in(text: str, known: Container[str]) -> str | None:
    """The coupon code in a scan, or None: one of `known` as it was read, or an EAN-13 that GS1 sets aside for coupons.

    The latter is one even where no promotion asks for it yet: the card that brings its offer may come later.
    """
    try:
        content = unframe(text)
    except BarcodeRefused:
        return None
    carried = content[_IDENTIFIER:] if content[0] == "]" else content
    for code in (carried, content):
        if code in known:
            return code
    return carried if carried.startswith(_NUMBERS) and _is_ean13(carried) else None


def _is_ean13(digits: str) -> bool:
    try:
        return len(digits) == 13 and bool(read_gtin(digits))
    except BarcodeRefused:
        return False
