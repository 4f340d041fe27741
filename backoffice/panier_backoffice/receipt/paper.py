"""A receipt as PDF: the same layout as on the paper of a till, on a page as long as it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import segno
from fastapi.responses import Response

from panier.glyph import readable
from panier.receipt import Receipt
from panier.slip import WIDTH, SlipRow, lay_out

if TYPE_CHECKING:
    from fpdf import FPDF

_POINT = 25.4 / 72
_SIZE = 9.0
"""Points; a character of Courier is 0.6 of that wide."""
_ROW, _BIG_ROW = 4.2, 8.4
_MARGIN = 8.0
_MODULE = 0.8
"""Millimetres of a QR code's dot, which a phone reads off a screen, too."""
_QUIET = 4


def pdf(receipt: Receipt) -> bytes:
    """Text that can be searched and copied, and the trip as a QR code. Characters beyond Windows-1252 are spelt."""
    parts = lay_out(receipt)
    code = segno.make_qr(receipt.receipt, error="m")
    side = (len(code.matrix) + 2 * _QUIET) * _MODULE
    heights = [(_BIG_ROW if part.style == "big" else _ROW) if isinstance(part, SlipRow) else side for part in parts]
    wide = WIDTH * _SIZE * 0.6 * _POINT
    page = _page(receipt, wide + 2 * _MARGIN, sum(heights) + 2 * _MARGIN)
    y = _MARGIN
    for part, height in zip(parts, heights, strict=True):
        if isinstance(part, SlipRow):
            _row(page, part, y, height, wide)
        else:
            _square(page, code.matrix, _MARGIN + (wide - side) / 2, y)
        y += height
    return bytes(page.output())


def as_pdf(receipt: Receipt) -> Response:
    """The answer that a browser shows, and saves under the trip's name."""
    name = "".join(one if one.isascii() and (one.isalnum() or one in ".-") else "_" for one in receipt.receipt)
    headers = {"Content-Disposition": f'inline; filename="receipt-{name}.pdf"'}
    return Response(pdf(receipt), media_type="application/pdf", headers=headers)


def _page(receipt: Receipt, width: float, height: float) -> FPDF:
    # Half a second and 30 MB, of a process that may never be asked for one.
    from fpdf import FPDF

    page = FPDF(unit="mm", format=(width, height))
    page.core_fonts_encoding = "windows-1252"
    page.set_auto_page_break(auto=False)
    page.set_margin(0)
    page.set_title(f"Receipt {receipt.receipt}")
    page.set_creator("Panier")
    page.add_page()
    return page


def _row(page: FPDF, row: SlipRow, y: float, height: float, wide: float) -> None:
    is_big = row.style == "big"
    page.set_font("Courier", style="" if row.style == "plain" else "B", size=2 * _SIZE if is_big else _SIZE)
    plain = SlipRow(readable(row.left, _has), readable(row.right, _has), row.style, row.is_centred)
    columns = WIDTH // 2 if is_big else WIDTH
    page.set_xy(_MARGIN, y)
    page.cell(wide, height, plain.left.center(columns) if row.is_centred else plain.text(columns))


def _square(page: FPDF, matrix: tuple[bytearray, ...], x: float, y: float) -> None:
    page.set_fill_color(0, 0, 0)
    for down, line in enumerate(matrix, start=_QUIET):
        for right, is_dark in enumerate(line, start=_QUIET):
            if is_dark:
                # A hair wider than a dot, so that no viewer draws white between two.
                page.rect(x + right * _MODULE, y + down * _MODULE, _MODULE + 0.02, _MODULE + 0.02, style="F")


def _has(character: str) -> bool:
    try:
        character.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
