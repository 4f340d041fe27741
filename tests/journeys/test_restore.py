"""The back office is put back to a backup: no receipt is missing, and the terminals sell at the prices that there are now."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from tests.journeys.handheld import little_shop, on, ready, see
from tests.waiting import until

from panier.catalogue import Product
from panier_simulators.demo.premises import Premises, open_premises
from panier_simulators.fleet import Post, device_command
from panier_simulators.glance import read
from panier_simulators.scanner import SimulatedScanner
from panier_simulators.screen import ENTER, SimulatedTerminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200), pytest.mark.xdist_group("demo")]

TEA = Product(sku="tea", gtins=("02000000000053",), name="Tea", unit_price=300)
_PRODUCT: TypeAdapter[Product] = TypeAdapter(Product)


async def test_what_the_back_office_forgot_is_handed_in_again_and_its_prices_hold(tmp_path: Path):
    async with open_premises(tmp_path, little_shop(TEA), 0, lambda _: None, with_handheld=True) as premises:
        assert premises.handheld is not None
        post = Post.read(premises.handheld)
        terminal = SimulatedTerminal(device_command(post.settings), name=post.device)
        with SimulatedScanner(*post.serial[0]) as scanner:
            await terminal.start()
            try:
                await ready(terminal, post.settings, "scanner")
                trips = [await buy(terminal, scanner)]
                await until(lambda: received(premises, trips), within=30)
                back_up(tmp_path)
                await sell_at(premises, 350)
                trips += await buy_until_it_costs(350, terminal, scanner)
                await until(lambda: received(premises, trips), within=30)

                await premises.backoffice.stop()
                restore(tmp_path)
                await premises.backoffice.start()
                assert await received(premises, trips[:1])
                assert not await received(premises, trips)

                # The first that a store delivers shows that the back office forgot the ones before.
                trips += await buy_until_it_costs(300, terminal, scanner)
                await until(lambda: received(premises, trips), within=30)
            finally:
                await terminal.stop()
        kinds = {incident["kind"] for incident in await premises.get("/incidents", limit=50)}
        (totals,) = await premises.get("/totals")
    assert totals["receipts"] == len(trips) == len(set(trips))
    assert kinds >= {"backoffice_forgot", "feed_replaced"}


def back_up(directory: Path) -> None:
    database, backup = directory / "backoffice.db", directory / "backup.db"
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)


def restore(directory: Path) -> None:
    for file in directory.glob("backoffice.db*"):
        file.unlink()
    (directory / "backup.db").rename(directory / "backoffice.db")


async def sell_at(premises: Premises, price: int) -> None:
    tea = _PRODUCT.dump_python(TEA, mode="json") | {"unit_price": price}
    await premises.post("/import", {"products": [tea]})


async def received(premises: Premises, trips: list[str]) -> bool:
    held: list[dict[str, Any]] = await premises.get("/receipts", limit=100)
    return {receipt["receipt"] for receipt in held} >= set(trips)


async def buy_until_it_costs(price: int, terminal: SimulatedTerminal, scanner: SimulatedScanner) -> list[str]:
    """New prices hold from the next trip on, once they have arrived."""
    trips = list[str]()
    async with asyncio.timeout(60):
        while True:
            trips.append(await buy(terminal, scanner))
            if read(terminal.rows).total == price:
                return trips


async def buy(terminal: SimulatedTerminal, scanner: SimulatedScanner) -> str:
    """Buys one packet; the trip's id. The farewell, with the total on it, stays."""
    if read(terminal.rows).is_end:
        terminal.send(ENTER)
        await see(terminal, lambda seen: seen.is_start, "the start screen")
    await asyncio.to_thread(scanner.scan, TEA.gtins[0][1:])
    await see(terminal, lambda seen: seen.units == 1, "one unit")
    terminal.send("f")
    await terminal.wait_for(on("Finish and pay"), 20, "the question")
    terminal.send("y")
    await see(terminal, lambda seen: seen.is_end and seen.trip is not None and seen.total is not None, "the farewell")
    trip = read(terminal.rows).trip
    assert trip is not None
    return trip
