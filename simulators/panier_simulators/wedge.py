"""A barcode scanner that poses as a keyboard: the kernel's key events, one report a packet, over a socket.

Written from linux/input-event-codes.h and the USB HID usage tables, not from the device's layout files: a wrong row there would
otherwise be right here too.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from panier_simulators.trigger import Trigger

RECORD = struct.Struct("llHHi")
"""input_event of a 64-bit kernel: seconds, microseconds, type, code, value."""

EV_SYN, EV_KEY, EV_MSC = 0, 1, 4
SYN_REPORT, SYN_DROPPED = 0, 3
MSC_SCAN = 4

# Linux key code and HID usage (page 7) of each key of the US layout that codes need, by the character it gives alone.
_KEYS = {
    "1": (2, 0x1E), "2": (3, 0x1F), "3": (4, 0x20), "4": (5, 0x21), "5": (6, 0x22), "6": (7, 0x23), "7": (8, 0x24),
    "8": (9, 0x25), "9": (10, 0x26), "0": (11, 0x27), "-": (12, 0x2D), "=": (13, 0x2E), "q": (16, 0x14), "w": (17, 0x1A),
    "e": (18, 0x08), "r": (19, 0x15), "t": (20, 0x17), "y": (21, 0x1C), "u": (22, 0x18), "i": (23, 0x0C), "o": (24, 0x12),
    "p": (25, 0x13), "[": (26, 0x2F), "]": (27, 0x30), "a": (30, 0x04), "s": (31, 0x16), "d": (32, 0x07), "f": (33, 0x09),
    "g": (34, 0x0A), "h": (35, 0x0B), "j": (36, 0x0D), "k": (37, 0x0E), "l": (38, 0x0F), ";": (39, 0x33), "'": (40, 0x34),
    "`": (41, 0x35), "\\": (43, 0x31), "z": (44, 0x1D), "x": (45, 0x1B), "c": (46, 0x06), "v": (47, 0x19), "b": (48, 0x05),
    "n": (49, 0x11), "m": (50, 0x10), ",": (51, 0x36), ".": (52, 0x37), "/": (53, 0x38), " ": (57, 0x2C),
}  # fmt: skip
_SHIFTED = dict(zip('!@#$%^&*()_+{}:"~|<>?', "1234567890-=[];'`\\,./", strict=True))

LEFTSHIFT = (42, 0xE1)
LEFTCTRL = (29, 0xE0)
ENTER = (28, 0x28)
KP_ENTER = (96, 0x58)
TAB = (15, 0x2B)

TERMINATORS = {"enter": ENTER, "kpenter": KP_ENTER, "tab": TAB}

Key = tuple[int, int]


def strokes(text: str) -> Iterator[tuple[Key, int]]:
    """(key, 1 down or 0 up) of what a scanner types for `text`; GS is Ctrl and ]. Raises KeyError for what has no key."""
    for sign in text:
        if sign == "\x1d":
            held, key = LEFTCTRL, _KEYS["]"]
        elif sign in _SHIFTED or sign.isupper():
            held, key = LEFTSHIFT, _KEYS[_SHIFTED.get(sign, sign.lower())]
        else:
            held, key = None, _KEYS[sign]
        if held:
            yield held, 1
        yield key, 1
        yield key, 0
        if held:
            yield held, 0


def report(key: Key, value: int, at: float) -> bytes:
    """One key edge as the kernel reports it: MSC_SCAN with the HID usage, EV_KEY, SYN_REPORT; `at` is seconds since 1970."""
    code, usage = key
    seconds, micros = int(at), int(at % 1 * 1_000_000)
    events = ((EV_MSC, MSC_SCAN, 0x70000 | usage), (EV_KEY, code, value), (EV_SYN, SYN_REPORT, 0))
    return b"".join(RECORD.pack(seconds, micros, *event) for event in events)


def dropped(at: float) -> bytes:
    """What the kernel says when its buffer ran over: events are missing before this report."""
    return RECORD.pack(int(at), int(at % 1 * 1_000_000), EV_SYN, SYN_DROPPED, 0)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, and when the terminator went down (monotonic seconds). `heard` is False while no device is connected."""

    text: str
    last_byte_at: float
    heard: bool


class SimulatedWedge:
    """A keyboard wedge behind an AF_UNIX SOCK_SEQPACKET socket at `path`, to which a device connects.

    `gap` is the time between two reports in seconds: 1 to 10 ms for a scanner, above 50 ms for a person. Calls block meanwhile.
    A reader that is too slow loses events and is told so by SYN_DROPPED, as the kernel does.
    """

    def __init__(self, path: Path, *, gap: float = 0.001, terminator: str = "enter", aim: bool = False) -> None:
        self.path = path
        self.gap = gap
        self._terminator = TERMINATORS[terminator]
        self._aim = "]E0" if aim else ""
        self._trigger = Trigger()
        self._reader: socket.socket | None = None
        self._overrun = False
        self._listener: socket.socket | None = None
        self.plug()

    def plug(self) -> None:
        """Plugs the cable in: a device can connect."""
        if self._listener:
            return
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(self.path))
        self._listener.listen(4)
        self._listener.setblocking(False)

    def unplug(self) -> None:
        """Pulls the cable: the reader finds the other end closed, the path is gone."""
        for end in (self._reader, self._listener):
            if end:
                end.close()
        self._reader = self._listener = None
        self.path.unlink(missing_ok=True)

    close = unplug

    def __enter__(self) -> SimulatedWedge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def scan(self, code: str, symbology: str | None = None) -> Typed:
        """Types one code and the terminator. A wedge sends no symbology, or always the identifier of EAN-13: `aim`."""
        del symbology
        self._trigger.pull(code)
        try:
            return self.type(f"{self._aim}{code}")
        finally:
            self._trigger.read(code)

    def type(self, text: str, *, drop_after: int | None = None, terminate: bool = True) -> Typed:
        """Types `text`. With `drop_after`, reports beyond that many are lost, and a SYN_DROPPED says so before the next."""
        due = time.monotonic()
        edges = list(strokes(text))
        kept = edges if drop_after is None else edges[:drop_after]
        for key, value in kept:
            due = self._edge(key, value, due)
        self._overrun = self._overrun or len(kept) < len(edges)
        down_at = time.monotonic()
        if terminate:
            due = self._edge(self._terminator, 1, due)
            down_at = time.monotonic()
            self._edge(self._terminator, 0, due)
        return Typed(text, down_at, self._reader is not None)

    def _edge(self, key: Key, value: int, due: float) -> float:
        remaining = due - time.monotonic()
        if remaining > 0:
            time.sleep(remaining)
        self._accept()
        now = time.time()
        if self._overrun and self._put(dropped(now)):
            self._overrun = False
        if not self._overrun and not self._put(report(key, value, now)):
            self._overrun = True
        return due + self.gap

    def _put(self, packet: bytes) -> bool:
        if not self._reader:
            return True  # typed into the void: nobody's buffer ran over
        try:
            self._reader.send(packet)
        except BlockingIOError:
            return False
        except OSError:
            self._reader.close()
            self._reader = None
        return True

    def _accept(self) -> None:
        if not self._listener:
            return
        # The newest reader counts: a device that was killed leaves its old connection behind.
        while True:
            try:
                reader, _ = self._listener.accept()
            except BlockingIOError:
                return
            if self._reader:
                self._reader.close()
            reader.setblocking(False)
            self._reader = reader
            self._overrun = False
