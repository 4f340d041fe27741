"""CAS PD-II as for Samsung ER-670 registers (its ECR type 6): an enquiry, then a block with a check character.

Sources: CAS PD-II manual, 3.1.6; the same block in OHAUS Aviator 7000 Service Manual V13, 6.1.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from panier_device.driver.scale.port import (
    Question,
    ScaleBelowZero,
    ScaleFaulty,
    ScaleGarbled,
    ScaleOverloaded,
    ScaleRefused,
    ScaleUnstable,
    ScaleWeight,
    Send,
    Step,
    Unit,
    grams_of,
)

_SOH, _STX, _ETX, _EOT, _ENQ, _ACK, _DC1, _NAK = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x11, 0x15
_BLOCK = re.compile(rb"([SU])([ \-F])([ \d.]{6}|F{6})([A-Za-z]{2})", re.DOTALL)
# Ten characters, check, ETX and EOT: counted, because a check character may look like an end.
_LENGTH = 13


@dataclass(frozen=True, slots=True)
class CasPd2:
    """A dialect."""

    unit: Unit = "kg"

    def dialogue(self) -> CasDialogue:
        """The talk in this dialect."""
        return CasDialogue(self)


class CasDialogue:
    """ENQ, ACK, DC1, block."""

    def __init__(self, dialect: CasPd2) -> None:
        self.dialect = dialect
        self.noise = 0
        self._held: bytearray | None = None
        self._awaits = ""

    def ask(self, question: Question) -> Send:
        """Begins; the price is no business of this protocol."""
        self.reset()
        self._awaits = "ack"
        return Send(bytes([_ENQ]))

    def reset(self) -> None:
        """Nothing more comes of this question."""
        self.noise += len(self._held or b"")
        self._held = None
        self._awaits = ""

    def feed(self, data: bytes) -> list[Step]:
        """The request for the block, and what the block says."""
        steps: list[Step] = []
        for byte in data:
            step = self._push(byte)
            if step is not None:
                steps.append(step)
        return steps

    def _push(self, byte: int) -> Step | None:
        if self._awaits == "block" and self._held is not None:
            self._held.append(byte)
            if len(self._held) < _LENGTH:
                return None
            block, self._held = bytes(self._held), None
            self._awaits = ""
            return self._read(block)
        if self._awaits and byte == _NAK:
            self._awaits = ""
            return ScaleUnstable()
        if self._awaits == "ack" and byte == _ACK:
            self._awaits = "block"
            return Send(bytes([_DC1]))
        if self._awaits == "block" and byte == _STX:
            self._held = bytearray()
        elif not (self._awaits == "block" and byte == _SOH):
            self.noise += 1
        return None

    def _read(self, block: bytes) -> ScaleWeight | ScaleRefused:
        content, check, end = block[:10], block[10], block[11:]
        found = _BLOCK.fullmatch(content)
        if found is None or end != bytes([_ETX, _EOT]) or check != _check(content):
            return ScaleGarbled(block, "a weight with its check character")
        if found[2] == b"F" or found[3] == b"FFFFFF":
            return ScaleOverloaded()
        if found[4].decode().lower() != self.dialect.unit:
            return ScaleFaulty(f"the scale weighs in {found[4].decode()}, its profile in {self.dialect.unit}")
        shown = re.fullmatch(rb" *(\d+\.\d+) *", found[3])
        if shown is None:
            return ScaleGarbled(block, "a weight with a point")
        grams = grams_of(shown[1].decode(), self.dialect.unit)
        if found[1] == b"U":
            return ScaleUnstable(None if found[2] == b"-" else grams)
        if found[2] == b"-" and grams:
            return ScaleBelowZero()
        return ScaleWeight(grams, is_checked=True)


def _check(content: bytes) -> int:
    check = 0
    for byte in content:
        check ^= byte
    return check
