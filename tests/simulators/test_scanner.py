from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st

from panier_io.firmware import firmware_config
from panier_simulators.cable import SPLITS, Split
from panier_simulators.orders import obey
from panier_simulators.scanner import Programming, SimulatedScanner, Unplugged, as_heard
from panier_simulators.trigger import NEXT_OF_A_KIND_S


def _read_for(port: serial.Serial, count: int) -> bytes:
    port.timeout = 5
    return port.read(count)


def test_a_code_arrives_whole_with_its_carriage_return(tmp_path: Path) -> None:
    with SimulatedScanner(tmp_path / "scanner") as scanner, serial.Serial(str(scanner.link), 9600) as port:
        sent = scanner.scan("4006381333931")
        assert _read_for(port, 14) == b"4006381333931\r" == sent.data


def test_bytes_do_not_come_faster_than_the_line_carries_them(tmp_path: Path) -> None:
    with SimulatedScanner(tmp_path / "scanner") as scanner, serial.Serial(str(scanner.link), 9600) as port:
        arrived: list[float] = []

        def watch() -> None:
            for _ in range(14):
                _read_for(port, 1)
                arrived.append(time.monotonic())

        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.monotonic()
        sent = scanner.scan("4006381333931")
        watcher.join()
        # A lower bound, so that a busy machine cannot break it: byte n is never there before n bytes' time has passed.
        for place, at in enumerate(arrived, start=1):
            assert at - began >= place * 10 / 9600
        assert sent.last_byte_at - began >= 14 * 10 / 9600


def test_a_held_trigger_sends_at_once_again_and_the_next_of_a_kind_takes_a_moment(tmp_path: Path) -> None:
    with (
        SimulatedScanner(tmp_path / "scanner", Programming(baud=115200)) as scanner,
        serial.Serial(str(scanner.link), 115200) as port,
    ):
        scanner.hold("96385074", 2)
        assert _read_for(port, 18) == b"96385074\r" * 2
        first, second = scanner.scan("96385074").last_byte_at, scanner.scan("96385074").last_byte_at
        # A lower bound, so that a busy machine cannot break it.
        assert second - first >= NEXT_OF_A_KIND_S


def test_what_the_reader_says_is_heard_in_words(tmp_path: Path) -> None:
    with SimulatedScanner(tmp_path / "scanner") as scanner, serial.Serial(str(scanner.link), 9600) as port:
        assert obey(scanner, "heard", "") == "nothing"
        port.write(b"\x07\x1b8,\x1b8,?")
        assert obey(scanner, "heard", "") == "beep, razz, razz, nothing on b'?'"


def test_one_bit_of_a_garbled_code_is_wrong(tmp_path: Path) -> None:
    with SimulatedScanner(tmp_path / "scanner", seed=2) as scanner:
        sent = scanner.garble("96385074").data
    assert sum((was ^ now).bit_count() for was, now in zip(b"96385074\r", sent, strict=True)) == 1


@pytest.mark.parametrize("split", SPLITS)
def test_the_pieces_make_the_same_code(tmp_path: Path, split: Split) -> None:
    with (
        SimulatedScanner(tmp_path / "scanner", Programming(baud=115200), split=split, seed=3) as scanner,
        serial.Serial(str(scanner.link), 115200) as port,
    ):
        for code in ("96385074", "012345678905", "4006381333931"):
            scanner.scan(code)
            assert _read_for(port, len(code) + 1) == f"{code}\r".encode()


@pytest.mark.parametrize(
    ("profile", "frame"),
    [
        ("generic", b"4006381333931\r"),
        ("generic-aim", b"]E04006381333931\r"),
        ("framed", b"\x02]E04006381333931\x03"),
        ("usb-cdc", b"]E04006381333931\r\n"),
        ("bare", b"4006381333931"),
    ],
)
def test_a_profile_says_what_stands_around_a_code(profile: str, frame: bytes) -> None:
    programming = Programming.read(firmware_config() / "profiles" / f"{profile}.toml")
    assert programming.frame("4006381333931") == frame


def test_gs_goes_over_the_wire_as_the_profile_says() -> None:
    code = "0104006381333931" + "10AB\x1d" + "17251231"
    assert Programming(gs="|", aim=True).frame(code, "gs1-128") == b"]C1010400638133393110AB|17251231\r"


def test_a_half_code_has_no_terminator(tmp_path: Path) -> None:
    with SimulatedScanner(tmp_path / "scanner") as scanner, serial.Serial(str(scanner.link), 9600) as port:
        scanner.half("4006381333931")
        assert _read_for(port, 7) == b"4006381"
        assert port.in_waiting == 0


def test_noise_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    with (
        SimulatedScanner(tmp_path / "a", seed=5) as first,
        SimulatedScanner(tmp_path / "b", seed=5) as second,
        SimulatedScanner(tmp_path / "c", seed=6) as third,
    ):
        same = first.noise(16).data
        assert second.noise(16).data == same
        assert third.noise(16).data != same


def test_a_reader_at_another_speed_gets_garbage(tmp_path: Path) -> None:
    with SimulatedScanner(tmp_path / "scanner") as scanner, serial.Serial(str(scanner.link), 19200) as port:
        assert scanner.readers_baud == 19200
        sent = scanner.scan("4006381333931")
        assert sent.data == b"4006381333931\r" != sent.heard
        assert _read_for(port, len(sent.heard)) == sent.heard
        port.baudrate = 9600
        scanner.scan("4006381333931")
        assert _read_for(port, 14) == b"4006381333931\r"


def test_after_the_cable_was_pulled_readers_fail_and_the_link_leads_to_a_new_port(tmp_path: Path) -> None:
    with SimulatedScanner(tmp_path / "scanner") as scanner:
        old = serial.Serial(str(scanner.link), 9600)
        scanner.unplug()
        assert not scanner.link.exists()
        with pytest.raises(serial.SerialException):
            old.read(1)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            _ = old.in_waiting
        with pytest.raises(Unplugged, match="scanner is unplugged"):
            scanner.scan("96385074")
        old.close()
        scanner.plug()
        with serial.Serial(str(scanner.link), 9600) as port:
            scanner.scan("96385074")
            assert _read_for(port, 9) == b"96385074\r"


def test_what_nobody_reads_is_lost_and_counted_without_blocking(tmp_path: Path) -> None:
    with SimulatedScanner(tmp_path / "scanner", Programming(baud=10_000_000), split="whole") as scanner:
        lost = [scanner.send(b"0" * 4096).lost for _ in range(40)]
        assert lost[0] == 0
        assert lost[-1] > 0


def test_the_reader_is_a_terminal_that_does_not_echo(tmp_path: Path) -> None:
    with SimulatedScanner(tmp_path / "scanner", split="whole") as scanner:
        reader = os.open(scanner.link, os.O_RDWR | os.O_NOCTTY)
        scanner.scan("96385074")
        assert os.read(reader, 64) == b"96385074\r"
        os.close(reader)


@given(data=st.binary(max_size=40), baud=st.sampled_from([1200, 9600, 115200]))
def test_the_same_speed_is_heard_as_sent(data: bytes, baud: int) -> None:
    assert as_heard(data, sent_at=baud, heard_at=baud) == data


@given(
    data=st.binary(min_size=1, max_size=40), speeds=st.sampled_from([(9600, 19200), (9600, 4800), (9600, 115200), (115200, 9600)])
)
def test_the_same_wrong_speed_gives_the_same_garbage(data: bytes, speeds: tuple[int, int]) -> None:
    sent, heard = speeds
    first = as_heard(data, sent_at=sent, heard_at=heard)
    assert first == as_heard(data, sent_at=sent, heard_at=heard)
    assert len(first) <= len(data) * 10 * max(1, heard // sent)


def test_half_the_speed_swallows_two_bytes_into_one() -> None:
    # "00" on the line is 0 00001100 1 0 00001100 1; a reader at 4800 looks at bits 3, 5, 7 ... 17 of it and sees 01010010.
    assert as_heard(b"00", sent_at=9600, heard_at=4800) == b"J"
