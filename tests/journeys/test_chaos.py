"""The whole store under faults; and that chaos notices when a promise is broken on purpose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from panier_simulators.postgresql import NoPostgresql, programs

PROMISED = {"trips", "faults", "lost", "duplicated", "mismatched", "unexplained", "seconds"}
"""Fields that users' scripts rely on."""
MUTANTS = Path(__file__).with_name("mutant")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(580), pytest.mark.xdist_group("demo")]


def chaos(keep: Path, *flags: str, mutant: str | None = None) -> tuple[int, dict[str, Any], str]:
    """Exit status, report, and what was said meanwhile."""
    environment = dict(os.environ)
    if mutant:
        environment["PYTHONPATH"] = f"{MUTANTS / mutant}{os.pathsep}{MUTANTS}"
    done = subprocess.run(
        [sys.executable, "-m", "panier_io.command", "chaos", "--json", "--keep", str(keep), *flags],
        capture_output=True,
        text=True,
        env=environment,
        timeout=560,
    )
    assert done.stdout, done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout), done.stderr


def test_nothing_is_lost_doubled_or_different_whatever_breaks(tmp_path: Path):
    status, report, said = chaos(tmp_path, "--trips", "240", "--devices", "5", "--seed", "1")
    assert (report["lost"], report["duplicated"], report["mismatched"], report["unexplained"]) == (0, 0, 0, 0), report["details"]
    assert status == 0
    assert report["trips"] == 240
    assert sum(report["faults"].values()) == 24
    assert len(report["faults"]) >= 12
    assert set(report) >= PROMISED
    assert report["acknowledged"] > report["trips"]
    assert said.count("panier chaos: after ") == 24


def test_nor_when_the_back_offices_database_server_breaks(tmp_path: Path):
    try:
        programs()
    except NoPostgresql as error:
        pytest.skip(reason=str(error))
    links = ",".join(f"{kind}@backoffice-database" for kind in ("cut", "half_close", "blackhole", "delay", "lost_reply"))
    faults = f"kill_database,freeze_database,{links},kill_backoffice,lost_reply@gateway-backoffice"
    flags = ("--trips", "120", "--devices", "5", "--seed", "1", "--postgresql", "--faults", faults, "--count", "16")
    status, report, _ = chaos(tmp_path, *flags)
    assert (report["lost"], report["duplicated"], report["mismatched"], report["unexplained"]) == (0, 0, 0, 0), report["details"]
    assert status == 0
    assert report["faults"]["kill_database"] >= 1
    assert sum(report["faults"].values()) == 16


@pytest.mark.soak
@pytest.mark.parametrize(
    ("mutant", "faults", "count", "found"),
    [
        ("early_acknowledgement", "disk_full@gateway", 6, "lost"),
        ("late_journal", "kill_device", 12, "lost"),
        ("no_identity", "lost_reply", 6, "duplicated"),
    ],
)
def test_a_broken_promise_is_noticed(tmp_path: Path, mutant: str, faults: str, count: int, found: str):
    flags = ("--trips", "240", "--devices", "5", "--seed", "1", "--faults", faults, "--count", str(count))
    status, report, _ = chaos(tmp_path, *flags, mutant=mutant)
    assert status == 1
    assert report[found] > 0, report["details"]
