"""What lies on a simulated scale, and what the scale makes of it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Literal

from panier.error import PanierError
from panier_io.firmware import firmware_config

_POUND = Decimal("453.59237")


class NoSuchScale(PanierError):
    """A profile that is not there."""

    code = "no_such_scale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """One scale as it was built and set up: its wire, and what it can weigh, in grams."""

    protocol: str = "toledo-8217"
    variant: str = ""
    baud: int = 9600
    data_bits: int = 7
    unit: Literal["kg", "lb"] = "kg"
    capacity: int = 15_000
    division: int = 5
    minimum: int = 100
    polynomial: int = 0x11021

    @classmethod
    def read(cls, file: Path) -> Make:
        """The scale that a profile of firmware-config/scales expects."""
        held: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        return cls(
            protocol=held["protocol"],
            variant=held.get("variant", ""),
            baud=held.get("baud", 9600),
            data_bits=held.get("data_bits", 7),
            unit=held.get("unit", "kg"),
            capacity=held["capacity"],
            division=held["division"],
            minimum=held.get("minimum") or 20 * held["division"],
            polynomial=int(held.get("polynomial", "11021"), 16),
        )


def make_of(profile: str) -> Make:
    """The scale of `profile`: a name in firmware-config/scales, or the path of a .toml file. Raises NoSuchScale."""
    file = Path(profile) if profile.endswith(".toml") else firmware_config() / "scales" / f"{profile}.toml"
    if not file.is_file():
        known = ", ".join(sorted(found.stem for found in file.parent.glob("*.toml")))
        raise NoSuchScale(f"no scale profile {profile!r}; there are {known}, or give the path of a .toml file")
    return Make.read(file)


class Platter:
    """The plate: a load in grams that sways for `settle` seconds after each change. Times are monotonic seconds, passed in."""

    def __init__(self, make: Make, settle: float = 0.4) -> None:
        self.make = make
        self.settle = settle
        self.load = 0
        self.zero = 0
        self.tare = 0
        self.moved = 0
        """How often the load has changed."""
        self._still_at = 0.0
        self._sways = False

    def put(self, grams: int, now: float) -> None:
        """Puts `grams` beside what lies there; less than 0 lifts the plate."""
        self.load += grams
        self._disturb(now)

    def take(self, now: float) -> None:
        """Takes everything off."""
        self.load = 0
        self._disturb(now)

    def sway(self, *, forever: bool) -> None:
        """Somebody leans on the plate, or stops."""
        self._sways = forever

    def press_zero(self) -> None:
        """What lies there counts as nothing, where it is little enough to be dirt (2 % of the capacity)."""
        if abs(self.load) <= self.make.capacity // 50 and not self.tare:
            self.zero = self.load

    def press_tare(self) -> None:
        """What lies there is packing."""
        self.tare = max(0, self.load - self.zero)

    def press_clear(self) -> None:
        """No tare any more."""
        self.tare = 0

    def moves(self, now: float) -> bool:
        """True until the load lies still."""
        return self._sways or now < self._still_at

    @property
    def net(self) -> int:
        """Grams less zero and tare."""
        return self.load - self.zero - self.tare

    @property
    def is_over(self) -> bool:
        """More than it may carry: OIML allows 9 divisions above the capacity."""
        return self.load - self.zero > self.make.capacity + 9 * self.make.division

    @property
    def is_under(self) -> bool:
        """Less than nothing, by more than the half of a division."""
        return 2 * self.net < -self.make.division

    @property
    def is_at_zero(self) -> bool:
        """Within a quarter of a division of nothing."""
        return 4 * abs(self.load - self.zero) <= self.make.division and not self.tare

    @property
    def shown(self) -> int:
        """Net grams in whole divisions."""
        step = self.make.division
        return step * ((2 * abs(self.net) + step) // (2 * step))

    @property
    def digits(self) -> str:
        """As the display has it: `00.842`, or in pounds `01.86`."""
        if self.make.unit == "kg":
            return f"{Decimal(self.shown) / 1000:06.3f}"
        pounds = (Decimal(abs(self.net)) / _POUND).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return f"{pounds:05.2f}"

    def _disturb(self, now: float) -> None:
        self.moved += 1
        self._still_at = now + self.settle
