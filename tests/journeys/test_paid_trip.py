"""Paid trips through the whole store, every process real, with scale, printer and payment terminal at the handheld: one truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.handheld import little_shop, on, ready, received, see
from tests.waiting import until

from panier.catalogue import Product
from panier_simulators.demo.premises import Premises, open_premises
from panier_simulators.fleet import Post, device_command
from panier_simulators.glance import read
from panier_simulators.payment.book import Book
from panier_simulators.payment.manner import Manner
from panier_simulators.payment.server import SimulatedPaymentTerminal, Spoken
from panier_simulators.printer.device import SimulatedPrinter
from panier_simulators.sample.label import weight_number
from panier_simulators.scale import SimulatedScale
from panier_simulators.scanner import SimulatedScanner
from panier_simulators.screen import ENTER, SimulatedTerminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("demo")]

COLA = "2000000000053"
FIGS = Product(sku="figs", gtins=(weight_number(4),), name="Figs", unit_price=399, unit="kg", tax_rate="5.5", tare=45)
BOTTLE = Product(sku="cola", gtins=(f"0{COLA}",), name="Cola 1 l", unit_price=150, deposit=25, tax_rate="20")
TOTAL = 200 + 150 + 25
"""Half a kilogram of figs net, a bottle, and its deposit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A store whose handheld has everything plugged in, and what stands around it."""

    premises: Premises
    handheld: SimulatedTerminal
    scanner: SimulatedScanner
    scale: SimulatedScale
    printer: SimulatedPrinter
    payment: SimulatedPaymentTerminal

    async def fill(self) -> None:
        """One basket, up to the total on the screen."""
        await asyncio.to_thread(self.scanner.scan, FIGS.gtins[0])
        await self.handheld.wait_for(on("Put it on the scale."), 30, "the question for the weight")
        self.scale.put(545)
        await see(self.handheld, lambda seen: (seen.units, seen.total) == (1, 200), "the figs")
        empties = self.scale.empties
        self.scale.take()
        # Nobody puts the next bag on within the fifth of a second between two looks of the till: it must see the scale empty.
        await until(lambda: self.scale.empties > empties)
        await asyncio.to_thread(self.scanner.scan, COLA)
        await see(self.handheld, lambda seen: (seen.units, seen.total) == (2, TOTAL), "the bottle")

    async def finish(self, *manners: Manner) -> None:
        """The shopper wants to pay; the payment terminal behaves so at its next payments."""
        self.payment.manners.queue.extend(manners)
        self.handheld.send("f")
        await self.handheld.wait_for(on("Finish and pay"), 30, "the last question")
        self.handheld.send("y")

    async def farewell(self) -> str:
        """The trip's id, off the last screen, which says that it is paid."""
        await self.handheld.wait_for(on("Paid by card."), 60, "the word that it is paid")
        await see(self.handheld, lambda seen: seen.is_end and seen.trip is not None, "the farewell")
        trip = read(self.handheld.rows).trip
        assert trip is not None
        return trip

    async def printed(self, trip: str) -> None:
        """Waits for the receipt's end on the paper."""
        await asyncio.to_thread(self.printer.wait_for, lambda _: trip in rows(self.printer), 60, f"the receipt of {trip}")


@asynccontextmanager
async def open_checkout(directory: Path, protocol: Spoken, book: Book) -> AsyncGenerator[Checkout]:
    async with (
        open_premises(directory, little_shop(FIGS, BOTTLE), 0, lambda _: None, with_handheld=True) as premises,
        SimulatedPaymentTerminal(protocol, book=book) as payment,
    ):
        assert premises.handheld is not None
        assert premises.scale is not None
        printer0 = directory / "printer0"
        plugged = f'[printer]\nport = "{printer0}"\nprofile = "epson-tm-t88"\n[payment]\nprotocol = "{protocol}"\n'
        plugged += f'host = "127.0.0.1"\nport = {payment.port}\nagain_s = 0.2\n'
        premises.handheld.write_text(premises.handheld.read_text() + plugged)
        post = Post.read(premises.handheld)
        handheld = SimulatedTerminal(device_command(post.settings), name=post.device)
        with (
            SimulatedScanner(*post.serial[0]) as scanner,
            SimulatedScale(premises.scale, settle=0.1) as scale,
            SimulatedPrinter(printer0) as printer,
        ):
            await handheld.start()
            try:
                await ready(handheld, post.settings, "scanner", "scale")
                yield Checkout(
                    premises=premises, handheld=handheld, scanner=scanner, scale=scale, printer=printer, payment=payment
                )
            finally:
                await handheld.stop()


def rows(printer: SimulatedPrinter) -> list[str]:
    """The paper, row by row."""
    return [row.strip() for row in printer.text().splitlines()]


async def proved(at: Checkout, trips: list[str]) -> None:
    """Back office, the payment terminal's ledger and the paper say the same: each trip once, with what paid it, to the cent."""
    receipts = [await received(at.premises, trip) for trip in trips]
    heads: list[dict[str, Any]] = await at.premises.get("/receipts", limit=100)
    assert sorted(head["receipt"] for head in heads) == sorted(trips)
    paid: list[dict[str, Any]] = []
    for receipt in receipts:
        assert (receipt["total"], receipt["device_total"], receipt["deposit"]) == (TOTAL, TOTAL, 25)
        assert [(bag["grams"], bag["tare"]) for line in receipt["lines"] for bag in line["weighings"]] == [(545, 45)]
        (tender,) = receipt["tenders"]
        assert (tender["outcome"], tender["decided_by"]) == ("approved", "terminal")
        paid.append(tender)
    charges = at.payment.book.charges
    assert sorted((one["trace"], one["amount"]) for one in paid) == [(f"{one.number:06d}", one.amount) for one in charges]
    paper = rows(at.printer)
    assert [row for row in paper if row in trips] == trips
    spent = [row.rpartition(" ")[0].rstrip() for row in paper if row.startswith("paid by card")]
    assert spent == [f"paid by card {tender['terminal']} {tender['trace']}" for tender in paid]
    assert "COPY" not in " ".join(paper)
    assert await at.premises.get("/incidents", limit=10) == []


def used_book() -> Book:
    """A terminal that never booked anything is believed nothing (ZVT): this one has, and gave it back."""
    book = Book()
    book.take_back(book.charge(1, "USD"))
    return book


@pytest.mark.parametrize("protocol", ["tcp", "zvt"])
async def test_what_was_paid_is_in_the_back_office_once_and_equals_the_terminals_ledger(tmp_path: Path, protocol: Spoken):
    async with open_checkout(tmp_path, protocol, used_book()) as at:
        trips: list[str] = []
        for manner in ("approve", "decline", "answer_lost"):
            await at.fill()
            await at.finish(manner)
            if manner == "decline":
                await at.handheld.wait_for(on("The payment was declined."), 30, "the refusal")
                await at.finish("approve")
            trips.append(await at.farewell())
            await at.printed(trips[-1])
            at.handheld.send(ENTER)
            await see(at.handheld, lambda seen: seen.is_start, "the start screen")
        await proved(at, trips)


async def test_a_device_killed_between_authorisation_and_receipt_prints_and_reports_the_paid_trip_once(tmp_path: Path):
    async with open_checkout(tmp_path, "tcp", used_book()) as at:
        at.printer.paper("out")
        await at.fill()
        await at.finish("silent")
        await until(lambda: at.payment.book.charges, within=30)
        # The money has moved, and nobody told the device.
        at.handheld.kill()
        trip = await at.farewell()
        await at.handheld.wait_for(on("Paper is out"), 30, "the word on the paper")
        # Paid and on the disk; not on paper, and the next shopper's screen comes with the restart.
        at.handheld.kill()
        await until(lambda: at.handheld.restarts >= 2, within=60)
        await see(at.handheld, lambda seen: seen.is_start, "the start screen")
        at.printer.paper("enough")
        await at.printed(trip)
        await proved(at, [trip])
