"""Dispatch: from a scan to the reader of what carried it."""

from __future__ import annotations

import re
from collections.abc import Callable

from panier.barcode.ai import LENGTHS
from panier.barcode.bracket import read_brackets
from panier.barcode.carrier import AIM, Carrier, UnknownIdentifier
from panier.barcode.content import CouponCode, DataCode, DepositCode, HouseCode, LogisticUnit, PluCode, ProductCode
from panier.barcode.ean import read_ean8, read_ean13, read_eight, read_with_addon
from panier.barcode.element import GS, read_elements
from panier.barcode.frame import unframe
from panier.barcode.gtin import ensure_digits, read_gtin, read_sscc, wrong_length
from panier.barcode.house import PREFIX, read_house
from panier.barcode.link import is_link, read_link
from panier.barcode.loyalty import CardCode, LoyaltyRules
from panier.barcode.message import content_of
from panier.barcode.numbering import Numbering
from panier.barcode.refusal import EmptyCode

Content = ProductCode | PluCode | CardCode | CouponCode | DepositCode | LogisticUnit | HouseCode | DataCode
"""What a code can turn out to be."""

NO_NUMBERING = Numbering()
"""Numbers of the shop's own carry nothing but themselves."""

# What IFPS gives out: 3000 to 4999, with 9 before it for organic and 8 since the four digits run short.
_PLU = re.compile("[89]?[34][0-9]{3}")
_KEYS = ("00", "01", "02")


def read(text: str, rules: LoyaltyRules, numbering: Numbering = NO_NUMBERING) -> Content:
    """What a scan means: `text` is the code as the scanner sent it or a person typed it, AIM identifier included.

    A card rule that fits comes before a product; `numbering` says what numbers of the shop's own (02, 04, 20 to 29) and coupons
    carry. Raises BarcodeRefused, whose `code` names the reason and whose message says what to do.
    """
    content = unframe(text)
    if content[0] != "]":
        return _read_unidentified(content, rules, numbering)
    carrier = AIM.get(content[:3])
    if carrier is None:
        raise UnknownIdentifier(content[:3])
    if len(content) == 3:
        raise EmptyCode(f"the scanner said {carrier.words} and sent nothing behind it; scan again")
    return _READERS[carrier](content[3:], carrier, rules, numbering)


def _read_elements(content: str, carrier: Carrier, rules: LoyaltyRules, numbering: Numbering) -> Content:
    """GS1 data; a composite part above it says more of the same thing."""
    linear, bar, above = content.partition("|]e")
    elements = read_elements(linear)
    return content_of(elements + read_elements(above[1:]) if bar else elements, carrier)


def _read_itf(content: str, carrier: Carrier, rules: LoyaltyRules, numbering: Numbering) -> Content:
    """ITF-14 of a case, unless a card rule knows the number."""
    card = rules.match(carrier, content)
    if card is None and len(content) == 14:
        return ProductCode(read_gtin(content), carrier)
    return card or _read_free(content, carrier, rules, numbering)


def _read_free(content: str, carrier: Carrier, rules: LoyaltyRules, numbering: Numbering) -> Content:
    """Symbols that may hold anything: a card, a code of our own or a web address. Never a bare GS1 string."""
    card = rules.match(carrier, content)
    if card is not None:
        return card
    if content.startswith(PREFIX):
        return read_house(content)
    if is_link(content):
        return content_of(read_link(content), carrier)
    raise rules.refuse(carrier, content)


def _read_unidentified(content: str, rules: LoyaltyRules, numbering: Numbering) -> Content:
    """Without an identifier the look of the code decides, after the card rules of all carriers."""
    card = rules.match(Carrier.UNIDENTIFIED, content)
    if card is not None:
        return card
    length = len(content)
    if length in (12, 13) and GS not in content:
        return read_ean13(content, Carrier.EAN_13, rules, numbering)
    if length == 8 and GS not in content:
        return read_eight(content, rules, numbering)
    if rules.resembles(Carrier.UNIDENTIFIED, content):
        raise rules.refuse(Carrier.UNIDENTIFIED, content)
    if content[0] == "(":
        return content_of(read_brackets(content), Carrier.UNIDENTIFIED)
    if content.startswith(PREFIX):
        return read_house(content)
    if is_link(content):
        return content_of(read_link(content), Carrier.UNIDENTIFIED)
    return _read_bare(content)


def _read_bare(content: str) -> Content:
    """Digits of other lengths, and element strings of scanners that send no identifier."""
    length = len(content)
    if (GS in content and content[:2] in LENGTHS) or (length >= 16 and content[:2] in _KEYS and length != 18):
        return content_of(read_elements(content), Carrier.UNIDENTIFIED)
    ensure_digits(content)
    if length == 14:
        return ProductCode(read_gtin(content), Carrier.UNIDENTIFIED)
    if length == 18:
        return LogisticUnit(read_sscc(content), Carrier.UNIDENTIFIED)
    if _PLU.fullmatch(content):
        return PluCode(content)
    raise wrong_length(content)


_READERS: dict[Carrier, Callable[[str, Carrier, LoyaltyRules, Numbering], Content]] = {
    **dict.fromkeys(Carrier, _read_free),
    Carrier.EAN_13: read_ean13,
    Carrier.EAN_8: read_ean8,
    Carrier.EAN_ADDON: read_with_addon,
    Carrier.ITF: _read_itf,
    **dict.fromkeys(
        (Carrier.GS1_128, Carrier.DATABAR, Carrier.GS1_DATAMATRIX, Carrier.GS1_QR, Carrier.GS1_DOTCODE), _read_elements
    ),
}
