"""Text from outside that no database should have to take: NUL characters, half surrogates, endless nesting."""

from __future__ import annotations

import json
from typing import Any

LONGEST_BODY = 200_000
"""Characters of a dead letter's body at the most."""


def readable(text: str, longest: int) -> str:
    """`text` with what cannot be stored replaced, cut to `longest` characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:longest]


def as_it_came(item: Any) -> str:
    """JSON of an item, for a person to read."""
    try:
        text = json.dumps(item, ensure_ascii=False)
    except (RecursionError, ValueError) as error:
        return f"(cannot be written down: {error})"
    return readable(text, LONGEST_BODY)


def holds_nul(item: Any) -> bool:
    """True where some text in `item` holds a NUL character, which PostgreSQL cannot store."""
    waiting = [item]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and "\0" in value:
            return True
        if isinstance(value, dict):
            waiting.extend(value.keys())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
            waiting.extend(value.values())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        elif isinstance(value, list):
            waiting.extend(value)  # pyright: ignore[reportUnknownArgumentType]
    return False
