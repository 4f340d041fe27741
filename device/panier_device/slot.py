"""The card slot: what was swiped or tapped becomes one answer a swipe, and what is no card of this shop goes no further."""

from __future__ import annotations

from panier.barcode import BarcodeRefused, CardCode, LoyaltyRules, is_swipe, read_swipe, read_uid
from panier_device.driver.port import Reading

_ONE_SWIPE_NS = 1_000_000_000
"""Readers end each track with Enter; what follows within this time is of the same swipe."""


class CardSlot:
    """Reads swipes and taps; holds nothing of one but how well it went and when."""

    def __init__(self, rules: LoyaltyRules) -> None:
        self._rules = rules
        self._rank = 0
        self._began = 0

    def takes(self, reading: Reading) -> bool:
        """True for what a card reader delivers, and for a track that came from any other reader."""
        return reading.reads != "codes" or is_swipe(reading.frame.text)

    def read(self, reading: Reading) -> CardCode | str | None:
        """The card; or why there is none, by the code of the refusal; or None where another track said as much already."""
        found = self._read(reading)
        rank = 3 if isinstance(found, CardCode) else 1 if found == "torn_card" else 2
        if reading.read_at - self._began < _ONE_SWIPE_NS and rank <= self._rank:
            return None
        self._rank, self._began = rank, reading.read_at
        return found

    def _read(self, reading: Reading) -> CardCode | str:
        if reading.frame.flaw is not None:
            return "torn_card"
        try:
            return (read_uid if reading.reads == "nfc" else read_swipe)(reading.frame.text, self._rules)
        except BarcodeRefused as refusal:
            return refusal.code
