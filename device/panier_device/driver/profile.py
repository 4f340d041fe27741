"""Scanner profiles: what differs from one scanner's wire to the next, as data."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from panier.error import PanierError

Text = Annotated[str, Field(max_length=16)]


class BadProfile(PanierError):
    """A profile that is missing or does not hold."""

    code = "bad_profile"


class ScannerProfile(BaseModel):
    """One scanner's serial wire.

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


def load_profile(name: str, folder: Path) -> ScannerProfile:
    """The profile `name` of `folder`, or the one of the file that `name` is the path of. Raises BadProfile."""
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.toml")))
        raise BadProfile(f"no scanner profile {name!r}; there are {known}, or give the path of a .toml file")
    try:
        return ScannerProfile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError, OSError, UnicodeDecodeError) as error:
        raise BadProfile(f"{path}: {error}") from error
