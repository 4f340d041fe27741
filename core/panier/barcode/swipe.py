"""Cards that are swiped or tapped: tracks and UIDs become a card of this shop, and of any other card nothing is kept.

No refusal holds or quotes a character of what was read, because whatever is swiped by mistake is most often a bank card.
"""

from __future__ import annotations

import re

from panier.barcode.carrier import Carrier
from panier.barcode.loyalty import CardCode, LoyaltyRules
from panier.barcode.refusal import BarcodeRefused

LONGEST_TRACK_1, LONGEST_TRACK_2 = 79, 40
"""Characters with sentinels and check character (ISO/IEC 7813)."""

# A reader whose keyboard is set to another country types other signs for ; = ^ and ?: < ) ` _ from German keys read as US ones,
# the other way round ö ´ & _. Where Shift is lost, / ends track 2. Behind each track its check character may follow.
_TRACK_1 = re.compile(r"%[A-Za-z]?([0-9 ]{4,25})(?:[\^&`][^?]*)?[?_]")
_TRACK_2 = re.compile(r"[;<ö]([0-9]{4,19})(?:[=)´][^?_/%;]*)?[?_/]")
# What only a card begins with; a track that could not be read is an E.
_BEGINNING = re.compile(r"(?:%[A-Za-z]?|[;+])(?:[0-9]{4}|E[?_])")
_UID = re.compile(r"[0-9A-F]{8,20}")
_BETWEEN_BYTES = str.maketrans("", "", ":- ")


class NotOurCard(BarcodeRefused):
    """A whole card that no rule of this shop knows, for example a bank card."""

    code = "not_our_card"

    def __init__(self) -> None:
        super().__init__("that is not a card of this shop; nothing was kept: use the card of this shop")


class TornCard(BarcodeRefused):
    """A swipe or tap of which no track, or no UID, came whole."""

    code = "torn_card"

    def __init__(self) -> None:
        super().__init__("the card did not come through whole; nothing was kept: swipe or tap it again, at an even pace")


class RandomUid(BarcodeRefused):
    """A UID that is another one at each tap, as phones send it."""

    code = "random_uid"

    def __init__(self) -> None:
        super().__init__("that phone or card shows another number at each tap; show its code to the scanner, or use a card")


def is_swipe(text: str) -> bool:
    """True where `text` begins as only a card's track does, whatever reader it came from."""
    return _BEGINNING.match(text) is not None


def read_swipe(text: str, rules: LoyaltyRules) -> CardCode:
    """The card that the tracks of one swipe name, in any order, one of them enough. Raises NotOurCard, TornCard."""
    found = [(track, LONGEST_TRACK_1) for track in _TRACK_1.finditer(text)]
    found += [(track, LONGEST_TRACK_2) for track in _TRACK_2.finditer(text)]
    numbers = {track[1].replace(" ", "") for track, longest in found if len(track[0]) <= longest}
    cards = {card for number in numbers if (card := rules.match(Carrier.MAGSTRIPE, number)) is not None}
    if len(cards) == 1:
        return cards.pop()
    if not cards and numbers and not any(rules.resembles(Carrier.MAGSTRIPE, number) for number in numbers):
        raise NotOurCard
    raise TornCard


def read_uid(text: str, rules: LoyaltyRules) -> CardCode:
    """The card with this UID, in hexadecimal (4, 7 or 10 bytes, capitals or not, `:` between them or not) or decimal.

    A UID says which chip it is and proves nothing: it can be copied. Raises NotOurCard, TornCard, RandomUid.
    """
    uid = text.upper().translate(_BETWEEN_BYTES)
    if _UID.fullmatch(uid) is None:
        raise TornCard
    # ISO/IEC 14443-3: four bytes of which the first is 08 are made anew at each tap.
    if len(uid) == 8 and uid.startswith("08"):
        raise RandomUid
    card = rules.match(Carrier.NFC, uid)
    if card is None:
        raise NotOurCard
    return card
