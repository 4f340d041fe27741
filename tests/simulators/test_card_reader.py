from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest
from typer.testing import CliRunner

from panier_simulators.card_reader import BANK_CARD, Card, Fault, SimulatedCardReader
from panier_simulators.command import simulate

INPUT_EVENT = struct.Struct("llHHi")
ENTER = 28
CARD = Card("6035710000000000", "Claire Durand of a Very Long Name")


def keys(path: Path, reader: SimulatedCardReader, card: Card, fault: Fault) -> list[tuple[int, int]]:
    """(code, value) of the keys that a swipe sends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
        end.connect(str(path))
        reader.swipe(card, fault)
        end.setblocking(False)
        sent: list[tuple[int, int]] = []
        while True:
            try:
                packet = end.recv(4096)
            except BlockingIOError:
                return sent
            sent += [(code, value) for _, _, kind, code, value in INPUT_EVENT.iter_unpack(packet) if kind == 1]


def test_tracks_keep_the_lengths_of_the_standard() -> None:
    first, second = CARD.tracks
    assert first == "%B6035710000000000^CLAIRE DURAND OF A VERY LO^30121010000000?"
    assert second == ";6035710000000000=301210100000?"
    assert len(first) <= 79
    assert len(second) <= 40


def test_a_card_without_a_name_has_one_track() -> None:
    assert Card("6035710000000000").tracks[0] == ""


@pytest.mark.parametrize(("fault", "enters"), [("none", 1), ("no_track_1", 1), ("no_track_2", 1), ("no_track", 1), ("torn", 0)])
def test_enter_ends_a_swipe_that_is_not_torn(fault: Fault, enters: int, tmp_path: Path) -> None:
    with SimulatedCardReader(tmp_path / "card", gap=0) as reader:
        assert keys(tmp_path / "card", reader, BANK_CARD, fault).count((ENTER, 1)) == enters


def test_enter_follows_each_track_where_that_is_set(tmp_path: Path) -> None:
    with SimulatedCardReader(tmp_path / "card", gap=0, enter_each=True) as reader:
        assert keys(tmp_path / "card", reader, CARD, "none").count((ENTER, 1)) == 2


def test_the_command_swipes_taps_and_says_whether_anybody_listens(tmp_path: Path) -> None:
    orders = "6035710000000000 Claire\n!torn 6035710000000000\n!tap 04A1B2C3D4E5F6\n!bank\n!unplug\n!plug\n!jump\n!quit\n"
    result = CliRunner().invoke(simulate, ["card", str(tmp_path / "card"), "--gap-ms", "0"], input=orders)
    assert result.exit_code == 0
    assert result.stdout.count("typed, but no device is connected") == 4
    assert "no such order: !jump. A line is a card's number" in result.stdout
