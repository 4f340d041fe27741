"""A scale on a serial line: a pty behind which a plate, a protocol and a bad cable can be had."""

from __future__ import annotations

import os
import random
import select
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from panier_simulators.cable import SerialCable, Split, cut_up
from panier_simulators.platter import Make, Platter
from panier_simulators.scale_talk import Reply, talk_of
from panier_simulators.scanner import as_heard


@dataclass(slots=True, kw_only=True)
class Faults:
    """What is wrong with the scale or its cable; may be changed at any time. Shares are of 1.

    `corrupted`, `lost` and `doubled` are shares of its bytes, `late` seconds before each answer, `cut_after` bytes of answers
    until the cable is pulled.
    """

    is_silent: bool = False
    corrupted: float = 0.0
    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    cut_after: int | None = None


class SimulatedScale:
    """A scale behind a pty. `link` stays the same when it is unplugged and plugged in again, as udev keeps one.

    A thread of its own answers at the pace of the wire, in pieces as `split` says, and counts `answers`, and those that say that
    nothing lies there (`empties`). A reader at another
    speed is misunderstood, and reads what such a line would give it.
    """

    def __init__(
        self, link: Path, make: Make | None = None, *, settle: float = 0.4, split: Split = "bytes", seed: int = 0,
    ) -> None:  # fmt: skip
        self.link = link
        self.make = make or Make()
        self.platter = Platter(self.make, settle)
        self.faults = Faults()
        self.answers = self.empties = 0
        self._split: Split = split
        self._random = random.Random(seed)  # noqa: S311 (noise, not secrets)
        self._lock = threading.RLock()
        self._cable = SerialCable(link)
        self._wake, self._waker = os.pipe()
        self._over = threading.Event()
        self.plug()
        self._thread = threading.Thread(target=self._serve, name=f"scale {link.name}", daemon=True)
        self._thread.start()

    # -- what a person does to it --------------------------------------------------------------------------------------

    def put(self, grams: int) -> None:
        """Puts something on."""
        self.platter.put(grams, time.monotonic())

    def take(self) -> None:
        """Takes everything off."""
        self.platter.take(time.monotonic())

    def obey(self, order: str, argument: str = "") -> str:
        """One order of a person at a keyboard; what came of it, in words."""
        platter, faults = self.platter, self.faults
        match order:
            case "put" if argument.lstrip("-").isdecimal():
                self.put(int(argument))
            case "take":
                self.take()
            case "overload":
                self.put(self.make.capacity + 1000)
            case "lean" | "still":
                platter.sway(forever=order == "lean")
            case "zero":
                platter.press_zero()
            case "tare":
                platter.press_tare()
            case "clear":
                platter.press_clear()
            case "silent" | "speak":
                faults.is_silent = order == "silent"
            case "unplug":
                self.unplug()
            case "plug":
                self.plug()
            case _:
                return f"no such order: {f'{order} {argument}'.strip()}"
        shown = f"{platter.net} g on the plate" + (f", tare {platter.tare} g" if platter.tare else "")
        return f"{shown}, {self.answers} answers so far"

    def plug(self) -> None:
        """Plugs the cable in: a new device file behind the same link, and a scale that was just switched on."""
        with self._lock:
            if self._cable.is_plugged:
                return
            self._talk = talk_of(self.platter)
            self._cable.plug()
        self._rouse()

    def unplug(self) -> None:
        """Pulls the cable."""
        with self._lock:
            self._cable.pull()
        self._rouse()

    def close(self) -> None:
        """Ends it; safe to repeat."""
        if not self._over.is_set():
            self._over.set()
            self.unplug()
            self._rouse()
            self._thread.join()
            os.close(self._wake)
            os.close(self._waker)

    def __enter__(self) -> SimulatedScale:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what it does by itself ----------------------------------------------------------------------------------------

    def _rouse(self) -> None:
        os.write(self._waker, b".")

    def _serve(self) -> None:
        while not self._over.is_set():
            with self._lock:
                wire = self._cable.end
            try:
                ready, _, _ = select.select([self._wake, *([wire] if wire >= 0 else [])], [], [])
            except OSError:
                # The cable was pulled in between.
                continue
            if self._wake in ready:
                os.read(self._wake, 64)
                continue
            try:
                with self._lock:
                    data = os.read(self._cable.end, 256) if self._cable.is_plugged else b""
                    speed = self._cable.readers_baud(self.make.baud)
            except OSError:
                continue
            # The till's bytes take their time on the wire, too.
            self._over.wait(len(data) * 10 / self.make.baud)
            for byte in as_heard(data, sent_at=speed, heard_at=self.make.baud):
                now = time.monotonic()
                is_empty = self.platter.is_at_zero and not self.platter.moves(now)
                for reply in self._talk.hear(bytes([byte]), now):
                    self._answer(reply, speed, is_empty=is_empty)

    def _answer(self, reply: Reply, speed: int, *, is_empty: bool) -> None:
        faults = self.faults
        if faults.is_silent:
            return
        self._over.wait(reply.after + faults.late)
        data = as_heard(self._spoilt(reply.data), sent_at=self.make.baud, heard_at=speed)
        begin, sent = time.monotonic(), 0
        for piece in cut_up(data, self._split, self._random):
            # A deadline a piece, reckoned from the first: late wake-ups must not add up.
            sent += len(piece)
            self._over.wait(max(0.0, begin + sent * 10 / self.make.baud - time.monotonic()))
            if not self._write(piece):
                return
        self.answers += 1
        self.empties += is_empty

    def _write(self, piece: bytes) -> bool:
        faults = self.faults
        if faults.cut_after is not None:
            piece = piece[: faults.cut_after]
            faults.cut_after -= len(piece)
        with self._lock:
            try:
                if piece:
                    os.write(self._cable.end, piece)
            except OSError:
                # Nobody reads, or the cable is out: on a real line these bytes are gone.
                return False
        if faults.cut_after == 0:
            faults.cut_after = None
            self.unplug()
            return False
        return True

    def _spoilt(self, data: bytes) -> bytes:
        faults, chance, spoilt = self.faults, self._random, bytearray()
        for byte in data:
            if chance.random() < faults.lost:
                continue
            flipped = 1 << chance.randrange(self.make.data_bits) if chance.random() < faults.corrupted else 0
            spoilt += bytes([byte ^ flipped] * (2 if chance.random() < faults.doubled else 1))
        return bytes(spoilt)
