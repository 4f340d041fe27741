"""What an ESC/POS printer says of itself: bytes in, answers out.

Epson, ESC/POS Application Programming Guide 10.05, DLE EOT and GS r.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fault = Literal["paper_out", "cover_open", "printer_error", "offline", "gone"]
"""What keeps a printer from printing; `gone` is that nobody answers at all."""
Paper = Literal["enough", "near_end", "out"]

DLE_EOT = b"\x10\x04"
QUESTIONS = (1, 2, 3, 4)
"""n of DLE EOT n: the printer, why it is offline, its errors, its paper."""
GS_R_PAPER = b"\x1dr\x01"
"""Asks for the paper in turn with what is printed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One byte of status. `is_at_once` is an answer to DLE EOT; otherwise it is one to GS r, which came in its turn."""

    byte: int
    is_at_once: bool


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """How a printer stands."""

    is_online: bool = True
    is_cover_open: bool = False
    has_error: bool = False
    paper: Paper = "enough"

    @property
    def fault(self) -> Fault | None:
        """What keeps it from printing, the cause before its consequences: a printer without paper is offline, too."""
        if self.is_cover_open:
            return "cover_open"
        if self.paper == "out":
            return "paper_out"
        if self.has_error:
            return "printer_error"
        return None if self.is_online else "offline"


class AnswerDecoder:
    """Tells answers from what else a printer says by itself: XON and XOFF, and the four bytes of an automatic status.

    The fixed bits differ (ESC/POS, "Identification of transmission status"): DLE EOT 0xx1xx10, GS r 0xx0xxxx, automatic status
    0xx1xx00 and three bytes 0xx0xxxx. `noise` counts bytes that are none of these.
    """

    def __init__(self) -> None:
        self.noise = 0
        self._automatic = 0

    def feed(self, data: bytes) -> list[Answer]:
        """The answers in these bytes, in order."""
        return [answer for byte in data if (answer := self._one(byte)) is not None]

    def _one(self, byte: int) -> Answer | None:
        fixed = byte & 0b1001_0011
        if fixed == 0b0001_0010:
            self._automatic = 0
            return Answer(byte, is_at_once=True)
        if fixed == 0b0001_0000:
            self._automatic = 3
        elif byte in (0x11, 0x13):
            pass  # XON and XOFF
        elif byte & 0b1001_0000:
            self._automatic = 0
            self.noise += 1
        elif self._automatic:
            self._automatic -= 1
        else:
            return Answer(byte, is_at_once=False)
        return None


def read_status(printer: int, offline: int, errors: int, paper: int) -> PrinterStatus:
    """The status in the answers to DLE EOT 1 to 4."""
    return PrinterStatus(
        is_online=not printer & 0x08,
        is_cover_open=bool(offline & 0x04),
        has_error=bool(offline & 0x40 or errors & 0x68),
        paper="out" if paper & 0x60 or offline & 0x20 else "near_end" if paper & 0x0C else "enough",
    )
