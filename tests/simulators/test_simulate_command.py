from __future__ import annotations

import socket
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


def test_a_payment_terminal_takes_orders_and_prints_what_it_books() -> None:
    command = (sys.executable, "-m", "panier_io.command", "simulate", "payment", "0")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdin
        assert simulator.stdout
        assert simulator.stderr
        address = simulator.stderr.readline()
        assert "tcp. A line is how the next payment goes: approve, decline" in address
        with socket.create_connection(("127.0.0.1", int(address.split(":")[1])), timeout=30) as line:
            asked = line.makefile("rw")
            asked.write('{"say": "authorise", "reference": "a.b.1", "amount": 1234, "currency": "EUR"}\n')
            asked.flush()
            assert '"say": "approved"' in asked.readline()
            assert simulator.stdout.readline() == "charged: 12.34 EUR, number 000001, reference a.b.1\n"
            simulator.stdin.write("jump\n!charges\ndecline\n!off\n!on\n!quit\n")
            simulator.stdin.flush()
            said = simulator.stdout.read()
        assert "no such order: jump" in said
        assert "charged: 12.34 EUR" in said
        assert simulator.wait(30) == 0


def test_an_order_that_nobody_knows_is_answered_with_the_ones_there_are(tmp_path: Path) -> None:
    result = CliRunner().invoke(simulate, ["wedge", str(tmp_path / "wedge")], input="!jump\n12\n")
    assert "no such order: !jump" in result.stdout
    assert "typed, but no device is connected" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["scanner", "{tmp}/s", "--profile", "nothing"], "no scanner profile 'nothing'"),
        (["scanner", "{tmp}/s", "--split", "halves"], "'halves' is none of bytes, whole, random"),
        (["payment", "0", "--protocol", "opi"], "'opi' is neither tcp nor zvt"),
        (["wedge", "{tmp}/w", "--terminator", "space"], "'space' is none of enter, kpenter, tab"),
        (["store", "{tmp}/none.toml", "--sample", "{tmp}"], "holds no sample"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_the_reason(arguments: list[str], reason: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(simulate, [argument.format(tmp=tmp_path) for argument in arguments])
    assert result.exit_code != 0
    assert reason in result.stderr
