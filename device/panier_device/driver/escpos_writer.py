"""A laid-out receipt as ESC/POS bytes. The one file that imports python-escpos, and only when something is printed.

python-escpos 3.1 costs 18 MB and 0.4 s (Pillow, qrcode, PyYAML), sets up the root logger and leaves a folder in TMPDIR when it
is imported; both of these are undone here. What it prints with is given by our profile, not by its own list of printers.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from panier.glyph import readable
from panier.slip import SlipCode, SlipPart, SlipRow
from panier_device.driver.printer_profile import PrinterProfile

_IMPORTING = threading.Lock()
_MODULES = (2, 3)
"""Widths of a narrow bar in dots, the smallest that scanners read first; the widest that fits is taken."""
_QUIET = 20
"""Modules left and right of a Code 128."""


def compose(parts: Sequence[SlipPart], profile: PrinterProfile) -> list[bytes]:
    """The bytes that print `parts` and cut the paper, in pieces between which a real-time command may stand: inside another
    command it would be taken for that one's data. Takes half a second the first time: not for the event loop.
    """
    printer = _dummy(profile)
    has = _characters(profile)
    pieces: list[bytes] = []
    printer.hw("INIT")
    for part in parts:
        if isinstance(part, SlipRow):
            _row(printer, part, profile.columns, has)
        else:
            _code(printer, part, profile)
        pieces.append(printer.output)
        printer.clear()
    if profile.cuts:
        printer.cut(feed=False)
    else:
        printer.print_and_feed(profile.feed_rows)
    return [*pieces, printer.output]


def _row(printer: Any, row: SlipRow, columns: int, has: Callable[[str], bool]) -> None:
    is_big = row.style == "big"
    plain = SlipRow(readable(row.left, has), readable(row.right, has), row.style, row.is_centred)
    text = plain.left if row.is_centred else plain.text(columns // 2 if is_big else columns)
    printer.set(
        align="center" if row.is_centred else "left", bold=row.style != "plain", custom_size=True,
        width=2 if is_big else 1, height=2 if is_big else 1,
    )  # fmt: skip
    printer.textln(text)


def _code(printer: Any, code: SlipCode, profile: PrinterProfile) -> None:
    """Code 128 where the paper is wide enough for it, else QR, else nothing: the row below says the same in letters."""
    printer.set(align="center", bold=False, custom_size=True, width=1, height=1)
    bars = 11 * (len(code.content) + 3) + 2 + _QUIET
    fitting = [module for module in _MODULES if bars * module <= profile.dots]
    if profile.code128 and fitting:
        # "{B" chooses the set of letters and digits.
        content = "{B" + code.content.replace("{", "{{")
        # barcode() would say on standard output, the shopper's screen, which renderer it takes.
        printer._hw_barcode(content, "CODE128", 80, fitting[-1], "OFF", "A", align_ct=False, function_type="B", check=True)
        printer.ln()
    elif profile.qr:
        printer.qr(code.content, ec=1, size=5, native=True)
        printer.ln()


def _characters(profile: PrinterProfile) -> Callable[[str], bool]:
    known: set[str] = set()
    for page in profile.code_pages:
        for byte in range(0x80, 0x100):
            with suppress(UnicodeDecodeError):
                known.add(bytes([byte]).decode(page.name))
    return known.__contains__


def _dummy(profile: PrinterProfile) -> Any:
    with _IMPORTING:
        before = logging.root.handlers[:]
        from escpos import capabilities
        from escpos.printer import Dummy

        logging.root.handlers[:] = before
        shutil.rmtree(capabilities.pickle_dir, ignore_errors=True)
    pages = {str(page.slot): page.name.upper() for page in profile.code_pages}
    features = {"barcodeB": True, "qrCode": profile.qr}
    data = {"codePages": pages, "features": features, "fonts": {"0": {"columns": profile.columns}}}
    named = type("Profile", (capabilities.BaseProfile,), {"profile_data": data})
    printer = Dummy()
    printer.profile = named()
    printer.magic = type(printer.magic)(printer)
    return printer
