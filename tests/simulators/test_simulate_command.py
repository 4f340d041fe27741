from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import serial
from typer.testing import CliRunner

from panier_simulators.command import simulate


def test_the_scanner_sends_the_codes_of_its_standard_input(tmp_path: Path) -> None:
    link = tmp_path / "scanner"
    command = (sys.executable, "-m", "panier_io.command", "simulate", "scanner", str(link))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdin
        assert simulator.stderr
        assert "9600 baud" in simulator.stderr.readline()
        with serial.Serial(str(link), 9600, timeout=10) as port:
            simulator.stdin.write("4006381333931\n!half 96385074\n")
            simulator.stdin.flush()
            assert port.read(18) == b"4006381333931\r9638"
            simulator.stdin.write("!quit\n")
            simulator.stdin.flush()
        assert simulator.wait(10) == 0


def test_an_order_that_nobody_knows_is_answered_with_the_ones_there_are(tmp_path: Path) -> None:
    result = CliRunner().invoke(simulate, ["wedge", str(tmp_path / "wedge")], input="!jump\n12\n")
    assert "no such order: !jump" in result.stdout
    assert "typed, but no device is connected" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["scanner", "{tmp}/s", "--profile", "nothing"], "no scanner profile 'nothing'"),
        (["scanner", "{tmp}/s", "--split", "halves"], "'halves' is none of bytes, whole, random"),
        (["wedge", "{tmp}/w", "--terminator", "space"], "'space' is none of enter, kpenter, tab"),
        (["store", "{tmp}/none.toml", "--sample", "{tmp}"], "holds no sample"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_the_reason(arguments: list[str], reason: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(simulate, [argument.format(tmp=tmp_path) for argument in arguments])
    assert result.exit_code != 0
    assert reason in result.stderr
