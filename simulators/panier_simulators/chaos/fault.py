"""Faults and the plan of them: a pure function of the seed, so that a run can be had again."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from panier.error import PanierError

ROLES = ("gateway", "broker", "backoffice")
DATABASE = "database"
DISK_FAULTS = frozenset({"disk_full", "write_fails", "fsync_fails"})
GATEWAY_BROKER, GATEWAY_OFFICE, MONITOR_BROKER = "gateway-broker", "gateway-backoffice", "monitor-broker"
OFFICE_DATABASE = "backoffice-database"
_WITH_A_SERVER = frozenset({DATABASE, OFFICE_DATABASE})
"""Targets that are there where the back office's database is a server, and not a file of its own."""

# Trips come to an end while a fault lasts; the plan leaves the first and the last few in peace, so that something can break.
_FIRST, _LAST = 0.03, 0.96


class NoSuchFault(PanierError):
    """A kind of fault that is not known; names those that are."""

    code = "no_such_fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of fault. `seconds` is how long it lasts, from and to; `amount` is its measure, where it has one.

    `needs_shim` is True where the process must run with our library before the C library's, which takes a C compiler.
    """

    name: str
    targets: tuple[str, ...]
    """Names of roles and links; "device" and "device-broker" stand for each terminal and its link; "" for the whole store."""
    seconds: tuple[float, float] = (0.0, 0.0)
    amount: tuple[float, float] = (0.0, 0.0)
    needs_shim: bool = False


_MQTT = ("device-broker", "device-broker", GATEWAY_BROKER)
_EVERY_LINK = (*_MQTT, GATEWAY_OFFICE, MONITOR_BROKER, OFFICE_DATABASE)
_DISKS = ("device", "device", "gateway", "backoffice")
_DAY = 86_400.0

KINDS: tuple[Kind, ...] = (
    Kind(name="kill_device", targets=("device",)),
    Kind(name="kill_gateway", targets=("gateway",)),
    Kind(name="kill_broker", targets=("broker",)),
    Kind(name="kill_backoffice", targets=("backoffice",)),
    Kind(name="kill_monitor", targets=("monitor",)),
    Kind(name="kill_database", targets=(DATABASE,)),
    Kind(name="restart_all", targets=("",)),
    Kind(name="wiped_broker", targets=("broker",)),
    Kind(name="freeze_device", targets=("device",), seconds=(0.5, 6.0)),
    Kind(name="freeze_gateway", targets=("gateway",), seconds=(0.5, 6.0)),
    Kind(name="freeze_broker", targets=("broker",), seconds=(0.5, 6.0)),
    Kind(name="freeze_backoffice", targets=("backoffice",), seconds=(0.5, 6.0)),
    Kind(name="freeze_monitor", targets=("monitor",), seconds=(0.5, 6.0)),
    Kind(name="freeze_database", targets=(DATABASE,), seconds=(0.5, 6.0)),
    Kind(name="cut", targets=_EVERY_LINK, seconds=(0.0, 4.0)),
    Kind(name="half_close", targets=_EVERY_LINK, seconds=(0.5, 5.0)),
    Kind(name="blackhole", targets=_EVERY_LINK, seconds=(1.0, 9.0)),
    Kind(name="delay", targets=_EVERY_LINK, seconds=(2.0, 6.0), amount=(0.05, 1.5)),
    Kind(name="duplicate", targets=_MQTT, seconds=(3.0, 8.0), amount=(0.2, 0.9)),
    Kind(name="reorder", targets=_MQTT, seconds=(3.0, 8.0), amount=(0.2, 0.9)),
    Kind(name="lose", targets=_MQTT, seconds=(1.0, 4.0), amount=(0.1, 0.5)),
    Kind(name="lost_reply", targets=(GATEWAY_OFFICE, OFFICE_DATABASE), seconds=(1.0, 5.0)),
    Kind(name="unplug_scanner", targets=("device",), seconds=(0.2, 1.5)),
    Kind(name="disk_full", targets=_DISKS, seconds=(0.5, 4.0), needs_shim=True),
    Kind(name="write_fails", targets=_DISKS, seconds=(0.3, 2.0), needs_shim=True),
    Kind(name="fsync_fails", targets=_DISKS, seconds=(0.3, 2.0), needs_shim=True),
    Kind(name="clock_jump", targets=_DISKS, seconds=(2.0, 10.0), amount=(-3 * _DAY, 3 * _DAY), needs_shim=True),
)
_BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: due when `after` trips have ended, at `target`, for `seconds`, of `amount` (a share, seconds; see its kind)."""

    after: int
    kind: str
    target: str
    seconds: float = 0.0
    amount: float = 0.0

    def __str__(self) -> str:
        lasts = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"after {self.after} trips: {self.kind} {self.target or 'everything'}{lasts}{self._measure()}"

    def _measure(self) -> str:
        if not self.amount:
            return ""
        match self.kind:
            case "clock_jump":
                return f" ({self.amount / 3600:+.1f} h)"
            case "delay":
                return f" ({self.amount:.2f} s late)"
            case _:
                return f" ({self.amount:.0%} of the packets)"


def chosen(names: Collection[str] | None, *, has_shim: bool, has_server: bool = False) -> tuple[Kind, ...]:
    """The kinds by name, or all; without those that this machine cannot do. `disk_full@gateway` is a kind at one of its targets.

    `has_server`: the back office's database is a server, which can be killed, with a link to it, which can be cut. Raises
    NoSuchFault.
    """
    wanted = KINDS if names is None else tuple(_named(name) for name in names)
    there = [kind if has_server else _without_a_server(kind) for kind in wanted]
    if names is not None and (missing := [kind.name for kind in there if not kind.targets]):
        raise NoSuchFault(f"{', '.join(missing)}: the back office has no database server here; with --postgresql it has one")
    return tuple(kind for kind in there if kind.targets and (has_shim or not kind.needs_shim))


def _without_a_server(kind: Kind) -> Kind:
    return replace(kind, targets=tuple(target for target in kind.targets if target not in _WITH_A_SERVER))


def _named(name: str) -> Kind:
    wanted, _, target = name.partition("@")
    kind = _BY_NAME.get(wanted)
    if kind is None:
        raise NoSuchFault(f"no fault is called {wanted!r}; there are {', '.join(_BY_NAME)}")
    if target and target not in kind.targets:
        raise NoSuchFault(f"{wanted} does not befall {target!r}, but {', '.join(sorted(set(kind.targets)))}")
    return replace(kind, targets=(target,)) if target else kind


def draw(seed: int, trips: int, devices: Sequence[str], kinds: Sequence[Kind], count: int | None = None) -> tuple[Fault, ...]:
    """The plan: `count` faults in order (without it one in thirty trips, at least 24). Equal arguments give equal plans.

    Kinds are dealt like cards, so that each comes as often as any other.
    """
    dice = random.Random(f"chaos {seed}")  # noqa: S311 (a plan, not a secret)
    if not kinds:
        return ()
    number = max(24, round(trips / 30)) if count is None else count
    deck: list[Kind] = []
    faults: list[Fault] = []
    for place in range(number):
        if not deck:
            deck = list(kinds)
            dice.shuffle(deck)
        share = _FIRST + (_LAST - _FIRST) * (place + dice.random()) / number
        faults.append(_fault(dice, deck.pop(), round(share * trips), devices))
    return tuple(sorted(faults, key=lambda fault: fault.after))


def _fault(dice: random.Random, kind: Kind, after: int, devices: Sequence[str]) -> Fault:
    target = dice.choice(kind.targets)
    if target.startswith("device"):
        target = dice.choice(devices) + target.removeprefix("device")
    return Fault(
        after=after,
        kind=kind.name,
        target=target,
        seconds=round(dice.uniform(*kind.seconds), 2),
        amount=round(dice.uniform(*kind.amount), 3),
    )
