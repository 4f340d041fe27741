"""Text from outside that no database should have to take: NUL characters, half surrogates, endless nesting."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

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


def holds_nul(item: BaseModel) -> bool:
    """True where some text in `item` holds a NUL character, which PostgreSQL cannot store."""
    # JSON writes it as \u0000; a backslash of the text itself stands doubled before anything that looks alike.
    return "\\u0000" in item.model_dump_json().replace("\\\\", "")
