"""A little shop, and its handheld: when it is ready, what its screen shows, and its trips at the back office."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.waiting import logged, until

from panier.catalogue import Product
from panier_simulators.demo.premises import Premises
from panier_simulators.fleet import is_ready
from panier_simulators.glance import Glance, read
from panier_simulators.sample.shop import SampleShop
from panier_simulators.screen import SimulatedTerminal


def little_shop(*products: Product, coupons: Sequence[Mapping[str, Any]] = ()) -> SampleShop:
    """A sample of a few products, and of coupons."""
    shop = SimpleNamespace(
        manifest=SimpleNamespace(rows={"products": len(products), "members": 0}),
        products=lambda: iter(products),
        members=lambda: iter(()),
        promotions=lambda: iter(()),
        coupons=lambda: iter(coupons),
        campaigns_on=lambda _: [],
    )
    return cast(SampleShop, shop)


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
