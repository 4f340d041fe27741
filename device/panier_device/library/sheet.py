"""Programming sheets as data: the configuration codes of a maker's manual, in the order to scan them."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from panier.error import PanierError
from panier_device.library.source import LibraryModel, Source, load_file

Target = Literal["serial", "keyboard", "hidpos"]
TARGETS: tuple[Target, ...] = ("serial", "keyboard", "hidpos")
Symbology = Literal["code128", "datamatrix"]
Proof = Literal["gs1-128", "gs1-datamatrix"]
_FUNCTION = re.compile(r"\{(?!FNC3\}|CR\})[^}]*\}")


class UnknownSheet(PanierError):
    """A sheet that does not exist."""

    code = "unknown_sheet"


class Step(LibraryModel):
    """One code to scan. Without `code` nobody has published what it holds: then `manual` says where it is printed."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title: Annotated[str, Field(min_length=1, max_length=60)]
    does: Annotated[str, Field(min_length=1, max_length=200)]
    code: str = ""
    """What the symbol holds; {FNC3} and {CR} stand for themselves."""
    manual: str = ""
    """Where the maker printed the code, for a step that cannot be drawn."""
    source: Source
    only: tuple[Target, ...] = ()
    """The targets that this step belongs to; empty: all."""

    @model_validator(mode="after")
    def _can_be_scanned(self) -> Step:
        if bool(self.code) == bool(self.manual):
            raise ValueError("a step has either a `code` to draw or a place in the `manual`")
        if found := _FUNCTION.search(self.code):
            raise ValueError(f"{found[0]} is no character of a code; {{FNC3}} and {{CR}} are")
        return self


class Sheet(LibraryModel):
    """One maker's sheet."""

    title: Annotated[str, Field(min_length=1, max_length=80)]
    models: Annotated[list[str], Field(min_length=1)]
    """Names by which the sheet is asked for, beside its file's."""
    symbology: Symbology = "code128"
    proof: Proof
    """The symbol at the end that shows whether the scanner is set: a linear one where not all models read 2D codes."""
    unknown: str
    """What the sources leave open, in a sentence for whoever prints the sheet."""
    step: Annotated[list[Step], Field(min_length=2)]

    @model_validator(mode="after")
    def _steps_are_told_apart(self) -> Sheet:
        for target in TARGETS:
            ids = [step.id for step in self.steps(target)]
            if len(ids) != len(set(ids)):
                raise ValueError(f"two steps for {target} have the same id: {', '.join(ids)}")
        return self

    @property
    def targets(self) -> tuple[Target, ...]:
        """The modes that this sheet leads to: those that it has an `interface` step for."""
        return tuple(target for target in TARGETS if self.number("interface", target))

    def steps(self, target: Target) -> list[Step]:
        """The steps for one target, in order."""
        return [step for step in self.step if not step.only or target in step.only]

    def number(self, step: str, target: Target) -> int | None:
        """The place of a step on the printed sheet, counted from 1; None where it is not on it."""
        return next((place for place, one in enumerate(self.steps(target), 1) if one.id == step), None)


def load_sheet(name: str, folder: Path) -> Sheet:
    """The sheet called `name`, or the one that lists it as a model, or the file that it is the path of.

    Raises UnknownSheet, BadLibraryFile.
    """
    if name.endswith(".toml"):
        return load_file(Sheet, Path(name))
    files = sorted(folder.glob("*.toml"))
    for path in files:
        if path.stem == name.lower():
            return load_file(Sheet, path)
    for path in files:
        sheet = load_file(Sheet, path)
        if name.lower() in sheet.models:
            return sheet
    known = "; ".join(f"{path.stem}: {', '.join(load_file(Sheet, path).models)}" for path in files)
    names = [path.stem for path in files] + [model for path in files for model in load_file(Sheet, path).models]
    close = get_close_matches(name.lower(), names, n=1)
    meant = f"did you mean {close[0]!r}?" if close else f"there are {known}"
    raise UnknownSheet(f"no programming sheet for {name!r}; {meant}")
