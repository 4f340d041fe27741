"""Printed paper as a picture: black dots on white, at the printer's own resolution, with barcodes that a reader can read."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import segno
from PIL import Image, ImageDraw, ImageFont

from panier_simulators.printer.code128 import modules
from panier_simulators.printer.paper import Barcode, Cut, Item, Look, Row

MARGIN = 32
"""Dots of white at each side: the paper is wider than what is printed on it."""
_ROW = 30
"""Dots from one row to the next: 1/6 inch at 180 dots an inch."""
_GAP = 24
_FONTS = ("DejaVuSansMono.ttf", "LiberationMono-Regular.ttf")
_PAPER, _INK = 255, 0


def draw(items: Iterable[Item], dots: int) -> Image.Image:
    """The paper from top to bottom, `dots` printable dots wide."""
    strips = [_strip(item, dots) for item in items]
    height = sum(strip.height for strip in strips) + 2 * MARGIN
    paper = Image.new("L", (dots + 2 * MARGIN, height), _PAPER)
    y = MARGIN
    for strip in strips:
        paper.paste(strip, (MARGIN, y))
        y += strip.height
    return paper


def _strip(item: Item, dots: int) -> Image.Image:
    if isinstance(item, Row):
        return _row(item, dots)
    if isinstance(item, Cut):
        strip = Image.new("L", (dots, 2 * _GAP), _PAPER)
        ImageDraw.Draw(strip).line([(x, _GAP) for x in (0, dots)], fill=150)
        return strip
    symbol = _code128(item) if item.kind == "CODE128" else _qr(item)
    strip = Image.new("L", (dots, symbol.height + _GAP), _PAPER)
    strip.paste(symbol, (_left(item.alignment, symbol.width, dots), _GAP // 2))
    return strip


def _row(row: Row, dots: int) -> Image.Image:
    tallest = max((run.look.height for run in row.runs), default=1)
    strip = Image.new("L", (dots, _ROW * tallest), _PAPER)
    x = _left(row.alignment, row.dots, dots)
    for run in row.runs:
        for character in run.text:
            glyph = _glyph(character, run.look)
            strip.paste(glyph, (x, strip.height - glyph.height))
            x += run.look.dots
    return strip


@lru_cache(maxsize=1024)
def _glyph(character: str, look: Look) -> Image.Image:
    """One character in its cell: drawn at the size of font A and blown up, as printers do."""
    width, height = (9, 17) if look.small else (12, _ROW)
    cell = Image.new("L", (width, height), _PAPER)
    pen = ImageDraw.Draw(cell)
    font = _font(14 if look.small else 19)
    wide = pen.textlength(character, font=font)
    at = ((width - wide) / 2, height - 7)
    pen.text(at, character, fill=_INK, font=font, anchor="ls", stroke_width=0.4 if look.bold else 0)
    if look.underline:
        pen.line((0, height - 2, width, height - 2), fill=_INK)
    if look.inverse:
        cell = cell.point(lambda level: _PAPER - level)
    return cell.resize((width * look.width, height * look.height), Image.Resampling.LANCZOS)


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _code128(code: Barcode) -> Image.Image:
    dark = modules(code.values)
    line = Image.new("L", (len(dark), 1), _PAPER)
    for x, is_dark in enumerate(dark):
        line.putpixel((x, 0), _INK if is_dark else _PAPER)
    return line.resize((len(dark) * code.module, code.height), Image.Resampling.NEAREST)


def _qr(code: Barcode) -> Image.Image:
    matrix = segno.make_qr(code.content, error=code.correction, boost_error=False).matrix
    symbol = Image.new("L", (len(matrix), len(matrix)), _PAPER)
    for y, row in enumerate(matrix):
        for x, level in enumerate(row):
            symbol.putpixel((x, y), _INK if level else _PAPER)
    side = len(matrix) * code.module
    return symbol.resize((side, side), Image.Resampling.NEAREST)


def _left(alignment: str, width: int, dots: int) -> int:
    return {"left": 0, "center": (dots - width) // 2, "right": dots - width}[alignment]
