"""A store full of terminals: each a real `panier device` process on its own screen, with a shopper before it."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from panier.error import PanierError
from panier_io.firmware import firmware_config
from panier_simulators.glance import Glance, read
from panier_simulators.hidpos import Make, SimulatedHidPos
from panier_simulators.keyboard import LAYOUTS
from panier_simulators.sample.shop import SampleTrip
from panier_simulators.scanner import Programming, SimulatedScanner
from panier_simulators.screen import SimulatedTerminal
from panier_simulators.shopper import Manner, Reader, Shopping, VirtualShopper
from panier_simulators.wedge import Habit, SimulatedWedge

# A terminal's start costs a second of a core: all at once they would only wait for each other.
_STARTING_AT_ONCE = 3


class NoScanner(PanierError):
    """A terminal's settings name no scanner that can be simulated."""

    code = "no_scanner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One terminal of the store: its name, its settings file, and the readers that the settings expect."""

    device: str
    settings: Path
    serial: tuple[tuple[Path, Programming], ...] = ()
    wedges: tuple[tuple[Path, Habit], ...] = ()
    hidpos: tuple[tuple[Path, Make], ...] = ()

    @classmethod
    def read(cls, settings: Path) -> Post:
        """What a terminal's settings file says of it. Raises NoScanner."""
        held = tomllib.loads(settings.read_text(encoding="utf-8"))
        scanners = cast(list[dict[str, Any]], held.get("scanners", []))
        serial = [(Path(one["port"]), programming(one.get("profile", "generic"))) for one in scanners if one["kind"] == "serial"]
        streams = [one for one in scanners if one["kind"] == "wedge" and one.get("source") == "stream"]
        wedges = [(Path(one["path"]), _habit(one)) for one in streams if one.get("reads", "codes") == "codes"]
        hidpos: list[tuple[Path, Make]] = [(Path(one["path"]), _make(one)) for one in scanners if one["kind"] == "hidpos"]
        if not serial and not wedges and not hidpos:
            raise NoScanner(
                f'{settings} names no scanner to simulate: a "serial" one, a "hidpos", or a "wedge" with source = "stream"'
            )
        return cls(device=held["device"], settings=settings, serial=tuple(serial), wedges=tuple(wedges), hidpos=tuple(hidpos))


@dataclass(frozen=True, slots=True)
class Place:
    """A terminal in use: its process and screen, its readers, and who shops there."""

    post: Post
    terminal: SimulatedTerminal
    readers: tuple[Reader, ...]
    shopper: VirtualShopper

    @property
    def glance(self) -> Glance:
        """The figures on its screen now."""
        return read(self.terminal.rows)


def device_command(settings: Path) -> tuple[str, ...]:
    """Starts one terminal, with the Python that runs us."""
    return (sys.executable, "-m", "panier_io.command", "device", "--settings", str(settings))


def programming(profile: str) -> Programming:
    """How a scanner is programmed by `profile`: a name in firmware-config/profiles, or a .toml file."""
    file = Path(profile) if profile.endswith(".toml") else firmware_config() / "profiles" / f"{profile}.toml"
    if not file.is_file():
        known = ", ".join(sorted(found.stem for found in file.parent.glob("*.toml")))
        raise NoScanner(f"no scanner profile {profile!r}; there are {known}, or give the path of a .toml file")
    return Programming.read(file)


def _habit(settings: dict[str, Any]) -> Habit:
    layout = settings.get("layout", "us")
    if layout not in LAYOUTS:
        raise NoScanner(f"no keyboard of layout {layout!r} can be simulated; there are {', '.join(LAYOUTS)}")
    return Habit(layout=layout)


def _make(settings: dict[str, Any]) -> Make:
    return "newland" if settings.get("profile", "").startswith("newland") else "honeywell"


def is_ready(rows: tuple[str, ...]) -> bool:
    """True where a screen waits for a shopper, online, with the newest prices."""
    seen = read(rows)
    return seen.is_start and seen.is_online and seen.prices_age is None


class Store:
    """Terminals and their shoppers; `async with` starts all of them and stops them again.

    `command` makes a terminal's command line of its settings file, `in_hand` what a shopper holds of each reader. Readers are
    plugged in before a terminal starts.
    """

    def __init__(
        self,
        posts: Sequence[Post],
        *,
        manner: Manner | None = None,
        seed: int = 0,
        command: Callable[[Path], Sequence[str]] = device_command,
        in_hand: Callable[[Reader], Reader] = lambda reader: reader,
    ) -> None:
        self.places = [_place(post, command(post.settings), manner, seed, in_hand) for post in posts]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Store:
        turn = asyncio.Semaphore(_STARTING_AT_ONCE)
        for reader in (reader for place in self.places for reader in place.readers):
            self._stack.callback(reader.close)
        self._stack.push_async_callback(self._stop_terminals)
        try:
            await asyncio.gather(*(_open(place, turn) for place in self.places))
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _stop_terminals(self) -> None:
        await asyncio.gather(*(place.terminal.stop() for place in self.places))

    async def wait_until_ready(self, within: float = 120.0) -> None:
        """Waits until each terminal is at its start screen, online, with the newest prices. Raises NotSeen."""
        what = "the start screen, online, with the newest prices"
        await asyncio.gather(*(place.terminal.wait_for(is_ready, within, what) for place in self.places))

    async def replay(self, trips: Iterable[SampleTrip], heard: Callable[[Shopping], None] | None = None) -> list[Shopping]:
        """Shops all trips; whoever is free takes the next. `heard` is told of each that ends. Raises ShopperLost."""
        waiting, done = iter(trips), list[Shopping]()

        async def shop(place: Place) -> None:
            for trip in waiting:
                shopping = await place.shopper.shop(trip)
                done.append(shopping)
                if heard:
                    heard(shopping)

        try:
            async with asyncio.TaskGroup() as shoppers:
                for place in self.places:
                    shoppers.create_task(shop(place), name=f"shop at {place.post.device}")
        except BaseExceptionGroup as group:
            # The first says what went wrong; the rest were only sent home because of it.
            raise group.exceptions[0] from group
        return done


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a day in the store came to. Latencies in milliseconds from a code's last byte to the painted figures."""

    trips: int
    lines: int
    units: int
    scans: int
    rescans: int
    corrections: int
    skipped: int
    restarts: int
    unseen_ends: int
    scan_to_screen_ms: dict[str, float]

    @classmethod
    def of(cls, done: Sequence[Shopping], trips: Sequence[SampleTrip]) -> Report:
        """Sums up."""
        return cls(
            trips=len(done),
            lines=sum(len(trip.lines) for trip in trips),
            units=sum(one.units for one in done),
            scans=sum(one.scans for one in done),
            rescans=sum(one.rescans for one in done),
            corrections=sum(one.corrections for one in done),
            skipped=sum(len(one.skipped) for one in done),
            restarts=sum(one.restarts for one in done),
            unseen_ends=sum(one.trip is None for one in done),
            scan_to_screen_ms=quantiles([ms for one in done for ms in one.latencies_ms]),
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """`{"p50": ..., "p99": ...}` rounded to hundredths; zeros where there are no values."""
    if not values:
        return {"p50": 0.0, "p99": 0.0}
    if len(values) == 1:
        return {"p50": round(values[0], 2), "p99": round(values[0], 2)}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}


def _place(post: Post, command: Sequence[str], manner: Manner | None, seed: int, in_hand: Callable[[Reader], Reader]) -> Place:
    readers = [
        *(in_hand(SimulatedScanner(port, programmed)) for port, programmed in post.serial),
        *(in_hand(SimulatedWedge(path, habit)) for path, habit in post.wedges),
        *(in_hand(SimulatedHidPos(path, make=make)) for path, make in post.hidpos),
    ]
    terminal = SimulatedTerminal(command, name=post.device)
    return Place(post, terminal, tuple(readers), VirtualShopper(terminal, readers, manner=manner, seed=seed))


async def _open(place: Place, turn: asyncio.Semaphore) -> None:
    async with turn:
        await place.terminal.start()
        # Until it has painted something, its start still takes the processor.
        await place.terminal.wait_for(any, 60, "anything at all")
