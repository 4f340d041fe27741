"""Golden reports of a keyboard wedge, as type.code.value of each event, for the simulator and the device's decoder."""

from __future__ import annotations

import json
import socket
import string
from pathlib import Path
from typing import Any

import pytest

from panier_device.driver.layout import load_layout
from panier_device.driver.port import Frame, KeyEvent
from panier_device.driver.wedge import WedgeDecoder
from panier_io.firmware import firmware_config
from panier_simulators.keyboard import strokes
from panier_simulators.wedge import RECORD, SimulatedWedge, report

SCANS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("wedge_reports.json").read_text())

golden = pytest.mark.parametrize("scan", SCANS, ids=lambda scan: scan["name"])


def _packets(reader: socket.socket, count: int) -> list[str]:
    return [_words(reader.recv(4096)) for _ in range(count)]


def _words(packet: bytes) -> str:
    return " ".join(f"{kind}.{code}.{value}" for _, _, kind, code, value in RECORD.iter_unpack(packet))


def _events(reports: list[str]) -> list[KeyEvent]:
    triples = [tuple(map(int, word.split("."))) for words in reports for word in words.split()]
    return [KeyEvent(place, *triple) for place, triple in enumerate(triples)]


@golden
def test_the_simulated_wedge_sends_the_golden_reports_one_a_packet(scan: dict[str, Any], tmp_path: Path) -> None:
    with SimulatedWedge(tmp_path / "wedge", gap=0) as wedge, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as reader:
        reader.connect(str(wedge.path))
        reader.settimeout(5)
        wedge.scan(scan["text"])
        assert _packets(reader, len(scan["reports"])) == scan["reports"]


@golden
def test_the_device_reads_the_golden_text(scan: dict[str, Any]) -> None:
    decoder = WedgeDecoder(load_layout("us", firmware_config() / "layouts"))
    assert decoder.feed(_events(scan["reports"])) == [Frame(scan["text"])]


def test_every_character_that_a_us_keyboard_types_is_read_as_itself() -> None:
    text = string.ascii_letters + string.digits + string.punctuation + " "
    decoder = WedgeDecoder(load_layout("us", firmware_config() / "layouts"))
    reports = [_words(report(key, value, 0.0)) for key, value in strokes(text)]
    enter = ["4.4.458792 1.28.1 0.0.0", "4.4.458792 1.28.0 0.0.0"]
    assert decoder.feed(_events(reports + enter)) == [Frame(text)]
