"""What a demo came to: for machines as JSON, for people as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from panier_simulators.demo.audit import Findings

_MOST_DETAILS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """Figures of one demo. Times in milliseconds as {"p50", "p99"}, memory as peak resident megabytes of one process.

    `device` is the largest of the terminals. `mismatched` counts trips whose screen, journal, gateway and back office do not all
    say the same, to the cent and to the unit.
    """

    trips: int
    lines: int
    lost: int
    duplicated: int
    mismatched: int
    scan_to_screen_ms: dict[str, float]
    push_to_screen_ms: dict[str, float]
    trip_to_backoffice_ms: dict[str, float]
    rss_mb: dict[str, float]
    seconds: float
    devices: int
    scans: int
    rescans: int
    skipped_codes: int
    pushes: int
    pushes_missed: int
    restarts: dict[str, int]
    details: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """True where nothing was lost, doubled, different or left out."""
        return not (self.lost or self.duplicated or self.mismatched or self.skipped_codes or self.pushes_missed)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        def times(of: dict[str, float]) -> str:
            return f"p50 {of['p50']:8.1f} ms    p99 {of['p99']:8.1f} ms"

        memory = ", ".join(f"{name} {mb:.0f} MB" for name, mb in self.rss_mb.items())
        restarted = ", ".join(f"{name} {count}" for name, count in self.restarts.items() if count) or "none"
        rows = [
            ("trips", f"{self.trips} on {self.devices} terminals, {self.lines} lines, {self.scans} scans"),
            ("lost", f"{self.lost}"),
            ("duplicated", f"{self.duplicated}"),
            ("mismatched", f"{self.mismatched}    (screen, journal, gateway and back office, to the cent)"),
            ("scan to screen", times(self.scan_to_screen_ms) + "    (a code takes 14.6 ms on the wire)"),
            ("push to screen", times(self.push_to_screen_ms) + f"    ({self.pushes} screens in mid-trip)"),
            ("trip to back office", times(self.trip_to_backoffice_ms)),
            ("memory", memory),
            ("restarts", restarted),
            ("took", f"{self.seconds:.0f} s"),
        ]
        return "\n".join(f"{name:>20}  {value}" for name, value in rows) + "".join(f"\n  ! {detail}" for detail in self.details)


def details(findings: Findings, missed: Sequence[str]) -> tuple[str, ...]:
    """The first few things that are wrong, in words."""
    told = [f"lost: {one}" for one in findings.lost]
    told += [f"one too many: {one}" for one in findings.duplicated]
    told += [f"mismatched: {one}" for one in findings.mismatched]
    told += [f"pushed, but not shown: {one}" for one in missed]
    return tuple(told[:_MOST_DETAILS])


def megabytes(peaks: Sequence[int]) -> float:
    """The largest of some peaks in megabytes."""
    return round(max(peaks, default=0) / 1e6, 1)
