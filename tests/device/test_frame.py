from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier_device.driver.frame import FrameDecoder
from panier_device.driver.port import Frame
from panier_device.driver.profile import ScannerProfile

LINE = ScannerProfile(title="line")
STX = ScannerProfile(title="stx", framing="stx")
IDLE = ScannerProfile(title="idle", framing="idle", idle_ms=80)
CODE = "4006381333931"


def read(profile: ScannerProfile, *pieces: bytes) -> list[Frame]:
    decoder = FrameDecoder(profile)
    return [frame for piece in pieces for frame in decoder.feed(piece)]


@pytest.mark.parametrize("wire", [b"%s\r", b"%s\n", b"%s\r\n", b"\x02%s\x03", b"\x02%s\x03\r\n", b"\r\n%s\r"])
def test_every_common_framing_gives_the_code(wire: bytes):
    assert read(LINE, wire % CODE.encode()) == [Frame(CODE)]


def test_two_codes_in_one_read_are_two_codes():
    assert read(LINE, b"4006381333931\r96385074\r\n") == [Frame(CODE), Frame("96385074")]


def test_outside_of_stx_and_etx_nothing_counts():
    decoder = FrameDecoder(STX)
    assert decoder.feed(b"123\r\x024006381333931\x03456\r") == [Frame(CODE)]
    assert decoder.noise == 6


def test_silence_ends_a_code_only_where_the_profile_says_so():
    decoder = FrameDecoder(IDLE)
    assert decoder.feed(CODE.encode()) == []
    assert decoder.flush() == [Frame(CODE)]
    decoder = FrameDecoder(LINE)
    decoder.feed(b"4006381")
    assert decoder.flush() == [Frame("4006381", "cut_short")]


def test_a_cut_line_delivers_nothing_of_the_half_code():
    decoder = FrameDecoder(LINE)
    decoder.feed(b"4006381")
    decoder.reset()
    assert not decoder.pending
    assert decoder.feed(b"96385074\r") == [Frame("96385074")]
    assert decoder.noise == 7


@pytest.mark.parametrize("wire", [b"400638\xb4333931\r", b"\xff4006381333931\r", b"40063\x008133931\r"])
def test_a_foreign_byte_makes_the_code_void_instead_of_shorter(wire: bytes):
    (frame,) = read(LINE, wire)
    assert frame.flaw == "noise"


def test_pure_noise_troubles_nobody_and_is_counted():
    decoder = FrameDecoder(LINE)
    assert decoder.feed(b"\xff\x00\x80\x00") + decoder.flush() + decoder.feed(b"\x00\r") == []
    assert decoder.noise == 5


def test_a_line_that_never_ends_is_cut_off_at_the_cap_and_forgotten():
    decoder = FrameDecoder(ScannerProfile(title="short", longest=16))
    frames = decoder.feed(b"1" * 10_000 + b"\r" + b"96385074\r")
    assert frames == [Frame("1" * 16, "too_long"), Frame("96385074")]
    assert decoder.noise == 9_984


def test_prefix_and_suffix_are_taken_off_and_wanted():
    profile = ScannerProfile(title="framed", prefix="A:", suffix="#")
    assert read(profile, b"A:4006381333931#\r") == [Frame(CODE)]
    assert read(profile, b"4006381333931\r") == [Frame(CODE, "cut_short")]


def test_a_stand_in_for_gs_counts_only_in_gs1_symbols():
    profile = ScannerProfile(title="pipe", gs="|", aim=True)
    assert read(profile, b"]C110ABC|21X\r", b"]C0A|B\r") == [Frame("]C110ABC\x1d21X"), Frame("]C0A|B")]


@given(
    wire=st.lists(st.sampled_from([b"400638133", b"\x02", b"\x03", b"\r", b"\n", b"\xff", b"]E0", b"\x1d", b"x"]), max_size=30)
)
@pytest.mark.parametrize("profile", [LINE, STX, IDLE], ids=lambda profile: profile.framing)
def test_byte_by_byte_gives_what_the_whole_gives(profile: ScannerProfile, wire: list[bytes]):
    data = b"".join(wire)
    at_once, in_bytes = FrameDecoder(profile), FrameDecoder(profile)
    whole = at_once.feed(data) + at_once.flush()
    pieces = [frame for byte in data for frame in in_bytes.feed(bytes([byte]))] + in_bytes.flush()
    assert pieces == whole
    assert in_bytes.noise == at_once.noise


@given(data=st.binary(max_size=300))
def test_no_bytes_make_it_fail_or_deliver_what_no_label_shows(data: bytes):
    for frame in read(LINE, data):
        assert frame.flaw or all(character.isprintable() or character == "\x1d" for character in frame.text)
