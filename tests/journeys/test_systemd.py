"""The units under a real systemd, on a machine of its own: killed and frozen, and the time until they serve again.

    pytest -m soak tests/journeys/test_systemd.py

PANIER_DATA names a directory whose `gateway` and `till-01` are to start from instead of nothing; PANIER_PRIORITY=1 gives the
processes the processor before all others, as on a machine that has nothing else to do.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.journeys.machine.machine import Machine, machine, why_not

ROUNDS = 10
GATEWAY, TERMINAL, OFFICE = "panier-gateway", "panier-device@pts-0", "panier-backoffice"
FILES = {
    "panier/gateway.toml": 'store = "north"\ndata_dir = "data"\nmetrics_port = 9100\n',
    "panier/device-pts-0.toml": 'store = "north"\ndevice = "till-01"\ndata_dir = "data"\nmetrics_port = 9101\n',
    "panier/backoffice.toml": 'database = "sqlite:///data.db"\n',
    "screen.py": Path(__file__).with_name("machine").joinpath("screen.py").read_text(),
    "systemd/system/screen.service": "[Service]\nExecStart=/usr/bin/python3 /etc/screen.py\n",
    # A watchdog that is waited for in a test is a short one.
    "systemd/system/panier-.service.d/30-short.conf": "[Service]\nWatchdogSec=2\n",
}
if os.environ.get("PANIER_PRIORITY"):
    FILES["systemd/system/panier-.service.d/40-first.conf"] = "[Service]\nCPUSchedulingPolicy=rr\nCPUSchedulingPriority=5\n"

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(900),
    pytest.mark.skipif(why_not() is not None, reason=why_not() or ""),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("machine"), FILES, os.environ.get("PANIER_DATA")) as made:
        made.run("systemctl", "start", "screen")
        made.run("sh", "-c", "until test -e /dev/pts/0; do sleep 0.05; done")
        yield made


def _ready_again(shop: Machine, unit: str, name: str) -> tuple[float, float]:
    """Sends the signal; seconds from it, and from the death that systemd noticed, until READY."""
    before = shop.show(unit)
    began = time.monotonic()
    shop.signal(unit, name)
    after = shop.until(unit, lambda now: now["ActiveState"] == "active" and now["MainPID"] != before["MainPID"])
    ready, died = (int(after[f"Active{what}TimestampMonotonic"]) / 1e6 for what in ("Enter", "Exit"))
    assert int(after["NRestarts"]) == int(before["NRestarts"]) + 1, shop.said(unit)
    return ready - began, ready - died


@pytest.mark.parametrize("unit", [GATEWAY, TERMINAL, OFFICE])
@pytest.mark.parametrize(("name", "rounds"), [("KILL", ROUNDS), ("STOP", 3)])
def test_a_process_that_dies_or_hangs_serves_again(
    shop: Machine, unit: str, name: str, rounds: int, capsys: pytest.CaptureFixture[str]
):
    shop.run("systemctl", "start", unit)
    shop.until_active(unit)
    taken = [_ready_again(shop, unit, name) for _ in range(rounds)]
    for what, seconds in zip(("signal", "death"), zip(*taken, strict=True), strict=True):
        with capsys.disabled():
            figures = f"p50 {statistics.median(seconds):.2f} s, max {max(seconds):.2f} s, n={rounds}"
            sys.stdout.write(f"\n{unit} {name}, {what} to ready: {figures}")
    shop.run("systemctl", "stop", unit)
    ended = shop.show(unit)
    assert (ended["Result"], ended["ExecMainStatus"]) == ("success", "0"), shop.said(unit)


def test_the_terminal_reads_its_devices_and_nothing_else(shop: Machine):
    shop.run("systemctl", "start", TERMINAL)
    pid = shop.until_active(TERMINAL)["MainPID"]
    groups = shop.run("grep", "^Groups:", f"/proc/{pid}/status").split()[1:]
    named = {line.split(":")[2]: line.split(":")[0] for line in shop.run("cat", "/etc/group").splitlines()}
    assert {named[group] for group in groups} >= {"dialout", "input"}
    assert "CapEff:\t0000000000000000" in shop.run("cat", f"/proc/{pid}/status")
    assert "Scan your card" in shop.run("cat", "/run/screen")
