"""A terminal with a program on it: a pty of a handheld's size, read as a person reads it, row by row."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import pyte

from panier.error import PanierError
from panier_simulators.surroundings import inherited

T = TypeVar("T")

Rows = tuple[str, ...]

ESCAPE = "\x1b"
ENTER = "\r"

_LAUNCH = Path(__file__).with_name("launch.py")
_LONGEST_BACKOFF = 8.0
_CHUNK = 65_536


class NotSeen(PanierError):
    """Something did not come up on the screen in time; the message shows what was there instead."""

    code = "not_seen"


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What a look at the screen found, and when the output that painted it arrived (monotonic seconds, before parsing)."""

    value: T
    at: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One character of the screen as a terminal would draw it; colours as Rich spells them, None for the terminal's own."""

    text: str
    foreground: str | None = None
    background: str | None = None
    bold: bool = False
    underline: bool = False
    reverse: bool = False


class _Screen(pyte.Screen):
    """pyte's screen that answers questions, as a real terminal does, and shrugs at private sequences that pyte mistakes."""

    def __init__(self, columns: int, lines: int, answer: Callable[[bytes], None]) -> None:
        self._answer = answer
        super().__init__(columns, lines)

    def write_process_input(self, data: str) -> None:
        self._answer(data.encode())

    def select_graphic_rendition(self, *attrs: int, **private: Any) -> None:
        # `CSI > 4 ; 2 m` is a keyboard mode of xterm, not a colour.
        if not private:
            super().select_graphic_rendition(*attrs)

    def report_device_status(self, mode: int, **private: Any) -> None:
        if not private:
            super().report_device_status(mode)


class SimulatedTerminal:
    """A program with its own screen.

    `command` is started again with the same arguments when it dies, after 0.5 s doubling to 8 s while it keeps dying at once,
    unless `stop` was called. Waiting goes on over a restart: what is painted is all that a person knows, too.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str = "terminal",
        columns: int = 40,
        lines: int = 24,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.columns = columns
        self.lines = lines
        self.starts = 0
        self.ends: dict[int, str] = {}
        """By process id, how each life ended and what stood on the screen then."""
        self.painted_at = 0.0
        self.pressed = ("", 0.0)
        """The last keys that were pressed, and when (monotonic seconds)."""
        self._command = tuple(command)
        self._environment = dict(environment or {})
        self._master = -1
        self._rows = [""] * lines
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._waiting: dict[asyncio.Future[Seen[Any]], Callable[[Rows], Any]] = {}
        self._blank()

    async def start(self) -> None:
        """Starts the program and keeps it alive from now on."""
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def stop(self, within: float = 5.0) -> None:
        """Asks the program to end (SIGTERM), kills it after `within` seconds, closes the screen."""
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        process = self._process
        if process and process.returncode is None:
            self.signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), within)
            except TimeoutError:
                self.signal(signal.SIGKILL)
                await process.wait()
        self._close()
        for future in self._waiting:
            future.cancel()

    def kill(self) -> None:
        """kill -9, as a battery that falls out; the program is started again."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the program."""
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    @property
    def pid(self) -> int:
        """Process id of the program; 0 before the first start."""
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        """True while the program lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def restarts(self) -> int:
        """How often the program was started again."""
        return max(0, self.starts - 1)

    @property
    def rows(self) -> Rows:
        """The text of the screen, top to bottom, without the spaces at the ends of rows."""
        return tuple(self._rows)

    def cells(self, y: int) -> list[Cell]:
        """Row `y` with its colours; empty below the last row."""
        if y >= self.lines:
            return []
        row = self._screen.buffer[y]
        return [
            Cell(of.data, _colour(of.fg), _colour(of.bg), of.bold, of.underscore, of.reverse)
            for of in (row[x] for x in range(self.columns))
        ]

    def send(self, keys: str) -> bool:
        """Presses keys. False where the program is not there to read them."""
        self.pressed = (keys, time.monotonic())
        if self._master < 0:
            return False
        try:
            os.write(self._master, keys.encode())
        except OSError:
            return False
        return True

    async def wait_for(self, predicate: Callable[[Rows], T | None], within: float, what: str = "the expected text") -> Seen[T]:
        """Waits until `predicate` finds something (neither None nor False) on the screen. Raises NotSeen after `within` s.

        A `within` of infinity waits until the program is stopped.
        """
        found = predicate(self.rows)
        if found is not None and found is not False:
            return Seen(found, self.painted_at)
        future: asyncio.Future[Seen[Any]] = asyncio.get_running_loop().create_future()
        self._waiting[future] = predicate
        try:
            return cast(Seen[T], await asyncio.wait_for(future, None if within == float("inf") else within))
        except TimeoutError:
            raise NotSeen(f"{self.name}: {what} did not come within {within:g} s; the screen showed:\n{self.picture()}") from None
        finally:
            self._waiting.pop(future, None)

    def picture(self) -> str:
        """The screen with a frame, for messages."""
        bar = "─" * self.columns
        return "\n".join([f"┌{bar}┐", *(f"│{row:<{self.columns}}│" for row in self._rows), f"└{bar}┘"])

    async def _spawn(self) -> None:
        self._close()
        self._blank()
        self._master, slave = pty.openpty()
        try:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", self.lines, self.columns, 0, 0))
            os.set_blocking(self._master, False)
            # Outside of a real terminal these would tell the program about ours.
            ours = inherited("COLUMNS", "LINES", "NO_COLOR")
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_LAUNCH), *self._command),
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env={**ours, "TERM": "xterm-256color", "COLORTERM": "truecolor", **self._environment},
            )
        finally:
            os.close(slave)
        self.starts += 1
        asyncio.get_running_loop().add_reader(self._master, self._read)

    async def _keep(self) -> None:
        backoff = 0.5
        while True:
            assert self._process is not None
            began = time.monotonic()
            status = await self._process.wait()
            self.ends[self._process.pid] = f"status {status}, its screen: {' / '.join(row for row in self._rows if row)[-600:]}"
            backoff = 0.5 if time.monotonic() - began > 10 else min(backoff * 2, _LONGEST_BACKOFF)
            await asyncio.sleep(backoff)
            await self._spawn()

    def _read(self) -> None:
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # EIO: the last holder of the other end is gone
        at = time.monotonic()
        if not data:
            self._close()
            return
        self.painted_at = at
        self._stream.feed(self._decode(data))
        self._refresh()
        self._look(at)

    def _refresh(self) -> None:
        # Only rows that changed: joining all cells for every chunk would cost more than parsing it.
        for y in self._screen.dirty:
            if y < self.lines:
                cells = self._screen.buffer[y]
                self._rows[y] = "".join(cells[x].data for x in range(self.columns)).rstrip()
        self._screen.dirty.clear()

    def _look(self, at: float) -> None:
        if not self._waiting:
            return
        rows = self.rows
        for future, predicate in list(self._waiting.items()):
            found = predicate(rows)
            if found is not None and found is not False and not future.done():
                future.set_result(Seen(found, at))

    def _blank(self) -> None:
        self._screen = _Screen(self.columns, self.lines, self._answer)
        self._stream = pyte.Stream(self._screen)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rows = [""] * self.lines
        self._screen.dirty.clear()

    def _answer(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._master, data)

    def _close(self) -> None:
        if self._master >= 0:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            self._master = -1


def _colour(name: str) -> str | None:
    """pyte's colour as Rich spells it: six hexadecimal digits need a #, the eight names do not."""
    if name == "default":
        return None
    if len(name) == 6 and all(digit in "0123456789abcdefABCDEF" for digit in name):
        return f"#{name}"
    return {"brown": "yellow"}.get(name, name.replace("bright", "bright_").replace("brown", "yellow"))
