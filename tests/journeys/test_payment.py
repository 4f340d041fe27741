"""Days of paying at the terminal, with everything going wrong by dice: the terminal's ledger equals the receipts to the cent."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.device.conftest import BEANS, BREAD, MILK, PROMOTIONS
from tests.device.paying import CODE, Till, made, proved, till, used_book

from panier.receipt import Receipt, form_receipt
from panier.slip import slip
from panier.till import compile_definitions, price_trip
from panier.trip import Trip
from panier_simulators.payment.book import Book
from panier_simulators.payment.manner import Manners
from panier_simulators.payment.server import SimulatedPaymentTerminal, Spoken
from panier_simulators.payment.wire import Transport

SHOPPERS = 10
SEED = 20261128
TRANSPORTS = {
    "whole": {},
    "bytes": {"split": "bytes"},
    "delayed": {"split": "random", "delay_s": 0.003},
    "lossy": {"split": "random", "cut": 0.12},
    "duplicated": {"repeat": 0.3},
}
CASES = [("tcp", name) for name in TRANSPORTS] + [("zvt", name) for name in TRANSPORTS if name != "duplicated"]
"""TCP repeats nothing by itself, and ZVT answers each command once: only a program of one's own may say a line twice."""


class Day:
    """A till whose device and terminal die now and then, and its shoppers."""

    def __init__(self, directory: Path, terminal: SimulatedPaymentTerminal, protocol: Spoken, dice: random.Random) -> None:
        self.directory, self.terminal, self.protocol, self.dice = directory, terminal, protocol, dice
        self.ended = 0

    async def run(self) -> None:
        while self.ended < SHOPPERS:
            async with till(self.directory, self.terminal, self.protocol, patience_s=0.4, answer_s=0.4) as at:
                shopping = asyncio.create_task(self._serve(at))
                # A device that lives a moment or a while; then its power is cut, wherever it is.
                await asyncio.wait({shopping}, timeout=self.dice.choice([0.05, 0.1, 0.3, 20, 20]))
                shopping.cancel()
                await asyncio.gather(shopping, return_exceptions=True)
                if not shopping.cancelled() and (failure := shopping.exception()):
                    raise failure
            if self.dice.random() < 0.3:
                await self.terminal.switch_off()
                await self.terminal.switch_on()

    async def _serve(self, at: Till) -> None:
        agent = at.desk.agent
        while self.ended < SHOPPERS:
            await at.until(lambda: agent.now.paying is None)
            if agent.now.trip is None:
                for code in self.dice.choices([BEANS, BREAD, MILK], k=self.dice.randint(1, 4)):
                    at.scan(code)
            agent.finish()
            if self.dice.random() < 0.15:
                at.checkout.cancel()
            await at.until(lambda: agent.now.paying is None)
            self.ended += agent.now.trip is None


def receipts(trips: list[Trip]) -> Iterator[Receipt]:
    shelf, _ = compile_definitions(PROMOTIONS, "USD")
    for trip in trips:
        if trip.finished is not None:
            device, journal, _ = trip.trip.split(".")
            yield form_receipt(trip, price_trip(trip, shelf), "0" * 64, device, journal)


@pytest.mark.parametrize(("protocol", "transport"), CASES)
async def test_the_terminals_ledger_equals_the_receipts_to_the_cent(tmp_path: Path, protocol: Spoken, transport: str) -> None:
    dice = random.Random(f"{SEED}{protocol}{transport}")
    book, manners = used_book(), Manners(trouble=0.5, seed=SEED)
    travels = Transport(seed=SEED, **TRANSPORTS[transport])
    async with SimulatedPaymentTerminal(protocol, book=book, manners=manners, transport=travels) as terminal:
        await Day(tmp_path, terminal, protocol, dice).run()
    formed = list(receipts(proved(tmp_path, book)))
    assert len(formed) >= SHOPPERS
    paid = {tender.trace: tender.amount for receipt in formed for tender in receipt.tenders}
    assert paid == {f"{charge.number:06d}": charge.amount for charge in made(book)}
    assert [receipt.total for receipt in formed] == [receipt.device_total for receipt in formed]
    assert sum(receipt.total for receipt in formed) == sum(charge.amount for charge in made(book))
    assert all("paid by card" in slip(receipt) for receipt in formed)


async def test_a_terminal_that_restarts_remembers_every_reference(tmp_path: Path) -> None:
    file = tmp_path / "book.json"
    async with SimulatedPaymentTerminal("tcp", book=file) as terminal:
        terminal.manners.queue.append("answer_lost")
        async with till(tmp_path, terminal, "tcp") as at:
            at.scan(BEANS)
            at.desk.agent.finish()
            await at.until(lambda: made(terminal.book))
        port = terminal.port
    async with SimulatedPaymentTerminal("tcp", port=port, book=file) as terminal, till(tmp_path, terminal, "tcp") as at:
        await at.until(lambda: at.tender == "approved")
    proved(tmp_path, Book.open(file))
    assert len(Book.open(file).charges) == 1
    assert CODE not in file.read_text()
