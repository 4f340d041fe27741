"""Text that people write and others read on one line of a screen: what may not stand in it."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"
"""Joiners are format characters, too, but several scripts and many emoji need them."""


def unprintable(text: str) -> str | None:
    """Why `text` may not stand on a screen, or None: control characters and those that turn the direction of writing."""
    for place, character in enumerate(text, 1):
        kind = unicodedata.category(character)
        if kind in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS:
            name = unicodedata.name(character, "control character" if kind == "Cc" else "not a character").lower()
            return f"character {place} cannot be shown: U+{ord(character):04X} ({name}); take it out"
    return None
