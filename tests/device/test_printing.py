"""From the end of a trip to the paper, through a simulated printer on a real wire: never lost, never twice in silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import zxingcpp
from tests.device.conftest import BEANS, CARD, MILK, Desk, open_desk
from tests.waiting import let_time_pass, until

from panier_device.driver.escpos_printer import EscposPrinter
from panier_device.driver.printer_profile import load_printer
from panier_device.driver.printer_wire import open_file, open_serial
from panier_device.hardware import amiss
from panier_device.printing import Press, PrinterState
from panier_device.screen.dialogue import SHOPPING, Wish, press
from panier_device.screen.paint import paint
from panier_device.screen.view import Link, look
from panier_device.screen.word import ENGLISH
from panier_io.firmware import firmware_config
from panier_simulators.printer.device import CLEAN, Line, SimulatedPrinter
from panier_simulators.printer.paper import Row, sheets
from panier_simulators.printer.picture import draw

PROFILE = load_printer("epson-tm-t88", firmware_config() / "printers")
LINES = {
    "whole": CLEAN, "one byte at a time": Line(at_once=1), "delayed": Line(delay=0.01), "lossy": Line(lost=0.02),
    "doubled": Line(doubled=0.5),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("panier_device.printing._AGAIN", 0.05)


@asynccontextmanager
async def at_work(desk: Desk, machine: SimulatedPrinter, **options: float) -> AsyncIterator[Press]:
    async def opener():
        return open_serial(str(machine.link), 9600, "none")

    async with printing(desk, EscposPrinter("printer0", PROFILE, opener, **options)) as running:
        yield running


@asynccontextmanager
async def printing(desk: Desk, printer: EscposPrinter) -> AsyncIterator[Press]:
    running = Press(printer, desk.journal, desk.tally, fingerprint=lambda: desk.shop.held.fingerprint)
    desk.agent.receipt = running.slip_of
    task = asyncio.create_task(running.run())
    try:
        yield running
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def shop(desk: Desk, *codes: str) -> str:
    """A trip from the first scan to the end; its id."""
    for code in codes:
        desk.scan(code)
    desk.agent.finish()
    assert desk.agent.now.farewell is not None
    return desk.agent.now.farewell.trip


def receipts(machine: SimulatedPrinter) -> list[list[str]]:
    """The rows of each piece of paper that was cut off."""
    return [[item.text for item in sheet if isinstance(item, Row)] for sheet in sheets(machine.items)[:-1]]


def screen(desk: Desk, running: Press) -> str:
    view = look(desk.agent.now, Link(online=True, printer=running.state), ENGLISH)
    return "\n".join("".join(text for text, _ in row).rstrip() for row in paint(view, SHOPPING, ENGLISH, 40, 24, "USD").rows)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
async def test_a_finished_trip_is_on_paper_once_whatever_the_wire_does(desk: Desk, tmp_path: Path, line: Line):
    with SimulatedPrinter(tmp_path / "printer0", line=line, seed=5) as machine:
        # Each lost answer costs as long; where none is lost, a busy machine may be slow with it.
        async with at_work(desk, machine, answer_s=0.5 if line.lost else 20) as running:
            trip = shop(desk, CARD, BEANS, BEANS, MILK)
            await until(lambda: running.state.printed == trip)
        originals = [rows for rows in receipts(machine) if rows[0] != "COPY"]
        assert len(originals) == 1
        told = [" ".join(row.split()) for row in originals[0] if row]
        assert told[1:] == [
            "Espresso beans 1 kg 2 x 12.40 24.80", "saved -2.80", "Oat milk 1 l 1.79", "saved -0.18", "-" * 42, "3 items",
            "TOTAL USD 23.61", *told[8:10], "you saved in all 2.98", "card *********0179", trip,
        ]  # fmt: skip
        assert set(told[8:10]) == {"you saved: 2 for 22.00 2.80", "you saved: member price 0.18"}
        assert not any(CARD in row for row in told)
        assert desk.journal.slips() == []
        read = zxingcpp.read_barcodes(draw(machine.items, machine.dots))
        assert {code.text for code in read} == {trip}
        assert machine.ignored == 0


async def test_without_paper_staff_are_called_the_next_shopper_begins_and_both_receipts_follow(desk: Desk, tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        machine.paper("out")
        async with at_work(desk, machine) as running:
            first = shop(desk, MILK)
            await until(lambda: running.state.fault == "paper_out")
            assert "Paper is out: staff were called." in screen(desk, running)
            assert amiss((), None, running.state) == "receipt paper is out; 1 to print"
            desk.agent.dismiss()
            assert "No paper now: receipts come later" in screen(desk, running)
            second = shop(desk, BEANS)
            assert receipts(machine) == []
            machine.paper("enough")
            await until(lambda: running.state.printed == second)
            assert "Please take your receipt." in screen(desk, running)
        printed = receipts(machine)
        assert [rows[-1] for rows in printed] == [first, second]
        assert not any("COPY" in rows for rows in printed)
        assert amiss((), None, running.state) == ""


async def test_paper_that_runs_out_in_the_middle_is_no_copy(desk: Desk, tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        machine.rows_left = 4
        async with at_work(desk, machine) as running:
            trip = shop(desk, MILK, BEANS)
            await until(lambda: running.state.fault == "paper_out")
            machine.paper("enough")
            await until(lambda: running.state.printed == trip)
        assert len(receipts(machine)) == 1
        assert "COPY" not in machine.text().replace(" ", "")


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
async def test_a_printer_that_is_pulled_out_in_the_middle_prints_the_whole_again_as_a_copy(
    desk: Desk, tmp_path: Path, share: float
):
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        async with at_work(desk, machine) as running:
            await until(lambda: machine.questions >= 4)
            machine.unplugs_after = 16 + int(400 * share)
            trip = shop(desk, MILK, BEANS)
            await until(lambda: running.state.fault == "gone")
            assert "Printer gone: staff were called." in screen(desk, running)
            machine.plug()
            await until(lambda: running.state.printed == trip)
        *_, last = receipts(machine)
        assert "COPY" in last
        assert last[-1] == trip


async def test_a_crash_while_printing_ends_in_a_copy_after_the_restart_and_one_before_it_does_not(tmp_path: Path):
    before = open_desk(tmp_path)
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        async with at_work(before, machine):
            pass
        begun, untouched = shop(before, MILK), shop(before, BEANS)
        before.journal.begin_slip(begun)
        before.journal.close()
        after = open_desk(tmp_path)
        async with at_work(after, machine) as running:
            assert running.state.pending == {begun, untouched}
            await until(lambda: not running.state.pending)
        first, second = receipts(machine)
        assert (first[0], first[-1]) == ("COPY", begun)
        assert ("COPY" in second, second[-1]) == (False, untouched)


async def test_r_on_the_last_screen_prints_a_copy_and_any_other_key_goes_on(desk: Desk, tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        async with at_work(desk, machine) as running:
            trip = shop(desk, MILK)
            await until(lambda: running.state.printed == trip)
            view = look(desk.agent.now, Link(printer=running.state), ENGLISH)
            assert press(SHOPPING, "r", "r", view) == (SHOPPING, Wish("print_again"))
            assert press(SHOPPING, "x", "x", view) == (SHOPPING, Wish("dismiss"))
            assert screen(desk, running).splitlines()[-1].split() == ["r", "Receipt", "again", "any", "key", "Next", "shopper"]
            running.print_again()
            assert press(SHOPPING, "r", "r", look(desk.agent.now, Link(printer=running.state), ENGLISH))[1] == Wish("dismiss")
            await until(lambda: running.state.printed == trip)
        original, copy = receipts(machine)
        assert copy == ["COPY", *original]


async def test_a_printer_that_never_says_that_it_printed_is_given_up_after_a_copy_and_staff_are_told(desk: Desk, tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0", line=Line(mute_in_turn=True)) as machine:
        async with at_work(desk, machine, finish_s=0.3) as running:
            shop(desk, MILK)
            await until(lambda: running.state.is_unsure)
        assert [rows[0] == "COPY" for rows in receipts(machine)] == [False, True]
        assert amiss((), None, running.state) == "a receipt may not be whole"


async def test_a_disk_that_refuses_before_the_first_byte_prints_nothing_and_later_no_copy(desk: Desk, tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        machine.paper("out")
        async with at_work(desk, machine) as running:
            trip = shop(desk, MILK)
            await until(lambda: running.state.fault == "paper_out")
            with refused(desk, "UPDATE"):
                machine.paper("enough")
                await until(lambda: running.state.fault is None)
                await asked_again(machine)
                assert receipts(machine) == []
            await until(lambda: running.state.printed == trip)
        assert [rows[-1] for rows in receipts(machine)] == [trip]
        assert "COPY" not in receipts(machine)[0]


async def test_what_is_on_the_paper_stays_printed_once_though_the_disk_does_not_let_it_go(desk: Desk, tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        async with at_work(desk, machine) as running:
            with refused(desk, "DELETE") as refusals:
                first = shop(desk, MILK)
                await until(lambda: running.state.printed == first)
                second, before = shop(desk, BEANS), len(refusals)
                await until(lambda: len(refusals) > before)
            await until(lambda: running.state.printed == second)
        printed = receipts(machine)
        assert [rows[-1] for rows in printed] == [first, second]
        assert not any("COPY" in rows for rows in printed)
        assert desk.journal.slips() == []


async def test_a_copy_that_the_disk_refuses_may_be_asked_for_again(desk: Desk, tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        async with at_work(desk, machine) as running:
            trip = shop(desk, MILK)
            await until(lambda: running.state.printed == trip)
            with refused(desk, "INSERT"):
                running.print_again()
                assert running.state.printed == trip
                assert "This device cannot save any more." in screen(desk, running)
                assert screen(desk, running).splitlines()[-1].split()[:3] == ["r", "Receipt", "again"]
                view = look(desk.agent.now, Link(printer=running.state), ENGLISH)
                assert press(SHOPPING, "r", "r", view) == (SHOPPING, Wish("print_again"))
            running.print_again()
            assert "cannot save" not in screen(desk, running)
            await until(lambda: len(receipts(machine)) == 2)


@contextmanager
def refused(desk: Desk, what: str) -> Iterator[list[str]]:
    """SQLite refuses to write this to what is to be printed, as it does on a full disk; gives what it refused so far."""
    refusals: list[str] = []
    desk.journal._conn.create_function("noted", 0, lambda: refusals.append(what))
    refusal = f"BEFORE {what} ON slip BEGIN SELECT noted(); SELECT RAISE(FAIL, 'database or disk is full'); END"
    desk.journal._conn.execute(f"CREATE TEMP TRIGGER refused {refusal}")
    yield refusals
    desk.journal._conn.execute("DROP TRIGGER refused")


async def asked_again(machine: SimulatedPrinter) -> None:
    """The printer was looked at twice more: whatever was to be done after the first look was done."""
    seen = machine.questions
    await until(lambda: machine.questions >= seen + 8)


async def test_a_printer_that_takes_nothing_is_left_in_peace_and_staff_are_told(desk: Desk):
    async def opener():
        return open_file("/dev/full")

    async with printing(desk, EscposPrinter("lp0", PROFILE.model_copy(update={"answers": False}), opener)) as running:
        shop(desk, MILK)
        await until(lambda: desk.journal.slips()[0][2] == 2)
        await let_time_pass(0.3)
        assert desk.journal.slips()[0][2] == 2
        assert amiss((), None, running.state) == "receipt printer away; 1 to print"


async def test_near_the_end_of_the_paper_only_staff_hear_of_it(desk: Desk, tmp_path: Path):
    with SimulatedPrinter(tmp_path / "printer0") as machine:
        machine.paper("near")
        async with at_work(desk, machine) as running:
            trip = shop(desk, MILK)
            await until(lambda: running.state.printed == trip)
            assert amiss((), None, running.state) == "receipt paper ends soon"
            assert "Please take your receipt." in screen(desk, running)


def test_a_terminal_without_a_printer_keeps_nothing_to_print(desk: Desk):
    shop(desk, MILK)
    assert desk.journal.slips() == []
    view = look(desk.agent.now, Link(), ENGLISH)
    assert view.receipt is None
    assert press(SHOPPING, "r", "r", view)[1] == Wish("dismiss")


def test_what_staff_should_see_to_comes_most_urgent_first():
    state = PrinterState(fault="cover_open", is_near_end=True, is_unsure=True, pending=frozenset({"a", "b"}))
    told = "receipt printer is open; receipt paper ends soon; a receipt may not be whole; 2 to print"
    assert amiss((), None, state) == told
