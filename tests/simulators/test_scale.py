"""The simulated scale against its makers' manuals, as a till sees it through pyserial."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import serial

from panier_simulators.platter import Make, NoSuchScale, Platter, make_of
from panier_simulators.scale import SimulatedScale
from panier_simulators.scale_talk import CLEAR_TAKES

DIVA = make_of("mettler-diva")


def ask(port: serial.Serial, command: bytes, end: bytes) -> bytes:
    port.timeout = 10
    port.write(command)
    return port.read_until(end)


def test_a_toledo_scale_answers_weight_or_status(tmp_path: Path) -> None:
    with SimulatedScale(tmp_path / "scale", DIVA, settle=0) as scale, serial.Serial(str(scale.link), 9600) as port:
        assert ask(port, b"W", b"\r") == b"\x0200.000\r"
        scale.put(842)
        assert ask(port, b"W", b"\r") == b"\x0200.840\r"
        scale.platter.sway(forever=True)
        assert ask(port, b"W", b"\r") == b"\x02?\x41\r"
        scale.platter.sway(forever=False)
        scale.put(20_000)
        assert ask(port, b"W", b"\r") == b"\x02?\x42\r"
        scale.take()
        scale.put(-50)
        assert ask(port, b"W", b"\r") == b"\x02?\x44\r"
        assert ask(port, b"Z", b"\r") == b"\x02?\x50\r"


def test_clearing_a_tare_takes_150_ms(tmp_path: Path) -> None:
    with SimulatedScale(tmp_path / "scale", DIVA, settle=0) as scale, serial.Serial(str(scale.link), 9600) as port:
        scale.put(100)
        began = time.monotonic()
        assert ask(port, b"T", b"\r") == b"\x02?\x60\r"
        assert ask(port, b"C", b"\r") == b"\x02?\x40\r"
        # A lower bound, so that a busy machine cannot break it.
        assert time.monotonic() - began >= 2 * CLEAR_TAKES


def test_bytes_do_not_come_faster_than_the_line_carries_them(tmp_path: Path) -> None:
    slow = Make(baud=1200)
    with SimulatedScale(tmp_path / "scale", slow, settle=0) as scale, serial.Serial(str(scale.link), 1200) as port:
        began = time.monotonic()
        assert len(ask(port, b"W", b"\r")) == 8
        assert time.monotonic() - began >= 9 * 10 / 1200


def test_a_load_sways_until_it_has_settled() -> None:
    platter = Platter(DIVA, settle=0.4)
    platter.put(500, now=10.0)
    assert platter.moves(10.39)
    assert not platter.moves(10.4)


def test_a_scale_that_was_unplugged_is_back_at_the_same_place(tmp_path: Path) -> None:
    with SimulatedScale(tmp_path / "scale", DIVA, settle=0) as scale:
        with serial.Serial(str(scale.link), 9600) as port:
            scale.unplug()
            assert not scale.link.exists()
            with pytest.raises(serial.SerialException):
                port.read(1)
        scale.plug()
        with serial.Serial(str(scale.link), 9600) as port:
            assert ask(port, b"W", b"\r") == b"\x0200.000\r"


def test_each_order_of_a_person_has_its_effect(tmp_path: Path) -> None:
    with SimulatedScale(tmp_path / "scale", DIVA, settle=0) as scale:
        assert scale.obey("put", "840").startswith("840 g on the plate")
        assert "tare 840 g" in scale.obey("tare")
        assert scale.obey("clear").startswith("840 g")
        scale.obey("overload")
        assert scale.platter.is_over
        scale.obey("lean")
        assert scale.platter.moves(time.monotonic())
        scale.obey("still")
        assert scale.obey("take").startswith("0 g")
        scale.obey("silent")
        assert scale.faults.is_silent
        scale.obey("speak")
        scale.obey("unplug")
        assert not scale.link.exists()
        scale.obey("plug")
        assert scale.link.exists()
        assert scale.obey("put", "much") == "no such order: put much"
    assert not [thread for thread in threading.enumerate() if thread.name == "scale scale"]


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(NoSuchScale, match="there are brecknell-6712, cas-pd-ii"):
        make_of("bizerba")
