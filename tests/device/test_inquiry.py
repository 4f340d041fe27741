"""What `--check` and the doctor hear from simulated scales, printers and payment terminals, each on its real wire."""

from __future__ import annotations

import asyncio
import json
import os
import pty
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from panier_device.command import device
from panier_device.doctor.check import examine
from panier_device.doctor.finding import Patient
from panier_device.doctor.machine import Machine
from panier_device.fitting import Checkup, check
from panier_device.library.device import library
from panier_device.settings import DeviceSettings
from panier_io.firmware import firmware_config
from panier_simulators.payment.server import SimulatedPaymentTerminal
from panier_simulators.platter import Make
from panier_simulators.printer.device import SimulatedPrinter
from panier_simulators.scale import SimulatedScale

SCALES = sorted(path.stem for path in (firmware_config() / "scales").glob("*.toml"))
ORDERS: list[tuple[Callable[[SimulatedPrinter], object], str]] = [
    (lambda printer: printer.paper("out"), "receipt paper is out"),
    (lambda printer: printer.cover(is_open=True), "receipt printer is open"),
    (lambda printer: printer.error(has_error=True), "receipt printer jammed"),
]


def told(folder: Path, **parts: Any) -> Checkup:
    return check(DeviceSettings(store="north", device="till-1", data_dir=folder, **parts))


def scale(folder: Path, profile: str) -> SimulatedScale:
    return SimulatedScale(folder / "scale", Make.read(firmware_config() / "scales" / f"{profile}.toml"), settle=0.0)


@pytest.mark.parametrize("profile", SCALES)
def test_a_scale_says_what_lies_on_it(tmp_path: Path, profile: str):
    with scale(tmp_path, profile) as simulated:
        simulated.put(545)
        found = told(tmp_path, scale={"port": str(simulated.link), "profile": profile})
    assert found.problems == []
    # Pounds are read as grams of the scale's own steps.
    assert found.notes in (["scale: answers: 545 g"], ["scale: answers: 544 g"])


def test_an_empty_scale_answers_too(tmp_path: Path):
    with scale(tmp_path, "mettler-diva") as simulated:
        found = told(tmp_path, scale={"port": str(simulated.link), "profile": "mettler-diva"})
    assert (found.problems, found.notes) == ([], ["scale: answers: 0 g"])


def test_a_scale_that_is_silent_or_of_another_protocol_is_a_problem(tmp_path: Path):
    with scale(tmp_path, "mettler-diva") as simulated:
        simulated.obey("silent")
        assert (
            "said nothing for 1 s" in told(tmp_path, scale={"port": str(simulated.link), "profile": "mettler-diva"}).problems[0]
        )
        simulated.obey("speak")
        wrong = told(tmp_path, scale={"port": str(simulated.link), "profile": "cas-pd-ii"})
    assert wrong.notes == []
    assert len(wrong.problems) == 1


def test_a_port_that_another_process_holds_is_said_to_be_held(tmp_path: Path):
    import serial

    with scale(tmp_path, "mettler-diva") as simulated, serial.Serial(str(simulated.link), exclusive=True):
        found = told(tmp_path, scale={"port": str(simulated.link), "profile": "mettler-diva"})
    assert found.problems == [f"scale: {simulated.link} cannot be opened: does another process hold it?"]


@pytest.mark.parametrize("is_serial", [True, False])
def test_a_printer_says_what_is_the_matter_with_it(tmp_path: Path, is_serial: bool):
    printer = SimulatedPrinter(tmp_path / "printer") if is_serial else SimulatedPrinter()
    try:
        place = {"port": str(printer.link)} if is_serial else {"host": "127.0.0.1", "tcp_port": printer.port}
        settings = {"profile": "epson-tm-t88", **place}
        assert told(tmp_path, printer=settings).notes == ["printer: answers: ready, with paper"]
        printer.paper("near_end")
        assert told(tmp_path, printer=settings).notes == ["printer: answers: receipt paper ends soon"]
        for spoil, words in ORDERS:
            spoil(printer)
            assert told(tmp_path, printer=settings).problems == [f"printer: {words}"]
            printer.paper("enough")
            printer.cover(is_open=False)
            printer.error(has_error=False)
        assert printer.items == ()
    finally:
        printer.close()


def test_a_printer_that_does_not_answer_or_is_not_there_is_a_problem(tmp_path: Path, port: int):
    master, slave = pty.openpty()
    try:
        found = told(tmp_path, printer={"port": os.ttyname(slave), "profile": "epson-tm-t88"})
        assert found.problems == [f"printer: {os.ttyname(slave)} does not answer: is it on, at this speed, and of this profile?"]
    finally:
        os.close(master)
        os.close(slave)
    assert f"127.0.0.1:{port} does not answer" in told(tmp_path, printer={"host": "127.0.0.1", "tcp_port": port}).problems[0]


async def test_a_payment_terminal_is_reached_and_nothing_is_charged(tmp_path: Path):
    async with SimulatedPaymentTerminal("tcp") as simulated:
        settings = {"protocol": "tcp", "host": "127.0.0.1", "port": simulated.port}
        found = await asyncio.to_thread(told, tmp_path, payment=settings)
        assert (found.problems, found.notes) == ([], [f"payment: 127.0.0.1:{simulated.port} can be reached"])
    gone = await asyncio.to_thread(told, tmp_path, payment=settings)
    assert f"payment: nothing answers at 127.0.0.1:{simulated.port} (" in gone.problems[0]


def test_the_doctor_and_check_say_the_same_and_answers_are_no_fault(tmp_path: Path):
    app = typer.Typer()
    app.command()(device)
    with scale(tmp_path, "mettler-diva") as simulated:
        file = tmp_path / "till.toml"
        file.write_text(
            f'store = "north"\ndevice = "till-1"\ndata_dir = "{tmp_path}"\n'
            f'[scale]\nport = "{simulated.link}"\nprofile = "mettler-diva"\n'
        )
        run = CliRunner().invoke(app, ["--settings", str(file), "--check", "--json"])
        settings = DeviceSettings(
            store="north", device="till-1", data_dir=tmp_path,
            scale={"port": str(simulated.link), "profile": "mettler-diva"},
        )  # fmt: skip
        found = examine(Patient.of(Machine(tmp_path / "nothing"), library(), settings))
    assert json.loads(run.stdout) == {"ok": True, "problems": [], "notes": ["scale: answers: 0 g"]}
    assert [(one.where, one.level, one.says) for one in found] == [("scale", "note", "answers: 0 g")]
