"""Where a file of firmware-config is read: one way to load, one error, for every kind of file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from panier.error import PanierError

M = TypeVar("M", bound=BaseModel)

Source = Annotated[str, Field(min_length=8)]
"""A manual and page, or an address: where a fact can be looked up."""


class BadLibraryFile(PanierError):
    """A file of the device library that does not hold, with every field that is wrong."""

    code = "bad_library_file"


class LibraryModel(BaseModel):
    """What all files of the library share: no field that nobody reads, and nothing that changes afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def load_file(kind: type[M], path: Path) -> M:
    """The file at `path` as a `kind`. Raises BadLibraryFile."""
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False))
        raise BadLibraryFile(f"{path}: {wrong}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadLibraryFile(f"{path}: {error}") from error
