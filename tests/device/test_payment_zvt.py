"""ZVT, byte by byte. Frames are those of PA00P015 13.08 and of PA00P016 edition 3, or built by their tables."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier_device.payment.apdu import LONGEST, Apdu, ApduDecoder, StatusInformation, encode, pack, status_information
from panier_device.payment.port import Answer, BrokenAnswer, Charge, NotReady
from panier_device.payment.zvt import NO_MARK, ZvtDialogue, ZvtProtocol, ZvtTerms

CHARGE = Charge(reference="till-1.aaaaaa.3", amount=1234, currency="EUR", mark="0011.000011.1128131415")
SPOKEN = ZvtProtocol(ZvtTerms(password=123456))
ACK = bytes.fromhex("800000")
REGISTERED = bytes.fromhex("800000 060f0a 1900 2952000001 490978")
PAN = "5413330089010640"
PAID = bytes.fromhex(f"2700 040000000012340b000012 0c131415 0d1128 22f0f8{PAN} 2952000001 490978 870012")
FAILED = bytes.fromhex("276c")


def apdu(control: int, data: bytes = b"") -> bytes:
    return encode(Apdu(control, data))


def asked(dialogue: ZvtDialogue) -> ZvtDialogue:
    """The dialogue after registration, with its command sent and taken."""
    dialogue.begin()
    sent = dialogue.feed(REGISTERED)
    assert sent.startswith(ACK)
    dialogue.feed(ACK)
    return dialogue


def test_a_till_registers_and_asks_in_the_bytes_of_the_specification() -> None:
    payment = SPOKEN.authorise(CHARGE)
    assert payment.begin().hex(" ") == "06 00 06 12 34 56 18 09 78"
    assert payment.feed(REGISTERED).hex(" ") == "80 00 00 06 01 0a 04 00 00 00 00 12 34 49 09 78"
    enquiry = SPOKEN.enquire(CHARGE)
    enquiry.begin()
    assert enquiry.feed(REGISTERED).hex(" ") == "80 00 00 06 20 05 12 34 56 03 03"


@pytest.mark.parametrize(
    ("data", "head"),
    [
        (b"", "040f00"),
        (b"x" * 254, "040ffe"),
        (b"x" * 255, "040fffff00"),
        (b"x" * 256, "040fff0001"),
        (b"x" * 4660, "040fff3412"),
    ],
)
def test_more_than_254_bytes_take_the_extended_length_low_byte_first(data: bytes, head: str) -> None:
    sent = apdu(0x040F, data)
    assert sent.startswith(bytes.fromhex(head))
    assert ApduDecoder().feed(sent + ACK) == [Apdu(0x040F, data), Apdu(0x8000)]


def test_a_status_information_gives_up_its_numbers_and_nothing_of_the_card() -> None:
    card = bytes.fromhex(f"23f1f6{PAN}d301220112345678 0e3012 24f0f0f2abcd 8bf0f556495341 20")
    container = bytes.fromhex(f"06 0f 60 0a 43 08 {PAN} 1f2b 00")
    told = status_information(PAID + card + container)
    assert told == StatusInformation(
        result=0, amount=1234, currency="978", trace="000012", receipt="0012", terminal="52000001", moment="1128131415"
    )
    assert told.identity == "0012.000012.1128131415"
    assert PAN not in repr(told)


@pytest.mark.parametrize("head", ["060b", "06810b", "0682000b"])
def test_a_long_trace_number_comes_in_a_container(head: str) -> None:
    told = status_information(bytes.fromhex(f"2700 0b000000 {head} 1f0001aa 1f2b04 12345678 870012"))
    assert (told.trace, told.receipt) == ("12345678", "0012")


@pytest.mark.parametrize(
    "data",
    [
        "0400", "27", "22f0", "22f0f8541333", "22a0f8", "22f0fa", "040000000012ab", "06", "0680", "068301", "06811f2b", "06021f",
        "06011f", "06021f2b", "06031f2b05", "06041f2b01ff", "0d11",
    ],
)  # fmt: skip
def test_a_field_that_is_cut_short_or_no_number_is_refused_without_its_contents(data: str) -> None:
    with pytest.raises(BrokenAnswer) as refused:
        status_information(bytes.fromhex(data))
    assert "541333" not in str(refused.value)


def test_a_field_of_unknown_length_ends_the_reading() -> None:
    assert status_information(bytes.fromhex("2700 ee0411223344 040000000099")).amount is None


@pytest.mark.parametrize("data", [b"\x00\x00\x00\x3eVER", b"\x06\x0f\xff\xff\xff", b"\x15"])
def test_bytes_of_another_protocol_break_the_line(data: bytes) -> None:
    # The first stands in github.com/Portalum/Portalum.Zvt, issue 33: a terminal that greets in words of its own.
    with pytest.raises(BrokenAnswer):
        ApduDecoder().feed(data)


def paid(*apdus: bytes) -> tuple[bytes, Answer | None]:
    dialogue = asked(SPOKEN.authorise(CHARGE))
    return b"".join(dialogue.feed(one) for one in apdus), dialogue.answer


APPROVED = Answer(outcome="approved", trace="000012", terminal="52000001")
DONE, CALLED_OFF = apdu(0x060F), apdu(0x061E, b"\x6c")


@pytest.mark.parametrize(
    ("apdus", "replies", "answer"),
    [
        ([apdu(0x04FF, b"\x0a\x01"), apdu(0x040F, PAID), apdu(0x06D3, b"x"), DONE], ACK * 4, APPROVED),
        ([apdu(0x040F, PAID)], ACK, None),
        ([apdu(0x040F, FAILED), CALLED_OFF], ACK * 2, Answer(outcome="declined", reason="cancelled")),
        ([apdu(0x061E, b"\x05")], ACK, Answer(outcome="declined", reason="declined")),
        ([apdu(0x061E)], ACK, Answer(outcome="declined", reason="terminal_255")),
        ([apdu(0x040F, FAILED), DONE], ACK * 2, Answer(outcome="declined", reason="cancelled")),
        ([DONE], ACK, Answer(outcome="unknown", reason="no_result")),
        ([apdu(0x040F, b"\x19\x00"), DONE], ACK * 2, Answer(outcome="unknown", reason="no_result")),
        ([apdu(0x040F, PAID), CALLED_OFF], ACK * 2, Answer(outcome="unknown", reason="called_off")),
        ([apdu(0x06E0, b"x"), apdu(0x040F, PAID), DONE], bytes.fromhex("848300") + ACK * 2, APPROVED),
    ],
)
def test_a_payment_ends_as_the_terminal_says(apdus: list[bytes], replies: bytes, answer: Answer | None) -> None:
    assert paid(*apdus) == (replies, answer)


@pytest.mark.parametrize("field", ["04000000001200", "490756"])
def test_another_amount_than_was_asked_for_is_not_acknowledged_so_that_the_terminal_takes_it_back(field: str) -> None:
    replies, answer = paid(apdu(0x040F, bytes.fromhex("2700" + field)), apdu(0x061E, b"\x6c"))
    assert replies == bytes.fromhex("846c00") + ACK
    assert answer == Answer(outcome="declined", reason="cancelled")


def test_nothing_is_acknowledged_that_was_not_asked_for_on_this_line() -> None:
    dialogue = SPOKEN.enquire(CHARGE)
    dialogue.begin()
    with pytest.raises(BrokenAnswer, match="040F before a reply"):
        dialogue.feed(apdu(0x040F, PAID))
    dialogue = SPOKEN.authorise(CHARGE)
    dialogue.begin()
    with pytest.raises(BrokenAnswer, match="040F during registration"):
        dialogue.feed(ACK + apdu(0x040F, PAID))


@pytest.mark.parametrize(
    ("code", "reason"), [(0xA0, "busy"), (0x6B, "not_registered"), (0x05, "declined"), (0x9A, "terminal_154")]
)
def test_a_terminal_that_refuses_to_begin_charges_nothing(code: int, reason: str) -> None:
    at_registration = SPOKEN.authorise(CHARGE)
    at_registration.begin()
    at_registration.feed(apdu(0x8400 + code))
    assert at_registration.answer == Answer(outcome="declined", reason=reason)
    at_command = SPOKEN.authorise(CHARGE)
    at_command.begin()
    at_command.feed(REGISTERED + apdu(0x8400 + code))
    assert at_command.answer == Answer(outcome="declined", reason=reason)


def test_a_line_that_is_lost_is_in_doubt_once_the_amount_went_out() -> None:
    dialogue = SPOKEN.authorise(CHARGE)
    dialogue.begin()
    assert dialogue.lost() == Answer(outcome="declined", reason="no_contact")
    dialogue.feed(REGISTERED)
    assert dialogue.lost().outcome == "unknown"


def test_patience_follows_what_the_terminal_says_of_its_work() -> None:
    dialogue = asked(SPOKEN.authorise(CHARGE))
    assert dialogue.patience == 180
    dialogue.feed(apdu(0x04FF, b"\x0a\x05"))
    assert (dialogue.patience, dialogue.announced) == (300, 300)
    dialogue.feed(apdu(0x04FF, b"\x0a"))
    assert (dialogue.patience, dialogue.announced) == (180, 0)


def test_a_shopper_may_call_off_until_the_terminal_has_a_result() -> None:
    dialogue = asked(SPOKEN.authorise(CHARGE))
    assert dialogue.cancel() == apdu(0x06B0)
    dialogue.feed(apdu(0x040F, PAID))
    assert dialogue.cancel() == b""


def test_a_wish_to_call_off_is_kept_while_the_till_registers_and_no_amount_goes_out() -> None:
    for told in (b"", ACK):
        dialogue = SPOKEN.authorise(CHARGE)
        dialogue.begin()
        dialogue.feed(told)
        assert dialogue.cancel() == b""
        assert dialogue.feed(REGISTERED[len(told) :]) == ACK
        assert dialogue.answer == Answer(outcome="declined", reason="cancelled")


def test_a_wish_to_call_off_is_said_as_soon_as_the_terminal_has_taken_the_amount() -> None:
    dialogue = SPOKEN.authorise(CHARGE)
    dialogue.begin()
    dialogue.feed(REGISTERED)
    assert dialogue.cancel() == b""
    assert dialogue.feed(ACK) == apdu(0x06B0)
    assert dialogue.answer is None, "its word counts, and it may be too late"


OTHER = bytes.fromhex("2700 04000000005678 0b000012 870012")
BEFORE = bytes.fromhex("2700 04000000001234 0b000011 0c131415 0d1128 870011")


@pytest.mark.parametrize(
    ("apdus", "answer"),
    [
        ([apdu(0x040F, PAID), DONE], APPROVED),
        ([apdu(0x040F, BEFORE), DONE], Answer(outcome="declined", reason="not_charged")),
        ([apdu(0x040F, b"\x37\x00\x00\x12" + PAID), DONE], Answer(outcome="declined", reason="taken_back")),
        ([apdu(0x040F, b"\x27\x6c\x87\x00\x12"), DONE], Answer(outcome="declined", reason="cancelled")),
        ([apdu(0x040F, OTHER), DONE], Answer(outcome="unknown", reason="another_booking")),
        ([apdu(0x040F, b"\x27\x00\x87\x00\x12"), DONE], Answer(outcome="unknown", reason="another_booking")),
        ([apdu(0x040F, bytes.fromhex("2700 04000000001234")), DONE], Answer(outcome="unknown", reason="no_result")),
        ([DONE], Answer(outcome="unknown", reason="no_result")),
        ([apdu(0x061E, b"\x6c")], Answer(outcome="unknown", reason="cancelled")),
    ],
)
def test_what_became_of_a_payment_is_told_by_the_last_booking(apdus: list[bytes], answer: Answer) -> None:
    dialogue = asked(SPOKEN.enquire(CHARGE))
    for one in apdus:
        dialogue.feed(one)
    assert dialogue.answer == answer


@pytest.mark.parametrize(
    ("last", "whose"),
    [
        ("2700 04000000001234 0b000013 870013", "the next but one, of another shopper who paid as much"),
        ("2700 04000000001234 0b000013 870012", "numbers that contradict each other"),
        ("2700 04000000001234 0b000012 870001", "of another day: receipts begin at 1 again"),
        ("2700 04000000001234 0b000011 0c141415 0d1128 870011", "the one before, told with the time of the question"),
        ("2700 04000000001234 0b000012 37000009 870012", "takes back another one"),
        ("276c 0b000013 870013", "another one that failed"),
    ],
)
def test_a_booking_that_may_be_anothers_decides_nothing(last: str, whose: str) -> None:
    dialogue = asked(SPOKEN.enquire(CHARGE))
    dialogue.feed(apdu(0x040F, bytes.fromhex(last)) + DONE)
    assert dialogue.answer == Answer(outcome="unknown", reason="another_booking"), whose


@pytest.mark.parametrize("code", [0x83, 0xA0, 0x05])
def test_a_terminal_that_does_not_tell_its_last_booking_is_believed_nothing(code: int) -> None:
    dialogue = SPOKEN.enquire(Charge(reference="r", amount=1234, currency="EUR", mark=NO_MARK))
    dialogue.begin()
    dialogue.feed(REGISTERED + apdu(0x8400 + code))
    assert dialogue.answer is not None
    assert dialogue.answer.outcome == "unknown"


def test_the_payment_of_the_shopper_before_is_not_taken_for_one_that_never_was_made() -> None:
    # The printer was out of paper when the till asked, so that the last booking is not named before the payment, but after it.
    ready = SPOKEN.prepare("EUR")
    ready.begin()
    ready.feed(REGISTERED + ACK + apdu(0x061E, b"\xcc"))
    assert ready.answer is not None
    charge = Charge(reference="r", amount=1234, currency="EUR", mark=ready.answer.trace)
    for last in (BEFORE, b"\x37\x00\x00\x11" + PAID, FAILED + b"\x87\x00\x12"):
        dialogue = asked(SPOKEN.enquire(charge))
        dialogue.feed(apdu(0x040F, last) + DONE)
        assert dialogue.answer == Answer(outcome="unknown", reason="no_mark")


@pytest.mark.parametrize(
    ("apdus", "outcome", "mark"),
    [
        ([ACK, apdu(0x040F, BEFORE), DONE], "approved", "0011.000011.1128131415"),
        ([ACK, DONE], "approved", NO_MARK),
        ([apdu(0x8483)], "approved", NO_MARK),
        ([apdu(0x84A0)], "declined", ""),
    ],
)
def test_a_terminal_is_ready_where_it_answers_and_its_last_booking_is_the_mark(
    apdus: list[bytes], outcome: str, mark: str
) -> None:
    dialogue = SPOKEN.prepare("EUR")
    dialogue.begin()
    for one in (REGISTERED, *apdus):
        dialogue.feed(one)
    assert dialogue.answer is not None
    assert (dialogue.answer.outcome, dialogue.answer.trace) == (outcome, mark)


def test_a_currency_without_a_number_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(NotReady, match="not for XAU"):
        SPOKEN.prepare("XAU")
    assert pack(978, 2) == b"\x09\x78"
    with pytest.raises(ValueError, match="does not fit"):
        pack(10**12, 6)


def run(pieces: list[bytes]) -> tuple[bytes, Answer | None, bool]:
    """What is sent for the pieces, what they come to, and whether the line broke before it was known."""
    dialogue, sent = SPOKEN.authorise(CHARGE), b""
    dialogue.begin()
    try:
        for piece in (*pieces, b""):
            sent += dialogue.feed(piece)
    except BrokenAnswer:
        return sent, dialogue.answer, dialogue.answer is None
    return sent, dialogue.answer, False


STREAM = REGISTERED + ACK + apdu(0x04FF, b"\x0a\x01") + apdu(0x040F, PAID) + apdu(0x06D3, b"x" * 300) + DONE


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=12))
def test_pieces_of_any_size_say_the_same(cuts: list[int]) -> None:
    places = sorted({0, len(STREAM), *cuts})
    assert run([STREAM[start:end] for start, end in pairwise(places)]) == run([STREAM])
    assert run([bytes([byte]) for byte in STREAM]) == run([STREAM])
    assert run([STREAM])[1] == APPROVED


@given(st.binary(max_size=200), st.integers(0, len(STREAM)), st.booleans())
def test_any_bytes_after_any_part_of_a_payment_are_an_answer_or_a_broken_line(noise: bytes, cut: int, replaces: bool) -> None:
    data = STREAM[:cut] + noise + (b"" if replaces else STREAM[cut:])
    sent, answer, _ = run([data])
    assert len(sent) < 2000
    if answer is not None and answer.outcome == "approved":
        assert ACK in sent


def test_an_endless_length_is_refused() -> None:
    with pytest.raises(BrokenAnswer, match=f"the most is {LONGEST}"):
        ApduDecoder().feed(b"\x04\x0f\xff\xff\xff")


def test_bytes_that_are_no_answer_are_never_quoted() -> None:
    with pytest.raises(BrokenAnswer) as broken:
        ApduDecoder().feed(bytes.fromhex(PAN))
    assert str(broken.value) == "54 begins no command and no reply of ZVT"
