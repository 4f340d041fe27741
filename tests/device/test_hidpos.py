"""HID-POS reports: makers' layouts, codes over several reports, and reports that do not hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier_device.driver.hidpos import HIDPOS, HidPosDecoder
from panier_device.driver.port import Frame
from panier_device.driver.profile import ScannerProfile, load_profile
from panier_io.firmware import firmware_config
from panier_simulators.hidpos import MAKES, Make, reports

PROFILES = firmware_config() / "profiles"
EAN = "4006381333931"
LINK = "https://example.com/01/05901234123457/10/A7?17=261130&" + "".join(chr(97 + n % 26) for n in range(100))


def decoder(make: Make = "honeywell") -> HidPosDecoder:
    return HidPosDecoder(load_profile(f"{make}-hidpos", PROFILES))


@pytest.mark.parametrize(("code", "symbology", "told"), [(EAN, "ean13", f"]E0{EAN}"), (LINK, "qr", f"]Q1{LINK}")])
def test_the_identifier_of_a_report_stands_before_its_code(code: str, symbology: str, told: str):
    assert decoder().feed(reports(code, symbology)) == [Frame(told)]


def test_a_maker_whose_reports_say_no_symbology_delivers_the_bare_code():
    assert decoder("newland").feed(reports(EAN, "ean13", "newland")) == [Frame(EAN)]


def test_the_example_of_a_manual_is_read():
    """LSR118 Product Manual, appendix B.1.1: 60 bytes of a boarding pass in two reports."""
    pass_ = "M1GATHERGOOD/MICHAEL  YABCDEF LHRDURAK 3542 052Y003D23  100"
    first, second = bytearray(64), bytearray(64)
    first[:5], second[:5] = bytes([2, 0x38]) + b"]Q0", bytes([2, len(pass_) - 56]) + b"]Q0"
    first[5:61], first[61], first[63] = pass_[:56].encode(), 0x73, 1
    second[5 : 5 + len(pass_) - 56], second[61] = pass_[56:].encode(), 0x73
    assert decoder().feed([bytes(first), bytes(second)]) == [Frame(f"]Q0{pass_}")]


def test_a_makers_own_letter_becomes_an_identifier_where_the_profile_says_which():
    profile = ScannerProfile.model_validate(
        {"title": "letters", "report": {"aim_at": 0, "symbology_at": 61, "symbologies": {"d": "]E0"}}}
    )
    assert HidPosDecoder(profile).feed(reports(EAN, "ean13")) == [Frame(f"]E0{EAN}")]
    assert HidPosDecoder(profile).feed(reports(EAN, "code128")) == [Frame(EAN)]


def test_a_terminator_and_a_stand_in_for_gs_are_understood_here_too():
    profile = ScannerProfile(title="pipe", gs="|", prefix="A:")
    assert HidPosDecoder(profile).feed(reports("A:10ABC|21X\r\n", "gs1-128")) == [Frame("]C110ABC\x1d21X")]


def test_a_report_that_came_twice_or_not_at_all_voids_its_code_and_no_other():
    first, middle, last = reports(LINK, "qr")
    (ean,) = reports(EAN, "ean13")
    for broken in ([first, first, middle, last], [first, middle, ean]):
        told = decoder().feed([*broken, ean])
        assert [frame.flaw for frame in told] == ["noise", None]
        assert told[1] == Frame(f"]E0{EAN}")


def test_a_code_whose_rest_never_comes_is_cut_short():
    held = decoder()
    assert held.feed(reports(LINK, "qr")[:1]) == []
    assert held.pending
    assert [frame.flaw for frame in held.flush()] == ["cut_short"]
    assert not held.pending


def test_an_unplugged_scanner_forgets_the_half_code():
    held = decoder()
    held.feed(reports(LINK, "qr")[:1])
    held.reset()
    assert held.feed(reports(EAN, "ean13")) == [Frame(f"]E0{EAN}")]


def test_reports_of_another_number_are_passed_over_and_short_ones_are_no_code():
    held = decoder()
    assert held.feed([bytes([4]) + bytes(63), b""]) == []
    assert held.noise == 0
    assert [frame.flaw for frame in held.feed([bytes([2, 13]) + b"]E0400"])] == ["cut_short"]


def test_bytes_that_no_label_shows_are_noise():
    assert [frame.flaw for frame in decoder().feed(reports("40\x01063", "code128"))] == ["noise"]
    assert [frame.flaw for frame in decoder().feed(reports("caf\xe9", "code128"))] == ["noise"]


def test_a_code_longer_than_any_is_cut_off():
    held = HidPosDecoder(HIDPOS.model_copy(update={"longest": 100}))
    assert [frame.flaw for frame in held.feed(reports(LINK, "qr"))] == ["too_long"]


def block(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


MADE = st.one_of(
    st.binary(max_size=70),
    st.tuples(st.just(b"\2"), st.integers(0, 70).map(lambda n: bytes([n])), block(61), st.sampled_from([b"\0", b"\1"])).map(
        b"".join
    ),
    st.sampled_from([*reports(LINK, "qr"), *reports(EAN, "ean13")]),
)


@pytest.mark.parametrize("make", MAKES)
@given(packets=st.lists(MADE, max_size=12))
def test_report_by_report_gives_what_the_whole_gives_and_nothing_fails(make: Make, packets: list[bytes]):
    at_once, one_by_one = decoder(make), decoder(make)
    whole = at_once.feed(packets) + at_once.flush()
    assert [frame for packet in packets for frame in one_by_one.feed([packet])] + one_by_one.flush() == whole
    assert one_by_one.noise == at_once.noise
    for frame in whole:
        assert frame.flaw or all(sign.isprintable() or sign == "\x1d" for sign in frame.text)
