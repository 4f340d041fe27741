"""A barcode scanner that poses as a keyboard: the kernel's key events, one report a packet, over a socket.

Written from linux/input-event-codes.h and the USB HID usage tables.
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from pathlib import Path

from panier_simulators.keyboard import CAPS_LOCK, ENDS, Gs, Key, Mode, strokes
from panier_simulators.outlet import Outlet
from panier_simulators.trigger import Trigger

RECORD = struct.Struct("llHHi")
"""input_event of a 64-bit kernel: seconds, microseconds, type, code, value."""

EV_SYN, EV_KEY, EV_MSC = 0, 1, 4
SYN_REPORT, SYN_DROPPED = 0, 3
MSC_SCAN = 4


def report(key: Key, value: int, at: float) -> bytes:
    """One key edge as the kernel reports it: MSC_SCAN with the HID usage, EV_KEY, SYN_REPORT; `at` is seconds since 1970."""
    code, usage = key
    seconds, micros = int(at), int(at % 1 * 1_000_000)
    events = ((EV_MSC, MSC_SCAN, 0x70000 | usage), (EV_KEY, code, value), (EV_SYN, SYN_REPORT, 0))
    return b"".join(RECORD.pack(seconds, micros, *event) for event in events)


def dropped(at: float) -> bytes:
    """What the kernel says when its buffer ran over: events are missing before this report."""
    return RECORD.pack(int(at), int(at % 1 * 1_000_000), EV_SYN, SYN_DROPPED, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How a scanner was programmed to type."""

    layout: str = "us"
    mode: Mode = "keys"
    gs: Gs = "ctrl"
    end: str = "enter"
    prefix: str = ""
    """What it types before each code, for example the AIM identifier of EAN-13, which a wedge sends for all or for none."""


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

    def __init__(self, path: Path, habit: Habit | None = None, *, gap: float = 0.001) -> None:
        self.path = path
        self.habit = habit or Habit()
        self.gap = gap
        self._trigger = Trigger()
        self._outlet = Outlet(path)
        self._overrun = False

    def plug(self) -> None:
        """Plugs the cable in: a device can connect."""
        self._outlet.plug()

    def unplug(self) -> None:
        """Pulls the cable: the reader finds the other end closed, the path is gone."""
        self._outlet.unplug()

    close = unplug

    def __enter__(self) -> SimulatedWedge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def scan(self, code: str, symbology: str | None = None) -> Typed:
        """One pull of the trigger types one code; the next item of a kind takes a moment."""
        del symbology
        self._trigger.pull(code)
        try:
            return self.type(f"{self.habit.prefix}{code}")
        finally:
            self._trigger.read(code)

    def press_caps_lock(self) -> None:
        """Somebody leans on the keyboard that shares the scanner's plug."""
        due = self._edge(CAPS_LOCK, 1, time.monotonic())
        self._edge(CAPS_LOCK, 0, due)

    def type(self, text: str, *, drop_after: int | None = None, terminate: bool = True) -> Typed:
        """Types `text`. With `drop_after`, reports beyond that many are lost, and a SYN_DROPPED says so before the next."""
        due = time.monotonic()
        edges = list(strokes(text, self.habit.layout, self.habit.mode, self.habit.gs))
        kept = edges if drop_after is None else edges[:drop_after]
        for key, value in kept:
            due = self._edge(key, value, due)
        self._overrun = self._overrun or len(kept) < len(edges)
        down_at = time.monotonic()
        if terminate:
            due = self._edge(ENDS[self.habit.end], 1, due)
            down_at = time.monotonic()
            self._edge(ENDS[self.habit.end], 0, due)
        return Typed(text, down_at, self._outlet.has_reader)

    def _edge(self, key: Key, value: int, due: float) -> float:
        remaining = due - time.monotonic()
        if remaining > 0:
            time.sleep(remaining)
        if self._outlet.welcome():
            self._overrun = False
        now = time.time()
        if self._overrun and self._outlet.put(dropped(now)):
            self._overrun = False
        if not self._overrun and not self._outlet.put(report(key, value, now)):
            self._overrun = True
        return due + self.gap
