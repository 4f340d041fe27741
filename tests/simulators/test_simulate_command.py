from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import serial
from tests.waiting import until
from typer.testing import CliRunner

from panier_simulators.cable import SerialCable
from panier_simulators.command import simulate
from panier_simulators.outlet import Outlet
from panier_simulators.place import PlaceTaken


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


ORDERS = {
    "scanner": (
        "!as qr A{GS}B|!as dots 1|!baud 19200|!noise 3|!noise few|!unplug|12|!plug|!hold 12|!half 1234|!wrong 12",
        "sent b'A\\x1dB\\r'|one of ean13|set to 19200 baud|sent b|invalid literal"
        "|unplugged|call plug() first|plugged in|sent b'12|sent b'12'|sent b",
    ),
    "wedge": (
        "!hold 12|!half 1234|!drop 12|!caps|!heard|\u00e9",
        "typed, but|typed, but|typed, but|Caps Lock pressed|no such order: !heard|has no",
    ),
    "hidpos": (
        "12|!hold 12|!half 12|!heard|!jump|!unplug|12",
        "reported 1, but|reported 3, but|reported 1, but|nothing|no such order: !jump|unplugged|call plug() first",
    ),
}


@pytest.mark.parametrize("kind", ORDERS)
def test_each_order_says_what_came_of_it(kind: str, tmp_path: Path) -> None:
    orders, answers = (text.split("|") for text in ORDERS[kind])
    told = CliRunner().invoke(simulate, [kind, str(tmp_path / kind)], input="\n".join(orders)).stdout.splitlines()
    assert len(told) == len(answers)
    assert all(part in line for part, line in zip(answers, told, strict=True)), told


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["scanner", "{tmp}/s", "--profile", "nothing"], "no scanner profile 'nothing'"),
        (["scanner", "{tmp}/s", "--split", "halves"], "'halves' is none of bytes, whole, random"),
        (["payment", "0", "--protocol", "opi"], "'opi' is neither tcp nor zvt"),
        (["wedge", "{tmp}/w", "--terminator", "space"], "'space' is none of enter, kpenter, tab"),
        (["wedge", "{tmp}/w", "--layout", "gr"], "'gr' is none of us, uk, de, fr, be"),
        (["hidpos", "{tmp}/h", "--make", "acme"], "'acme' is none of honeywell, newland"),
        (["store", "{tmp}/none.toml", "--sample", "{tmp}"], "holds no sample"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_the_reason(arguments: list[str], reason: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(simulate, [argument.format(tmp=tmp_path) for argument in arguments])
    assert result.exit_code != 0
    assert reason in result.stderr


@pytest.mark.parametrize("what", ["scanner", "wedge", "hidpos", "scale", "printer", "card"])
def test_nothing_but_an_earlier_device_is_replaced_where_one_is_to_appear(tmp_path: Path, what: str) -> None:
    settings = tmp_path / "gateway.toml"
    settings.write_text("store = 'north'")
    taken = CliRunner().invoke(simulate, [what, str(settings)])
    assert (taken.exit_code, settings.read_text()) == (2, "store = 'north'")
    assert "is there already, and no simulator left it" in " ".join(taken.stderr.split())
    nowhere = CliRunner().invoke(simulate, [what, str(tmp_path / "no" / "device0")])
    assert nowhere.exit_code == 2
    assert "make it, or name another place" in " ".join(nowhere.stderr.split())


@pytest.mark.parametrize("what", ["scanner", "wedge", "hidpos", "scale", "printer", "card"])
async def test_what_cannot_be_plugged_in_again_says_why_and_goes_on(tmp_path: Path, what: str) -> None:
    place = tmp_path / "device0"
    command = (sys.executable, "-m", "panier_io.command", "simulate", what, str(place))
    simulator = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert simulator.stdin
    await until(lambda: os.path.lexists(place))
    simulator.stdin.write(b"!unplug\n")
    await until(lambda: not os.path.lexists(place))
    place.write_text("mine")
    async with asyncio.timeout(30):
        said, _ = await simulator.communicate(b"!plug\n!jump\n!quit\n")
    assert (simulator.returncode, place.read_text()) == (0, "mine")
    assert b"is there already, and no simulator left it" in said


def test_a_port_that_cannot_be_had_is_said_with_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for words in (["payment", port], ["printer", "--tcp", port]):
            result = CliRunner().invoke(simulate, words)
            assert result.exit_code == 2
            assert f"cannot listen on 127.0.0.1:{port}: Address already in use; name another port" in " ".join(
                result.stderr.split()
            )
    assert CliRunner().invoke(simulate, ["payment", "99999"]).exit_code == 2


@pytest.mark.parametrize("what", ["scanner", "wedge"])
def test_links_and_sockets_of_others_are_left_alone_and_what_a_killed_simulator_left_is_not(tmp_path: Path, what: str) -> None:
    (tmp_path / "real").write_text("precious")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as service:
        service.bind(str(tmp_path / "served"))
        service.listen()
        for path in (link, tmp_path / "served"):
            taken = CliRunner().invoke(simulate, [what, str(path)], input="!quit\n")
            assert taken.exit_code == 2, taken.output
        assert link.resolve() == tmp_path / "real"
        assert (tmp_path / "served").is_socket()
    (tmp_path / "real").unlink()
    for left_over in (link, tmp_path / "served"):
        assert CliRunner().invoke(simulate, [what, str(left_over)], input="!quit\n").exit_code == 0


def test_a_cable_that_is_pulled_leaves_the_link_that_another_simulator_put_there(tmp_path: Path) -> None:
    first, second = SerialCable(tmp_path / "link"), SerialCable(tmp_path / "link")
    first.plug()
    second.plug()
    first.pull()
    assert second.link.is_symlink()
    second.pull()
    assert not second.link.is_symlink()
    second.link.write_text("precious")
    with pytest.raises(PlaceTaken):
        second.plug()
    assert second.link.read_text() == "precious"


def test_an_outlet_that_is_pulled_leaves_what_took_its_place(tmp_path: Path) -> None:
    outlet = Outlet(tmp_path / "outlet")
    outlet.unplug()
    outlet.path.write_text("precious")
    outlet.unplug()
    with pytest.raises(PlaceTaken):
        outlet.plug()
    assert outlet.path.read_text() == "precious"
