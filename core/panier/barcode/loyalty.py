"""Loyalty cards by rule: which numbers are cards of this shop is data, never code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, get_args

from panier.barcode.carrier import Carrier
from panier.barcode.gtin import check_digit
from panier.barcode.refusal import DIGITS, PRINTABLE, BarcodeRefused, WrongCheckDigit, WrongLength, refuse_characters
from panier.error import PanierError

Check = Literal["gs1", "luhn", "none"]

LONGEST_CARD = 64
"""Characters of a card number at the most: what a trip's CardScanned event holds."""

# A UPC-A card comes as an EAN-13 with a leading 0; GS1 carriers and add-ons hold element strings, never a bare card number.
CARD_CARRIERS = frozenset({
    Carrier.EAN_8, Carrier.EAN_13, Carrier.CODE_128, Carrier.CODE_39, Carrier.CODE_93, Carrier.CODABAR, Carrier.ITF,
    Carrier.QR, Carrier.DATAMATRIX, Carrier.DOTCODE, Carrier.PDF417, Carrier.AZTEC, Carrier.MAGSTRIPE, Carrier.NFC,
})  # fmt: skip
_EAN_LENGTH = {Carrier.EAN_8: 8, Carrier.EAN_13: 13}


class BadLoyaltyRule(PanierError):
    """Card rules that cannot hold; the message names every fault, one a line."""

    code = "bad_loyalty_rule"

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class NoCardRule(BarcodeRefused):
    """A symbol that carries cards, with a number that no rule of this shop fits."""

    code = "no_card_rule"


@dataclass(frozen=True, slots=True)
class CardCode:
    """The number of a loyalty card, as printed, and the name of the rule that knows it."""

    number: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyRule:
    """Cards of `length` characters that begin with `prefix`, on any of `carriers`.

    `check` is the scheme of the last digit; with `none` the number may hold letters. Raises BadLoyaltyRule.
    """

    name: str
    carriers: frozenset[Carrier]
    prefix: str
    length: int
    check: Check

    def __post_init__(self) -> None:
        faults = tuple(f"card rule {self.name!r}: {fault}" for fault in self._faults())
        if faults:
            raise BadLoyaltyRule(faults)

    def _faults(self) -> Iterable[str]:
        if not 1 <= len(self.name) <= 64:
            yield "its name has 1 to 64 characters"
        if not self.carriers or not self.carriers <= CARD_CARRIERS:
            yield f"its carriers are one or more of {', '.join(sorted(CARD_CARRIERS))}"
        if not 4 <= self.length <= LONGEST_CARD:
            yield f"length {self.length} is not between 4 and {LONGEST_CARD}"
        # Without a prefix, every code of that length would be a card; a reader of tags reads nothing but cards.
        if (not self.prefix and not self.is_chip) or not _is_printable(self.prefix) or len(self.prefix) >= self.length:
            yield f"prefix {self.prefix!r} has 1 to {self.length - 1} characters, printable ASCII without spaces"
        if self.check not in get_args(Check):
            yield f"check {self.check!r} is none of {', '.join(get_args(Check))}"
        elif self.check != "none" and self.prefix and not self.prefix.isdigit():
            yield f"prefix {self.prefix!r} has digits only where check is {self.check}"
        for carrier in sorted(self.carriers & _EAN_LENGTH.keys()):
            if self.length != _EAN_LENGTH[carrier] or self.check != "gs1":
                yield f"{carrier} has length {_EAN_LENGTH[carrier]} and check gs1; give other carriers a rule of their own"

    @property
    def is_chip(self) -> bool:
        """True where only chips are such cards."""
        return set(self.carriers) == {Carrier.NFC}

    def fits(self, number: str) -> bool:
        """True where `number` is a card by this rule, its check digit included."""
        return (
            len(number) == self.length
            and number.startswith(self.prefix)
            and self._is_spelt(number)
            and (self.check == "none" or number[-1] == self.last_digit(number[:-1]))
        )

    def last_digit(self, body: str) -> str:
        """The check digit that follows `body`, ASCII digits."""
        return check_digit(body) if self.check == "gs1" else luhn_digit(body)

    def refuse(self, number: str) -> BarcodeRefused:
        """Why `number`, which begins with the prefix, is no card by this rule all the same."""
        if len(number) != self.length:
            return WrongLength(
                f"a card of kind {self.name!r} has {self.length} characters and {len(number)} were read; scan it again, or "
                "type the number printed on it"
            )
        if not self._is_spelt(number):
            return refuse_characters(number, PRINTABLE if self.check == "none" else DIGITS)
        return WrongCheckDigit(number[-1], self.last_digit(number[:-1]))

    def _is_spelt(self, number: str) -> bool:
        return _is_printable(number) if self.check == "none" else number.isascii() and number.isdigit()


@dataclass(frozen=True, slots=True)
class LoyaltyRules:
    """All card rules of a shop. Raises BadLoyaltyRule where a card could be of two of them."""

    rules: tuple[LoyaltyRule, ...] = ()
    _by_carrier: dict[Carrier, tuple[LoyaltyRule, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        faults = tuple(_overlap(one, other) for one, other in combinations(self.rules, 2) if _can_overlap(one, other))
        if faults:
            raise BadLoyaltyRule(faults)
        by_carrier = {c: tuple(rule for rule in self.rules if c in rule.carriers) for c in CARD_CARRIERS}
        # A scanner that sends no identifiers leaves open what carried the code. Nobody scans or types what is in a chip.
        by_carrier[Carrier.UNIDENTIFIED] = tuple(rule for rule in self.rules if not rule.is_chip)
        object.__setattr__(self, "_by_carrier", by_carrier)

    def match(self, carrier: Carrier, number: str) -> CardCode | None:
        """The card that `number` is under this symbol, or None."""
        for rule in self._by_carrier.get(carrier, ()):
            if rule.fits(number):
                return CardCode(number, rule.name)
        return None

    def resembles(self, carrier: Carrier, number: str) -> bool:
        """True where `number` begins as a card under this symbol does."""
        return any(number.startswith(rule.prefix) for rule in self._by_carrier.get(carrier, ()))

    def refuse(self, carrier: Carrier, number: str) -> BarcodeRefused:
        """Why `number`, which no rule fits, is no card: by the rule that comes nearest, or because none comes near."""
        near = [rule for rule in self._by_carrier.get(carrier, ()) if number.startswith(rule.prefix)]
        if near:
            return min(near, key=lambda rule: abs(rule.length - len(number))).refuse(number)
        return NoCardRule(
            f"{carrier.words} was read, and no card of this shop looks like it; for a card, ask whether it is one of this "
            "shop; for a product, scan the bar code with 8, 12 or 13 digits"
        )


def luhn_digit(body: str) -> str:
    """The Luhn check digit that follows `body`, ASCII digits (ISO/IEC 7812-1, annex B)."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in body[-1::-2])
    return str(-(doubled + sum(int(digit) for digit in body[-2::-2])) % 10)


def _is_printable(text: str) -> bool:
    return all(character in PRINTABLE for character in text)


def _can_overlap(one: LoyaltyRule, other: LoyaltyRule) -> bool:
    return (
        one.length == other.length
        and not one.carriers.isdisjoint(other.carriers)
        and (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
    )


def _overlap(one: LoyaltyRule, other: LoyaltyRule) -> str:
    return (
        f"card rules {one.name!r} and {other.name!r} fit the same cards: {one.length} characters from {one.prefix!r} and "
        f"from {other.prefix!r}; make the prefixes or the carriers differ"
    )
