"""A till with a payment terminal: an agent and its checkout before a simulated terminal, and the proof that their books agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.device.conftest import Clock, Desk, open_desk
from tests.sending import events_in

from panier.trip import Trip, fold
from panier_device.checkout import Checkout
from panier_device.fitting import fit_payment_terminal
from panier_device.hardware import amiss
from panier_device.settings import PaymentSettings
from panier_simulators.payment.book import Book, Booking
from panier_simulators.payment.server import SimulatedPaymentTerminal, Spoken

CODE = "4711"
PROTOCOLS: tuple[Spoken, ...] = ("tcp", "zvt")


class Till:
    """A desk with a checkout that runs, and a shopper before it."""

    def __init__(self, desk: Desk, port: int, protocol: Spoken, **more: object) -> None:
        timing = {"answer_s": 2.0, "patience_s": 2.0, "again_s": 0.02, "staff_after_s": 60.0, "give_up_s": 120.0} | more
        self.desk = desk
        self.settings = PaymentSettings.model_validate(
            {"protocol": protocol, "host": "127.0.0.1", "port": port, "staff_code": CODE} | timing
        )
        self.terminal = fit_payment_terminal(self.settings)
        self.checkout = Checkout(desk.agent, self.terminal, self.settings, desk.tally)
        desk.agent.charge = self.checkout.begin
        self._changed = asyncio.Event()
        desk.agent.show = self._changed.set
        desk.agent.restore()
        self.task = asyncio.create_task(self.checkout.run())

    def scan(self, code: str) -> None:
        self.desk.scan(code)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not holds():
                assert not self.task.done(), self.task
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self._changed.wait()

    @property
    def said(self) -> str | None:
        return self.desk.said

    @property
    def stage(self) -> str | None:
        paying = self.desk.agent.now.paying
        return paying and paying.stage

    @property
    def is_silent(self) -> bool:
        paying = self.desk.agent.now.paying
        return paying is not None and paying.is_silent

    @property
    def staff_read(self) -> str:
        """What stands on the terminal's row of the monitor."""
        return amiss((), payment=self.terminal.trouble)

    @property
    def tender(self) -> str | None:
        farewell = self.desk.agent.now.farewell
        return farewell and farewell.tender

    async def pay(self) -> None:
        """Finishes, and waits until the payment is over."""
        self.desk.agent.finish()
        await self.until(lambda: self.desk.agent.now.paying is None)

    async def fall_into_doubt(self, terminal: SimulatedPaymentTerminal, code: str) -> None:
        """Finishes a trip whose money is booked at the terminal, which is off before it says so; its manner is `answer_lost`."""
        self.scan(code)
        self.desk.agent.finish()
        await self.until(lambda: made(terminal.book))
        await terminal.switch_off()
        await self.until(lambda: self.stage == "checking")

    async def die(self) -> None:
        """What a kill -9 leaves: sockets closed by the kernel, and what is on the disk."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        self.desk.close()


@asynccontextmanager
async def till(directory: Path, sim: SimulatedPaymentTerminal | int, protocol: Spoken, **more: object) -> AsyncIterator[Till]:
    port = sim if isinstance(sim, int) else sim.port
    opened = Till(open_desk(directory, Clock()), port, protocol, **more)
    try:
        yield opened
    finally:
        await opened.die()


def trips(journal_directory: Path) -> list[Trip]:
    """Every trip of the journal, folded."""
    desk = open_desk(journal_directory)
    events = events_in(desk.journal)
    desk.close()
    names = dict.fromkeys(event.trip for event in events)
    return [fold(event for event in events if event.trip == name) for name in names]


EARLIER = "of another till"


def used_book() -> Book:
    """The book of a terminal that has been in use before."""
    book = Book()
    book.charge(1240, "USD", EARLIER)
    return book


def made(book: Book) -> list[Booking]:
    """The charges of this till that stand."""
    return [charge for charge in book.charges if charge.reference != EARLIER]


def proved(directory: Path, book: Book) -> list[Trip]:
    """The trips; after proving that the terminal's ledger and the trips that are paid for say the same to the cent."""
    held = trips(directory)
    for trip in held:
        if trip.finished is not None:
            assert trip.payment is not None
            assert trip.payment.ended is not None
            assert trip.payment.ended.outcome != "declined", "finished unpaid"
    charges = made(book)
    paid = [trip.payment for trip in held if trip.payment and trip.payment.ended and trip.payment.ended.outcome == "approved"]
    assert sorted(payment.begun.amount for payment in paid) == sorted(charge.amount for charge in charges)
    assert sorted(payment.ended.trace for payment in paid if payment.ended) == [f"{one.number:06d}" for one in charges]
    named = [charge.reference for charge in charges if charge.reference]
    assert len(named) == len(set(named)), "a reference was charged twice"
    return held
