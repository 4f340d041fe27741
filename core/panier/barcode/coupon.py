"""What North American coupons say: AI 8110 and AI 8112 (GS1 General Specifications, 3.9; GS1 US coupon guidelines).

Both are a row of digits in which some fields announce how long the next one is (a VLI, variable length indicator).
"""

from __future__ import annotations

from dataclasses import dataclass

from panier.barcode.day import iso_day

_CODES = "012349"
"""What a purchase requirement counts: units, cash, ..., or 9 for nothing at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a coupon gives: the funder's company prefix, his offer, what it saves in minor units, and from when to when.

    `saving` is None where it is something else than money off: a free item, or a percentage. Dates are ISO, or "".
    """

    funder: str
    offer: str
    saving: int | None = None
    serial: str = ""
    start: str = ""
    expiry: str = ""


class _Torn(Exception):
    """The digits do not add up to a coupon; says why."""


class _Digits:
    """The digits of a coupon, taken from the left."""

    def __init__(self, text: str) -> None:
        if not (text.isdigit() and text.isascii()):
            raise _Torn("a coupon has digits only")
        self.rest = text

    def take(self, count: int, what: str) -> str:
        if len(self.rest) < count:
            raise _Torn(f"its {what} is cut off")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def one_of(self, allowed: str, what: str) -> str:
        taken = self.take(1, what)
        if taken not in allowed:
            raise _Torn(f"its {what} is {taken}, which no coupon has")
        return taken

    def sized(self, allowed: str, more: int, what: str) -> str:
        return self.take(int(self.one_of(allowed, f"length of {what}")) + more, what)

    def company(self, allowed: str, what: str) -> str:
        """A company prefix of 6 digits and more, none where its length is 9."""
        length = self.one_of(allowed, f"length of {what}")
        return "" if length == "9" else self.take(int(length) + 6, what)

    def day(self, what: str) -> str:
        digits = self.take(6, what)
        day = iso_day(digits)
        if digits.endswith("00") or not day:
            raise _Torn(f"its {what} is no date")
        return day

    def option(self, indicator: str) -> bool:
        """True, and one digit further, where this optional field comes next."""
        if not self.rest.startswith(indicator):
            return False
        self.rest = self.rest[1:]
        return True


def read_north_american(text: str) -> Offer | str:
    """The offer in the value of AI 8110, or what is wrong with it."""
    try:
        return _north_american(_Digits(text))
    except _Torn as torn:
        return str(torn)


def read_positive_offer(text: str) -> Offer | str:
    """The offer in the value of AI 8112, or what is wrong with it."""
    try:
        digits = _Digits(text)
        digits.one_of("01", "format")
        funder = digits.company("0123456", "funder")
        offer = digits.take(6, "offer code")
        serial = digits.sized("0123456789", 6, "serial number")
        _end(digits)
    except _Torn as torn:
        return str(torn)
    return Offer(funder=funder, offer=offer, serial=serial)


def north_american_fault(text: str) -> str:
    """What is wrong with the value of AI 8110, "" for nothing."""
    return found if isinstance(found := read_north_american(text), str) else ""


def positive_offer_fault(text: str) -> str:
    """What is wrong with the value of AI 8112, "" for nothing."""
    return found if isinstance(found := read_positive_offer(text), str) else ""


def _north_american(digits: _Digits) -> Offer:
    funder = digits.company("0123456", "company prefix")
    offer = digits.take(6, "offer code")
    saving = digits.sized("12345", 0, "save value")
    _purchase(digits, "first purchase")
    if digits.option("1"):
        digits.one_of("0123", "rule for further purchases")
        _purchase(digits, "second purchase")
        digits.company("01234569", "second company prefix")
    if digits.option("2"):
        _purchase(digits, "third purchase")
        digits.company("01234569", "third company prefix")
    expiry = digits.day("expiry date") if digits.option("3") else ""
    start = digits.day("start date") if digits.option("4") else ""
    if expiry and start > expiry:
        raise _Torn("it starts only after it has expired")
    serial = digits.sized("0123456789", 6, "serial number") if digits.option("5") else ""
    if digits.option("6"):
        digits.sized("1234567", 6, "retailer")
    in_money = _says_money(digits) if digits.option("9") else True
    _end(digits)
    return Offer(funder=funder, offer=offer, saving=int(saving) if in_money else None, serial=serial, start=start, expiry=expiry)


def _purchase(digits: _Digits, what: str) -> None:
    digits.sized("12345", 0, f"{what} requirement")
    digits.one_of(_CODES, f"{what} requirement code")
    digits.take(3, f"{what} family code")


def _says_money(digits: _Digits) -> bool:
    """The field of flags; True where the save value is money off."""
    code = digits.one_of("01256", "save value code")
    digits.one_of("012", "item that the saving applies to")
    digits.take(1, "store coupon flag")
    digits.one_of("01", "flag against doubling")
    return code == "0"


def _end(digits: _Digits) -> None:
    if digits.rest:
        raise _Torn("it goes on behind its end")
