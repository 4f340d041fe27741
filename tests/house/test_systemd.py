"""The units of firmware-config/systemd: systemd takes them, and gives the processes nothing that they do not need."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "firmware-config" / "systemd"
NAMES = ["panier-gateway.service", "panier-backoffice.service", "panier-device@tty1.service"]
MOST_EXPOSURE = 20
"""Tenths of systemd's own measure, of which 100 is a service that may do everything."""

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze: apt install systemd")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units as on a machine where `panier` is installed, the terminal's on tty1."""
    directory = tmp_path_factory.mktemp("units")
    shutil.copytree(UNITS, directory, dirs_exist_ok=True)
    (directory / "panier-device@.service").rename(directory / "panier-device@tty1.service")
    for unit in directory.glob("*.service"):
        program = str(Path(sys.executable).with_name("panier"))
        unit.write_text(unit.read_text().replace("/opt/panier/bin/panier", program).replace("%i", "tty1"))
    return directory


def analyze(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *words], cwd=directory, capture_output=True, text=True, timeout=60, env={"SYSTEMD_COLORS": "0"}
    )


@needs_systemd
@pytest.mark.parametrize("name", NAMES)
def test_systemd_finds_nothing_wrong(installed: Path, name: str):
    found = analyze(installed, "verify", f"./{name}")
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@needs_systemd
@pytest.mark.parametrize("name", NAMES)
def test_a_process_gets_little_more_than_it_needs(installed: Path, name: str):
    found = analyze(installed, "security", "--offline=true", f"--threshold={MOST_EXPOSURE}", f"./{name}")
    assert found.returncode == 0, found.stdout


def test_no_unit_hides_the_scanners():
    texts = {file.name: file.read_text() for file in UNITS.rglob("*") if file.is_file()}
    assert not [name for name, text in texts.items() if re.search(r"^PrivateDevices=", text, re.MULTILINE)]
    device = texts["panier-device@.service"]
    for kind in ("char-ttyACM", "char-ttyUSB", "char-input", "char-hidraw"):
        assert re.search(rf"^DeviceAllow={kind} r", device, re.MULTILINE)


def test_each_unit_runs_as_a_user_of_its_own_that_the_users_file_makes():
    made = set(re.findall(r"^u (\S+)", (UNITS / "panier.sysusers.conf").read_text(), re.MULTILINE))
    for unit in UNITS.glob("*.service"):
        [user] = re.findall(r"^User=(.+)$", unit.read_text(), re.MULTILINE)
        assert user in made
