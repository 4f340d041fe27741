"""Why a code is refused, in words for a clerk, and how little of it may be kept.

No message quotes more of the code than one character, because what was refused may be somebody's card.
"""

from __future__ import annotations

import unicodedata

from panier.error import PanierError

DIGITS = "0123456789"
PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
"""ASCII without space and control characters: what a card number may hold."""

KEPT = 4
"""Characters of a refused code that may be kept at the most."""


class BarcodeRefused(PanierError):
    """A code that the front door does not take; each subclass is one reason, with a `code` of its own."""

    code = "barcode_refused"


class EmptyCode(BarcodeRefused):
    """Nothing but the frame, or an AIM identifier with nothing behind it."""

    code = "empty"


class OverlongCode(BarcodeRefused):
    """More characters than any bar code can carry."""

    code = "too_long"


class ControlCharacter(BarcodeRefused):
    """A character that no label can show, such as NUL or a half-received frame."""

    code = "control_character"


class ForeignDigit(BarcodeRefused):
    """A digit of another script (full-width, Arabic): Python's int() would take it, a label never carries it."""

    code = "foreign_digit"


class WrongCharacter(BarcodeRefused):
    """Letters or signs where digits are wanted, or a space within a card number."""

    code = "wrong_character"


class WrongLength(BarcodeRefused):
    """Digits, but not as many as any known code has."""

    code = "wrong_length"


class WrongCheckDigit(BarcodeRefused):
    """The last digit does not follow from the others: `seen` was read, `wanted` would fit."""

    code = "wrong_check_digit"

    def __init__(self, seen: str, wanted: str) -> None:
        super().__init__(
            f"the last digit read is {seen}, but {wanted} would fit the others: the code was misread or mistyped; "
            "scan it again, or type the digits printed under the bars"
        )
        self.seen = seen
        self.wanted = wanted


def character_words(character: str) -> str:
    """A character that should not be there, as a clerk can be told of it."""
    return (
        "a control character stands in it" if unicodedata.category(character).startswith("C") else f"{character!a} stands in it"
    )


def refuse_characters(content: str, allowed: str = DIGITS) -> BarcodeRefused:
    """The refusal of text that is not all `allowed` (DIGITS or PRINTABLE), by its first character that is not."""
    place, character = next((i, c) for i, c in enumerate(content, 1) if c not in allowed)
    seen = f"character {place} of {len(content)} is {character!a}"
    if unicodedata.category(character).startswith("C"):
        return ControlCharacter(
            f"{seen}, which no label shows; the line is disturbed or two scans ran into each other: scan again"
        )
    if character.isdigit():
        return ForeignDigit(f"{seen}, a digit of another script; set the keyboard to plain digits, 0 to 9, and type it again")
    wanted = "the digits 0 to 9" if allowed is DIGITS else "letters, digits and signs without spaces"
    return WrongCharacter(
        f"{seen}, and only {wanted} are wanted; scan the bar code that has digits printed under it, or type those digits"
    )


def mask(text: str) -> str:
    """What may be journalled of a refused code: up to four leading characters and the length, such as `5901…(13)`.

    Never more than half of it, always printable ASCII but for the ellipsis, at most 64 characters.
    """
    kept = "".join(c if c in PRINTABLE else "?" for c in text[: min(KEPT, len(text) // 2)])
    return f"{kept}…({len(text)})"
