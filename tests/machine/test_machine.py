"""Drivers before a real kernel's devices. Opt-in, for it takes a minute and a download: `pytest -m soak -n 0 tests/machine`."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    "check",
    [
        "keys_of_an_input_device_become_a_code",
        "a_grabbed_scan_types_nowhere_else",
        "a_second_program_is_told_that_the_scanner_is_taken",
        "an_overflow_of_the_kernels_buffer_delivers_no_part",
        "a_clock_that_is_set_in_mid_code_cuts_nothing",
        "a_keyboard_that_is_pulled_in_mid_code_comes_back_without_a_half_one",
        "reports_of_a_hid_keyboard_become_a_code",
        "reports_of_a_hidraw_become_codes_and_a_pulled_scanner_no_half_one",
        "a_composite_usb_scanner_is_serial_port_and_keyboard",
        "a_usb_scanner_that_is_pulled_in_mid_code_comes_back_without_a_half_one",
    ],
)
def test_with_real_devices(said: Callable[[str], dict[str, str]], check: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(check)
    assert not told["wrong"], told["wrong"]
    with capsys.disabled():
        sys.stderr.write(f"\n{check}: {told['seen'] or 'holds'} ({told['seconds']} s)")
