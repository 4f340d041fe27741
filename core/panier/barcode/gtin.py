"""GTINs: the number of a product under an EAN or UPC symbol, and its check digit."""

from __future__ import annotations

from panier.barcode.refusal import EmptyCode, WrongCheckDigit, WrongLength, refuse_characters

_LENGTHS = (8, 12, 13, 14)


def check_digit(body: str) -> str:
    """The GS1 check digit that follows `body`, ASCII digits: weights 3 and 1 in turn from the right, made up to ten."""
    digits = body.encode()
    # An ASCII digit is its value plus 48; every full pair of them adds 4 * 48 too much, and a single one 3 * 48.
    excess = 48 * (len(digits) * 2 + len(digits) % 2)
    return str((excess - 3 * sum(digits[-1::-2]) - sum(digits[-2::-2])) % 10)


def ensure_digits(content: str) -> None:
    """Raises EmptyCode, ControlCharacter, ForeignDigit or WrongCharacter where `content` is not ASCII digits only."""
    # str.isdigit alone also takes full-width and Arabic digits.
    if content.isdigit() and content.isascii():
        return
    if not content:
        raise EmptyCode("nothing was read where a product's number was wanted; scan again")
    raise refuse_characters(content)


def read_gtin(digits: str) -> str:
    """GTIN-14 of a GTIN of 8, 12, 13 or 14 digits whose check digit holds. Raises BarcodeRefused."""
    ensure_digits(digits)
    if len(digits) not in _LENGTHS:
        raise wrong_length(digits)
    gtin14 = digits.zfill(14)
    # From the left of 14 digits the weights begin with 3; 1344 is what the offset of ASCII digits adds, 48 * (7 * 3 + 7).
    code = gtin14.encode()
    if (3 * sum(code[::2]) + sum(code[1::2]) - 1344) % 10:
        raise WrongCheckDigit(digits[-1], check_digit(digits[:-1]))
    return gtin14


def read_sscc(digits: str) -> str:
    """The 18 digits of a logistic unit (SSCC), whose check digit holds. Raises BarcodeRefused."""
    ensure_digits(digits)
    if len(digits) != 18:
        raise WrongLength(f"a code of length {len(digits)} was read, and a pallet's number (SSCC) has 18 digits; scan it again")
    wanted = check_digit(digits[:-1])
    if digits[-1] != wanted:
        raise WrongCheckDigit(digits[-1], wanted)
    return digits


def wrong_length(digits: str) -> WrongLength:
    """The refusal of digits that are too few or too many for a product."""
    return WrongLength(
        f"a code of length {len(digits)} was read, and a product's code has 8, 12 or 13 digits; perhaps a part is missing, or "
        "two scans ran together: scan it again, or type all the digits printed under the bars"
    )
