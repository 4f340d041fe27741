"""A whole store, every process real: what a stranger sees first, and what must hold when parts of it are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from panier_simulators.sample.build import ensure_sample
from panier_simulators.sample.shop import open_sample

PROMISED = {
    "trips", "lines", "lost", "duplicated", "mismatched", "scan_to_screen_ms", "push_to_screen_ms", "trip_to_backoffice_ms",
    "rss_mb", "seconds",
}  # fmt: skip
"""Fields that users' scripts rely on."""

OF_ANOTHER_SHOP = {"PANIER_BACKOFFICE_API_TOKEN": "another", "PANIER_GATEWAY_STORE": "another", "PANIER_DEVICE_STORE": "another"}
"""What the operating guide has people export, in whose shell they then try the demo."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("demo")]


def demo(keep: Path, *flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "panier_io.command", "demo", "--headless", "--json", "--keep", str(keep), *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **OF_ANOTHER_SHOP},
    )


def report_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, errors = process.communicate(timeout=380)
    assert process.returncode == 0, f"{out}\n{errors[-3000:]}"
    return json.loads(out)


def descendant(process: subprocess.Popen[str], *words: str) -> psutil.Process | None:
    """The demo's descendant whose command line holds all words."""
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            line = child.cmdline()
        except psutil.Error:
            continue
        if all(any(word in part for part in line) for word in words):
            return child
    return None


def eventually(found: Callable[[], Any], process: subprocess.Popen[str], what: str, within: float = 150) -> Any:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if value := found():
            return value
        if process.poll() is not None:
            pytest.fail(f"the demo ended before {what}: {process.communicate()}")
        time.sleep(0.05)  # between looks at a condition
    process.kill()
    pytest.fail(f"no {what} within {within} s: {process.communicate()[1][-2000:]}")


def events_of(keep: Path, device: str) -> int:
    """Events in a device's journal so far."""
    import sqlite3

    journal = keep / device / "journal.db"
    if not journal.exists():
        return 0
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as database:
        try:
            return database.execute("SELECT coalesce(max(sequence), 0) FROM event").fetchone()[0]
        except sqlite3.Error:
            return 0


def test_nothing_is_lost_doubled_or_different_when_each_part_is_killed_in_mid_trip(tmp_path: Path):
    process = demo(tmp_path, "--trips", "16", "--devices", "3", "--speed", "8", "--seed", "5")
    try:
        eventually(lambda: events_of(tmp_path, "till-01") > 8, process, "events at the first terminal")
        killed = [("device", "till-01"), ("nats-server",), ("gateway", "gateway.toml"), ("backoffice", "backoffice.toml")]
        for number, words in enumerate(killed):
            before = events_of(tmp_path, "till-02") + events_of(tmp_path, "till-03")
            victim = eventually(lambda words=words: descendant(process, *words), process, f"process of {words}")
            victim.send_signal(signal.SIGKILL)
            # The other terminals go on meanwhile, whatever died.
            wanted = before + 3
            eventually(
                lambda wanted=wanted: events_of(tmp_path, "till-02") + events_of(tmp_path, "till-03") >= wanted,
                process,
                f"more events after kill {number}",
            )
        report = report_of(process)
    finally:
        process.kill()
    assert (report["trips"], report["lost"], report["duplicated"], report["mismatched"]) == (16, 0, 0, 0), report["details"]
    assert report["skipped_codes"] == 0
    assert report["restarts"]["device"] >= 1
    assert report["restarts"]["gateway"] == 1
    assert report["restarts"]["backoffice"] == 1
    trips = list(open_sample(ensure_sample().directory).trips(16, 5))
    assert report["lines"] == sum(len(trip.lines) for trip in trips), "the same seed replays the same baskets"
    assert set(report) >= PROMISED
    assert set(report["rss_mb"]) == {"device", "gateway", "broker", "backoffice"}
    assert min(report["rss_mb"].values()) > 5
    assert set(report["scan_to_screen_ms"]) == {"p50", "p99"}
