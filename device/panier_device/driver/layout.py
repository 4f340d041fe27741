"""Keyboard layouts: which character a key gives, as data. A key's code is its position, not what is printed on it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from panier.error import PanierError


class BadLayout(PanierError):
    """A layout that is missing or does not hold."""

    code = "bad_layout"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    first: Annotated[int, Field(ge=1, le=0x2FF)]
    plain: Annotated[str, Field(min_length=1)]
    shifted: str | None = None

    @model_validator(mode="after")
    def _even(self) -> _Row:
        if self.shifted is not None and len(self.shifted) != len(self.plain):
            raise ValueError(f"{len(self.plain)} plain characters, but {len(self.shifted)} shifted")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    row: Annotated[list[_Row], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Layout:
    """Characters by the kernel's key code: (without Shift, with Shift)."""

    title: str
    keys: dict[int, tuple[str, str]]


def load_layout(name: str, folder: Path) -> Layout:
    """The layout `name` of `folder`, or the one of the file that `name` is the path of. Raises BadLayout."""
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.toml")))
        raise BadLayout(f"no keyboard layout {name!r}; there are {known}, or give the path of a .toml file")
    try:
        read = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError, OSError, UnicodeDecodeError) as error:
        raise BadLayout(f"{path}: {error}") from error
    keys = {
        row.first + place: (plain, shifted)
        for row in read.row
        for place, (plain, shifted) in enumerate(zip(row.plain, row.shifted or row.plain, strict=True))
    }
    return Layout(read.title, keys)
