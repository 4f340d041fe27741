"""Our own protocol with a payment terminal, byte by byte."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier_device.payment.line import LONGEST, LineDecoder, LineDialogue, LineProtocol
from panier_device.payment.port import Answer, BrokenAnswer, Charge

CHARGE = Charge(reference="till-1.aaaaaa.3", amount=1234, currency="EUR")
APPROVED = {
    "say": "approved",
    "reference": "till-1.aaaaaa.3",
    "amount": 1234,
    "currency": "EUR",
    "trace": "000123",
    "terminal": "T-1",
}
SPOKEN = LineProtocol(5.0, 180.0)


def line(**message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def test_a_device_says_what_the_page_of_the_protocol_says() -> None:
    assert SPOKEN.prepare("EUR").begin() == b'{"say": "hello", "protocol": 1}\n'
    asked = SPOKEN.authorise(CHARGE)
    assert asked.begin() == b'{"say": "authorise", "reference": "till-1.aaaaaa.3", "amount": 1234, "currency": "EUR"}\n'
    assert asked.cancel() == b'{"say": "cancel", "reference": "till-1.aaaaaa.3"}\n'
    enquired = SPOKEN.enquire(CHARGE)
    assert enquired.begin() == b'{"say": "enquire", "reference": "till-1.aaaaaa.3"}\n'
    assert enquired.cancel() == b""
    assert (asked.patience, enquired.patience, asked.lost().outcome) == (180.0, 5.0, "unknown")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (APPROVED, Answer(outcome="approved", trace="000123", terminal="T-1")),
        (APPROVED | {"amount": 1200}, Answer(outcome="unknown", reason="wrong_amount", terminal="T-1")),
        (APPROVED | {"currency": "SEK"}, Answer(outcome="unknown", reason="wrong_amount", terminal="T-1")),
        (APPROVED | {"trace": "\x1b[2J", "terminal": 7}, Answer(outcome="approved")),
        (APPROVED | {"trace": "5413330089010640"}, Answer(outcome="approved", terminal="T-1")),
        (APPROVED | {"say": "declined", "reason": "void"}, Answer(outcome="declined", reason="void", terminal="T-1")),
        (APPROVED | {"say": "declined"}, Answer(outcome="declined", reason="declined", terminal="T-1")),
        (APPROVED | {"say": "pending"}, Answer(outcome="unknown", reason="pending", terminal="T-1")),
        (APPROVED | {"say": "working"}, None),
        (APPROVED | {"say": "a word of a later version"}, None),
    ],
)
def test_an_answer_is_believed_for_what_was_asked_only(said: dict[str, Any], answer: Answer | None) -> None:
    dialogue = SPOKEN.authorise(CHARGE)
    assert dialogue.feed(line(**said)) == b""
    assert dialogue.answer == answer


def test_the_first_answer_counts_and_a_repeat_changes_nothing() -> None:
    dialogue = SPOKEN.authorise(CHARGE)
    dialogue.feed(line(**APPROVED) + line(**APPROVED | {"say": "declined"}))
    assert dialogue.answer is not None
    assert dialogue.answer.outcome == "approved"


@pytest.mark.parametrize(("say", "outcome"), [("ready", "approved"), ("busy", "declined"), ("working", None)])
def test_a_terminal_says_whether_it_is_ready(say: str, outcome: str | None) -> None:
    dialogue = SPOKEN.prepare("EUR")
    dialogue.feed(line(say=say, terminal="T-1"))
    assert (dialogue.answer and dialogue.answer.outcome) == outcome


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00\xff{]\n", "that is no JSON"),
        (b"[" * 900 + b"\n", "is no JSON"),
        (b"[]\n", "that says nothing"),
        (b'{"say": 1}\n', "says nothing"),
        (b'{"say": "approved"}\n', "an answer for another reference than till-1.aaaaaa.3"),
        (line(**APPROVED | {"reference": "till-1.aaaaaa.9"}), "an answer for another reference than till-1.aaaaaa.3"),
        (b"x" * (LONGEST + 1), "a line of more than 1000 bytes"),
        (b"x" * (LONGEST + 1) + b"\n", "a line of more than 1000 bytes"),
    ],
)
def test_what_is_no_answer_breaks_the_line(data: bytes, words: str) -> None:
    with pytest.raises(BrokenAnswer, match=words):
        SPOKEN.authorise(CHARGE).feed(data)


def outcome(dialogue: LineDialogue, pieces: list[bytes]) -> tuple[Answer | None, bool]:
    """The answer after all the pieces, and whether the line broke before there was one."""
    try:
        for piece in (*pieces, b""):
            dialogue.feed(piece)
    except BrokenAnswer:
        return dialogue.answer, dialogue.answer is None
    return dialogue.answer, False


WORDS = st.sampled_from([line(**APPROVED), line(say="working"), b"\n", b"{]\n", line(**APPROVED)[:20], b"\xff"])


@given(st.lists(WORDS | st.binary(max_size=12), max_size=6).map(b"".join), st.lists(st.integers(0, 200), max_size=8))
def test_pieces_of_any_size_say_the_same(data: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in pairwise(places)]
    whole = outcome(SPOKEN.authorise(CHARGE), [data])
    assert outcome(SPOKEN.authorise(CHARGE), pieces) == whole
    assert outcome(SPOKEN.authorise(CHARGE), [bytes([byte]) for byte in data]) == whole


@given(st.binary(max_size=300))
def test_any_bytes_are_messages_or_a_broken_line(data: bytes) -> None:
    with suppress(BrokenAnswer):
        assert isinstance(LineDecoder().feed(data), list)


@pytest.mark.parametrize(
    "data",
    [b'{"pan": "5413330089010640"\n', b'{"pan": "5413330089010640"}\n', line(say="approved", reference="5413330089010640")],
)
def test_bytes_that_are_no_answer_are_never_quoted(data: bytes) -> None:
    with pytest.raises(BrokenAnswer) as broken:
        SPOKEN.authorise(CHARGE).feed(data)
    assert "541333" not in str(broken.value)
