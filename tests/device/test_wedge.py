from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier_device.driver.layout import load_layout
from panier_device.driver.port import Frame, KeyEvent
from panier_device.driver.profile import ScannerProfile
from panier_device.driver.wedge import WedgeDecoder
from panier_io.firmware import firmware_config

US = load_layout("us", firmware_config() / "layouts")
DIGIT = {"1": 2, "2": 3, "3": 4, "4": 5, "5": 6, "6": 7, "7": 8, "8": 9, "9": 10, "0": 11}
SHIFT, CAPS, CTRL, ENTER, KP_ENTER, TAB = 42, 58, 29, 28, 96, 15
A, RIGHT_BRACE, KP_7, ALT = 30, 27, 71, 56


def tap(code: int, at: int = 0) -> list[KeyEvent]:
    return [
        KeyEvent(at, 4, 4, 0x70000),
        KeyEvent(at, 1, code, 1),
        KeyEvent(at, 0, 0, 0),
        KeyEvent(at, 1, code, 0),
        KeyEvent(at, 0, 0, 0),
    ]


def hold(code: int, at: int = 0) -> list[KeyEvent]:
    return [KeyEvent(at, 1, code, 1)]


def release(code: int, at: int = 0) -> list[KeyEvent]:
    return [KeyEvent(at, 1, code, 0)]


def typed(text: str, at: int = 0, gap: int = 2) -> list[KeyEvent]:
    return [event for place, digit in enumerate(text) for event in tap(DIGIT[digit], at + place * gap)]


DROPPED = KeyEvent(0, 0, 3, 0)


def test_enter_keypad_enter_and_tab_end_a_scan():
    for end in (ENTER, KP_ENTER, TAB):
        assert WedgeDecoder(US).feed(typed("96385074") + tap(end, 20)) == [Frame("96385074")]


def test_shift_gives_upper_case_and_only_while_it_is_down():
    decoder = WedgeDecoder(US)
    events = hold(SHIFT) + tap(A) + release(SHIFT) + tap(A) + tap(ENTER)
    assert decoder.feed(events) == [Frame("Aa")]


def test_caps_lock_turns_letters_and_leaves_digits():
    decoder = WedgeDecoder(US)
    events = tap(CAPS) + tap(A) + typed("1") + hold(SHIFT) + tap(A) + release(SHIFT) + tap(ENTER)
    assert decoder.feed(events) == [Frame("A1a")]


def test_ctrl_and_closing_bracket_are_gs():
    assert WedgeDecoder(US).feed(typed("1") + hold(CTRL) + tap(RIGHT_BRACE) + release(CTRL) + tap(ENTER)) == [Frame("1\x1d")]


def test_the_keypad_types_digits():
    assert WedgeDecoder(US).feed(tap(KP_7) + tap(ENTER)) == [Frame("7")]


def test_a_repeating_key_counts_once():
    events = [KeyEvent(0, 1, DIGIT["4"], 1), KeyEvent(1, 1, DIGIT["4"], 2), KeyEvent(2, 1, DIGIT["4"], 0)]
    assert WedgeDecoder(US).feed(events + tap(ENTER, 3)) == [Frame("4")]


def test_dropped_events_void_the_scan_up_to_its_terminator_and_no_further():
    decoder = WedgeDecoder(US)
    frames = decoder.feed([*typed("9638"), DROPPED, *typed("74", 8), *tap(ENTER, 12), *typed("40", 20), *tap(ENTER, 26)])
    assert frames == [Frame("74", "cut_short"), Frame("40")]
    assert decoder.noise == 6


def test_a_shift_that_was_lost_with_dropped_events_does_not_stick():
    decoder = WedgeDecoder(US)
    decoder.feed([*hold(SHIFT), DROPPED, *tap(ENTER)])
    assert decoder.feed(typed("12") + tap(ENTER)) == [Frame("12")]


def test_a_long_gap_voids_what_came_before_it():
    decoder = WedgeDecoder(US)
    assert decoder.feed(typed("9638") + typed("40", 400) + tap(ENTER, 410)) == [Frame("9638", "cut_short"), Frame("40")]


def test_a_stray_key_before_a_scan_troubles_nobody():
    assert WedgeDecoder(US).feed(typed("9") + typed("40", 400) + tap(ENTER, 410)) == [Frame("40")]


def test_a_key_that_the_layout_lacks_voids_the_scan():
    decoder = WedgeDecoder(US)
    assert decoder.feed(typed("12") + tap(200) + typed("3") + tap(ENTER)) == [Frame("3", "cut_short")]


def test_caps_lock_that_somebody_left_on_does_not_turn_the_next_code():
    decoder = WedgeDecoder(US)
    assert decoder.feed(tap(CAPS) + tap(A) + tap(ENTER, 4)) == [Frame("A")]
    assert decoder.feed(tap(A, 1000) + tap(ENTER, 1004)) == [Frame("a")]
    assert decoder.feed(tap(CAPS, 2000) + tap(A, 3000) + tap(ENTER, 3004)) == [Frame("a")]


def test_an_event_that_a_line_doubled_counts_once_and_one_that_is_missing_voids_the_code():
    doubled = [event for event in tap(DIGIT["4"], 5) + tap(DIGIT["0"], 7) for _ in range(2)]
    assert WedgeDecoder(US).feed(doubled + tap(ENTER, 9)) == [Frame("40")]
    without_up = hold(DIGIT["4"], 1) + hold(DIGIT["4"], 3) + release(DIGIT["4"], 4)
    assert WedgeDecoder(US).feed(without_up + tap(ENTER, 9)) == [Frame("4", "cut_short")]


@pytest.mark.parametrize(("ends", "expected"), [("enter", [Frame("", "cut_short"), Frame("0")]), ("tab", [Frame("4")])])
def test_only_the_keys_that_are_set_end_a_code(ends: str, expected: list[Frame]):
    decoder = WedgeDecoder(US, ScannerProfile.model_validate({"title": "x", "keys": {"ends": [ends]}}))
    assert decoder.feed(typed("4") + tap(TAB, 3) + typed("0", 500) + tap(ENTER, 505)) == expected
    assert decoder.flush() == ([] if ends == "enter" else [Frame("", "cut_short")])


def test_prefix_and_suffix_of_the_profile_are_taken_off():
    decoder = WedgeDecoder(US, ScannerProfile(title="x", prefix="9", suffix="0"))
    assert decoder.feed(typed("9120") + tap(ENTER, 20)) == [Frame("12")]


@pytest.mark.parametrize("number", ["300", "0300", "029999999", "129"])
def test_a_number_that_is_no_character_voids_the_code(number: str):
    keypad = dict(zip("0123456789", (82, 79, 80, 81, 75, 76, 77, 71, 72, 73), strict=True))
    events = typed("1") + hold(ALT, 3) + [event for digit in number for event in tap(keypad[digit], 3)] + release(ALT, 3)
    (frame,) = WedgeDecoder(US).feed(events + tap(ENTER, 9))
    assert frame == (Frame("1ü") if number == "129" else Frame("", "cut_short"))


def test_an_unplugged_wedge_forgets_everything():
    decoder = WedgeDecoder(US)
    decoder.feed(hold(SHIFT) + typed("12"))
    decoder.reset()
    assert decoder.feed(typed("34") + tap(ENTER)) == [Frame("34")]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([2, 3, A, SHIFT, CAPS, CTRL, ALT, 100, KP_7, 108, ENTER, TAB, 250]),
            st.integers(0, 2),
            st.integers(0, 300),
        ),
        max_size=60,
    ),
    st.booleans(),
)
def test_event_by_event_gives_what_the_whole_gives(keys: list[tuple[int, int, int]], lossy: bool):
    at, events = 0, []
    for code, value, gap in keys:
        at += gap
        events.append(KeyEvent(at, 1, code, value))
    if lossy:
        events.insert(len(events) // 2, DROPPED)
    at_once, one_by_one = WedgeDecoder(US), WedgeDecoder(US)
    assert [frame for event in events for frame in one_by_one.feed([event])] == at_once.feed(events)
    assert one_by_one.noise == at_once.noise
