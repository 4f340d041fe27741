"""A barcode scanner on a serial line: a pty whose bytes arrive at the pace, and in the shape, of the real wire."""

from __future__ import annotations

import os
import random
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from panier.error import PanierError
from panier_simulators.cable import SerialCable, Split, cut_up
from panier_simulators.trigger import Trigger

STX = "\x02"
GS = "\x1d"

# AIM identifiers as scanners send them when told to (ISO/IEC 15424). A UPC-A comes as EAN-13 with a leading 0.
AIM = {
    "ean13": "]E0", "upca": "]E0", "upce": "]E0", "ean8": "]E4", "code128": "]C0", "gs1-128": "]C1", "databar": "]e0",
    "datamatrix": "]d1", "gs1-datamatrix": "]d2", "qr": "]Q1", "gs1-qr": "]Q3", "itf": "]I0", "code39": "]A0",
}  # fmt: skip


class Unplugged(PanierError):
    """The scanner has no cable at the moment."""

    code = "unplugged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Programming:
    """How a scanner was programmed, with the barcodes of its manual. The texts are what goes over the wire around a code."""

    baud: int = 9600
    before: str = ""
    prefix: str = ""
    suffix: str = ""
    terminator: str = "\r"
    aim: bool = False
    gs: str = GS

    @classmethod
    def read(cls, file: Path) -> Programming:
        """The programming that a profile of firmware-config/profiles expects."""
        held: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        return cls(
            baud=held.get("baud", 9600),
            before=STX if held.get("framing") == "stx" else "",
            prefix=held.get("prefix", ""),
            suffix=held.get("suffix", ""),
            terminator=held.get("terminator", "\r"),
            aim=held.get("aim", False),
            gs=held.get("gs") or GS,
        )

    def frame(self, code: str, symbology: str | None = None) -> bytes:
        """The bytes of one code. Without a symbology, digits of the right length are EAN or UPC, anything else is Code 128."""
        kind = symbology or symbology_of(code)
        identifier = AIM[kind] if self.aim else ""
        text = code.replace(GS, self.gs)
        return f"{self.before}{self.prefix}{identifier}{text}{self.suffix}{self.terminator}".encode()


def symbology_of(code: str) -> str:
    """What a code is most likely printed as: EAN or UPC for digits of the right length, else Code 128."""
    return {8: "ean8", 12: "upca", 13: "ean13"}.get(len(code) if code.isdigit() else 0, "code128")


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, what of it a reader at its speed could hear, and when the last byte left (monotonic seconds).

    `lost` bytes found the line's buffer full.
    """

    data: bytes
    heard: bytes
    last_byte_at: float
    lost: int = 0


class SimulatedScanner:
    """A scanner behind a pty. `link` is a path that stays the same when it is unplugged and plugged in again, as udev keeps one.

    Calls block for as long as the wire takes: 10 bits a byte. `split` says in which pieces bytes become readable: each by itself,
    a code at once (a USB scanner's packet), or at random places.
    """

    def __init__(self, link: Path, programming: Programming | None = None, *, split: Split = "bytes", seed: int = 0) -> None:
        self.link = link
        self.programming = programming or Programming()
        self._split: Split = split
        self._random = random.Random(seed)  # noqa: S311 (noise, not secrets)
        self._trigger = Trigger()
        self._cable = SerialCable(link)
        self._cable.plug()

    def plug(self) -> None:
        """Plugs the cable in: a new device file behind the same link."""
        self._cable.plug()

    def unplug(self) -> None:
        """Pulls the cable: readers get an error, the link is gone."""
        self._cable.pull()

    close = unplug

    def __enter__(self) -> SimulatedScanner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def scan(self, code: str, symbology: str | None = None) -> Sent:
        """One pull of the trigger sends one code; the next item of a kind takes a moment. Raises Unplugged."""
        self._trigger.pull(code)
        try:
            return self.send(self.programming.frame(code, symbology))
        finally:
            self._trigger.read(code)

    def hold(self, code: str, times: int) -> Sent:
        """Holds the trigger of a scanner that reads on while it is held: the same code `times` times. Raises Unplugged."""
        return [self.send(self.programming.frame(code)) for _ in range(times)][-1]

    def half(self, code: str, symbology: str | None = None) -> Sent:
        """Sends the first half of a code and nothing more, as when the scanner loses power."""
        frame = self.programming.frame(code, symbology)
        return self.send(frame[: len(frame) // 2])

    def garble(self, code: str) -> Sent:
        """Sends one code with one bit wrong, as a loose plug does."""
        frame = bytearray(self.programming.frame(code))
        frame[self._random.randrange(len(frame) - 1)] ^= 1 << self._random.randrange(8)
        return self.send(bytes(frame))

    def told(self) -> bytes:
        """What the reader has sent since the last look: beeps and lights."""
        try:
            return os.read(self._cable.end, 4096) if self._cable.is_plugged else b""
        except BlockingIOError:
            return b""

    def noise(self, count: int) -> Sent:
        """Sends `count` random bytes, as a loose cable does."""
        return self.send(self._random.randbytes(count))

    def send(self, data: bytes) -> Sent:
        """Sends bytes at the pace of the line. A reader at another speed gets what such a line would give it."""
        if not self._cable.is_plugged:
            raise Unplugged(f"{self.link.name} is unplugged; call plug() first")
        heard = as_heard(data, sent_at=self.programming.baud, heard_at=self.readers_baud)
        begin, byte_time, lost, done = time.monotonic(), 10 / self.programming.baud, 0, 0
        last = begin
        for piece in cut_up(heard, self._split, self._random):
            done += len(piece)
            # A deadline a byte, reckoned from the first: sleeping a byte's time after each would add up every late wake-up.
            _sleep_until(begin + done * byte_time)
            lost += len(piece) - self._write(piece)
            last = time.monotonic()
        return Sent(data, heard, last, lost)

    @property
    def readers_baud(self) -> int:
        """The speed that the reader has set its end to: that of this scanner while nobody has set any."""
        return self._cable.readers_baud(self.programming.baud)

    def _write(self, piece: bytes) -> int:
        try:
            return os.write(self._cable.end, piece)
        except BlockingIOError:
            # Nobody reads, and the kernel's buffer is full: on a real line these bytes are gone, and so they are here.
            return 0


def as_heard(data: bytes, *, sent_at: int, heard_at: int) -> bytes:
    """What a receiver that samples 8N1 at `heard_at` baud makes of bytes sent back to back at `sent_at` baud.

    A frame whose stop bit is not there is read as a zero byte, as Linux does by default.
    """
    if sent_at == heard_at:
        return data
    line = [bit for byte in data for bit in (0, *((byte >> place) & 1 for place in range(8)), 1)]
    step = sent_at / heard_at

    def level(at: float) -> int:
        place = int(at)
        return line[place] if place < len(line) else 1

    heard, now = bytearray(), 0.0
    while now < len(line):
        if level(now):
            now = float(int(now) + 1)
            continue
        byte = sum(level(now + step * (1.5 + place)) << place for place in range(8))
        stop = now + step * 9.5
        heard.append(byte if level(stop) else 0)
        now = stop
    return bytes(heard)


def _sleep_until(deadline: float) -> None:
    remaining = deadline - time.monotonic()
    if remaining > 0:
        time.sleep(remaining)
