"""NCI and Weigh-Tronix SCP-01: a command line asks, lines of text and two to four status bytes answer.

Sources: Weigh-Tronix document 8408-14788-01, "SCP-01 (NCI standard, and 3825)"; for the form of cash registers (ECR), with S
before the status bytes, METTLER TOLEDO Diva Service Manual 72191202, 6.1.2, and OHAUS Aviator 7000 Service Manual V13, pages 47
to 49.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from panier_device.driver.scale.frame import FrameCutter, FramedDialogue
from panier_device.driver.scale.port import (
    Question,
    ScaleBelowZero,
    ScaleFaulty,
    ScaleGarbled,
    ScaleOffZero,
    ScaleOverloaded,
    ScaleRefused,
    ScaleTared,
    ScaleUnstable,
    ScaleWeight,
    Send,
    Unit,
    grams_of,
)

_LF, _ETX = 0x0A, 0x03
_LINES = re.compile(rb"(?:([^\r\n]{1,16})\r\n)?(S?)([0-?][0-\x7f]{1,3})\r")
_SHOWN = re.compile(rb" *(-?) *(\d{1,5}\.\d{1,4}|\d{1,6}) *([A-Za-z]{2})")
_FAULTS = (
    (0, 0x04, "the scale's memory fails"), (0, 0x08, "the scale's settings are lost"),
    (1, 0x04, "the scale's program is damaged"), (1, 0x08, "the scale has lost its calibration"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scp01:
    """A dialect. `status_sign` stands before the status bytes."""

    unit: Unit = "kg"
    status_sign: bytes = b""
    keeps_tare: bool = False

    def dialogue(self) -> Scp01Dialogue:
        """The talk in this dialect."""
        return Scp01Dialogue(self)


WEIGH_TRONIX = Scp01()
ECR = replace(WEIGH_TRONIX, status_sign=b"S")


class Scp01Dialogue(FramedDialogue):
    """Asks with `W`."""

    def __init__(self, dialect: Scp01) -> None:
        # Between the lines stands an LF, too.
        super().__init__(FrameCutter(_LF, _ETX, nested=True))
        self.dialect = dialect

    def ask(self, question: Question) -> Send:
        """Begins; the price is no business of this protocol."""
        self.reset()
        self._asked = True
        return Send(b"W\r")

    def _hear(self, answer: bytes) -> ScaleWeight | ScaleRefused:
        if answer == b"?\r":
            return ScaleFaulty("the scale does not know the command W")
        lines = _LINES.fullmatch(answer)
        if lines is None or lines[2] != self.dialect.status_sign or not _is_status(lines[3]):
            return ScaleGarbled(answer, "a weight and status bytes")
        refusal, shown = _refusal(lines[3]), lines[1]
        if refusal is not None and not isinstance(refusal, ScaleUnstable):
            return refusal
        if shown is None:
            # Only the status: moving, or at zero where a scale says no more.
            return refusal or (ScaleWeight(0) if lines[3][0] & 0x02 else ScaleUnstable())
        found = _SHOWN.fullmatch(shown)
        if found is None:
            return ScaleGarbled(shown, "a weight")
        if found[3].decode().lower() != self.dialect.unit:
            return ScaleFaulty(f"the scale weighs in {found[3].decode()}, its profile in {self.dialect.unit}")
        grams = grams_of(found[2].decode(), self.dialect.unit)
        if refusal is not None:
            return ScaleUnstable(None if found[1] else grams)
        if found[1] and grams:
            return ScaleBelowZero()
        is_net = len(lines[3]) > 2 and bool(lines[3][2] & 0x04)
        return ScaleTared() if is_net and not self.dialect.keeps_tare else ScaleWeight(grams, is_net)


def _is_status(status: bytes) -> bool:
    """Bits 4 and 5 are always 1; bit 6 says that another byte follows."""
    follows = [byte & 0x40 != 0 for byte in status[1:]]
    return all(byte & 0xB0 == 0x30 for byte in status) and follows == [True] * (len(follows) - 1) + [False]


def _refusal(status: bytes) -> ScaleRefused | None:
    for place, bit, reason in _FAULTS:
        if status[place] & bit:
            return ScaleFaulty(reason)
    if len(status) > 2 and status[2] & 0x08:
        return ScaleOffZero()
    if status[1] & 0x02:
        return ScaleOverloaded()
    if status[1] & 0x01:
        return ScaleBelowZero()
    return ScaleUnstable() if status[0] & 0x01 else None
