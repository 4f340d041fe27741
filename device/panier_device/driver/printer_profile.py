"""Printer profiles: what differs from one receipt printer to the next, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from panier_device.driver.profile import BadProfile
from panier_io.firmware import load_named


class CodePage(BaseModel):
    """A character table of the printer: `slot` is n of ESC t n, `name` that of Python's codec."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slot: Annotated[int, Field(ge=0, le=255)]
    name: Literal["cp437", "cp850", "cp852", "cp858", "cp860", "cp863", "cp865", "cp866", "cp1252"]


class PrinterProfile(BaseModel):
    """One ESC/POS printer: its paper, its characters, and what it answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=80)]
    source: Annotated[str, Field(min_length=1, max_length=600)]
    """Where the facts were read."""
    columns: Annotated[int, Field(ge=24, le=64)] = 42
    """Characters of font A in one row."""
    dots: Annotated[int, Field(ge=200, le=1000)] = 512
    """Dots in one row: whether a barcode fits."""
    code_pages: Annotated[list[CodePage], Field(min_length=1, max_length=16)]
    code128: bool = True
    """True where GS k 73 draws Code 128."""
    qr: bool = True
    """True where GS ( k draws QR codes."""
    cuts: bool = True
    """True where there is a cutter: GS V 66."""
    feed_rows: Annotated[int, Field(ge=0, le=20)] = 6
    """Rows from the print head to where paper is torn, for printers without a cutter."""
    answers: bool = True
    """True where DLE EOT is answered."""
    confirms: bool = True
    """True where GS r is answered, in turn with what is printed: its answer says that all before it is on the paper."""

    @field_validator("code_pages")
    @classmethod
    def _distinct(cls, pages: list[CodePage]) -> list[CodePage]:
        if len({page.slot for page in pages}) != len(pages) or len({page.name for page in pages}) != len(pages):
            raise ValueError("a slot and a code page stand once each")
        return pages


def load_printer(name: str, folder: Path) -> PrinterProfile:
    """The profile `name` of `folder`, or the one of the file that `name` is the path of. Raises BadProfile."""
    return load_named(PrinterProfile, "printer profile", name, folder, BadProfile)
