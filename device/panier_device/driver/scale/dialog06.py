"""Checkout-Dialogue 06: the scale is told the price a kilogram, and answers with weight and price to pay.

Sources: METTLER TOLEDO Diva Service Manual 72191202, 6.1.8 (records 01 to 11, and when to ask again); OHAUS Aviator 7000 Service
Manual V13, 6.1.3; CELY PI100 manual 49TPI10EN04, 7.5; that each answer is closed with EOT, and how checksums are turned, from the
driver of Coop IT Easy for Odoo (`pos_toledo`). The polynomial of the checksums is a secret between the makers of scale and
software: without one in the profile, ours holds, which only our simulator knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from panier_device.driver.scale.frame import FrameCutter, FramedDialogue
from panier_device.driver.scale.port import (
    Question,
    ScaleBelowZero,
    ScaleFaulty,
    ScaleGarbled,
    ScaleOverloaded,
    ScaleRefused,
    ScaleRepeated,
    ScaleTooLight,
    ScaleUnstable,
    ScaleWeight,
    Send,
    Step,
)

_STX, _ETX, _ACK, _NAK = 0x02, 0x03, 0x06, 0x15
_EOT, _ENQ, _ESC = b"\x04", b"\x05", b"\x1b"
_RESULT = re.compile(rb"02\x1b(\d)\x1b(\d{5})\x1b(\d{5,6})\x1b(\d{6})")
_STATUS = re.compile(rb"09\x1b(\d\d)")
_CHECK = re.compile(rb"11\x1b(?:([01])|2([0-9A-F]{2}))")
_KILOGRAMS = b"3"
OUR_POLYNOMIAL = 0x11021
"""X^16 + X^12 + X^5 + 1: public, and no scale's."""
_CHECKSUM = 0x5041
_REASONS = {
    "01": "the scale reports a general error", "02": "the scale could not read what it was told",
    "10": "the scale does not know that record", "11": "the scale does not take this price",
    "12": "the scale does not take this tare", "13": "the scale does not take this text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dialog06:
    """A dialect. `polynomial` has 17 bits."""

    polynomial: int = OUR_POLYNOMIAL

    def dialogue(self) -> Dialog06Dialogue:
        """The talk in this dialect."""
        return Dialog06Dialogue(self)


class Dialog06Dialogue(FramedDialogue):
    """Price, acknowledgement, enquiry, result; on NAK the status; where the scale wants checksums, those first."""

    def __init__(self, dialect: Dialog06) -> None:
        super().__init__(FrameCutter(_STX, _ETX, alone=bytes([_ACK, _NAK])))
        self.dialect = dialect
        self._question = Question()
        self._awaits = ""
        self._is_told = False
        self._has_proved = False

    def ask(self, question: Question) -> Send:
        """Tells the price; or, where the scale knows it and only had not finished, asks for the result again."""
        again = self._is_told and question == self._question
        self.reset()
        self._asked = True
        self._question = question
        self._has_proved = False
        if again:
            return self._enquire("result")
        return self._tell()

    def reset(self) -> None:
        """Nothing more comes of this question."""
        super().reset()
        self._awaits = ""
        self._is_told = False

    def feed(self, data: bytes) -> list[Step]:
        """What to send next, and the result."""
        steps: list[Step] = []
        for step in super().feed(data):
            # Each answer of the scale is closed; with another record this EOT stands before it.
            steps += [step] if isinstance(step, Send) else [Send(_EOT), step]
        return steps

    def _tell(self) -> Send:
        self._awaits = "told"
        price, tare = self._question.price_per_kg, self._question.tare
        if tare:
            return Send(_record(b"03", b"%06d" % price, b"%04d" % tare))
        return Send(_record(b"01", b"%06d" % price, b""))

    def _enquire(self, awaits: str) -> Send:
        self._awaits = awaits
        return Send(_EOT + _ENQ)

    def _hear(self, answer: bytes) -> Step:
        awaits = self._awaits
        if answer == bytes([_NAK]) and awaits != "status":
            self._awaits = "status"
            return Send(_record(b"08"))
        if answer == bytes([_ACK]) and awaits in ("told", "proof"):
            return self._enquire("result" if awaits == "told" else "verdict")
        if awaits in ("told", "verdict") and (check := _CHECK.fullmatch(answer)):
            return self._prove(check)
        if awaits == "status" and (status := _STATUS.fullmatch(answer)):
            return self._explain(status[1].decode())
        if awaits == "result" and (result := _RESULT.fullmatch(answer)):
            return self._read(result)
        return ScaleGarbled(answer, f"the answer to what was asked ({awaits})")

    def _prove(self, check: re.Match[bytes]) -> Step:
        if check[1] == b"1" and self._awaits == "verdict":
            return self._tell()
        if check[2] is None or self._has_proved:
            return ScaleFaulty("the scale does not take our checksums; its profile needs the maker's polynomial")
        self._has_proved, self._awaits = True, "proof"
        return Send(_record(b"10", prove(int(check[2], 16), self.dialect.polynomial)))

    def _explain(self, status: str) -> ScaleRefused:
        match status:
            case "20" | "22" | "00":
                # It knows the price and has not finished: the next question asks for the result alone.
                self._is_told = True
                return ScaleUnstable()
            case "21":
                return ScaleRepeated()
            case "30":
                return ScaleTooLight()
            case "31":
                return ScaleBelowZero()
            case "32":
                return ScaleOverloaded()
            case _:
                return ScaleFaulty(_REASONS.get(status, f"the scale reports status {status}"))

    def _read(self, result: re.Match[bytes]) -> ScaleWeight | ScaleRefused:
        if result[1] != _KILOGRAMS:
            return ScaleFaulty("the scale does not weigh in kg")
        grams, price, amount = (int(result[group]) for group in (2, 3, 4))
        # The price to pay proves weight and price; a minor unit is what two ways of rounding may differ by.
        if price != self._question.price_per_kg or abs(2 * grams * price - 2000 * amount) > 2000:
            return ScaleGarbled(result[0], f"a weight at {self._question.price_per_kg} a kilogram and its price")
        return ScaleWeight(grams, is_net=self._question.tare > 0, is_checked=amount > 0)


def _record(number: bytes, *fields: bytes) -> bytes:
    return _EOT + bytes([_STX]) + _ESC.join((number, *fields)) + bytes([_ETX])


def prove(seed: int, polynomial: int) -> bytes:
    """One pair for record 10: the checksum turned left by the first half of `seed`, and its remainder turned right by the second.

    The remainder is that of the checksum, 16 bits up, divided by the polynomial.
    """
    rest = _CHECKSUM << 16
    for place in range(31, 15, -1):
        if rest >> place & 1:
            rest ^= polynomial << (place - 16)
    turned = _turn(_CHECKSUM, seed >> 4), _turn(rest, 16 - (seed & 0x0F))
    return b"%04X%04X" % turned


def _turn(value: int, left: int) -> int:
    return (value << left | value >> (16 - left)) & 0xFFFF
