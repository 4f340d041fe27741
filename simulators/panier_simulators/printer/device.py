"""A receipt printer behind a pty or a TCP port: takes bytes, answers for its paper, and can be pulled out in the middle."""

from __future__ import annotations

import os
import random
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from panier_simulators.cable import SerialCable
from panier_simulators.printer.interpreter import Interpreter
from panier_simulators.printer.paper import Item, as_text

Paper = Literal["enough", "near", "out"]
BUFFER = 4096
"""Bytes of the receive buffer; when it is full the printer takes no more (Epson TM-T88: 4 KB)."""
_DLE = 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How the wire behaves: bytes taken at once, seconds before an answer leaves, and shares of answers lost or doubled."""

    at_once: int = 4096
    delay: float = 0.0
    lost: float = 0.0
    doubled: float = 0.0
    mute_in_turn: bool = False
    """GS r is not answered, as by printers that do not know it."""


CLEAN = Line()


class SimulatedPrinter:
    """A printer on a thread of its own. `link` is where its device file appears; without one it listens on 127.0.0.1:`port`.

    `rows_left` is how much paper is on the roll, None for plenty: it runs out in the middle of a receipt. The condition
    is set by `paper`, `cover`, `error`; all may be called from any thread.
    """

    def __init__(self, link: Path | None = None, port: int = 0, *, dots: int = 512, line: Line = CLEAN, seed: int = 0) -> None:
        self.link = link
        self.port = port
        self.rows_left: int | None = None
        self.unplugs_after: int | None = None
        """Bytes after which the cable is pulled by itself."""
        self.questions = 0
        self._interpreter = Interpreter(dots)
        self._line = line
        self._random = random.Random(seed)  # noqa: S311 (faults, not secrets)
        self._paper: Paper = "enough"
        self._is_open = False
        self._has_error = False
        self._changed = threading.Condition()
        self._heard = bytearray()
        self._cable = SerialCable(link) if link else None
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self._wake = os.pipe()
        self._is_ending = False
        self.plug()
        self._thread = threading.Thread(target=self._run, name="simulated printer", daemon=True)
        self._thread.start()

    def __enter__(self) -> SimulatedPrinter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what a person does with it ------------------------------------------------------------------------------------

    def paper(self, paper: Paper) -> None:
        """Puts in a new roll, lets it come near its end, or takes it out."""
        with self._changed:
            self._paper = paper
            self.rows_left = None if paper == "enough" else self.rows_left
            self._rouse()

    def cover(self, *, is_open: bool) -> None:
        """Opens or closes the cover."""
        with self._changed:
            self._is_open = is_open
            self._rouse()

    def error(self, *, has_error: bool) -> None:
        """The cutter jams, or is freed."""
        with self._changed:
            self._has_error = has_error
            self._rouse()

    def forget(self) -> None:
        """The power fails for a moment while the cable stays: what was in the buffer is gone."""
        with self._changed:
            self._interpreter.clear()

    def unplug(self) -> None:
        """Pulls the cable: the line fails at the other end; with it goes the power, and what was in the buffer."""
        with self._changed:
            self._pull()
            self._rouse()

    def plug(self) -> None:
        """Plugs it in again, at the same place."""
        with self._changed:
            if self.is_plugged:
                return
            if self._cable is None:
                self._listener = socket.create_server(("127.0.0.1", self.port))
                self.port = self._listener.getsockname()[1]
                self._listener.setblocking(False)
            else:
                self._cable.plug()
            self._rouse()

    def close(self) -> None:
        """Ends the printer."""
        with self._changed:
            self._is_ending = True
            self._rouse()
        self._thread.join(10)
        with self._changed:
            self._pull()
            for end in self._wake:
                os.close(end)
            self._wake = (-1, -1)

    # -- what can be seen of it ----------------------------------------------------------------------------------------

    @property
    def is_plugged(self) -> bool:
        return self._listener is not None if self._cable is None else self._cable.is_plugged

    @property
    def items(self) -> tuple[Item, ...]:
        """All that came out so far."""
        with self._changed:
            return tuple(self._interpreter.items)

    @property
    def dots(self) -> int:
        return self._interpreter.dots

    @property
    def ignored(self) -> int:
        """Commands that it did not know."""
        return self._interpreter.ignored

    def text(self, columns: int = 42) -> str:
        """The paper as text."""
        return as_text(self.items, columns)

    def wait_for(self, holds: Callable[[tuple[Item, ...]], bool], seconds: float, what: str) -> None:
        """Waits until what came out is as it should be. Raises TimeoutError, which shows the paper."""
        with self._changed:
            if not self._changed.wait_for(lambda: holds(tuple(self._interpreter.items)), seconds):
                raise TimeoutError(f"{what} did not come in {seconds} s; the paper says:\n{as_text(self._interpreter.items, 42)}")

    # -- the machine ---------------------------------------------------------------------------------------------------

    @property
    def _wire(self) -> int:
        """Where bytes come from; -1 for nowhere."""
        if self._cable is not None:
            return self._cable.end
        return self._client.fileno() if self._client else -1

    @property
    def _stands(self) -> bool:
        return self._paper == "out" or self._is_open or self._has_error

    def _rouse(self) -> None:
        if self._wake[1] >= 0:
            os.write(self._wake[1], b".")

    def _pull(self) -> None:
        self._interpreter.clear()
        self._heard.clear()
        if self._cable is not None:
            self._cable.pull()
        for end in (self._client, self._listener):
            if end is not None:
                end.close()
        self._client = self._listener = None

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._is_ending:
                    return
                wire = self._wire
                doors = [self._listener.fileno()] if self._listener else []
                has_room = self._interpreter.held < BUFFER
            sources = [self._wake[0], *doors, *([wire] if wire >= 0 and has_room else [])]
            try:
                ready, _, _ = select.select(sources, [], [], 0.2)
            except (OSError, ValueError):
                continue  # pulled just now
            if self._wake[0] in ready:
                os.read(self._wake[0], 1024)
            with self._changed:
                self._turn(set(ready), wire)
                self._changed.notify_all()
            self._print()

    def _turn(self, ready: set[int], wire: int) -> None:
        if self._listener is not None and self._listener.fileno() in ready:
            if self._client is not None:
                self._client.close()
            self._client, _ = self._listener.accept()
            self._client.setblocking(False)
            return
        if wire in ready and wire == self._wire:
            self._take(wire)

    def _take(self, wire: int) -> None:
        most = self._line.at_once if self.unplugs_after is None else min(self._line.at_once, max(1, self.unplugs_after))
        try:
            data = os.read(wire, most)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            if self._client is not None:
                self._client.close()
                self._client = None
            return
        self._interpreter.feed(data)
        self._hear(data, wire)
        if self.unplugs_after is not None:
            self.unplugs_after -= len(data)
            if self.unplugs_after <= 0:
                self.unplugs_after = None
                self._print_now()
                self._pull()

    def _hear(self, data: bytes, wire: int) -> None:
        """Real-time commands act when their bytes arrive, before what waits in the buffer."""
        for byte in data:
            if byte == _DLE and len(self._heard) < 2:
                self._heard[:] = [byte]
            elif self._heard:
                self._heard.append(byte)
            if len(self._heard) == 3:
                self._act(self._heard[1], self._heard[2], wire)
                self._heard.clear()

    def _act(self, name: int, value: int, wire: int) -> None:
        if name == 4 and 1 <= value <= 4:
            self.questions += 1
            self._answer(wire, self._status(value))
        elif name == 5 and value == 2:
            self._interpreter.clear()
            self._has_error = False

    def _status(self, question: int) -> int:
        is_out, is_near = self._paper == "out", self._paper != "enough"
        match question:
            case 1:
                return 0x12 | 0x08 * self._stands
            case 2:
                return 0x12 | 0x04 * self._is_open | 0x20 * is_out | 0x40 * self._has_error
            case 3:
                return 0x12 | 0x08 * self._has_error
            case _:
                return 0x12 | 0x0C * is_near | 0x60 * is_out

    def _answer(self, wire: int, byte: int) -> None:
        if self._line.delay:
            time.sleep(self._line.delay)
        chance = self._random.random()
        count = 0 if chance < self._line.lost else 2 if chance < self._line.lost + self._line.doubled else 1
        try:
            os.write(wire, bytes([byte]) * count)
        except OSError:
            return

    def _print(self) -> None:
        with self._changed:
            self._print_now()
            self._changed.notify_all()

    def _print_now(self) -> None:
        """Executes what is in the buffer, until the paper, the cover or the cutter stops it."""
        while not self._stands:
            count = len(self._interpreter.items)
            if not self._interpreter.step():
                break
            if self.rows_left is not None:
                self.rows_left -= len(self._interpreter.items) - count
                if self.rows_left <= 0:
                    self._paper = "out"
            if self._interpreter.asked:
                self._interpreter.asked.clear()
                wire = self._wire
                if wire >= 0 and not self._line.mute_in_turn:
                    self._answer(wire, 0x03 * (self._paper != "enough") | 0x0C * (self._paper == "out"))
