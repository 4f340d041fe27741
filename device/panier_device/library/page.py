"""A programming sheet laid out on A4: marks in millimetres, which svg.py and pdf.py put on paper."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

from panier_device.library.sheet import Sheet, Step, Target
from panier_device.library.symbol import Symbol, draw, draw_proof

WIDTH, HEIGHT = 210.0, 297.0
_LEFT, _CODE = 15.0, 32.0
_BAND = 40.0
_TOP, _FIRST_TOP, _BOTTOM = 22.0, 52.0, 270.0
_LONGEST = WIDTH - _CODE - 18.0
"""Room for a symbol; beyond it ten modules of white are left on either side (ISO/IEC 15417, 4.3.2)."""
_MODULE = 0.38
"""0.25 to 0.5 mm is what every hand scanner reads at arm's length."""
_BARS = 13.0

_MODES: dict[Target, str] = {"serial": "USB serial port", "keyboard": "USB keyboard", "hidpos": "USB HID-POS"}


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `y` is its baseline, `size` in points."""

    x: float
    y: float
    size: float
    text: str
    bold: bool = False
    grey: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A black rectangle."""

    x: float
    y: float
    width: float
    height: float


@dataclass(slots=True)
class Page:
    """What stands on one page."""

    marks: list[Text | Box] = field(default_factory=list[Text | Box])


def lay_out(sheet: Sheet, name: str, target: Target) -> list[Page]:
    """The pages of a sheet: what to do, a band a step, the proof, what is not known."""
    pages = [Page()]
    _head(pages[0], sheet, target)
    y = _FIRST_TOP
    for place, step in enumerate(sheet.steps(target), 1):
        y = _room(pages, y)
        _step(pages[-1], y, place, step, sheet)
        y += _BAND
    y = _room(pages, y)
    _band(
        pages[-1],
        y,
        "\u2713",
        "Proof: scan this last",
        '`panier doctor --live` then says "set as Panier wants it", or what is missing.',
    )
    _symbol(pages[-1], y + 11, draw_proof(sheet.proof))
    for number, page in enumerate(pages, 1):
        foot = f"Panier, sheet {name}, {_MODES[target]}, page {number} of {len(pages)}. {sheet.unknown}"
        for line, text in enumerate(textwrap.wrap(foot, 125)):
            page.marks.append(Text(_LEFT, 278 + 3.6 * line, 7.5, text, grey=True))
    return pages


def _room(pages: list[Page], y: float) -> float:
    if y + _BAND <= _BOTTOM:
        return y
    pages.append(Page())
    return _TOP


def _head(page: Page, sheet: Sheet, target: Target) -> None:
    page.marks += [
        Text(_LEFT, 22, 17, sheet.title, bold=True),
        Text(_LEFT, 30, 12, f"Sets the scanner to: {_MODES[target]}"),
        Text(_LEFT, 37, 10, "Scan the codes from the top, one after another. Cover the others with a sheet of paper, and wait"),
        Text(_LEFT, 42, 10, "for the beep each time. Print at 100 %, not fitted to the page; matt paper, black ink."),
    ]


def _band(page: Page, y: float, number: str, title: str, does: str) -> None:
    page.marks += [
        Box(_LEFT, y - 6, WIDTH - 2 * _LEFT, 0.3),
        Text(_LEFT, y + 3, 20, number, bold=True),
        Text(_CODE, y, 11, title, bold=True),
        *(Text(_CODE, y + 4.6 + 4 * line, 9, text) for line, text in enumerate(textwrap.wrap(does, 105)[:2])),
    ]


def _step(page: Page, y: float, place: int, step: Step, sheet: Sheet) -> None:
    _band(page, y, str(place), step.title, step.does)
    if not step.code:
        page.marks.append(Text(_CODE, y + 14, 9, "Scan this one from the manual:", bold=True))
        page.marks += [Text(_CODE, y + 18.5 + 4.2 * line, 9, text) for line, text in enumerate(textwrap.wrap(step.manual, 100))]
        return
    symbol = draw(step.code, sheet.symbology)
    bottom = _symbol(page, y + 11, symbol)
    page.marks.append(Text(_CODE, bottom + 3.6, 7.5, step.code, grey=True))


def _symbol(page: Page, y: float, symbol: Symbol) -> float:
    """Draws a symbol and returns where it ends; dark modules beside each other become one box, so that no gap shows in print."""
    module = min(_MODULE, _LONGEST / symbol.width) if symbol.is_linear else 0.7
    height = _BARS if symbol.is_linear else module
    for place, row in enumerate(symbol.rows):
        begin = None
        for column, dark in enumerate((*row, False)):
            if dark and begin is None:
                begin = column
            elif not dark and begin is not None:
                page.marks.append(Box(_CODE + begin * module, y + place * height, (column - begin) * module, height))
                begin = None
    return y + len(symbol.rows) * height
