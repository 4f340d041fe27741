"""From the input reports of a HID-POS scanner to frames (USB HID Point of Sale Usage Tables 1.02, usage page 0x8C)."""

from __future__ import annotations

import re

from panier_device.driver.frame import content, is_text, printable
from panier_device.driver.port import Flaw, Frame
from panier_device.driver.profile import ScannerProfile

_IDENTIFIER = re.compile(rb"\][A-Za-z][0-9A-Za-z]")
HIDPOS = ScannerProfile(title="Any scanner that speaks HID-POS")


class HidPosDecoder:
    """Turns input reports into frames, each with the AIM identifier that its report carries; keeps an unfinished code.

    Reports of another number are not scans and are passed over. A report that does not hold voids the code that it belongs to, to
    the end of that code. `noise` counts bytes that came to nothing.
    """

    def __init__(self, profile: ScannerProfile = HIDPOS) -> None:
        self.profile = profile
        self.noise = 0
        self._held = bytearray()
        self._identifier = ""
        self._last = b""
        self._flaw: Flaw | None = None

    @property
    def pending(self) -> bool:
        """True while the rest of a code is due: call `flush` when none comes."""
        return bool(self._held) or self._flaw is not None

    def feed(self, reports: list[bytes]) -> list[Frame]:
        """The frames that `reports` complete, in order."""
        return [frame for report in reports for frame in self._take(report)]

    def flush(self) -> list[Frame]:
        """Nothing came any more: the part that did, flawed."""
        return self._finish(self._flaw or "cut_short") if self.pending else []

    def reset(self) -> None:
        """The device went away: what is held will never be whole."""
        self.noise += len(self._held)
        self._forget()

    def _take(self, report: bytes) -> list[Frame]:
        where = self.profile.report
        if not report or report[0] != where.number:
            return []
        if len(report) <= where.length_at or len(report) < where.data_at + report[where.length_at]:
            self.noise += len(report)
            return self._finish("cut_short")
        length = report[where.length_at]
        identifier, goes_on = self._aim(report), self._goes_on(report)
        if length > where.data_size:
            self._flaw = "noise"
        if self._held and (identifier != self._identifier or report == self._last):
            # The end of one code and the beginning of the next are missing, or a report came twice. A code whose 56 bytes repeat
            # themselves would look the same; a shop has none.
            self._flaw = "noise"
        if not self._held:
            self._identifier = identifier
        self._last = report
        room = max(0, self.profile.longest - len(self._held))
        data = report[where.data_at : where.data_at + min(length, where.data_size)]
        self._held += data[:room]
        if len(data) > room:
            self._flaw = self._flaw or "too_long"
        return [] if goes_on else self._finish(self._flaw)

    def _aim(self, report: bytes) -> str:
        where = self.profile.report
        told = report[where.aim_at : where.aim_at + 3] if where.aim_at else b""
        if _IDENTIFIER.fullmatch(told):
            return told.decode("ascii")
        letter = report[where.symbology_at : where.symbology_at + 1] if where.symbology_at else b""
        return self.profile.report.symbologies.get(letter.decode("latin-1"), "")

    def _goes_on(self, report: bytes) -> bool:
        at = self.profile.report.continued_at
        return bool(at) and len(report) > at and bool(report[at] & 1)

    def _finish(self, flaw: Flaw | None) -> list[Frame]:
        held, identifier = bytes(self._held), self._identifier
        self._forget()
        # A terminator may be programmed here, too, for the sake of other ways to plug it in.
        data = held.rstrip(b"\r\n")
        if flaw is None and not data:
            return []
        try:
            text = data.decode(self.profile.encoding)
        except UnicodeDecodeError:
            text = ""
        if flaw is None and text and is_text(text):
            return [content(text, self.profile, identifier)]
        self.noise += len(held)
        return [Frame(printable(data), flaw or "noise")]

    def _forget(self) -> None:
        self._held.clear()
        self._identifier, self._last, self._flaw = "", b"", None
