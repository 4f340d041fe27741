"""A handheld of the demo's premises: when it is ready, what its screen shows, and its trips at the back office."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.waiting import logged, until

from panier_simulators.demo.premises import Premises
from panier_simulators.fleet import is_ready
from panier_simulators.glance import Glance, read
from panier_simulators.screen import SimulatedTerminal


async def ready(terminal: SimulatedTerminal, settings: Path, *lines: str) -> None:
    """Waits for the newest prices and, which the screen does not show, for open `lines`: what is scanned before is not taken."""
    await terminal.wait_for(is_ready, 60, "the start screen with the newest prices")
    for line in lines:
        await logged(settings.with_suffix("") / "device.log", f"{line}_open")


async def see(terminal: SimulatedTerminal, holds: Callable[[Glance], bool], what: str) -> None:
    """Waits for figures on the screen."""
    await terminal.wait_for(lambda rows: holds(read(rows)), 20, what)


def on(words: str) -> Callable[[tuple[str, ...]], bool]:
    """True where a screen shows the words."""
    return lambda rows: any(words in row for row in rows)


async def received(premises: Premises, trip: str) -> dict[str, Any]:
    """The trip's receipt, as soon as the back office has it."""

    async def is_there() -> bool:
        return any(head["receipt"] == trip for head in await premises.get("/receipts", limit=10))

    await until(is_there, f"the receipt of {trip}", within=30)
    return await premises.get(f"/receipts/{trip}")
