"""A scanner that speaks HID-POS: input reports of 64 bytes, one a packet, over a socket in place of /dev/hidraw.

Written from the makers' manuals, not from the device's profiles: Access-IS LSR118 Product Manual, appendix B (the fields of
Honeywell's reports: AIM identifier from byte 2, data from byte 5, a letter of the maker's own at byte 61), and Newland NLS-FM420
Integration Guide, page 47 (data from byte 2, no AIM identifier). In both, bit 0 of byte 63 says that the code goes on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from panier_simulators.outlet import Outlet
from panier_simulators.scanner import AIM, Unplugged, symbology_of
from panier_simulators.trigger import Trigger

SIZE, DATA, NUMBER = 64, 56, 2
_GAP = 0.001
"""Seconds between two reports: an interrupt endpoint of USB is asked every millisecond at the most often."""

Make = Literal["honeywell", "newland"]
MAKES: tuple[Make, ...] = get_args(Make)

# Honeywell's letters, as https://github.com/NielsLeenheer/WebHidBarcodeScanner reads them from byte 61 of a Voyager 1400g.
_LETTERS = {
    "ean13": "d", "upca": "c", "upce": "E", "ean8": "D", "code128": "j", "gs1-128": "I", "databar": "y", "datamatrix": "w",
    "gs1-datamatrix": "w", "qr": "s", "gs1-qr": "s", "itf": "e", "code39": "b",
}  # fmt: skip


def reports(code: str, symbology: str | None = None, make: Make = "honeywell") -> list[bytes]:
    """The input reports of one code, in order."""
    kind = symbology or symbology_of(code)
    data = code.encode("latin-1")
    pieces = [data[place : place + DATA] for place in range(0, len(data), DATA)]
    return [_report(piece, kind, make, goes_on=place < len(pieces)) for place, piece in enumerate(pieces, 1)]


def _report(piece: bytes, kind: str, make: Make, *, goes_on: bool) -> bytes:
    report = bytearray(SIZE)
    report[0], report[1], report[63] = NUMBER, len(piece), goes_on
    begin = 2
    if make == "honeywell":
        report[2:5], report[61], begin = AIM[kind].encode(), ord(_LETTERS[kind]), 5
    report[begin : begin + len(piece)] = piece
    return bytes(report)


@dataclass(frozen=True, slots=True)
class Reported:
    """What was reported, and when the last report left (monotonic seconds). `heard` is False while no device is connected.

    `lost` reports found the reader's buffer full.
    """

    reports: list[bytes]
    last_byte_at: float
    heard: bool
    lost: int = 0


class SimulatedHidPos:
    """A HID-POS scanner behind a socket at `path`, to which a device connects."""

    def __init__(self, path: Path, *, make: Make = "honeywell") -> None:
        self.path = path
        self.make: Make = make
        self._outlet = Outlet(path)
        self._trigger = Trigger()

    def plug(self) -> None:
        """Plugs the cable in: a device can connect."""
        self._outlet.plug()

    def unplug(self) -> None:
        """Pulls the cable: the reader finds the other end closed, the path is gone."""
        self._outlet.unplug()

    close = unplug

    def __enter__(self) -> SimulatedHidPos:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def scan(self, code: str, symbology: str | None = None) -> Reported:
        """One pull of the trigger reports one code; the next item of a kind takes a moment."""
        self._trigger.pull(code)
        try:
            return self.send(reports(code, symbology, self.make))
        finally:
            self._trigger.read(code)

    def send(self, packets: list[bytes]) -> Reported:
        """Sends reports as they are given. Raises Unplugged."""
        if not self._outlet.is_plugged:
            raise Unplugged(f"{self.path.name} is unplugged; call plug() first")
        begin, lost = time.monotonic(), 0
        for place, packet in enumerate(packets):
            remaining = begin + place * _GAP - time.monotonic()
            if remaining > 0:
                time.sleep(remaining)
            self._outlet.welcome()
            lost += not self._outlet.put(packet)
        return Reported(packets, time.monotonic(), self._outlet.has_reader, lost)

    def told(self) -> list[bytes]:
        """Output reports that the device has sent since the last look: beeps and lights."""
        self._outlet.welcome()
        return self._outlet.heard()
