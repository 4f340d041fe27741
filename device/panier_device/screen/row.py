"""Rows of a screen: styled text, each row exactly as wide as the terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Literal

from rich.cells import cell_len, set_cell_size

Ink = Literal[
    "page", "faint", "bold", "saving", "alarm", "bar", "bar_online", "bar_offline", "last", "last_bold", "last_saving",
    "panel", "panel_faint", "panel_bold", "panel_saving", "fresh", "total", "total_faint", "total_saving",
    "key", "word", "main_key", "main_word", "notice", "notice_faint", "good", "good_faint",
]  # fmt: skip
"""What a text is for; `ink.py` says how that looks."""

Span = tuple[str, Ink]
Row = tuple[Span, ...]


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells; what is cut ends in an ellipsis."""
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    return set_cell_size(text, max(0, width - 1)) + "…" if width > 0 else ""


def row(left: Iterable[Span], right: Iterable[Span], width: int, fill: Ink) -> Row:
    """`left` and `right` with space between; `left` gives way."""
    left, right = list(left), list(right)
    room = width - sum(cell_len(text) for text, _ in right)
    spans: list[Span] = []
    for text, ink in left:
        cut: str = fit(text, min(cell_len(text), max(0, room)))
        room -= cell_len(cut)
        spans.append((cut, ink))
    space: Span = (" " * max(0, room), fill)
    return tuple(span for span in (*spans, space, *right) if span[0])


def blank(width: int, ink: Ink = "page") -> Row:
    """Nothing, from side to side."""
    return ((" " * width, ink),)


def centred(text: str, width: int, ink: Ink = "page") -> Row:
    """`text` with the same space on both sides; it gives way where it is too long."""
    text = fit(text, min(width, cell_len(text)))
    left = (width - cell_len(text)) // 2
    return ((" " * left, ink), (text, ink), (" " * (width - left - cell_len(text)), ink))


def padded(rows: Sequence[Row], height: int, width: int, ink: Ink = "page") -> list[Row]:
    """`rows` cut or filled to `height`."""
    return [*rows[:height], *repeat(blank(width, ink), max(0, height - len(rows)))]


def in_the_middle(rows: Sequence[Row], height: int, width: int) -> list[Row]:
    """`rows` with the same space above and below."""
    above = max(0, (height - len(rows)) // 2)
    return padded([*repeat(blank(width), above), *rows], height, width)


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken between words."""
    lines = [""]
    for word in text.split():
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines
