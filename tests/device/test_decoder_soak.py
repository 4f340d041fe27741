"""Millions of spoilt bytes, keys and reports through each scanner's decoder: frames or nothing, and memory stays where it is."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable

import pytest

from panier_device.driver.frame import FrameDecoder
from panier_device.driver.hidpos import HidPosDecoder
from panier_device.driver.layout import load_layout
from panier_device.driver.port import Frame, KeyEvent
from panier_device.driver.profile import ScannerProfile, load_profile
from panier_device.driver.wedge import WedgeDecoder
from panier_io.firmware import firmware_config
from panier_simulators.hidpos import reports
from panier_simulators.keyboard import ENDS, strokes

CODES = ["4006381333931", "]C10105901234123457310300019517261130", "https://example.com/01/05901234123457/" + "x" * 90]
Feed = Callable[[], list[Frame]]


def serial(chance: random.Random) -> Feed:
    decoder = FrameDecoder(ScannerProfile(title="soak"))

    def feed() -> list[Frame]:
        data = bytearray(chance.choice(CODES).encode() + b"\r")
        for _ in range(chance.randrange(3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return decoder.feed(bytes(data)) + (decoder.flush() if chance.random() < 0.1 else [])

    return feed


def wedge(chance: random.Random) -> Feed:
    folder = firmware_config() / "layouts"
    decoder = WedgeDecoder(load_layout("fr", folder))
    now = 0

    def feed() -> list[Frame]:
        nonlocal now
        mode = chance.choice(("keys", "alt", "alt0"))
        pressed = [*strokes(chance.choice(CODES[:2]), "fr", mode), (ENDS["enter"], 1), (ENDS["enter"], 0)]
        events: list[KeyEvent] = []
        for (code, _), value in pressed:
            now += chance.choice((0, 1, 2, 2, 2, 300))
            events.append(KeyEvent(now, 1, code, value))
        for _ in range(chance.randrange(3)):
            place = chance.randrange(len(events))
            events[place] = KeyEvent(now, chance.choice((0, 1, 4)), chance.randrange(260), chance.randrange(-1, 4))
        return decoder.feed(events)

    return feed


def hidpos(chance: random.Random) -> Feed:
    decoder = HidPosDecoder(load_profile("honeywell-hidpos", firmware_config() / "profiles"))
    good = [packet for code in CODES for packet in reports(code)]

    def feed() -> list[Frame]:
        report = bytearray(chance.choice(good))
        for _ in range(chance.randrange(4)):
            report[chance.randrange(len(report))] = chance.randrange(256)
        return decoder.feed([bytes(report[: chance.choice((64, 64, 64, chance.randrange(65)))])])

    return feed


def _run(made: Callable[[random.Random], Feed], times: int) -> tuple[int, int, int]:
    """Frames, whole ones among them, and bytes of memory that were added after the first tenth."""
    feed, frames, whole, before = made(random.Random(5)), 0, 0, 0
    tracemalloc.start()
    for number in range(times):
        found = feed()
        frames += len(found)
        whole += sum(frame.flaw is None for frame in found)
        assert all(sign.isprintable() or sign == "\x1d" for frame in found if not frame.flaw for sign in frame.text)
        if number == times // 10:
            before = tracemalloc.get_traced_memory()[0]
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return frames, whole, grown


@pytest.mark.parametrize("made", [serial, wedge, hidpos])
def test_spoilt_input_ends_in_frames_or_nothing(made: Callable[[random.Random], Feed]):
    frames, whole, _ = _run(made, 300)
    assert 0 < whole < frames


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("made", "times"), [(serial, 1_000_000), (wedge, 100_000), (hidpos, 2_000_000)])
def test_millions_of_spoilt_inputs_leave_memory_flat(made: Callable[[random.Random], Feed], times: int):
    frames, whole, grown = _run(made, times)
    print(f"{made.__name__}: {times:,} inputs, {frames:,} frames, {whole:,} whole, memory {grown:+,} bytes")  # noqa: T201
    assert whole < frames
    assert grown < 100_000
