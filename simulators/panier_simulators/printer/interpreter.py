"""ESC/POS bytes in, printed paper out: what a printer makes of a stream, whole or in pieces. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from panier_simulators.printer.code128 import read_data
from panier_simulators.printer.command import ESC, FS, GS, command_length
from panier_simulators.printer.paper import Alignment, Barcode, Cut, Item, Look, Row, Run

# Tables that ESC t n chooses (Epson, "Character code tables").
CODE_PAGES = {
    0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 13: "cp857", 14: "cp737", 16: "cp1252", 17: "cp866", 18: "cp852",
    19: "cp858",
}  # fmt: skip
UNDEFINED = "▯"
"""Stands where the table has nothing."""
_ALIGNMENTS: tuple[Alignment, ...] = ("left", "center", "right")
_CORRECTIONS: tuple[Literal["L", "M", "Q", "H"], ...] = ("L", "M", "Q", "H")
_PEEK = 64
_LONGEST = 64 * 1024
"""Bytes of one command that a printer would hold; more of it is dropped."""


class Interpreter:
    """The command processor of a printer with `dots` in a row.

    `feed` takes bytes; `step` executes one command and says whether there was a whole one; `items` is the paper so far. `asked`
    holds n of each GS r that came in its turn and waits to be answered. `ignored` counts commands that it does not know.
    """

    def __init__(self, dots: int = 512) -> None:
        self.dots = dots
        self.items: list[Item] = []
        self.asked: list[int] = []
        self.ignored = 0
        self._buffer = bytearray()
        self._reset()

    def feed(self, data: bytes) -> None:
        """Puts bytes into the receive buffer."""
        self._buffer += data

    @property
    def held(self) -> int:
        """Bytes in the receive buffer that are not executed."""
        return len(self._buffer)

    def clear(self) -> None:
        """Empties the receive buffer and the row that was begun: DLE DC4 8, DLE ENQ 2, or the power switch."""
        self._buffer.clear()
        self._reset()

    def run(self) -> None:
        """Executes all that is whole."""
        while self.step():
            pass

    def step(self) -> bool:
        """Executes the next command or character; False where none is there whole."""
        if not self._buffer:
            return False
        length = command_length(bytes(self._buffer[:_PEEK])) or command_length(bytes(self._buffer))
        if length is None:
            if len(self._buffer) <= _LONGEST:
                return False
            length = 2
            self.ignored += 1
        command = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._execute(command)
        return True

    # -- commands ------------------------------------------------------------------------------------------------------

    def _reset(self) -> None:
        self._look: Look = Look()
        self._page = "cp437"
        self._alignment: Alignment = "left"
        self._runs: list[Run] = []
        self._bar_height, self._bar_module = 162, 3
        self._qr_module, self._qr_correction, self._qr_data = 3, 0, b""

    def _execute(self, command: bytes) -> None:
        match command[0]:
            case 0x0A:
                self._end_row()
            case 0x09:
                self._put(" " * (8 - sum(len(run.text) for run in self._runs) % 8))
            case first if first == ESC:
                self._esc(chr(command[1]), command[2:])
            case first if first == GS:
                self._gs(chr(command[1]), command[2:])
            case 0x10 | 0x0D | 0x0C | 0x18 | 0x00:
                pass  # real-time commands are answered where bytes arrive; CR does nothing while auto line feed is off
            case first if first == FS or first < 0x20:
                self.ignored += 1
            case first:
                self._put(bytes([first]).decode(self._page, errors="replace").replace("\ufffd", UNDEFINED))

    def _esc(self, name: str, values: bytes) -> None:
        look, value = self._look, values[0] if values else 0
        match name:
            case "@":
                self._reset()
            case "!":
                self._look = replace(
                    look, small=bool(value & 1), bold=bool(value & 8), height=2 if value & 16 else 1,
                    width=2 if value & 32 else 1, underline=bool(value & 128),
                )  # fmt: skip
            case "E" | "G":
                self._look = replace(look, bold=bool(value & 1))
            case "-":
                self._look = replace(look, underline=value in (1, 2, 49, 50))
            case "M":
                self._look = replace(look, small=value in (1, 49))
            case "a":
                if value % 48 < 3 and not self._runs:
                    self._alignment = _ALIGNMENTS[value % 48]
            case "t":
                self._page = CODE_PAGES.get(value, self._page)
            case "d" | "e":
                self._end_row()
                self.items += [Row()] * max(0, value - 1)
            case "J":
                self._end_row()
            case " " | "2" | "3" | "R" | "c" | "p" | "{" | "V" | "D" | "=" | "$" | "\\" | "S":
                pass  # spacing, sensors, the drawer: nothing that a reader of the paper sees here
            case _:
                self.ignored += 1

    def _gs(self, name: str, values: bytes) -> None:
        value = values[0] if values else 0
        match name:
            case "!":
                if value & 0x88 == 0:
                    self._look = replace(self._look, width=(value >> 4) + 1, height=(value & 7) + 1)
            case "B":
                self._look = replace(self._look, inverse=bool(value & 1))
            case "h":
                self._bar_height = max(1, value)
            case "w":
                self._bar_module = value if 2 <= value <= 6 else self._bar_module
            case "k":
                self._bars(value, values[2:] if value >= 65 else values[1:-1])
            case "(":
                self._function(chr(value), values[3:])
            case "V":
                self._end_row(only_if_begun=True)
                self.items.append(Cut())
            case "r":
                self.asked.append(value)
            case "H" | "f" | "L" | "W" | "P" | "a" | "b" | "v" | "*" | "/" | "I" | "E" | "8":
                pass
            case _:
                self.ignored += 1

    def _bars(self, kind: int, data: bytes) -> None:
        self._end_row(only_if_begun=True)
        read = read_data(data) if kind == 73 else None
        if read is None:
            self.ignored += 1
            return
        content, values = read
        if (11 * len(values) + 2) * self._bar_module <= self.dots:
            height = self._bar_height
            self.items.append(Barcode("CODE128", content, values, self._bar_module, height, self._alignment))
        else:
            self.ignored += 1  # a symbol that is wider than the paper is not printed

    def _function(self, letter: str, data: bytes) -> None:
        """GS ( k: two-dimensional symbols. cn 49 is QR; fn 65 model, 67 module, 69 correction, 80 store, 81 print."""
        if letter != "k" or len(data) < 3 or data[0] != 49:
            self.ignored += letter not in "ADEHKLMN"
            return
        match data[1]:
            case 67:
                self._qr_module = data[2] if 1 <= data[2] <= 16 else self._qr_module
            case 69:
                self._qr_correction = data[2] - 48 if 48 <= data[2] <= 51 else self._qr_correction
            case 80:
                self._qr_data = data[3:]
            case 81 if self._qr_data:
                self._end_row(only_if_begun=True)
                content = self._qr_data.decode("utf-8", errors="replace")
                correction = _CORRECTIONS[self._qr_correction]
                self.items.append(
                    Barcode("QR", content, (), self._qr_module, 0, self._alignment, correction)
                )  # fmt: skip
            case _:
                pass

    # -- the row that is begun -----------------------------------------------------------------------------------------

    def _put(self, text: str) -> None:
        for one in text:
            if sum(len(run.text) * run.look.dots for run in self._runs) + self._look.dots > self.dots:
                self._end_row()
            if self._runs and self._runs[-1].look == self._look:
                self._runs[-1] = Run(self._runs[-1].text + one, self._look)
            else:
                self._runs.append(Run(one, self._look))

    def _end_row(self, *, only_if_begun: bool = False) -> None:
        if self._runs or not only_if_begun:
            self.items.append(Row(tuple(self._runs), self._alignment))
            self._runs = []
