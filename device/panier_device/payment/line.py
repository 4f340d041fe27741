"""Our own protocol with a payment terminal: one JSON object a line. docs/hardware/payment.md defines it."""

from __future__ import annotations

import json
import re
from typing import Any

from panier_device.payment.port import Answer, BrokenAnswer, Charge

LONGEST = 1000
"""Bytes of one line at the most."""
_SHORT = re.compile(r"[A-Za-z0-9_.-]{1,12}|[a-z_]{1,32}")
"""A retrieval reference number has 12 places (ISO 8583, field 37); a card number has more, and has no place here."""


class LineDecoder:
    """Cuts bytes into messages; keeps an unfinished line for next time."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The messages that are whole now. Raises BrokenAnswer where a line comes first that is none: nothing follows then."""
        self._rest += data
        whole: list[dict[str, Any]] = []
        try:
            while b"\n" in self._rest:
                line, _, rest = self._rest.partition(b"\n")
                whole.append(_message(line))
                self._rest = rest
            if len(self._rest) > LONGEST:
                raise BrokenAnswer(f"a line of more than {LONGEST} bytes")
        except BrokenAnswer:
            # What came before the flaw counts; the next call meets the flaw again.
            if not whole:
                raise
        return whole


def _message(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST:
        raise BrokenAnswer(f"a line of more than {LONGEST} bytes")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BrokenAnswer(f"a line of {len(line)} bytes that is no JSON") from error
    if not isinstance(message, dict) or not isinstance(message.get("say"), str):  # pyright: ignore[reportUnknownMemberType]
        raise BrokenAnswer(f"a line of {len(line)} bytes that says nothing: an object with `say` is wanted")
    return message  # pyright: ignore[reportUnknownVariableType]


class LineDialogue:
    """One question and its answer; `working` in between keeps the line alive."""

    def __init__(self, question: dict[str, Any], charge: Charge | None, patience: float) -> None:
        self.answer: Answer | None = None
        self.patience, self.announced = patience, 0.0
        self._question = question
        self._charge = charge
        self._decoder = LineDecoder()

    def begin(self) -> bytes:
        return _encode(self._question)

    def feed(self, data: bytes) -> bytes:
        for message in self._decoder.feed(data):
            self.answer = self.answer or self._answered(message)
        return b""

    def cancel(self) -> bytes:
        is_asking = self._question["say"] == "authorise"
        return _encode({"say": "cancel", "reference": self._question["reference"]}) if is_asking else b""

    def lost(self) -> Answer:
        return Answer(outcome="unknown", reason="line_lost")

    def _answered(self, message: dict[str, Any]) -> Answer | None:
        """What a message means; None where more has to come, as after a word that a newer terminal may say."""
        said = message["say"]
        terminal = _text(message, "terminal")
        if self._charge is None:
            if said in ("ready", "busy"):
                return Answer(outcome="approved" if said == "ready" else "declined", reason="" if said == "ready" else "busy")
            return None
        if said not in ("approved", "declined", "pending"):
            return None
        if message.get("reference") != self._charge.reference:
            raise BrokenAnswer(f"an answer for another reference than {self._charge.reference}")
        if said == "pending":
            return Answer(outcome="unknown", reason="pending", terminal=terminal)
        if said == "declined":
            return Answer(outcome="declined", reason=_text(message, "reason") or "declined", terminal=terminal)
        if (message.get("amount"), message.get("currency")) != (self._charge.amount, self._charge.currency):
            # Money moved, but not what was asked for: that is for a person to sort out.
            return Answer(outcome="unknown", reason="wrong_amount", terminal=terminal)
        return Answer(outcome="approved", trace=_text(message, "trace"), terminal=terminal)


class LineProtocol:
    """Speaks it. Seconds that the terminal may be silent: after a question, and while somebody pays."""

    def __init__(self, answer_s: float, patience_s: float) -> None:
        self._answer_s, self._patience_s = answer_s, patience_s

    def prepare(self, currency: str) -> LineDialogue:
        return LineDialogue({"say": "hello", "protocol": 1}, None, self._answer_s)

    def authorise(self, charge: Charge) -> LineDialogue:
        asked = {"say": "authorise", "reference": charge.reference, "amount": charge.amount, "currency": charge.currency}
        return LineDialogue(asked, charge, self._patience_s)

    def enquire(self, charge: Charge) -> LineDialogue:
        return LineDialogue({"say": "enquire", "reference": charge.reference}, charge, self._answer_s)


def _encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _text(message: dict[str, Any], name: str) -> str:
    """A short word or number, or nothing: whatever else a terminal says must not get onto a receipt."""
    value = message.get(name, "")
    return value if isinstance(value, str) and _SHORT.fullmatch(value) else ""
