"""Text from outside that no database should have to take: NUL characters, half surrogates, endless nesting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import orjson

T = TypeVar("T")

LONGEST_BODY = 200_000
"""Characters of a dead letter's body at the most."""


def writable(found: T) -> T:
    """`found` itself. Raises ValueError where some text in it holds half of a surrogate pair, which no UTF-8 can say."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("some text in it holds half of a character (a lone surrogate): was it cut?") from error
    return found


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


def holds_nul(stated: Mapping[str, Any]) -> bool:
    """True where some text in it holds a NUL character, which PostgreSQL cannot store."""
    # JSON writes it as \u0000; a backslash of the text itself stands doubled before anything that looks alike.
    return b"\\u0000" in orjson.dumps(stated).replace(b"\\\\", b"")
