"""What a run of chaos came to: for machines as JSON, for people as a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosReport:
    """Figures of one run. `faults` counts by kind; the four after it are zero where the promises held.

    `unexplained` counts incidents, dead letters, dead processes and lost shoppers that no fault accounts for. `acknowledged`
    events were seen on the wire, `painted` ends on the screens; each of them was looked for in the back office.
    """

    trips: int
    faults: dict[str, int]
    lost: int
    duplicated: int
    mismatched: int
    unexplained: int
    seconds: float
    seed: int
    devices: int
    units: int
    rescans: int
    restarts: dict[str, int]
    refused_calls: int
    acknowledged: int
    painted: int
    details: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """True where nothing was lost, doubled, different or unexplained."""
        return not (self.lost or self.duplicated or self.mismatched or self.unexplained)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        faults = ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items()))
        restarts = ", ".join(f"{name} {count}" for name, count in self.restarts.items())
        rows = [
            ("trips", f"{self.trips} on {self.devices} terminals, {self.units} units, {self.rescans} scanned again"),
            ("faults", f"{sum(self.faults.values())} of {len(self.faults)} kinds: {faults}"),
            ("restarts", restarts),
            ("looked for", f"{self.acknowledged} acknowledged events, {self.painted} painted ends, {self.trips} baskets"),
            ("lost", f"{self.lost}"),
            ("duplicated", f"{self.duplicated}"),
            ("mismatched", f"{self.mismatched}    (basket, screen, wire and back office, to the cent)"),
            ("unexplained", f"{self.unexplained}"),
            ("took", f"{self.seconds:.0f} s, seed {self.seed}"),
        ]
        return "\n".join(f"{name:>12}  {value}" for name, value in rows) + "".join(f"\n  ! {detail}" for detail in self.details)
