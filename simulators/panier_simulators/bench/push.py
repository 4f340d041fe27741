"""Scan to screen and push to screen over whole stores of real processes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from panier_simulators.command import build_sample
from panier_simulators.demo.command import replay
from panier_simulators.demo.run import Plan
from panier_simulators.sample.shop import open_sample

WIRE_MS = 14.6
"""13 digits and a CR at 9600 baud, 10 bits a character: the limit to beat."""
PUSH_LIMIT_MS = 1000.0


def measure() -> dict[str, Any]:
    """One device for scans, twenty in mid-trip for pushes; `holds` says which promise this machine keeps."""
    sample = open_sample(build_sample(None, None).directory)
    figures: dict[str, Any] = {}
    for name, plan in {"one": Plan(trips=15, devices=1, speed=10), "twenty": Plan(trips=80, devices=20, speed=5)}.items():
        with tempfile.TemporaryDirectory(prefix="panier-bench-", ignore_cleanup_errors=True) as made:
            figures[name] = replay(sample, plan, Path(made)).as_dict()
    one, twenty = figures["one"], figures["twenty"]
    holds = {
        "scan to screen p99 under the time on the wire": one["scan_to_screen_ms"]["p99"] < WIRE_MS,
        "push to screen p99 under a second": twenty["push_to_screen_ms"]["p99"] < PUSH_LIMIT_MS and not twenty["pushes_missed"],
        "nothing lost, doubled or different": not any(
            report[what] for report in (one, twenty) for what in ("lost", "duplicated", "mismatched")
        ),
    }
    return {"wire_ms": WIRE_MS, **figures, "holds": holds}


def table(figures: dict[str, Any]) -> str:
    """The same for people."""
    one, twenty = figures["one"], figures["twenty"]
    rows = [
        ("a code on the wire", f"{figures['wire_ms']:8.1f} ms"),
        ("scan to screen", _times(one["scan_to_screen_ms"]), f"1 device, {one['scans']} scans"),
        ("scan to screen", _times(twenty["scan_to_screen_ms"]), f"20 devices, {twenty['scans']} scans"),
        ("push to screen", _times(twenty["push_to_screen_ms"]), f"20 devices, {twenty['pushes']} screens in mid-trip"),
        ("memory", ", ".join(f"{name} {mb:.0f} MB" for name, mb in twenty["rss_mb"].items())),
    ]
    text = "\n".join("  ".join((f"{row[0]:>20}", *row[1:])) for row in rows)
    return text + "".join(f"\n{'holds' if kept else 'FAILS':>20}  {what}" for what, kept in figures["holds"].items())


def _times(of: dict[str, float]) -> str:
    return f"p50 {of['p50']:7.1f} ms  p99 {of['p99']:7.1f} ms"
