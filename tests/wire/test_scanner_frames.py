"""Golden frames of the scanners' wires: the simulator sends exactly these bytes, the device reads exactly this text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from panier_device.driver.frame import FrameDecoder
from panier_device.driver.port import Frame
from panier_device.driver.profile import load_profile
from panier_io.firmware import firmware_config
from panier_simulators.scanner import Programming

PROFILES = firmware_config() / "profiles"
FRAMES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("scanner_frames.json").read_text())

golden = pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame["name"])


@golden
def test_the_simulated_scanner_sends_the_golden_bytes(frame: dict[str, Any]) -> None:
    programming = Programming.read(PROFILES / f"{frame['profile']}.toml")
    assert programming.frame(frame["code"], frame["symbology"]) == bytes.fromhex(frame["bytes"])


@golden
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_the_device_reads_the_golden_text_however_the_bytes_are_cut(frame: dict[str, Any], step: int) -> None:
    decoder = FrameDecoder(load_profile(frame["profile"], PROFILES))
    data = bytes.fromhex(frame["bytes"])
    found = [read for place in range(0, len(data), step) for read in decoder.feed(data[place : place + step])]
    assert found + decoder.flush() == [Frame(frame["text"])]
