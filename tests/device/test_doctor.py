"""The doctor on made-up machines: trees of /sys, /dev and /proc as the kernel lays them out."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import serial
import typer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.device.test_sync import Broker
from typer.testing import CliRunner

from panier_device.doctor.check import examine, the_broker_lets_us_in
from panier_device.doctor.command import doctor
from panier_device.doctor.finding import Finding, Patient
from panier_device.doctor.machine import Machine, hid_usage
from panier_device.library.device import library
from panier_device.settings import (
    BrokerSettings,
    DeviceSettings,
    HidPosSettings,
    ScaleSettings,
    ScannerSettings,
    SerialSettings,
    WedgeSettings,
)

# Report descriptors: a keyboard's (HID 1.11, E.6) and a bar code scanner's (HID POS 1.02) as far as the first collection.
KEYBOARD = bytes.fromhex("05010906a101")
HID_POS = bytes.fromhex("058c0902a101")

app = typer.Typer()
app.command()(doctor)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


@dataclass
class MadeUp:
    """A machine below a directory. Devices hang where the kernel hangs them: /sys/devices, linked from /sys/bus."""

    root: Path

    def write(self, path: str, content: str | bytes = "") -> Path:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def plug(
        self, port: str, usb_id: str, *, kind: str = "03 01 01", node: str = "", descriptor: bytes = b"", name: str = ""
    ) -> None:
        """One device with one interface; `kind` is class, subclass and protocol in hex."""
        vendor, _, product = usb_id.partition(":")
        home = f"/sys/devices/pci0000:00/usb1/{port}"
        for attribute, value in (("idVendor", vendor), ("idProduct", product), ("product", name), ("bDeviceClass", "00")):
            self.write(f"{home}/{attribute}", f"{value}\n")
        part = f"{home}/{port}:1.0"
        for attribute, value in zip(("Class", "SubClass", "Protocol"), kind.split(), strict=True):
            self.write(f"{part}/bInterface{attribute}", f"{value}\n")
        if descriptor:
            self.write(f"{part}/0003:{usb_id}.0001/report_descriptor", descriptor)
        if node:
            folder = {"t": "tty", "e": "0003:X.0001/input/input5", "h": "0003:X.0001/hidraw", "l": "usbmisc"}[node[0]]
            (self.root / f"{part}/{folder}/{node}".lstrip("/")).mkdir(parents=True)
            self.write(f"/dev/{'input/' if node[0] == 'e' else ''}{node}")
            self.write(f"/sys/class/tty/{node}/dev", "166:0\n")
        link = self.root / f"sys/bus/usb/devices/{port}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(self.root / home.lstrip("/"))

    def link(self, path: str, to: str) -> None:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(self.root / to.lstrip("/"))

    def run(self, pid: int, name: str, opened: str = "", line: str = "") -> None:
        self.write(f"/proc/{pid}/comm", f"{name}\n")
        self.write(f"/proc/{pid}/cmdline", "".join(f"{word}\0" for word in line.split()))
        if opened:
            self.link(f"/proc/{pid}/fd/3", opened)

    def patient(self, *scanners: ScannerSettings) -> Patient:
        settings = (
            DeviceSettings(store="north", device="till-1", data_dir=self.root, scanners=list(scanners)) if scanners else None
        )
        return Patient.of(Machine(self.root), library(), settings)

    def findings(self, *scanners: ScannerSettings) -> list[Finding]:
        """Without those of the settings themselves, which look at the real /dev."""
        return [one for one in examine(self.patient(*scanners)) if "is not there" not in one.says]


@pytest.fixture
def machine(tmp_path: Path) -> MadeUp:
    (tmp_path / "sys/bus/usb/devices").mkdir(parents=True)
    return MadeUp(tmp_path)


SERIAL = SerialSettings(kind="serial", port="/dev/retail/scanner0", profile="newland-fm430")


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("kind", "node", "descriptor", "mode"),
    [
        ("02 02 01", "ttyACM0", b"", "serial"),
        ("ff 00 00", "ttyUSB0", b"", "serial"),
        ("03 01 01", "event5", KEYBOARD, "keyboard"),
        ("03 00 00", "event5", KEYBOARD, "keyboard"),
        ("03 00 00", "hidraw0", HID_POS, "hidpos"),
        ("03 00 00", "hidraw0", b"\x06\x8c\xff\x09\x01\xa1\x01", "other"),
        ("07 01 02", "lp0", b"", "printer"),
        ("ff 00 00", "", b"", "other"),
    ],
)
def test_interfaces_say_the_mode(machine: MadeUp, kind: str, node: str, descriptor: bytes, mode: str):
    machine.plug("1-2", "0c2e:0b6a", kind=kind, node=node, descriptor=descriptor)
    device = machine.patient().devices[0]
    assert (device.mode, device.nodes) == (mode, (node,) if node else ())


def test_hubs_and_broken_entries_are_no_devices(machine: MadeUp):
    machine.write("/sys/bus/usb/devices/usb1/idVendor", "1d6b\n")
    machine.write("/sys/bus/usb/devices/usb1/idProduct", "0002\n")
    machine.write("/sys/bus/usb/devices/usb1/bDeviceClass", "09\n")
    machine.write("/sys/bus/usb/devices/1-7/idVendor", "")
    machine.write("/sys/bus/usb/devices/1-2:1.0/bInterfaceClass", "zz\n")
    assert machine.patient().devices == ()


def test_a_machine_without_usb_is_well(tmp_path: Path):
    assert examine(Patient.of(Machine(tmp_path), library(), None)) == []


def test_a_scanner_in_keyboard_mode_is_told_how_to_become_a_serial_port(machine: MadeUp):
    machine.plug("1-2", "1eab:1d03", node="event5", descriptor=KEYBOARD)
    found = machine.findings(SERIAL)
    wrong = only([one for one in found if one.level == "problem"])
    assert wrong.where == "scanners.0"
    assert "Newland FM430 (1eab:1d03, usb 1-2): keyboard mode seen, serial port expected" in wrong.says
    assert wrong.mend == "print `panier sheet newland --mode serial --out sheet.html` and scan code 3 of it"


def test_a_scanner_in_its_mode_and_named_for_good_is_well(machine: MadeUp):
    machine.plug("1-2", "1eab:1d06", kind="02 02 01", node="ttyACM0")
    machine.link("/dev/retail/scanner0", "/dev/ttyACM0")
    assert machine.findings(SERIAL) == []


def test_a_wedge_that_is_a_serial_port_by_now_is_found(machine: MadeUp):
    machine.plug("1-2", "05f9:4204", kind="02 02 01", node="ttyACM0")
    found = machine.findings(WedgeSettings(kind="wedge", path="/dev/input/by-id/usb-Datalogic-event-kbd"))
    wrong = only([one for one in found if one.level == "problem" and one.where == "scanners.0"])
    assert "serial port mode seen, keyboard expected" in wrong.says
    assert "datalogic --mode keyboard" in wrong.mend


def test_a_code_reader_without_a_sheet_is_sent_to_its_manual(machine: MadeUp):
    machine.plug("1-2", "11fa:0200", node="event5", descriptor=KEYBOARD)
    wrong = only([one for one in machine.findings(SERIAL) if one.level == "problem"])
    assert "manual" in wrong.mend


def test_two_scanners_in_wrong_modes_are_two_things_to_mend(machine: MadeUp):
    machine.plug("1-2", "1eab:1d03", node="event5", descriptor=KEYBOARD)
    machine.plug("1-3", "05e0:1200", node="event6", descriptor=KEYBOARD)
    other = SerialSettings(kind="serial", port="/dev/retail/scanner1", profile="zebra-ds2208")
    wrong = [one for one in machine.findings(SERIAL, other) if "mode seen" in one.says]
    assert [one.where for one in wrong] == ["scanners.0", "scanners.1"]
    assert "FM430" in wrong[0].says
    assert "Zebra" in wrong[1].says


def test_another_profile_than_the_librarys_is_worth_a_note(machine: MadeUp):
    machine.plug("1-2", "1eab:1d06", kind="02 02 01", node="ttyACM0")
    machine.link("/dev/retail/scanner0", "/dev/ttyACM0")
    found = only(machine.findings(SerialSettings(kind="serial", port="/dev/retail/scanner0")))
    assert found.level == "note"
    assert 'profile = "newland-fm430"' in found.mend


def test_another_process_at_the_port_is_named(machine: MadeUp):
    machine.plug("1-2", "1eab:1d06", kind="02 02 01", node="ttyACM0")
    machine.link("/dev/retail/scanner0", "/dev/ttyACM0")
    machine.run(4711, "minicom", opened="/dev/ttyACM0")
    machine.run(os.getpid(), "panier", opened="/dev/ttyACM0")
    found = only(machine.findings(SERIAL))
    assert found.says == "/dev/retail/scanner0 is held by minicom (process 4711)"
    assert "kill 4711" in found.mend


@pytest.mark.parametrize(("name", "mend"), [("ModemManager", "99-panier.rules"), ("brltty", "apt remove brltty")])
def test_services_that_grab_ports_are_named(machine: MadeUp, name: str, mend: str):
    machine.plug("1-2", "1eab:1d06", kind="02 02 01", node="ttyACM0")
    machine.run(812, name)
    found = only(machine.findings())
    assert found.level == "problem"
    assert f"{name} (process 812) runs and may take /dev/ttyACM0" in found.says
    assert mend in found.mend


def test_a_port_with_udevs_rule_is_safe_from_modem_manager(machine: MadeUp):
    machine.plug("1-2", "1eab:1d06", kind="02 02 01", node="ttyACM0")
    machine.write("/run/udev/data/c166:0", "S:retail/scanner0\nE:ID_MM_DEVICE_IGNORE=1\n")
    machine.run(812, "ModemManager")
    assert machine.findings() == []


def test_a_number_for_a_name_is_worth_a_note(machine: MadeUp):
    machine.plug("1-2", "1eab:1d06", kind="02 02 01", node="ttyACM0")
    found = only(machine.findings(SerialSettings(kind="serial", port="/dev/ttyACM0", profile="newland-fm430")))
    assert "another device may have it tomorrow" in found.says


def test_an_adapter_without_serial_number_is_pinned_by_its_port(machine: MadeUp):
    machine.plug("1-2", "1a86:7523", kind="ff 01 02", node="ttyUSB0")
    machine.link("/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0", "/dev/ttyUSB0")
    found = only(machine.findings(SerialSettings(kind="serial", port="/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0")))
    assert "by-path" in found.mend


def test_a_scanner_that_nobody_reads_is_worth_a_word(machine: MadeUp):
    machine.plug("1-2", "1eab:1d03", node="event5", descriptor=KEYBOARD)
    machine.plug("1-3", "05e0:1900", kind="ff 00 00")
    found = machine.findings()
    assert [one.level for one in found] == ["problem", "note"]
    assert "SNAPI" in found[0].says
    assert "types as a keyboard" in found[1].says


def test_without_settings_status_is_zero_and_says_what_is_there(machine: MadeUp):
    machine.plug("1-2", "1eab:1d06", kind="02 02 01", node="ttyACM0")
    machine.plug("1-4", "046d:c31c", name="Keyboard K120", descriptor=KEYBOARD)
    code, out, _ = run("--root", str(machine.root))
    assert code == 0
    assert "Newland FM430" in out
    assert "scanner as serial port: /dev/ttyACM0, profile newland-fm430  (usb 1-2, 1eab:1d06)" in out
    assert "and 1 USB device of other makers" in out


def test_json_holds_devices_and_findings(machine: MadeUp, tmp_path: Path):
    machine.plug("1-2", "1eab:1d03", node="event5", descriptor=KEYBOARD)
    file = machine.write(
        "till.toml",
        f'store = "north"\ndevice = "till-1"\ndata_dir = "{tmp_path}"\n'
        '[[scanners]]\nkind = "serial"\nport = "/dev/retail/none"\n',
    )
    code, out, _ = run("--settings", str(file), "--json", "--root", str(machine.root))
    answer: dict[str, Any] = json.loads(out)
    assert code == 1
    assert answer["ok"] is False
    assert answer["devices"][0]["mode"] == "keyboard"
    # The scanner is there, in another mode: that is one thing to mend, and not two.
    assert [one["where"] for one in answer["findings"]] == ["scanners.0"]
    assert "panier sheet newland" in answer["findings"][0]["mend"]
    code, out, _ = run("--settings", str(file), "--root", str(machine.root))
    assert code == 1
    assert "1 thing to mend." in out


def test_settings_that_do_not_hold_are_said_as_by_check(machine: MadeUp):
    file = machine.write("till.toml", 'stroe = "north"\n')
    code, out, error = run("--settings", str(file), "--root", str(machine.root))
    assert (code, out) == (1, "")
    assert "did you mean 'store'" in error
    code, out, _ = run("--settings", str(file), "--json", "--root", str(machine.root))
    assert code == 1
    assert any("did you mean 'store'" in one["says"] for one in json.loads(out)["findings"])


@given(st.binary(max_size=64))
def test_any_report_descriptor_is_read_without_a_fault(descriptor: bytes):
    page, usage = hid_usage(descriptor)
    assert 0 <= page < 2**32
    assert 0 <= usage < 2**32


def test_a_scales_port_is_watched_as_a_scanners_is(machine: MadeUp):
    machine.plug("1-5", "1a86:7523", kind="ff 01 02", node="ttyUSB0")
    machine.run(4711, "minicom", opened="/dev/ttyUSB0")
    settings = DeviceSettings(
        store="north", device="till-1", data_dir=machine.root, scale=ScaleSettings(port="/dev/ttyUSB0", profile="cas-pd-ii")
    )
    found = [one for one in examine(Patient.of(Machine(machine.root), library(), settings)) if "is not there" not in one.says]
    assert [(one.where, one.level) for one in found] == [("scale", "problem"), ("scale", "note")]
    assert "minicom" in found[0].says


HIDPOS = HidPosSettings(kind="hidpos", path="/dev/retail/scanner-hid-1-2")


def test_a_hid_pos_scanner_in_its_mode_is_well(machine: MadeUp):
    machine.plug("1-2", "0c2e:0907", node="hidraw0", descriptor=HID_POS, kind="03 00 00")
    machine.link("/dev/retail/scanner-hid-1-2", "/dev/hidraw0")
    # Each reader of a hidraw node has every report, so that another one takes nothing away.
    machine.run(4711, "hid-recorder", opened="/dev/hidraw0")
    assert machine.findings(HIDPOS) == []


def test_a_scanner_that_types_where_hid_pos_is_wanted_is_told_its_sheet(machine: MadeUp):
    machine.plug("1-2", "1eab:1d03", node="hidraw0", descriptor=KEYBOARD)
    machine.link("/dev/retail/scanner-hid-1-2", "/dev/hidraw0")
    wrong = only(machine.findings(HIDPOS))
    assert "keyboard mode seen, HID-POS expected" in wrong.says
    assert "panier sheet newland --mode hidpos" in wrong.mend


def test_a_hid_pos_scanner_behind_a_socket_is_not_taken_for_one_on_usb(machine: MadeUp, tmp_path: Path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(tmp_path / "hidpos0"))
        machine.plug("1-2", "1eab:1d06", kind="02 02 01", node="ttyACM0")
        found = machine.findings(HidPosSettings(kind="hidpos", path="/hidpos0"))
    assert [one.level for one in found] == ["note"]
    assert "the settings do not name it" in found[0].says


def beside(machine: MadeUp, **parts: Any) -> list[Finding]:
    settings = DeviceSettings(store="north", device="till-1", data_dir=machine.root, **parts)
    return [one for one in examine(Patient.of(Machine(machine.root), library(), settings)) if "is not there" not in one.says]


@pytest.mark.parametrize(("password", "level"), [("secret", None), ("guess", "problem")])
def test_a_broker_that_refuses_the_password_is_something_to_mend(
    machine: MadeUp, tmp_path: Path, port: int, password: str, level: str | None
):
    broker = Broker(tmp_path, port)
    asyncio.run(broker.start())
    try:
        settings = {"store": "north", "device": "hand-1", "data_dir": machine.root}
        at = {"host": "127.0.0.1", "port": port, "password": password}
        patient = Patient.of(Machine(machine.root), library(), DeviceSettings.model_validate(settings | {"broker": at}))
        found = list(the_broker_lets_us_in(patient))
    finally:
        broker.kill()
    assert [one.level for one in found] == ([level] if level else [])
    for one in found:
        assert "refuses hand-1: Not authorized" in one.says
        assert "`panier enrol hand-1` writes new settings" in one.mend


def test_a_broker_that_is_away_keeps_no_terminal_from_beginning(machine: MadeUp, port: int):
    found = beside(machine, broker=BrokerSettings(host="127.0.0.1", port=port, password=SecretStr("secret")))
    assert [(one.where, one.level) for one in found] == [("broker", "note")]
    assert "the terminal works alone meanwhile" in found[0].says


def test_a_broker_that_says_nothing_is_waited_for_a_moment(machine: MadeUp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("panier_device.inquiry._PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        found = beside(machine, broker=BrokerSettings(host="127.0.0.1", port=port, password=SecretStr("secret")))
    assert [one.says for one in found] == [f"nobody answers at 127.0.0.1:{port} (silence): the terminal works alone meanwhile"]


def test_a_printers_port_is_watched_and_named_for_good(machine: MadeUp):
    machine.plug("1-5", "1a86:7523", kind="ff 01 02", node="ttyUSB0")
    machine.run(4711, "minicom", opened="/dev/ttyUSB0")
    found = beside(machine, printer={"port": "/dev/ttyUSB0"})
    assert [(one.where, one.level) for one in found] == [("printer", "problem"), ("printer", "note")]
    assert found[1].mend.endswith("| grep ttyUSB0`")


def test_a_pseudo_terminal_may_be_held_by_what_stands_in_for_a_device(machine: MadeUp):
    machine.write("/dev/pts/3")
    machine.link("/nowhere/scale0", "/dev/pts/3")
    machine.run(4711, "panier", opened="/dev/pts/3")
    assert beside(machine, scale={"port": "/nowhere/scale0", "profile": "cas-pd-ii"}) == []


@pytest.mark.parametrize("program", ["/usr/bin/python3 /opt/panier/bin/panier", "python3 -m panier_io.command"])
def test_a_simulator_is_the_device_and_not_somebody_who_holds_it(machine: MadeUp, program: str):
    machine.write("/dev/ttyACM0")
    machine.link("/dev/retail/scanner0", "/dev/ttyACM0")
    machine.run(4711, "panier", opened="/dev/ttyACM0", line=f"{program} simulate scanner /dev/retail/scanner0")
    assert machine.findings(SERIAL) == []
    machine.run(4712, "panier", opened="/dev/ttyACM0", line=f"{program} device --settings simulate")
    assert only(machine.findings(SERIAL)).says == "/dev/retail/scanner0 is held by panier (process 4712)"


def test_a_port_that_somebody_holds_is_one_thing_to_mend(machine: MadeUp):
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    machine.write("/dev/ttyUSB0")
    machine.link(path, "/dev/ttyUSB0")
    machine.run(4711, "minicom", opened="/dev/ttyUSB0")
    try:
        with serial.Serial(path, exclusive=True):
            wrong = only(beside(machine, scale={"port": path, "profile": "cas-pd-ii"}))
            assert wrong.says == f"{path} is held by minicom (process 4711)"
            wrong = only(beside(machine, printer={"port": path}))
            assert wrong.says == f"{path} is held by minicom (process 4711)"
    finally:
        os.close(master)
        os.close(slave)
