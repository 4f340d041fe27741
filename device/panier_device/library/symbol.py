"""Drawing symbols, as modules: Code 128 with its function characters, and GS1 DataMatrix. Libraries do the encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from panier.error import PanierError
from panier_device.library.proof import ELEMENTS
from panier_device.library.sheet import Proof, Symbology

# How python-barcode writes the function characters of Code 128.
_FNC1, _FNC3 = "\xf1", "\xf3"


class CannotDraw(PanierError):
    """A code that its symbology cannot hold."""

    code = "cannot_draw"


@dataclass(frozen=True, slots=True)
class Symbol:
    """Rows of modules, True where dark; a linear symbol has one row. No quiet zone: the page leaves it."""

    rows: tuple[tuple[bool, ...], ...]

    @property
    def is_linear(self) -> bool:
        return len(self.rows) == 1

    @property
    def width(self) -> int:
        return len(self.rows[0])


def draw(code: str, symbology: Symbology) -> Symbol:
    """A configuration code, in which {FNC3} and {CR} stand for themselves. Raises CannotDraw."""
    text = code.replace("{CR}", "\r")
    if symbology == "code128":
        return _code128(text.replace("{FNC3}", _FNC3))
    if not text.startswith("{FNC3}") and "{FNC3}" in text:
        raise CannotDraw(f"{code!r}: a DataMatrix has its reader programming character first")
    return _matrix(text.removeprefix("{FNC3}"), readerInit=text.startswith("{FNC3}"))


def draw_proof(proof: Proof) -> Symbol:
    """The symbol at the end of a sheet: GS1 data of two fields, so that the separator between them is put to the test."""
    if proof == "gs1-128":
        return _code128(_FNC1 + _FNC1.join(ai + value for ai, value in ELEMENTS))
    return _matrix("".join(f"({ai}){value}" for ai, value in ELEMENTS), gs1=True, forceSquare=True)


def _code128(text: str) -> Symbol:
    from barcode.codex import Code128
    from barcode.errors import BarcodeError

    try:
        modules = Code128(text).build()[0]
    except BarcodeError as error:
        raise CannotDraw(f"{text!r} is no Code 128: {error}") from error
    return Symbol((tuple(module == "1" for module in modules),))


def _matrix(text: str, **options: bool) -> Symbol:
    import zxingcpp

    made = cast("Any", zxingcpp).create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, **options)
    image: Any = memoryview(made.to_image(scale=1, add_quiet_zones=False))
    return Symbol(tuple(tuple(pixel < 128 for pixel in row) for row in image.tolist()))
