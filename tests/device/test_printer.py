"""A receipt printer on a real pty or socket: what it prints, what it answers, and what happens when it cannot."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import socket
import struct
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.waiting import until

from panier.slip import SlipCode, SlipRow
from panier_device.driver.escpos_printer import EscposPrinter, NotConfirmed
from panier_device.driver.escpos_writer import compose
from panier_device.driver.port import DeviceGone
from panier_device.driver.printer_profile import load_printer
from panier_device.driver.printer_status import Answer, AnswerDecoder, PrinterStatus, read_status
from panier_device.driver.printer_wire import open_file, open_serial, open_tcp
from panier_device.driver.profile import BadProfile
from panier_io.firmware import firmware_config
from panier_simulators.printer.device import CLEAN, Line, SimulatedPrinter
from panier_simulators.printer.interpreter import Interpreter
from panier_simulators.printer.paper import Barcode, Cut, Row, as_text

PRINTERS = firmware_config() / "printers"
PROFILES = sorted(file.stem for file in PRINTERS.glob("*.toml"))
PROFILE = load_printer("epson-tm-t88", PRINTERS)
SLIP = (
    SlipRow("COPY", style="big", is_centred=True), SlipRow("Crème brûlée", "2.40"), SlipRow("TOTAL EUR", "2.40", "big"),
    SlipCode("till-1.aaaaaa.1"), SlipRow("till-1.aaaaaa.1", is_centred=True),
)  # fmt: skip
LINES = {
    "whole": CLEAN, "one byte at a time": Line(at_once=1), "delayed": Line(delay=0.02), "doubled": Line(doubled=0.5),
}  # fmt: skip


@pytest.fixture(params=["serial", "file", "tcp"])
def wired(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SimulatedPrinter, EscposPrinter]]:
    link = None if request.param == "tcp" else tmp_path / "printer0"
    with SimulatedPrinter(link) as machine:
        yield machine, wire_to(machine, request.param)


def wire_to(machine: SimulatedPrinter, kind: str = "serial", **options: float) -> EscposPrinter:
    async def opener():
        if kind == "tcp":
            return await open_tcp("127.0.0.1", machine.port)
        return open_file(str(machine.link)) if kind == "file" else open_serial(str(machine.link), 9600, "none")

    return EscposPrinter(kind, PROFILE, opener, **options)


def heard(statuses: list[PrinterStatus]) -> set[str | None]:
    return {status.fault for status in statuses}


async def test_a_receipt_comes_out_over_every_wire_and_is_confirmed(wired: tuple[SimulatedPrinter, EscposPrinter]):
    machine, printer = wired
    assert await printer.status() == PrinterStatus()
    await printer.print(SLIP, lambda _: None)
    # The answer came in turn with the paper: nothing is waited for here.
    assert [type(item) for item in machine.items if not isinstance(item, Row)] == [Barcode, Cut]
    rows = [item.text for item in machine.items if isinstance(item, Row) and item.text]
    assert rows == ["COPY", "Crème brûlée".ljust(38) + "2.40", "TOTAL EUR" + " " * 8 + "2.40", "till-1.aaaaaa.1"]
    assert (machine.ignored, printer.noise) == (0, 0)
    printer.close()


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
async def test_it_prints_once_whatever_the_wire_does_to_the_bytes(line: Line, tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0", line=line, seed=3) as machine:
        printer = wire_to(machine)
        for _ in range(3):
            assert (await printer.status()).fault is None
            await printer.print(SLIP, lambda _: None)
        assert sum(isinstance(item, Cut) for item in machine.items) == 3
        printer.close()


async def test_answers_that_are_lost_end_in_our_own_error_and_the_next_call_begins_anew(tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0", line=Line(lost=0.3), seed=1) as machine:
        printer = wire_to(machine, answer_s=0.05)
        ends: list[bool] = []
        for _ in range(40):
            try:
                ends.append((await printer.status()).fault is None)
            except DeviceGone:
                ends.append(False)
        assert set(ends) == {True, False}
        printer.close()


@pytest.mark.parametrize(
    ("spoil", "mend", "fault"),
    [
        (lambda machine: machine.paper("out"), lambda machine: machine.paper("enough"), "paper_out"),
        (lambda machine: machine.cover(is_open=True), lambda machine: machine.cover(is_open=False), "cover_open"),
        (lambda machine: machine.error(has_error=True), lambda machine: machine.error(has_error=False), "printer_error"),
    ],
    ids=["paper", "cover", "cutter"],
)
async def test_a_fault_is_told_and_waited_out_and_the_receipt_comes_once(wired, spoil, mend, fault: str):
    machine, printer = wired
    spoil(machine)
    assert (await printer.status()).fault == fault
    statuses: list[PrinterStatus] = []
    printing = asyncio.create_task(printer.print(SLIP, statuses.append))
    await until(lambda: fault in heard(statuses))
    assert not any(isinstance(item, Cut) for item in machine.items)
    mend(machine)
    await printing
    assert sum(isinstance(item, Cut) for item in machine.items) == 1
    printer.close()


async def test_paper_that_ends_in_the_middle_goes_on_where_it_stopped(tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        machine.rows_left = 2
        printer, statuses = wire_to(machine), list[PrinterStatus]()
        printing = asyncio.create_task(printer.print(SLIP, statuses.append))
        await until(lambda: "paper_out" in heard(statuses))
        assert next(item.text for item in machine.items if isinstance(item, Row)) == "COPY"
        machine.paper("enough")
        await printing
        assert machine.text().count("COPY".replace("", " ").strip()) == 1
        assert statuses[-1].fault is None
        printer.close()


async def test_paper_near_its_end_prints_and_says_so(tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        machine.paper("near")
        printer, statuses = wire_to(machine), list[PrinterStatus]()
        await printer.print(SLIP, statuses.append)
        assert (statuses[-1].paper, statuses[-1].fault) == ("near_end", None)
        printer.close()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
async def test_a_printer_that_is_pulled_out_at_any_byte_ends_in_our_own_error(wired, share: float):
    machine, printer = wired
    machine.unplugs_after = 1 + int(share * sum(map(len, compose(SLIP, PROFILE))))
    with pytest.raises(DeviceGone):
        await printer.print(SLIP, lambda _: None)
    with pytest.raises(DeviceGone):
        await printer.status()
    await until(lambda: not machine.is_plugged)
    machine.plug()
    assert (await printer.status()).fault is None
    printer.close()


async def test_a_network_printer_that_resets_while_it_owes_bytes_ends_in_our_own_error():
    def held(line: socket.socket | int, which: int) -> int:
        return struct.unpack("i", fcntl.ioctl(line, which, bytes(4)))[0]

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        wire = await open_tcp(*server.getsockname())
        printer, _ = server.accept()
    writing = asyncio.create_task(wire.write(b"x" * 60_000))
    # All is written, and not all has arrived.
    await until(lambda: held(wire._descriptor, termios.TIOCOUTQ) + held(printer, termios.FIONREAD) == 60_000)
    assert held(wire._descriptor, termios.TIOCOUTQ)
    assert not writing.done()
    printer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    printer.close()
    async with asyncio.timeout(20):
        with pytest.raises(DeviceGone, match="was cut"):
            await writing
    wire.close()


async def test_a_printer_that_lost_what_it_held_is_not_believed(tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0", line=Line(lost=0.0)) as machine:
        machine.cover(is_open=True)
        printer, statuses = wire_to(machine, finish_s=0.5), list[PrinterStatus]()
        printing = asyncio.create_task(printer.print(SLIP, statuses.append))
        await until(lambda: "cover_open" in heard(statuses))
        machine.forget()
        machine.cover(is_open=False)
        with pytest.raises(NotConfirmed, match="does not say"):
            await printing


async def test_one_that_takes_no_more_is_told_as_offline_until_it_does(tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        machine.cover(is_open=True)
        printer, statuses = wire_to(machine, answer_s=5.0), list[PrinterStatus]()
        long = tuple(SlipRow(f"row {number}") for number in range(2000))
        printing = asyncio.create_task(printer.print(long, statuses.append))
        await until(lambda: "offline" in heard(statuses))
        machine.cover(is_open=False)
        await printing
        assert [item.text for item in machine.items if isinstance(item, Row) and item.text][-1] == "row 1999"
        printer.close()


async def test_a_port_that_is_not_there_says_so(tmp_path: Path):
    with pytest.raises(DeviceGone, match="cannot be opened"):
        open_serial(str(tmp_path / "none"), 9600, "none")
    with pytest.raises(DeviceGone, match="cannot be opened"):
        open_file(str(tmp_path / "none"))
    with SimulatedPrinter() as machine:
        port = machine.port
    for host in ("127.0.0.1", "printer..shop"):
        with pytest.raises(DeviceGone, match="does not answer"):
            await open_tcp(host, port)


# -- what is written ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_prints_every_row_whole_in_characters_that_its_printer_has(name: str):
    profile = load_printer(name, PRINTERS)
    machine = Interpreter(profile.dots)
    parts = (SlipRow("Crème brûlée, Weißbier å €", "12.40"), SlipRow("x" * (profile.columns // 2), style="big"), *SLIP[3:])
    for piece in compose(parts, profile):
        machine.feed(piece)
    machine.run()
    assert machine.ignored == 0
    rows = [item for item in machine.items if isinstance(item, Row) and item.text]
    assert all(row.dots <= profile.dots for row in rows)
    first = rows[0].text
    assert first.startswith("Crème brûlée, Weißbier å ")
    assert first.split()[-2] in ("€", "EUR")
    assert first.endswith(" 12.40")
    assert len(first) == profile.columns
    assert isinstance(machine.items[-1], Cut) == profile.cuts


def test_a_name_cannot_command_the_printer():
    evil = SlipRow("tea\x1b@\x1dV\x00\x10\x04\x01\x1b(", "1.00")
    machine = Interpreter(PROFILE.dots)
    for piece in compose((evil,), PROFILE):
        machine.feed(piece)
    machine.run()
    assert as_text(machine.items, 42).splitlines()[0] == "tea?@ V?????(".ljust(38) + "1.00"
    assert sum(isinstance(item, Cut) for item in machine.items) == 1


def test_a_trip_whose_name_is_too_long_for_bars_is_a_qr_code_where_the_printer_draws_one():
    long = SlipCode("till-on-the-first-floor.aaaaaa.12345")
    for name, kinds in (("epson-tm-t88", ["QR"]), ("custom-vkp80", []), ("epson-tm-t20", ["QR"])):
        profile = load_printer(name, PRINTERS)
        machine = Interpreter(profile.dots)
        for piece in compose((long,), profile):
            machine.feed(piece)
        machine.run()
        assert [item.kind for item in machine.items if isinstance(item, Barcode)] == kinds


def test_the_library_leaves_nothing_behind_and_says_nothing(capfd: pytest.CaptureFixture[str]):
    before, handlers = set(Path(tempfile.gettempdir()).iterdir()), logging.root.handlers[:]
    for module in [name for name in sys.modules if name.split(".")[0] == "escpos"]:
        del sys.modules[module]
    compose(SLIP, PROFILE)
    assert {path.name for path in set(Path(tempfile.gettempdir()).iterdir()) - before if path.is_dir()} <= {
        path.name for path in Path(tempfile.gettempdir()).iterdir() if any(path.glob("*"))
    }
    assert logging.root.handlers == handlers
    assert capfd.readouterr() == ("", "")


def test_a_profile_that_does_not_hold_says_why(tmp_path: Path):
    with pytest.raises(BadProfile, match="there are bixolon-srp-350, custom-vkp80, epson-tm-t20"):
        load_printer("epsom", PRINTERS)
    file = tmp_path / "mine.toml"
    file.write_text('title = "x"\nsource = "y"\ncode_pages = [{slot = 1, name = "cp437"}, {slot = 1, name = "cp850"}]\n')
    with pytest.raises(BadProfile, match="stand once each"):
        load_printer(str(file), PRINTERS)


# -- what it answers ---------------------------------------------------------------------------------------------------


# Bits by Epson, DLE EOT n; the whole byte as a printer sends it.
@pytest.mark.parametrize(
    ("answers", "status", "fault"),
    [
        ((0x12, 0x12, 0x12, 0x12), PrinterStatus(), None),
        ((0x16, 0x12, 0x12, 0x12), PrinterStatus(), None),
        ((0x12, 0x12, 0x12, 0x1E), PrinterStatus(paper="near_end"), None),
        ((0x1A, 0x32, 0x12, 0x7E), PrinterStatus(is_online=False, paper="out"), "paper_out"),
        ((0x1A, 0x16, 0x12, 0x12), PrinterStatus(is_online=False, is_cover_open=True), "cover_open"),
        ((0x1A, 0x52, 0x1A, 0x12), PrinterStatus(is_online=False, has_error=True), "printer_error"),
        ((0x1A, 0x12, 0x12, 0x12), PrinterStatus(is_online=False), "offline"),
    ],
)
def test_the_bits_of_a_status(answers: tuple[int, int, int, int], status: PrinterStatus, fault: str | None):
    assert read_status(*answers) == status
    assert status.fault == fault


def test_answers_are_told_from_flow_control_and_from_an_automatic_status():
    decoder = AnswerDecoder()
    assert decoder.feed(b"\x11\x12\x13\x10\x00\x00\x00\x03\x1e\x80") == [
        Answer(0x12, is_at_once=True), Answer(0x03, is_at_once=False), Answer(0x1E, is_at_once=True),
    ]  # fmt: skip
    assert decoder.noise == 1


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_any_bytes_in_any_pieces_give_the_same_answers(data: bytes, cuts: list[int]):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = AnswerDecoder()
    found = [answer for place, end in enumerate(edges[1:]) for answer in pieces.feed(data[edges[place] : end])]
    whole = AnswerDecoder()
    assert (whole.feed(data), whole.noise) == (found, pieces.noise)


@given(st.tuples(*[st.integers(0, 255)] * 4))
def test_any_status_has_a_meaning(answers: tuple[int, int, int, int]):
    status = read_status(*answers)
    assert (status.fault is None) == (
        status.is_online and not status.is_cover_open and not status.has_error and status.paper != "out"
    )
