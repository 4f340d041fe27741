"""`panier device` as a process of its own with a payment terminal, killed with the amount out and the answer not in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.device.conftest import BEANS, MILK
from tests.device.paying import proved
from tests.device.test_process import Handheld
from tests.waiting import until

from panier_simulators.payment.server import SimulatedPaymentTerminal, Spoken
from panier_simulators.payment.wire import Transport
from panier_simulators.payment.zvt import CARD


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture(params=["tcp", "zvt"])
async def paying(
    request: pytest.FixtureRequest, tmp_path: Path, transport: Transport
) -> AsyncIterator[tuple[Handheld, SimulatedPaymentTerminal]]:
    spoken: Spoken = request.param
    handheld = Handheld(tmp_path)
    async with SimulatedPaymentTerminal(spoken, transport=transport) as terminal:
        block = (
            f'[payment]\nprotocol = "{spoken}"\nhost = "127.0.0.1"\nport = {terminal.port}\nstaff_code = "4711"\nagain_s = 0.2\n'
        )
        handheld.settings.write_text(handheld.settings.read_text() + block)
        await handheld.begin()
        yield handheld, terminal
        await handheld.terminal.stop()
        handheld.scanner.close()


async def test_a_payment_survives_kill_9_between_the_amount_and_the_answer(
    paying: tuple[Handheld, SimulatedPaymentTerminal], transport: Transport, tmp_path: Path
) -> None:
    handheld, terminal = paying
    terminal.manners.queue.extend(["approve", "silent"])
    for code, total in ((MILK, "1.79"), (BEANS, "12.40")):
        await handheld.scan(code)
        await handheld.see("1 item", f"TOTAL  {total}")
        handheld.terminal.send("f")
        await handheld.see(f"Finish and pay {total}?")
        handheld.terminal.send("y")
        if code == MILK:
            await handheld.see("Thank you", "Paid by card.")
    await handheld.see("Please pay at the terminal.", "TOTAL  12.40")
    # Not before: a ZVT terminal takes back what the till was killed before it acknowledged.
    await until(lambda: transport.is_silent)
    assert len(terminal.book.charges) == 2
    handheld.terminal.kill()
    await handheld.see("Thank you", "Paid by card.", "12.40")
    await handheld.terminal.stop()
    assert [trip.finished is not None for trip in proved(tmp_path, terminal.book)] == [True, True]
    assert CARD.encode() not in b"".join((tmp_path / name).read_bytes() for name in ("device.log", "journal.db"))


async def test_staff_decide_at_the_screen(paying: tuple[Handheld, SimulatedPaymentTerminal], transport: Transport) -> None:
    handheld, terminal = paying
    terminal.manners.queue.append("silent")
    await handheld.scan(BEANS)
    await handheld.see("1 item")
    handheld.terminal.send("f")
    await handheld.see("Finish and pay 12.40?")
    handheld.terminal.send("y")
    await handheld.see("Please pay at the terminal.")
    await until(lambda: transport.is_silent)
    await terminal.switch_off()
    await handheld.see("Checking with the terminal.", "Please do not pay twice.", "Staff code")
    handheld.terminal.send("4711")
    await handheld.see("••••")
    handheld.terminal.send("\r")
    await handheld.see("Was this paid?", "Not paid")
    handheld.terminal.send("p")
    await handheld.see("Thank you", "Paid by card.")
