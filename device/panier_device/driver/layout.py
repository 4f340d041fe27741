"""Keyboard layouts: which character a key gives, as data. A key's code is its position, not what is printed on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from panier.error import PanierError
from panier_io.firmware import load_named

_NONE = " "
"""Stands in a row of a file where a key gives nothing on that level: no level but the first has a space of its own."""


class BadLayout(PanierError):
    """A layout that is missing or does not hold."""

    code = "bad_layout"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    first: Annotated[int, Field(ge=1, le=0x2FF)]
    plain: Annotated[str, Field(min_length=1)]
    shifted: str | None = None
    third: str | None = None
    """With AltGr; a space where a key has no third character that codes need."""

    @model_validator(mode="after")
    def _even(self) -> _Row:
        for name, signs in (("shifted", self.shifted), ("third", self.third)):
            if signs is not None and len(signs) != len(self.plain):
                raise ValueError(f"{len(self.plain)} plain characters, but {len(signs)} {name}")
        return self


class LayoutFile(BaseModel):
    """A layout as its file writes it."""

    model_config = ConfigDict(extra="forbid")

    title: str
    dead: list[tuple[Annotated[int, Field(ge=1, le=0x2FF)], Literal[0, 1, 2]]] = []
    """[key, level] of what waits for the next key; level 0 is alone, 1 with Shift, 2 with AltGr."""
    row: Annotated[list[_Row], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Layout:
    """Characters by the kernel's key code: (without Shift, with Shift, with AltGr), "" where there is none."""

    title: str
    keys: dict[int, tuple[str, str, str]]
    dead: frozenset[tuple[int, int]] = frozenset()
    """(code, level) of keys whose sign comes only once a space follows, or a letter that does not take it."""

    def is_letter(self, code: int) -> bool:
        """True where Caps Lock does what Shift does."""
        plain, shifted, _ = self.keys.get(code, ("", "", ""))
        return plain != shifted == plain.upper()

    def character(self, code: int, *, shifted: bool, third: bool) -> str | None:
        """What a key gives; None for what no code needs."""
        return self.keys.get(code, ("", "", ""))[2 if third else shifted] or None

    def is_dead(self, code: int, *, shifted: bool, third: bool) -> bool:
        """True where a scanner types a space behind the key to get its sign."""
        return (code, 2 if third else int(shifted)) in self.dead


def load_layout(name: str, folder: Path) -> Layout:
    """The layout `name` of `folder`, or the one of the file that `name` is the path of. Raises BadLayout."""
    return _layout(load_named(LayoutFile, "keyboard layout", name, folder, BadLayout))


def _layout(read: LayoutFile) -> Layout:
    keys: dict[int, tuple[str, str, str]] = {}
    for row in read.row:
        shifted = row.plain if row.shifted is None else row.shifted.replace(_NONE, "\0")
        third = "\0" * len(row.plain) if row.third is None else row.third.replace(_NONE, "\0")
        for place, signs in enumerate(zip(row.plain, shifted, third, strict=True)):
            plain, upper, alternate = (sign.strip("\0") for sign in signs)
            keys[row.first + place] = (plain, upper, alternate)
    return Layout(read.title, keys, frozenset(read.dead))
