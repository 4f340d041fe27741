"""Handhelds that keep the contract of the screen, without a device's software in them."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from panier_simulators.sample.shop import SampleLine, SampleTrip
from panier_simulators.scanner import SimulatedScanner
from panier_simulators.screen import SimulatedTerminal
from panier_simulators.shopper import Manner, VirtualShopper
from panier_simulators.wedge import SimulatedWedge

HANDHELD = Path(__file__).with_name("handheld.py")


@pytest.fixture
def manner() -> Manner:
    """Somebody in a great hurry, who looks at no offers."""
    return Manner(speed=400, patience=2.0, restart_patience=20, offers_chance=0)


@pytest.fixture
def basket() -> SampleTrip:
    """9 units of 4 products."""
    lines = (("995242", 1), ("1029743", 5), ("859075", 2), ("1133018", 1))
    return SampleTrip(
        basket=31,
        household=900,
        store=330,
        at=datetime(2017, 1, 1, tzinfo=UTC),
        lines=tuple(SampleLine(sku=sku, quantity=quantity) for sku, quantity in lines),
    )


@pytest.fixture
def price() -> Callable[[SampleTrip], int]:
    """What a basket costs at the test's handheld: the last three digits of each code, in cents."""
    return lambda trip: sum(int(line.code[-3:]) * line.quantity for line in trip.lines)


@pytest.fixture
def handheld(tmp_path: Path) -> Callable[..., tuple[str, ...]]:
    """The command of the test's handheld: `handheld("d1", "serial", path, "deaf=3")`."""

    def command(name: str, kind: str, path: Path, *faults: str) -> tuple[str, ...]:
        return (sys.executable, str(HANDHELD), name, str(tmp_path / f"{name}.journal"), kind, str(path), *faults)

    return command


@pytest.fixture
async def shopper_at(
    tmp_path: Path, handheld: Callable[..., tuple[str, ...]], manner: Manner
) -> AsyncIterator[Callable[..., Awaitable[VirtualShopper]]]:
    """Starts a handheld with these faults and puts a shopper before it: `await shopper_at("serial", "deaf=3")`."""
    async with AsyncExitStack() as stack:

        async def start(kind: str, *faults: str, manner: Manner = manner) -> VirtualShopper:
            path = tmp_path / kind
            reader = SimulatedScanner(path) if kind == "serial" else SimulatedWedge(path)
            stack.callback(reader.close)
            terminal = SimulatedTerminal(handheld("d1", kind, path, *faults), name="d1")
            stack.push_async_callback(terminal.stop)
            await terminal.start()
            return VirtualShopper(terminal, [reader], manner=manner, seed=2)

        yield start
