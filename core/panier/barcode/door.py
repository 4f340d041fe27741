"""Dispatch: from a scan to the reader of what carried it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from panier.barcode.carrier import AIM, Carrier, IdentifierMismatch, UnknownIdentifier
from panier.barcode.content import CouponCode, DataCode, DepositCode, HouseCode, LogisticUnit, PluCode, ProductCode
from panier.barcode.frame import unframe
from panier.barcode.gtin import ensure_digits, read_gtin, wrong_length
from panier.barcode.loyalty import CARD_CARRIERS, CardCode, LoyaltyRules
from panier.barcode.refusal import BarcodeRefused, EmptyCode, WrongCheckDigit
from panier.barcode.upce import expand

Content = ProductCode | PluCode | CardCode | CouponCode | DepositCode | LogisticUnit | HouseCode | DataCode
"""What a code can turn out to be."""


class NotSoldYet(BarcodeRefused):
    """A symbol that Panier recognises and cannot sell by yet."""

    code = "not_sold_yet"

    def __init__(self, seen: str) -> None:
        super().__init__(
            f"{seen} was read, and products are not yet sold by this kind of code; scan the bar code with 8, 12 or 13 digits, "
            "or type the digits printed under it"
        )


def read(text: str, rules: LoyaltyRules) -> Content:
    """What a scan means: `text` is the code as the scanner sent it or a person typed it, AIM identifier included.

    A card rule that fits comes before a product; numbers of the shop's own (02, 04, 20 to 29) are product codes unless a rule
    says otherwise. Raises BarcodeRefused, whose `code` names the reason and whose message says what to do.
    """
    content = unframe(text)
    if content[0] != "]":
        return _read_unidentified(content, rules)
    carrier = AIM.get(content[:3])
    if carrier is None:
        raise UnknownIdentifier(content[:3])
    if len(content) == 3:
        raise EmptyCode(f"the scanner said {carrier.words} and sent nothing behind it; scan again")
    return _READERS[carrier](content[3:], carrier, rules)


def _read_ean13(digits: str, carrier: Carrier, rules: LoyaltyRules) -> Content:
    """]E0: 13 digits, 12 of UPC-A, or 8 of UPC-E; fewer could be the rest of a scan that was cut."""
    if len(digits) == 13:
        gtin14 = read_gtin(digits)
    elif len(digits) == 12:
        carrier, gtin14 = Carrier.UPC_A, read_gtin(digits)
    elif len(digits) == 8:
        carrier, gtin14 = Carrier.UPC_E, "00" + expand(digits)
    else:
        ensure_digits(digits)
        raise _mismatch("]E0", "EAN-13, UPC-A or UPC-E, which have 13, 12 or 8 digits", digits)
    # To a card rule, UPC-A and UPC-E are what they are to a scanner: EAN-13 with a leading 0.
    return rules.match(Carrier.EAN_13, gtin14[1:]) or ProductCode(gtin14, carrier)


def _read_ean8(digits: str, carrier: Carrier, rules: LoyaltyRules) -> Content:
    if len(digits) != 8:
        ensure_digits(digits)
        raise _mismatch("]E4", "EAN-8, which has 8 digits", digits)
    gtin14 = read_gtin(digits)
    return rules.match(carrier, digits) or ProductCode(gtin14, carrier)


def _read_card(content: str, carrier: Carrier, rules: LoyaltyRules) -> Content:
    card = rules.match(carrier, content)
    if card is not None:
        return card
    if _is_web_address(content):
        raise NotSoldYet(f"a web address in {carrier.words}")
    raise rules.refuse(carrier, content)


def _not_sold_yet(content: str, carrier: Carrier, rules: LoyaltyRules) -> Content:
    raise NotSoldYet(carrier.words)


def _read_unidentified(content: str, rules: LoyaltyRules) -> Content:
    """Without an identifier the count of digits decides, after the card rules of all carriers."""
    card = rules.match(Carrier.UNIDENTIFIED, content)
    if card is not None:
        return card
    if len(content) in (12, 13):
        return _read_ean13(content, Carrier.EAN_13, rules)
    if len(content) == 8:
        return _read_eight(content, rules)
    if any(content.startswith(rule.prefix) for rule in rules.rules):
        raise rules.refuse(Carrier.UNIDENTIFIED, content)
    if _is_web_address(content):
        raise NotSoldYet("a web address")
    ensure_digits(content)
    raise wrong_length(content)


def _read_eight(digits: str, rules: LoyaltyRules) -> Content:
    """EAN-8 before UPC-E: both have 8 digits, and only one code in ten that begins with 0 or 1 could be either."""
    try:
        return _read_ean8(digits, Carrier.EAN_8, rules)
    except WrongCheckDigit:
        if digits[0] in "01":
            with suppress(WrongCheckDigit):
                return _read_ean13(digits, Carrier.EAN_13, rules)
        raise


def _is_web_address(content: str) -> bool:
    return content[:8].lower().startswith(("http://", "https://"))


def _mismatch(identifier: str, announced: str, digits: str) -> IdentifierMismatch:
    return IdentifierMismatch(
        f"the scanner announced {identifier}, {announced}, and sent {len(digits)} digits; scan again, and if it stays, set the "
        "scanner to send whole codes with their check digit"
    )


_READERS: dict[Carrier, Callable[[str, Carrier, LoyaltyRules], Content]] = {
    **dict.fromkeys(Carrier, _not_sold_yet),
    **dict.fromkeys(CARD_CARRIERS, _read_card),
    Carrier.EAN_13: _read_ean13,
    Carrier.EAN_8: _read_ean8,
}
