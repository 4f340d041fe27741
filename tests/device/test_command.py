from __future__ import annotations

import json
import os
import pty
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from panier_device.command import device
from panier_device.driver.port import NoSuchDevice
from panier_device.driver.report_source import ReportSource
from panier_device.fitting import has_evdev, opener
from panier_device.lock import AlreadyRunning, locked
from panier_device.settings import WedgeSettings

app = typer.Typer()
app.command()(device)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def port() -> Iterator[str]:
    master, slave = pty.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def write(directory: Path, text: str) -> str:
    file = directory / "device.toml"
    file.write_text(f'store = "north"\ndevice = "hand-1"\ndata_dir = "{directory}"\n{text}')
    return str(file)


def check(file: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = run("--settings", file, "--check", "--json")
    return code, json.loads(out)


def test_sound_settings_and_hardware_pass(tmp_path: Path, port: str):
    (tmp_path / "fifo").unlink(missing_ok=True)
    os.mkfifo(tmp_path / "fifo")
    file = write(
        tmp_path,
        f'[[scanners]]\nkind = "serial"\nport = "{port}"\n'
        f'[[scanners]]\nkind = "wedge"\nsource = "stream"\npath = "{tmp_path}/fifo"\n'
        '[broker]\nhost = "127.0.0.1"\npassword = "secret"\n',
    )
    assert check(file) == (0, {"ok": True, "problems": [], "notes": []})
    code, out, _ = run("--settings", file, "--check")
    assert code == 0
    assert "ready: 2 scanner(s)" in out


def test_everything_that_is_wrong_with_the_settings_is_said_at_once(tmp_path: Path):
    file = write(
        tmp_path,
        'currncy = "USD"\nprice_age_s = 0\ntimezone = "Mars/Olympus"\n[broker]\nhost = "gateway..shop"\npassword = "secret"\n',
    )
    code, said = check(file)
    problems = "\n".join(said["problems"])
    assert code == 1
    assert "did you mean 'currency'" in problems
    for word in ("price_age_s", "Mars/Olympus", "broker.host: no name of a machine", "(seen: 'gateway..shop')"):
        assert word in problems
    assert "secret" not in problems


def test_everything_that_is_wrong_with_the_hardware_is_said_at_once(tmp_path: Path, port: str):
    (tmp_path / "file").touch()
    file = write(
        tmp_path,
        f'loyalty = "nowhere"\nnumbering = "XX"\n[[scanners]]\nkind = "serial"\nport = "/dev/nothing"\nprofile = "gneric"\n'
        f'[[scanners]]\nkind = "wedge"\nsource = "stream"\npath = "{tmp_path}/file"\nlayout = "klingon"\n',
    )
    code, said = check(file)
    assert code == 1
    for words in (
        "no loyalty rules",
        "no numbering is known for 'XX'; known: BE, CH, DE",
        "no scanner profile",
        "/dev/nothing is not there",
        "no keyboard layout",
        "is a plain file, and no socket or FIFO of key events",
    ):
        assert any(words in problem for problem in said["problems"]), words


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        ('[[scanners]]\nkind = "serial"\nport = "{}"\n', "no serial port: name the scanner's own"),
        ('[[scanners]]\nkind = "hidpos"\npath = "{}"\nprofile = "honeywell-hidpos"\n', "no HID device, such as /dev/hidraw0"),
        ('[[scanners]]\nkind = "wedge"\nsource = "stream"\npath = "{}"\n', "no socket or FIFO of key events"),
        ('[scale]\nprofile = "mettler-diva"\nport = "{}"\n', "no serial port: name the scale's own"),
        ('[printer]\nport = "{}"\n', "no serial port: name the printer's own"),
        ('[printer]\nfile = "{}"\n', "no printer's device file, such as /dev/usb/lp0"),
    ],
)
@pytest.mark.parametrize(
    ("path", "seen"), [("/dev/zero", "the kernel's mem/zero"), ("/tmp", "a folder"), (__file__, "a plain file")]
)
def test_what_stands_in_place_of_a_device_is_said_with_what_is_wanted(
    tmp_path: Path, block: str, wanted: str, path: str, seen: str
):
    code, said = check(write(tmp_path, block.format(path)))
    assert code == 1
    (problem,) = said["problems"]
    assert f"{path} is {seen}, and {wanted}" in problem
    assert "`panier doctor` says what is there" in problem


@pytest.mark.skipif(not has_evdev(), reason="evdev is not installed")
def test_a_keyboard_that_is_none_is_told_by_the_check_and_by_the_driver(tmp_path: Path):
    code, said = check(write(tmp_path, '[[scanners]]\nkind = "wedge"\npath = "/dev/null"\n'))
    assert code == 1
    assert "/dev/null is the kernel's mem/null, and no input device" in said["problems"][0]
    with pytest.raises(NoSuchDevice, match="no input device"):
        opener(WedgeSettings(kind="wedge", path="/dev/null"))()
    with pytest.raises(NoSuchDevice, match="no HID device"):
        ReportSource(Path("/dev/null"))


def test_a_payment_terminal_that_does_not_answer_or_has_no_proper_code_is_said(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as terminal:
        block = f'[payment]\nprotocol = "zvt"\nhost = "127.0.0.1"\nport = {terminal.getsockname()[1]}\nstaff_code = "4711"\n'
        assert check(write(tmp_path, block))[0] == 0
    code, said = check(write(tmp_path, block))
    assert code == 1
    assert "payment: nothing answers at 127.0.0.1:" in said["problems"][0]
    code, said = check(write(tmp_path, block.replace('"4711"', '"12a"')))
    assert code == 1
    assert "a staff code is 4 to 12 digits" in said["problems"][0]


def test_a_bad_name_is_refused(tmp_path: Path):
    file = tmp_path / "device.toml"
    file.write_text(f'store = "north/+"\ndevice = "staff"\ndata_dir = "{tmp_path}"\n')
    code, said = check(str(file))
    assert code == 1
    assert len(said["problems"]) == 2


def test_without_evdev_a_check_says_what_works_all_the_same(tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "evdev", None)
    assert "evdev is not installed" in check(write(tmp_path, f'[[scanners]]\nkind = "serial"\nport = "{port}"\n'))[1]["notes"][0]
    code, said = check(write(tmp_path, '[[scanners]]\nkind = "wedge"\npath = "/dev/input/event0"\n'))
    assert code == 1
    assert "evdev is not installed" in said["problems"][0]


def test_a_terminal_without_a_screen_says_what_it_needs(tmp_path: Path):
    code, _, error = run("--settings", write(tmp_path, ""))
    assert code == 1
    assert "40 x 24" in error


def test_a_directory_in_use_is_refused_and_let_go_of(tmp_path: Path):
    with locked(tmp_path), pytest.raises(AlreadyRunning, match=str(os.getpid())), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
