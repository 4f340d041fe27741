"""Two million answers of payment terminals, true, cut and mangled: nothing but our own errors, and memory that stays flat.

By hand: `pytest -m soak -n 0 -s tests/device/test_payment_soak.py`.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from panier_device.payment.apdu import Apdu, encode
from panier_device.payment.dialogue import Dialogue
from panier_device.payment.line import LineProtocol
from panier_device.payment.port import BrokenAnswer, Charge
from panier_device.payment.zvt import ZvtProtocol, ZvtTerms

CHARGE = Charge(reference="till-1.aaaaaa.3", amount=1234, currency="EUR", mark="0011.000011.1128131415")
ROUNDS = int(os.environ.get("PANIER_SOAK_INPUTS", "2000000")) // 4
LINE, ZVT = LineProtocol(5.0, 180.0), ZvtProtocol(ZvtTerms())
_SAID = [
    json.dumps({"say": say, "reference": reference, "amount": 1234, "currency": "EUR", "trace": "7"}).encode() + b"\n"
    for say in ("approved", "declined", "pending", "working")
    for reference in (CHARGE.reference, "another")
]
_STATUS = bytes.fromhex(
    "2700 040000000012340b000012 0c131415 0d1128 22f0f85413330089010640 2952000001 490978 870012"
    "060f600a430854133300890106401f2b00"
)
_APDUS = [
    encode(Apdu(control, data))
    for control, data in (
        (0x8000, b""), (0x84A0, b""), (0x060F, b"\x19\x00"), (0x040F, _STATUS), (0x040F, b"\x27\x6c"), (0x04FF, b"\x0a\x01"),
        (0x061E, b"\x6c"), (0x06D3, b"x" * 300),
    )
]  # fmt: skip


def mangled(dice: random.Random, words: list[bytes]) -> bytes:
    data = bytearray(b"".join(dice.choices(words, k=dice.randint(1, 6))))
    for _ in range(dice.randint(0, 3)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(data[: dice.randint(1, len(data))] if dice.random() < 0.3 else data)


def talk(dialogue: Dialogue, data: bytes, dice: random.Random) -> str:
    """What a dialogue comes to, its bytes in two pieces."""
    dialogue.begin()
    cut = dice.randrange(len(data) + 1)
    try:
        dialogue.feed(data[:cut])
        dialogue.feed(data[cut:])
    except BrokenAnswer:
        return "broken"
    return dialogue.answer.outcome if dialogue.answer else "waiting"


def resident() -> int:
    """Bytes of memory in use."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("begin", "words"),
    [
        (lambda: LINE.authorise(CHARGE), _SAID), (lambda: LINE.enquire(CHARGE), _SAID),
        (lambda: ZVT.authorise(CHARGE), _APDUS), (lambda: ZVT.enquire(CHARGE), _APDUS),
    ],
    ids=["line-authorise", "line-enquire", "zvt-authorise", "zvt-enquire"],
)  # fmt: skip
def test_millions_of_answers_raise_nothing_but_our_own_and_memory_stays_flat(
    begin: Callable[[], Dialogue], words: list[bytes]
) -> None:
    dice = random.Random(20261128)
    counted: dict[str, int] = {}
    held = 0
    for number in range(ROUNDS):
        came_to = talk(begin(), mangled(dice, words), dice)
        counted[came_to] = counted.get(came_to, 0) + 1
        if number == ROUNDS // 10:
            gc.collect()
            held = resident()
    gc.collect()
    grown = resident() - held
    sys.stdout.write(f"{ROUNDS} answers: {counted}; memory grew by {grown} bytes\n")
    assert set(counted) <= {"approved", "declined", "unknown", "waiting", "broken"}
    assert len(counted) >= 4
    assert grown < 2_000_000
