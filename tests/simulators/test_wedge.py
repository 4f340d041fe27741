from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from panier_simulators.keyboard import Untypable, strokes
from panier_simulators.wedge import SimulatedWedge

INPUT_EVENT = struct.Struct("llHHi")
SYN_DROPPED = (0, 3, 0)


@pytest.fixture
def wedge(tmp_path: Path) -> Iterator[SimulatedWedge]:
    with SimulatedWedge(tmp_path / "wedge", gap=0) as device:
        yield device


@pytest.fixture
def reader(wedge: SimulatedWedge) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
        end.connect(str(wedge.path))
        end.settimeout(5)
        yield end


def _drain(reader: socket.socket) -> list[tuple[int, int, int]]:
    reader.setblocking(False)
    events: list[tuple[int, int, int]] = []
    try:
        while packet := reader.recv(4096):
            events += [(kind, code, value) for _, _, kind, code, value in INPUT_EVENT.iter_unpack(packet)]
    except BlockingIOError:
        pass
    return events


def test_a_packet_is_one_report_of_24_byte_records(wedge: SimulatedWedge, reader: socket.socket) -> None:
    wedge.scan("1")
    packet = reader.recv(4096)
    assert len(packet) == 3 * 24
    seconds, micros, *_ = INPUT_EVENT.unpack(packet[:24])
    assert abs(time.time() - (seconds + micros / 1e6)) < 3600


def test_enter_is_the_last_key(wedge: SimulatedWedge, reader: socket.socket) -> None:
    assert wedge.scan("96385074").heard
    keys = [(code, value) for kind, code, value in _drain(reader) if kind == 1]
    assert keys[-2:] == [(28, 1), (28, 0)]
    assert len(keys) == 2 * 9


def test_capitals_are_typed_inside_shift() -> None:
    assert [(key[0], value) for key, value in strokes("aA")] == [(30, 1), (30, 0), (42, 1), (30, 1), (30, 0), (42, 0)]


def test_a_character_without_a_key_is_an_error() -> None:
    with pytest.raises(Untypable, match="'é'"):
        list(strokes("é"))


def test_keys_keep_their_distance(tmp_path: Path) -> None:
    with SimulatedWedge(tmp_path / "slow", gap=0.004) as wedge:
        began = time.monotonic()
        typed = wedge.scan("1234")
        # Eight edges before the terminator goes down, each after the one before.
        assert typed.last_byte_at - began >= 8 * 0.004


def test_events_that_the_kernel_dropped_are_announced_before_the_next(wedge: SimulatedWedge, reader: socket.socket) -> None:
    wedge.type("4006381333931", drop_after=6)
    events = _drain(reader)
    place = events.index(SYN_DROPPED)
    assert sum(kind == 1 for kind, _, _ in events[:place]) == 6
    assert [(code, value) for kind, code, value in events[place:] if kind == 1] == [(28, 1), (28, 0)]


def test_a_reader_that_is_too_slow_loses_events_and_is_told(wedge: SimulatedWedge, reader: socket.socket) -> None:
    for _ in range(100):
        wedge.type("4006381333931")
    first = _drain(reader)
    assert len(first) < 100 * 28 * 3
    wedge.scan("1")
    assert _drain(reader)[0] == SYN_DROPPED


def test_nobody_hears_what_is_typed_while_no_device_is_connected(wedge: SimulatedWedge) -> None:
    assert not wedge.scan("96385074").heard


def test_a_device_that_comes_back_is_heard_again(wedge: SimulatedWedge, reader: socket.socket) -> None:
    assert wedge.scan("1").heard
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as again:
        again.connect(str(wedge.path))
        wedge.scan("2")
        assert [code for kind, code, value in _drain(again) if (kind, value) == (1, 1)] == [3, 28]


def test_pulling_the_cable_ends_the_stream_and_removes_the_path(wedge: SimulatedWedge, reader: socket.socket) -> None:
    wedge.scan("1")
    wedge.unplug()
    assert not wedge.path.exists()
    while packet := reader.recv(4096):
        assert packet
    wedge.plug()
    assert wedge.path.exists()
