"""What scales say, by the tables of their manuals; cut anywhere, spoilt anyhow."""

from __future__ import annotations

import os
import random
import resource
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier_device.driver.scale.cas import CasPd2
from panier_device.driver.scale.dialog06 import OUR_POLYNOMIAL, Dialog06, prove
from panier_device.driver.scale.port import (
    Dialogue,
    Question,
    ScaleBelowZero,
    ScaleFaulty,
    ScaleGarbled,
    ScaleOffZero,
    ScaleOverloaded,
    ScaleRefused,
    ScaleRepeated,
    ScaleTared,
    ScaleTooLight,
    ScaleUnstable,
    ScaleWeight,
    Send,
    Step,
)
from panier_device.driver.scale.profile import BadScaleProfile, ScaleProfile, load_scale_profile
from panier_device.driver.scale.scp01 import ECR, WEIGH_TRONIX
from panier_device.driver.scale.toledo import METTLER, OHAUS, RICE_LAKE
from panier_io.firmware import firmware_config

SCALES = firmware_config() / "scales"
POUNDS = replace(METTLER, unit="lb")
BANANAS = Question(price_per_kg=199)


def answer(dialogue: Dialogue, *heard: bytes, question: Question = BANANAS) -> tuple[list[bytes], list[str | ScaleWeight]]:
    """What was sent after the question, and what came of it: weights as they are, refusals by their code."""
    dialogue.ask(question)
    steps = [step for data in heard for step in dialogue.feed(data)]
    return [step.data for step in steps if isinstance(step, Send)], [said(step) for step in steps if not isinstance(step, Send)]


def said(step: Step) -> str | ScaleWeight:
    return step.code if isinstance(step, ScaleRefused) else step


def outcome(dialogue: Dialogue, *heard: bytes) -> str | ScaleWeight:
    (only,) = answer(dialogue, *heard)[1]
    return only


# -- Toledo 8217: METTLER TOLEDO Diva Service Manual 72191202, 6.1.3.2 and 6.1.3.3 -------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "frame", "expected"),
    [
        (METTLER, b"\x0200.842\r", ScaleWeight(842)),
        (METTLER, b"\x0200.000\r", ScaleWeight(0)),
        (METTLER, b"\x0214.995\r", ScaleWeight(14_995)),
        (replace(METTLER, keeps_tare=True), b"\x0200.842N\r", ScaleWeight(842, is_net=True)),
        (POUNDS, b"\x0201.86\r", ScaleWeight(844)),
        (POUNDS, b"\x02001.86\r", ScaleWeight(844)),
        # The other unit's number of decimals: somebody pressed the unit key.
        (METTLER, b"\x0201.86\r", "scale_garbled"),
        (POUNDS, b"\x0200.842\r", "scale_garbled"),
        (METTLER, b"\x02?\x41\r", "scale_unstable"),
        (METTLER, b"\x02?\x43\r", "scale_overloaded"),
        (METTLER, b"\x02?\x42\r", "scale_overloaded"),
        (METTLER, b"\x02?\x44\r", "scale_below_zero"),
        (METTLER, b"\x02?\x45\r", "scale_below_zero"),
        (METTLER, b"\x02?\x48\r", "scale_off_zero"),
        (METTLER, b"\x02?\x49\r", "scale_unstable"),
        # OHAUS and Rice Lake set bit 5 always; an empty scale may answer "centre of zero" in place of a weight.
        (OHAUS, b"\x02?\x61\r", "scale_unstable"),
        (OHAUS, b"\x02?\x70\r", ScaleWeight(0)),
        (RICE_LAKE, b"\x020.842kg\r", ScaleWeight(842)),
        (RICE_LAKE, b"\x0212.842kg\r", ScaleWeight(12_842)),
        (RICE_LAKE, b"\x0201.86lb\r", "scale_garbled"),
        # Bit 6 is always 1, and with 7 bits there is no eighth.
        (METTLER, b"\x02?\x01\r", "scale_garbled"),
        (METTLER, b"\x02?\xc1\r", "scale_garbled"),
        (METTLER, b"\x02?\r", "scale_garbled"),
        (METTLER, b"\x02\r", "scale_garbled"),
        (METTLER, b"\x0200.8\x0042\r", "scale_garbled"),
    ],
)
def test_toledo_answers(dialect, frame: bytes, expected):
    assert outcome(dialect.dialogue(), frame) == expected


def test_toledo_is_asked_with_one_letter():
    assert METTLER.dialogue().ask(BANANAS) == Send(b"W")


def test_a_tare_that_does_not_count_is_cleared_and_the_scale_asked_again():
    for dialect, net, cleared, gross in (
        (METTLER, b"\x0200.800N\r", b"\x02?\x40\r", b"\x0200.842\r"),
        (RICE_LAKE, b"\x0200.800kgN\r", b"\x02?\x60\r", b"\x0200.842kg\r"),
    ):
        assert answer(dialect.dialogue(), net, cleared, gross) == ([b"C", b"W"], [ScaleWeight(842)])


def test_a_tare_that_stays_is_told():
    assert answer(METTLER.dialogue(), b"\x0200.800N\r", b"\x02?\x60\r") == ([b"C"], ["scale_tared"])
    # Where bit 5 means nothing, only the next weight says it.
    again = b"\x0200.800kgN\r"
    assert answer(RICE_LAKE.dialogue(), again, b"\x02?\x60\r", again) == ([b"C", b"W"], ["scale_tared"])


# -- SCP-01: Weigh-Tronix 8408-14788-01; Diva 6.1.2 and OHAUS Aviator 7000, page 47, for the form with S ----------------------


@pytest.mark.parametrize(
    ("dialect", "frame", "expected"),
    [
        (WEIGH_TRONIX, b"\n0000.84kg\r\n00\r\x03", ScaleWeight(840)),
        (WEIGH_TRONIX, b"\n00.842kg\r\n00\r\x03", ScaleWeight(842)),
        (replace(WEIGH_TRONIX, unit="lb"), b"\n0001.86lb\r\n00\r\x03", ScaleWeight(844)),
        (WEIGH_TRONIX, b"\n  0.842kg\r\n0p4\r\x03", "scale_tared"),
        (replace(WEIGH_TRONIX, keeps_tare=True), b"\n00.842kg\r\n0p4\r\x03", ScaleWeight(842, is_net=True)),
        (WEIGH_TRONIX, b"\n00.842kg\r\n10\r\x03", "scale_unstable"),
        (WEIGH_TRONIX, b"\n-00.042kg\r\n00\r\x03", "scale_below_zero"),
        (WEIGH_TRONIX, b"\n______kg\r\n01\r\x03", "scale_below_zero"),
        (WEIGH_TRONIX, b"\n^^^^^^kg\r\n02\r\x03", "scale_overloaded"),
        (WEIGH_TRONIX, b"\nABOUT kg\r\n00\r\x03", "scale_garbled"),
        (WEIGH_TRONIX, b"\n01.86lb\r\n00\r\x03", "scale_faulty"),
        (ECR, b"\n00.842KG\r\nS00\r\x03", ScaleWeight(842)),
        (ECR, b"\nS10\r\x03", "scale_unstable"),
        (ECR, b"\nS20\r\x03", ScaleWeight(0)),
        (ECR, b"\nS02\r\x03", "scale_overloaded"),
        (ECR, b"\nS01\r\x03", "scale_below_zero"),
        (ECR, b"\nS40\r\x03", "scale_faulty"),
        (ECR, b"\nS80\r\x03", "scale_faulty"),
        (ECR, b"\nS04\r\x03", "scale_faulty"),
        (ECR, b"\nS08\r\x03", "scale_faulty"),
        (ECR, b"\nS0p8\r\x03", "scale_off_zero"),
        # A byte that says another follows, and none does; the S of the other form, missing and too many.
        (ECR, b"\nS0p\r\x03", "scale_garbled"),
        (ECR, b"\n00.842KG\r\n00\r\x03", "scale_garbled"),
        (WEIGH_TRONIX, b"\n00.842kg\r\nS00\r\x03", "scale_garbled"),
        (WEIGH_TRONIX, b"\n?\r\x03", "scale_faulty"),
    ],
)
def test_scp01_answers(dialect, frame: bytes, expected):
    assert outcome(dialect.dialogue(), frame) == expected


# -- CAS PD-II: its manual, 3.1.6 -----------------------------------------------------------------------------------------


def block(content: bytes) -> bytes:
    check = 0
    for byte in content:
        check ^= byte
    return b"\x01\x02" + content + bytes([check]) + b"\x03\x04"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"S 00.842Kg", ScaleWeight(842, is_checked=True)),
        (b"S  0.842kg", ScaleWeight(842, is_checked=True)),
        (b"S 00.000Kg", ScaleWeight(0, is_checked=True)),
        (b"U 00.842Kg", "scale_unstable"),
        (b"U-00.842Kg", "scale_unstable"),
        (b"S-00.005Kg", "scale_below_zero"),
        (b"SFFFFFFFKg", "scale_overloaded"),
        (b"S 01.860Lb", "scale_faulty"),
        (b"S       Kg", "scale_garbled"),
        (b"X 00.842Kg", "scale_garbled"),
    ],
)
def test_cas_answers(content: bytes, expected):
    assert answer(CasPd2().dialogue(), b"\x06", block(content)) == ([b"\x11"], [expected])


def test_a_cas_block_with_one_bit_turned_is_no_weight():
    whole = block(b"S 00.842Kg")
    for place in range(2, len(whole)):
        for bit in range(8):
            spoilt = bytearray(whole)
            spoilt[place] ^= 1 << bit
            assert answer(CasPd2().dialogue(), b"\x06", bytes(spoilt))[1] == ["scale_garbled"]


def test_a_cas_scale_that_is_not_ready_is_asked_again_later():
    assert answer(CasPd2().dialogue(), b"\x15") == ([], ["scale_unstable"])


# -- Dialog 06: Diva 6.1.8.3 and 6.1.8.4 ------------------------------------------------------------------------------------

RESULT = b"\x0202\x1b3\x1b00842\x1b000199\x1b000168\x03"
EOT_ENQ, EOT, STATUS = b"\x04\x05", b"\x04", b"\x04\x0208\x03"


def test_dialog_06_tells_the_price_and_reads_weight_and_price_to_pay():
    dialogue = Dialog06().dialogue()
    assert dialogue.ask(BANANAS) == Send(b"\x04\x0201\x1b000199\x1b\x03")
    assert answer(dialogue, b"\x06", RESULT) == ([EOT_ENQ, EOT], [ScaleWeight(842, is_checked=True)])


def test_dialog_06_sends_a_preset_tare_with_the_price():
    dialogue, question = Dialog06().dialogue(), Question(price_per_kg=199, tare=8)
    assert dialogue.ask(question) == Send(b"\x04\x0203\x1b000199\x1b0008\x03")
    assert answer(dialogue, b"\x06", RESULT, question=question)[1] == [ScaleWeight(842, is_net=True, is_checked=True)]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (b"\x0202\x1b3\x1b00842\x1b00199\x1b000168\x03", ScaleWeight(842, is_checked=True)),
        (b"\x0202\x1b3\x1b00842\x1b000199\x1b000167\x03", ScaleWeight(842, is_checked=True)),
        (b"\x0202\x1b3\x1b00842\x1b000199\x1b000170\x03", "scale_garbled"),
        (b"\x0202\x1b3\x1b00842\x1b000299\x1b000252\x03", "scale_garbled"),
        (b"\x0202\x1b1\x1b00186\x1b000199\x1b000370\x03", "scale_faulty"),
        (b"\x0202\x1b3\x1b0842\x1b000199\x1b000168\x03", "scale_garbled"),
    ],
)
def test_dialog_06_results(result: bytes, expected):
    assert answer(Dialog06().dialogue(), b"\x06", result)[1] == [expected]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (b"20", "scale_unstable"), (b"22", "scale_unstable"), (b"21", "scale_repeated"), (b"30", "scale_too_light"),
        (b"31", "scale_below_zero"), (b"32", "scale_overloaded"), (b"01", "scale_faulty"), (b"02", "scale_faulty"),
        (b"10", "scale_faulty"), (b"11", "scale_faulty"), (b"12", "scale_faulty"), (b"99", "scale_faulty"),
    ],
)  # fmt: skip
def test_dialog_06_says_why_it_has_no_weight(status: bytes, expected: str):
    heard = b"\x06", b"\x15", b"\x0209\x1b" + status + b"\x03"
    assert answer(Dialog06().dialogue(), *heard) == ([EOT_ENQ, STATUS, EOT], [expected])


@pytest.mark.parametrize("status", [b"20", b"22"])
def test_dialog_06_is_asked_again_for_the_result_alone_where_it_had_not_finished(status: bytes):
    dialogue = Dialog06().dialogue()
    answer(dialogue, b"\x06", b"\x15", b"\x0209\x1b" + status + b"\x03")
    assert dialogue.ask(BANANAS) == Send(EOT_ENQ)
    assert [said(step) for step in dialogue.feed(RESULT)][1:] == [ScaleWeight(842, is_checked=True)]
    # The next goods have another price, and begin anew.
    answer(dialogue, b"\x06", b"\x15", b"\x0209\x1b20\x03")
    assert dialogue.ask(Question(price_per_kg=299)).data.startswith(b"\x04\x0201")


@pytest.mark.parametrize("status", [b"21", b"30", b"31", b"32"])
def test_dialog_06_begins_anew_after_any_other_status(status: bytes):
    dialogue = Dialog06().dialogue()
    answer(dialogue, b"\x06", b"\x15", b"\x0209\x1b" + status + b"\x03")
    assert dialogue.ask(BANANAS).data.startswith(b"\x04\x0201")


def test_dialog_06_proves_itself_where_the_scale_asks_and_weighs_then():
    dialogue = Dialog06().dialogue()
    sent, said_so = answer(dialogue, b"\x0211\x1b247\x03", b"\x06", b"\x0211\x1b1\x03", b"\x06", RESULT)
    assert said_so == [ScaleWeight(842, is_checked=True)]
    # 5041h turned left by 4; its remainder by our polynomial, turned right by 7.
    assert sent[0] == b"\x04\x0210\x1b" + prove(0x47, OUR_POLYNOMIAL) + b"\x03"
    assert sent[0][5:9] == b"0415"
    assert sent[1:] == [EOT_ENQ, b"\x04\x0201\x1b000199\x1b\x03", EOT_ENQ, EOT]


@pytest.mark.parametrize("verdict", [b"\x0211\x1b0\x03", b"\x0211\x1b252\x03"])
def test_dialog_06_says_that_it_lacks_the_makers_polynomial(verdict: bytes):
    assert answer(Dialog06().dialogue(), b"\x0211\x1b247\x03", b"\x06", verdict)[1] == ["scale_faulty"]


def test_the_remainder_is_that_of_the_division():
    # CRC-16/XMODEM of the two bytes 50h 41h, which is the same division, bit by bit.
    rest = 0
    for byte in (0x50, 0x41):
        rest ^= byte << 8
        for _ in range(8):
            rest = (rest << 1 ^ 0x11021) if rest & 0x8000 else rest << 1
    assert prove(0x00, OUR_POLYNOMIAL) == b"5041%04X" % rest


# -- all of them ----------------------------------------------------------------------------------------------------------

DIALECTS = [METTLER, RICE_LAKE, POUNDS, WEIGH_TRONIX, ECR, CasPd2(), Dialog06()]
GOOD = [
    b"\x0200.842\r", b"\x0200.842N\r", b"\x0200.842kg\r", b"\x02?\x41\r", b"\n00.842kg\r\n00\r\x03", b"\nS10\r\x03", b"\x06",
    b"\x15", block(b"S 00.842Kg"), RESULT, b"\x0209\x1b20\x03", b"\x0211\x1b247\x03", b"\x0211\x1b1\x03", b"\xff\x00",
]  # fmt: skip


def steps(dialogue: Dialogue, pieces: Iterable[bytes]) -> list[tuple[str, str]]:
    dialogue.ask(BANANAS)
    return [(type(step).__name__, str(step)) for piece in pieces for step in dialogue.feed(piece)]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: f"{type(dialect).__name__}-{dialect!r}"[:40])
@given(wire=st.lists(st.sampled_from(GOOD) | st.binary(max_size=6), max_size=8), cuts=st.lists(st.integers(0, 200), max_size=6))
def test_answers_may_be_cut_anywhere(dialect, wire: list[bytes], cuts: list[int]):
    data = b"".join(wire)
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    pieces = [data[begin:end] for begin, end in pairwise(places)]
    at_once, cut, in_bytes = dialect.dialogue(), dialect.dialogue(), dialect.dialogue()
    whole = steps(at_once, [data])
    assert steps(cut, pieces) == whole == steps(in_bytes, [bytes([byte]) for byte in data])
    assert at_once.noise == cut.noise == in_bytes.noise


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: f"{type(dialect).__name__}-{dialect!r}"[:40])
@given(data=st.binary(max_size=200))
def test_no_bytes_make_a_dialogue_fail(dialect, data: bytes):
    dialogue = dialect.dialogue()
    for step in (*dialogue.feed(data), *steps(dialogue, [data])):
        assert step
    dialogue.reset()
    assert dialogue.noise <= 2 * len(data)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: f"{type(dialect).__name__}-{dialect!r}"[:40])
def test_what_comes_unasked_is_noise(dialect):
    dialogue = dialect.dialogue()
    heard = b"".join(GOOD)
    assert dialogue.feed(heard) == []
    dialogue.reset()
    assert dialogue.noise == len(heard)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_millions_of_spoilt_answers_end_in_a_step_or_in_silence():
    """By hand: `pytest -m soak -n 0 -s tests/device/test_scale_dialogue.py`."""
    inputs, chance = int(os.environ.get("PANIER_SOAK_INPUTS", "3000000")), random.Random(1)
    dialogues = [dialect.dialogue() for dialect in DIALECTS]
    came: Counter[str] = Counter()
    early = 0
    for number in range(inputs):
        data = bytearray(b"".join(chance.choices(GOOD, k=chance.randint(1, 3))))
        for _ in range(chance.randint(0, 3)):
            place = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[place] ^= 1 << chance.randrange(8)
                case 1:
                    del data[place:]
                    data += b"\x02"
                case _:
                    data[place:place] = bytes([data[place]])
        dialogue = dialogues[number % len(dialogues)]
        dialogue.ask(BANANAS)
        for step in dialogue.feed(bytes(data)):
            came[step.code if isinstance(step, ScaleRefused) else type(step).__name__] += 1
        if number == inputs // 10:
            early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - early) // 1024
    sys.stdout.write(
        f"\n{inputs:,} inputs, {grown} MB more after the first tenth\n" + "\n".join(map(str, came.most_common())) + "\n"
    )
    assert grown < 8, "a dialogue keeps nothing of what it heard"


# -- profiles -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(file.stem for file in SCALES.glob("*.toml")))
def test_every_profile_loads_and_talks(name: str):
    profile = load_scale_profile(name, SCALES)
    assert profile.dialogue().ask(BANANAS).data
    assert profile.least in range(20, 201)


def test_a_profile_that_does_not_hold_says_what_to_write():
    held = tomllib.loads((SCALES / "mettler-diva.toml").read_text())
    for wrong, why in (
        ({"variant": "toledo"}, "there is 'mettler', 'ohaus', 'rice-lake'"),
        ({"tare": "sent"}, "goes with dialog-06"),
        ({"protocol": "dialog-06", "variant": "", "tare": "sent", "unit": "lb"}, "must be kg"),
        ({"baudrate": 9600}, "Extra inputs"),
    ):
        with pytest.raises(ValueError, match=why):
            ScaleProfile.model_validate(held | wrong)
    with pytest.raises(BadScaleProfile, match="there are brecknell-6712, cas-pd-ii"):
        load_scale_profile("bizerba", SCALES)


def test_each_refusal_says_what_to_do_next():
    refusals = [
        ScaleUnstable(), ScaleOverloaded(), ScaleBelowZero(), ScaleTooLight(40), ScaleRepeated(), ScaleOffZero(), ScaleTared(),
        ScaleGarbled(b"\xff", "a weight"), ScaleFaulty("the scale's memory fails"),
    ]  # fmt: skip
    assert all(str(refusal).count(";") or "call staff" in str(refusal) for refusal in refusals)
    assert len({refusal.code for refusal in refusals}) == len(refusals)
