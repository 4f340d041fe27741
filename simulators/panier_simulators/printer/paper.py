"""What came out of a printer: rows of styled text, barcodes and cuts; as values and as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Alignment = Literal["left", "center", "right"]
CUT = "- - - 8< - - -"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How characters are printed; `width` and `height` multiply those of font A, 12 x 24 dots, or font B, 9 x 17."""

    bold: bool = False
    underline: bool = False
    inverse: bool = False
    width: int = 1
    height: int = 1
    small: bool = False

    @property
    def dots(self) -> int:
        """Width of one character."""
        return (9 if self.small else 12) * self.width


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one look."""

    text: str
    look: Look


@dataclass(frozen=True, slots=True)
class Row:
    """One printed row."""

    runs: tuple[Run, ...] = ()
    alignment: Alignment = "left"

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)

    @property
    def dots(self) -> int:
        return sum(len(run.text) * run.look.dots for run in self.runs)


@dataclass(frozen=True, slots=True)
class Barcode:
    """A barcode as it was drawn: Code 128 by its `values` (start, data, check, stop), QR by its content."""

    kind: Literal["CODE128", "QR"]
    content: str
    values: tuple[int, ...] = ()
    module: int = 3
    height: int = 162
    alignment: Alignment = "left"
    correction: Literal["L", "M", "Q", "H"] = "L"


@dataclass(frozen=True, slots=True)
class Cut:
    """The cutter went through the paper."""


Item = Row | Barcode | Cut


def as_text(items: Iterable[Item], columns: int) -> str:
    """The paper as text of `columns`: a big character takes the columns that it took on the paper."""
    return "".join(f"{_line(item, columns)}\n" for item in items)


def sheets(items: Iterable[Item]) -> list[list[Item]]:
    """The paper in the pieces that the cutter made; the last one hangs on the roll still, and is empty after a cut."""
    found: list[list[Item]] = [[]]
    for item in items:
        if isinstance(item, Cut):
            found.append([])
        else:
            found[-1].append(item)
    return found


def _line(item: Item, columns: int) -> str:
    if isinstance(item, Cut):
        return CUT
    if isinstance(item, Barcode):
        return f"[{item.kind} {item.content}]".center(columns).rstrip()
    text = "".join("".join(one + " " * (run.look.width - 1) for one in run.text) for run in item.runs).rstrip()
    aligned = {"left": text, "center": text.center(columns), "right": text.rjust(columns)}
    return aligned[item.alignment].rstrip()
