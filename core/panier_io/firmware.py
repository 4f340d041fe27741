"""Where the data of firmware-config/ lies, inside the installed wheel or beside the code, and how a file of it is found."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from panier.error import PanierError

Held = TypeVar("Held", bound=BaseModel)

_INSTALLED = Path(__file__).parent / "firmware_config"
_CHECKOUT = Path(__file__).parents[2] / "firmware-config"


def firmware_config() -> Path:
    """The folder that holds device profiles, keyboard layouts, loyalty rules and broker configuration."""
    return _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT


def named_file(what: str, name: str, folder: Path, refuse: Callable[[str], PanierError]) -> Path:
    """The file `name` of `folder`, or a shop's own where `name` is the path of a .toml file.

    Raises what `refuse` makes of the reason, which says `what` was looked for and what there is.
    """
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.toml")))
        raise refuse(f"no {what} {name!r}; there are {known}, or give the path of a .toml file")
    return path


def load_named(model: type[Held], what: str, name: str, folder: Path, refuse: Callable[[str], PanierError]) -> Held:
    """What `named_file` finds, as a `model`. Raises what `refuse` makes of the reason."""
    path = named_file(what, name, folder, refuse)
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError, OSError, UnicodeDecodeError) as error:
        raise refuse(f"{path}: {error}") from error
