"""Text for a device that has only some characters: what it lacks is replaced by what a person still reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

_SPELLED = {
    "€": "EUR", "£": "GBP", "¥": "JPY", "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "…": "...", "–": "-", "—": "-",
    "‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "«": "<<", "»": ">>", "•": "*", "·": ".", "×": "x", "½": "1/2",
    "¼": "1/4", "¾": "3/4", "°": " deg", "−": "-",
}  # fmt: skip
UNKNOWN = "?"


def readable(text: str, has: Callable[[str], bool]) -> str:
    """`text` in characters that `has` says are there, ASCII taken for granted.

    A letter loses its accent before it is lost, a sign is spelt in ASCII where people do so, spaces of any kind are a space,
    and what could command a device (control and format characters) never passes: a product's name must not cut the paper.
    """
    return "".join(_replaced(character, has) for character in unicodedata.normalize("NFC", text))


def _replaced(character: str, has: Callable[[str], bool]) -> str:
    if character.isspace():
        return " "
    if not character.isprintable():
        return UNKNOWN
    if character.isascii() or has(character):
        return character
    if character in _SPELLED:
        return _SPELLED[character]
    bare = "".join(one for one in unicodedata.normalize("NFKD", character) if not unicodedata.combining(one))
    return "".join(one if one.isascii() and one.isprintable() else one if has(one) else UNKNOWN for one in bare) or UNKNOWN
