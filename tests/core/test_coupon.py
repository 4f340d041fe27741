"""What a scan must be to count as a coupon."""

from __future__ import annotations

import pytest

from panier.coupon import coupon_in

KNOWN = {"SAVE5", "2000000000015", "]odd"}

SCANS = [
    ("SAVE5", "SAVE5"),
    ("]C0SAVE5\r", "SAVE5"),  # Code 128
    ("]Q1SAVE5", "SAVE5"),  # QR
    ("]E02000000000015", "2000000000015"),  # a promotion may ask for any number
    ("]odd", "]odd"),
    ("]E09912345678909", "9912345678909"),  # by its prefix, though no promotion asks for it yet
    ("9810000000006", "9810000000006"),
    ("9912345678908", None),  # misread
    ("99123456789", None),
    ("save5", None),
    ("4006381333931", None),
    ("]C0", None),
    ("", None),
    ("x" * 8000, None),
]


@pytest.mark.parametrize(("text", "coupon"), SCANS, ids=[repr(text)[:24] for text, _ in SCANS])
def test_a_coupon_is_a_code_that_is_asked_for_or_a_number_set_aside_for_coupons(text: str, coupon: str | None) -> None:
    assert coupon_in(text, KNOWN) == coupon
