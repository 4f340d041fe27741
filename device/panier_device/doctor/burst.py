"""What a scanner sent at one pull of the trigger, with all that a person needs to judge it. No input or output here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from panier_device.driver.port import Frame, KeyEvent
from panier_device.library.sheet import Target

Ending = Literal["terminator", "silence"]
_MOST_SHOWN = 64
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Burst:
    """One frame and what it was made of. Times in milliseconds of one clock."""

    frame: Frame
    raw: bytes
    """As it came; of a keyboard, the characters that its keys gave; of reports, what they carried."""
    first_ms: float
    last_ms: float
    ended_by: Ending
    wire: Target
    keys: tuple[KeyEvent, ...] = ()
    reports: tuple[bytes, ...] = ()

    @property
    def each_ms(self) -> float:
        """Time between two bytes or characters, on average."""
        return (self.last_ms - self.first_ms) / max(1, len(self.raw) - 1)


_NAMES = {0x00: "NUL", 0x02: "STX", 0x03: "ETX", 0x09: "TAB", 0x0A: "LF", 0x0D: "CR", 0x1B: "ESC", 0x1D: "GS", 0x1E: "RS"}


def visible(raw: bytes) -> str:
    """Text with control characters by name, such as 5901234123457<CR>; bytes that are none in hex."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"<{_NAMES.get(byte, f'{byte:02X}')}>" for byte in raw)


def in_hex(raw: bytes) -> str:
    """Bytes in hex, cut where they are too many for a screen."""
    shown = raw[:_MOST_SHOWN].hex(" ")
    return f"{shown} and {len(raw) - _MOST_SHOWN} more" if len(raw) > _MOST_SHOWN else shown
