"""Scanner profiles: what differs from one scanner, and from one way to plug it in, to the next, as data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from panier.error import PanierError
from panier_io.firmware import load_named

Text = Annotated[str, Field(max_length=16)]
Command = Annotated[str, Field(max_length=64, pattern=r"^[\x00-\xff]*$")]
Letter = Annotated[str, Field(min_length=1, max_length=1)]
Identifier = Annotated[str, Field(pattern=r"^\][A-Za-z][0-9a-zA-Z]$")]
_IDENTIFIED = re.compile(r"\][A-Za-z][0-9a-zA-Z]")
EndKey = Literal["enter", "kpenter", "tab"]
GsKey = Literal["down", "up", "left", "right", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12"]


class BadProfile(PanierError):
    """A profile that is missing or does not hold."""

    code = "bad_profile"


class Feedback(BaseModel):
    """What the host sends to the scanner once a code is decided; empty sends nothing. One character is one byte.

    On a serial line these bytes as they stand; on HID-POS one output report, its number first. A keyboard takes none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    accepted: Command = ""
    refused: Command = ""


class Keys(BaseModel):
    """What a scanner types that poses as a keyboard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ends: Annotated[frozenset[EndKey], Field(min_length=1)] = frozenset({"enter", "kpenter", "tab"})
    """Keys that end a code; another of these voids it."""
    gs: frozenset[GsKey] = frozenset()
    """Keys that stand for GS (0x1D), beside Ctrl with the key or the character ], and Alt with 29 on the keypad."""


class Report(BaseModel):
    """Where the parts of a HID-POS input report stand, byte 0 being its number; 0 where the report lacks one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[int, Field(ge=1, le=255)] = 2
    length_at: Annotated[int, Field(ge=1, le=63)] = 1
    """How many bytes of data this report carries."""
    aim_at: Annotated[int, Field(ge=0, le=61)] = 2
    """Three bytes of AIM identifier, such as ]E0."""
    data_at: Annotated[int, Field(ge=2, le=63)] = 5
    data_size: Annotated[int, Field(ge=1, le=62)] = 56
    continued_at: Annotated[int, Field(ge=0, le=63)] = 63
    """Its lowest bit: the code goes on in the next report."""
    symbology_at: Annotated[int, Field(ge=0, le=63)] = 0
    """The maker's own letter for the symbology."""
    symbologies: dict[Letter, Identifier] = {}
    """AIM identifiers of the maker's letters, where the report carries no AIM identifier."""

    @model_validator(mode="after")
    def _within(self) -> Report:
        if self.data_at + self.data_size > 64:
            raise ValueError(f"data_at {self.data_at} and data_size {self.data_size} go beyond the 64 bytes of a report")
        return self


class ScannerProfile(BaseModel):
    """One scanner as it is programmed: its serial wire, its keys or its reports, and what holds for all of them.

    `framing` says what ends a code: `line` a CR, LF or ETX (a STX begins anew), `stx` the same where nothing counts outside
    STX..ETX, `idle` silence of `idle_ms`. With the first two, silence means that the rest of a code was lost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=80)]
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    framing: Literal["line", "stx", "idle"] = "line"
    prefix: Text = ""
    """What the scanner puts before each code, AIM identifier included."""
    suffix: Text = ""
    """What it puts between the code and the end of the frame."""
    terminator: Text = "\r"
    """What ends a code on this wire, as the scanner sends it; the decoder takes CR, LF, CRLF and ETX alike."""
    aim: bool = False
    """True where the scanner sends AIM identifiers."""
    gs: Text = ""
    """What stands for GS (0x1D) inside GS1 codes, for example "|"; empty where GS itself is sent."""
    encoding: Literal["ascii", "latin-1", "utf-8"] = "ascii"
    idle_ms: Annotated[int, Field(ge=20, le=10_000)] = 500
    longest: Annotated[int, Field(ge=16, le=7200)] = 2400
    """Bytes of one frame at the most."""
    repeat_ms: Annotated[int, Field(ge=0, le=10_000)] = 500
    """The same code within this time of its last reading is the trigger still held, not a second item; 0 believes all."""
    feedback: Feedback = Feedback()
    keys: Keys = Keys()
    report: Report = Report()
    sources: tuple[str, ...] = ()
    """Manuals and pages, or addresses, that say so; what they leave open stands in a comment of the file."""

    def is_identified(self, text: str) -> bool:
        """Whether a code begins with the AIM identifier that this scanner sends, so that nothing before it is missing."""
        return self.aim and _IDENTIFIED.match(text) is not None


def load_profile(name: str, folder: Path) -> ScannerProfile:
    """The profile `name` of `folder`, or the one of the file that `name` is the path of. Raises BadProfile."""
    return load_named(ScannerProfile, "scanner profile", name, folder, BadProfile)
