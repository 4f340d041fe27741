"""A simulated payment terminal with somebody before it: orders come in by standard input, bookings are printed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from panier.money import format_minor
from panier_simulators.payment.book import Book, Booking
from panier_simulators.payment.manner import MANNERS
from panier_simulators.payment.server import SimulatedPaymentTerminal, Spoken

_ORDERS = f"A line is how the next payment goes: {', '.join(MANNERS)}; or: !off, !on, !charges, !quit."


async def attend(port: int, protocol: Spoken, file: Path | None) -> None:
    """Serves until told to quit."""
    book = Book.open(file) if file else Book()
    book.told = lambda booking: print(_spelled(booking), flush=True)
    async with SimulatedPaymentTerminal(protocol, port=port, book=book) as terminal:
        print(f"127.0.0.1:{terminal.port}: {protocol}. {_ORDERS}", file=sys.stderr, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = line.strip()
            match order:
                case "!quit":
                    return
                case "!off":
                    await terminal.switch_off()
                case "!on":
                    await terminal.switch_on()
                case "!charges":
                    print("\n".join(map(_spelled, book.charges)) or "none", flush=True)
                case _ if order in MANNERS:
                    terminal.manners.queue.append(order)
                case "":
                    pass
                case _:
                    print(f"no such order: {order}. {_ORDERS}", flush=True)
        # Nobody gives orders any more: it goes on serving, as a terminal does.
        await asyncio.Event().wait()


def _spelled(booking: Booking) -> str:
    what = f"taken back, of number {booking.takes_back:06d}" if booking.takes_back else "charged"
    reference = f", reference {booking.reference}" if booking.reference else ""
    return f"{what}: {format_minor(booking.amount, booking.currency)} {booking.currency}, number {booking.number:06d}{reference}"
