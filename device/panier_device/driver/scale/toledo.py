"""Toledo 8217: one letter asks, a weight or a status byte answers. No check of itself but the line's parity.

Source: METTLER TOLEDO Diva Service Manual 72191202 (05/2012), 6.1.3 and 6.1.4; variants from the manuals named beside them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from panier_device.driver.scale.frame import FrameCutter, FramedDialogue
from panier_device.driver.scale.port import (
    Question,
    ScaleBelowZero,
    ScaleGarbled,
    ScaleOffZero,
    ScaleOverloaded,
    ScaleRefused,
    ScaleTared,
    ScaleUnstable,
    ScaleWeight,
    Send,
    Step,
    Unit,
    grams_of,
)

_STX, _CR = 0x02, 0x0D
_MOTION, _OVER, _UNDER, _OFF_ZERO, _ZERO, _NET, _ONE = (1 << bit for bit in range(7))


@dataclass(frozen=True, slots=True)
class Toledo8217:
    """A dialect. Pounds come with two decimals, kilograms with three, which tells a scale that was switched to the other.

    `names_unit`: the unit stands behind the digits.
    """

    unit: Unit = "kg"
    status_bit5_means_net: bool = True
    names_unit: bool = False
    keeps_tare: bool = False
    """True where a tare set at the scale counts; else it is cleared."""

    def dialogue(self) -> ToledoDialogue:
        """The talk in this dialect."""
        return ToledoDialogue(self)


METTLER = Toledo8217()
RICE_LAKE = replace(METTLER, status_bit5_means_net=False, names_unit=True)
"""BenchPro Series Operation Manual PN 180557 Rev B, page 26: status bit 5 "always 1", two characters for the unit."""
OHAUS = RICE_LAKE
"""Courier 7000 Instruction Manual, pages EN-37 and EN-39: the same tables."""


class ToledoDialogue(FramedDialogue):
    """Asks with `W`; where a tare is set that does not count, clears it with `C` and asks once more."""

    def __init__(self, dialect: Toledo8217) -> None:
        super().__init__(FrameCutter(_STX, _CR))
        self.dialect = dialect
        self._clearing = self._cleared = False
        decimals = {"kg": rb"\d{3}", "lb": rb"\d{2}"}[dialect.unit]
        unit = dialect.unit.encode() if dialect.names_unit else b""
        self._weight = re.compile(rb"(\d{1,3}\." + decimals + rb")" + unit + rb"(N?)")

    def ask(self, question: Question) -> Send:
        """Begins; the price is no business of this protocol."""
        self.reset()
        self._asked = True
        return Send(b"W")

    def reset(self) -> None:
        """Nothing more comes of this question."""
        super().reset()
        self._clearing = self._cleared = False

    def _hear(self, answer: bytes) -> Step:
        return self._status(answer) if answer[:1] == b"?" else self._shown(answer)

    def _shown(self, answer: bytes) -> Step:
        found = self._weight.fullmatch(answer)
        if found is None or self._clearing:
            return ScaleGarbled(answer, f"a weight in {self.dialect.unit}")
        is_net = bool(found[2])
        if is_net and not self.dialect.keeps_tare:
            if self._cleared:
                return ScaleTared()
            self._clearing = True
            return Send(b"C")
        return ScaleWeight(grams_of(found[1].decode(), self.dialect.unit), is_net)

    def _status(self, answer: bytes) -> Step:
        if len(answer) != 2 or answer[1] & (_ONE | 0x80) != _ONE:
            return ScaleGarbled(answer, "a status byte")
        status = answer[1]
        if self._clearing:
            self._clearing, self._cleared = False, True
            is_still_net = self.dialect.status_bit5_means_net and status & _NET
            return ScaleTared() if is_still_net else Send(b"W")
        return _meaning(status)


def _meaning(status: int) -> ScaleWeight | ScaleRefused:
    if status & _OVER:
        return ScaleOverloaded()
    if status & _UNDER:
        return ScaleBelowZero()
    if status & _MOTION:
        return ScaleUnstable()
    if status & _ZERO:
        # Some makers send the status of an empty scale in place of 00.000.
        return ScaleWeight(0)
    # "Initial zero outside" alone keeps a scale from weighing; with a load on it the bit says nothing.
    return ScaleOffZero() if status & _OFF_ZERO else ScaleUnstable()
