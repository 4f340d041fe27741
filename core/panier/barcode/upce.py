"""UPC-E: a UPC-A whose zeros are left out so that it fits a small pack (GS1 General Specifications, 5.2.2.4.2)."""

from __future__ import annotations

from panier.barcode.gtin import check_digit, ensure_digits
from panier.barcode.refusal import BarcodeRefused, WrongCheckDigit, WrongLength


class NoNumberSystem(BarcodeRefused):
    """Eight digits that do not begin with 0 or 1, as every UPC-E does."""

    code = "upce_number_system"


def expand(digits: str) -> str:
    """The 12 digits of UPC-A that 6, 7 or 8 digits of UPC-E stand for.

    Six digits are the bare code (number system 0), seven begin with the number system, eight end in the check digit, which
    is verified. Raises BarcodeRefused.
    """
    ensure_digits(digits)
    if len(digits) not in (6, 7, 8):
        raise WrongLength(f"a code of length {len(digits)} was read, and a UPC-E has 6, 7 or 8 digits; scan it again")
    system = digits[0] if len(digits) > 6 else "0"
    if system not in "01":
        raise NoNumberSystem(f"a UPC-E begins with 0 or 1, and this code with {system}; scan it again")
    body = system + _without_gaps(digits if len(digits) == 6 else digits[1:7])
    wanted = check_digit(body)
    if len(digits) == 8 and digits[7] != wanted:
        raise WrongCheckDigit(digits[7], wanted)
    return body + wanted


def _without_gaps(six: str) -> str:
    last = six[5]
    if last in "012":
        return f"{six[:2]}{last}0000{six[2:5]}"
    if last == "3":
        return f"{six[:3]}00000{six[3:5]}"
    if last == "4":
        return f"{six[:4]}00000{six[4]}"
    return f"{six[:5]}0000{last}"
