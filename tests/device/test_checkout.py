"""Paying at the terminal, against simulated terminals on real sockets: never charged twice, never finished unpaid, never lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.device.conftest import BEANS, BREAD, MILK, changes, open_desk, whole
from tests.device.paying import CODE, PROTOCOLS, made, proved, till, trips, used_book
from tests.sending import events_in
from tests.waiting import let_time_pass

from panier.message import LeaseMessage
from panier.payment import PaymentBegun, PaymentEnded
from panier_device.payment.line import LineProtocol
from panier_device.payment.port import Charge, NotReady
from panier_device.payment.wire import TcpPaymentTerminal
from panier_device.payment.zvt import ZvtProtocol, ZvtTerms
from panier_simulators.payment.manner import Manner
from panier_simulators.payment.server import SimulatedPaymentTerminal, Spoken
from panier_simulators.payment.zvt import CARD as PAN


@pytest.fixture(params=PROTOCOLS)
async def sim(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Spoken, SimulatedPaymentTerminal]]:
    async with SimulatedPaymentTerminal(request.param, book=used_book()) as terminal:
        yield request.param, terminal


Sim = tuple[Spoken, SimulatedPaymentTerminal]


async def test_an_approved_payment_ends_the_trip_in_one_transaction(sim: Sim, tmp_path: Path) -> None:
    protocol, terminal = sim
    async with till(tmp_path, terminal, protocol) as at:
        at.scan(BEANS)
        await at.pay()
        assert at.tender == "approved"
        assert at.desk.kinds == ["trip_started", "item_added", "payment_begun", "payment_ended", "trip_finished"]
        begun, ended = (event.what for event in events_in(at.desk.journal, 2)[:2])
        assert isinstance(begun, PaymentBegun)
        assert isinstance(ended, PaymentEnded)
        assert begun.reference == f"hand-1.{at.desk.journal.id}.3"
        assert (begun.amount, begun.units, ended.reference) == (1240, 1, begun.reference)
    proved(tmp_path, terminal.book)


@pytest.mark.parametrize(("manner", "says"), [("decline", "payment_declined"), ("busy", "payment_busy")])
async def test_a_declined_payment_leads_back_to_the_basket_and_may_be_tried_again(
    sim: Sim, tmp_path: Path, manner: Manner, says: str
) -> None:
    protocol, terminal = sim
    terminal.manners.queue.append(manner)
    async with till(tmp_path, terminal, protocol) as at:
        at.scan(BEANS)
        await at.pay()
        assert at.said == says
        assert made(terminal.book) == []
        at.scan(BREAD)
        assert at.said is None
        await at.pay()
        assert at.tender == "approved"
    assert proved(tmp_path, terminal.book)[0].units == 2


async def test_without_anybody_at_the_other_end_nothing_is_begun(tmp_path: Path) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal:
        port = terminal.port
    async with till(tmp_path, port, "tcp") as at:
        at.scan(BEANS)
        await at.pay()
        assert at.said == "payment_not_ready"
        assert at.desk.kinds == ["trip_started", "item_added"]


@pytest.mark.parametrize("manner", ["slow", "lost_before", "lost_after", "answer_lost", "ack_lost", "garbage", "half", "silent"])
async def test_whatever_happens_on_the_line_the_payment_is_made_once_or_not_at_all(
    sim: Sim, tmp_path: Path, manner: Manner
) -> None:
    protocol, terminal = sim
    terminal.manners.queue.append(manner)
    async with till(tmp_path, terminal, protocol, patience_s=0.5) as at:
        at.scan(BEANS)
        await at.pay()
        if at.tender is None:
            assert at.said in ("payment_void", "payment_not_charged", "payment_declined")
            assert made(terminal.book) == []
            await at.pay()
        assert at.tender == "approved"
    proved(tmp_path, terminal.book)


async def test_while_nobody_knows_nothing_is_finished_and_nothing_is_charged_again(sim: Sim, tmp_path: Path) -> None:
    protocol, terminal = sim
    terminal.manners.queue.append("answer_lost")
    async with till(tmp_path, terminal, protocol) as at:
        await at.fall_into_doubt(terminal, BEANS)
        at.desk.agent.finish()
        at.scan(MILK)
        assert at.said == "paying_now"
        at.desk.agent.put_back(whole_line=True)
        at.checkout.cancel()
        assert at.desk.kinds[2:] == ["payment_begun", "code_refused"]
        assert len(made(terminal.book)) == 1
        await terminal.switch_on()
        await at.until(lambda: at.tender == "approved")
    proved(tmp_path, terminal.book)


async def test_a_silent_terminal_is_told_to_shopper_and_staff_and_its_answer_still_waited_for(
    sim: Sim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panier_device.payment.wire._SEEKING_S", 0.05)
    protocol, terminal = sim
    terminal.manners.queue.append("silent")
    async with till(tmp_path, terminal, protocol, silent_s=0.05, patience_s=60.0) as at:
        at.scan(BEANS)
        at.desk.agent.finish()
        await at.until(lambda: at.is_silent)
        assert (at.stage, at.staff_read) == ("asking", "payment terminal says nothing: look at it")
        at.checkout.cancel()
        assert (at.stage, at.is_silent) == ("cancelling", True)
        at.desk.agent.finish()
        assert at.desk.kinds[2:] == ["payment_begun"], "nobody knows, so nothing has failed"
        await terminal.switch_off()
        await at.until(lambda: at.stage == "checking" and at.staff_read == "payment terminal away")
        await terminal.switch_on()
        await at.until(lambda: at.stage is None)
        assert at.tender == "approved" or made(terminal.book) == []
        assert at.staff_read == ""
    proved(tmp_path, terminal.book)


async def test_a_terminal_that_speaks_again_is_in_no_trouble_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("panier_device.payment.wire._SEEKING_S", 0.02)
    async with SimulatedPaymentTerminal("tcp", book=used_book(), pause_s=0.2) as terminal:
        terminal.manners.queue.append("slow")
        async with till(tmp_path, terminal, "tcp", silent_s=0.02, patience_s=60.0) as at:
            at.scan(BEANS)
            at.desk.agent.finish()
            await at.until(lambda: at.is_silent)
            await at.until(lambda: at.stage == "asking" and not at.is_silent)
            await at.until(lambda: at.tender == "approved")
            assert at.staff_read == ""
        proved(tmp_path, terminal.book)


@pytest.mark.parametrize(("seeking_s", "words"), [(60.0, "80000004ff020a00"), (0.01, "80000004ff020a01")])
async def test_a_shopper_who_looks_for_the_card_is_not_told_that_the_terminal_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeking_s: float, words: str
) -> None:
    monkeypatch.setattr("panier_device.payment.wire._SEEKING_S", seeking_s)
    stood: list[str] = []
    asked = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.read(64)).startswith(b"\x06\x00")
        writer.write(bytes.fromhex("800000 060f00"))
        while b"\x06\x01" not in await reader.read(64):
            pass
        writer.write(bytes.fromhex(words))
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        protocol = ZvtProtocol(ZvtTerms(password=0, t3=5.0, t4=180.0))
        terminal = TcpPaymentTerminal("127.0.0.1", server.sockets[0].getsockname()[1], protocol, silent_s=1.0)
        terminal.changed = lambda: stood.append(terminal.trouble)
        charge = Charge(reference="a.b.1", amount=1240, currency="EUR", mark="000011")
        paying = asyncio.create_task(terminal.authorise(charge))
        await asyncio.wait_for(asked.wait(), 30)
        await let_time_pass(1.4)
        paying.cancel()
        await asyncio.gather(paying, return_exceptions=True)
    assert stood == []


async def test_a_host_that_is_no_name_at_all_is_a_terminal_that_is_away() -> None:
    terminal = TcpPaymentTerminal("payment..shop", 20007, LineProtocol(5.0, 180.0), silent_s=1.0)
    with pytest.raises(NotReady, match="no payment terminal answers"):
        await terminal.prepare("EUR")
    assert terminal.trouble == "away"


async def test_staff_hear_of_a_terminal_that_is_off_before_a_shopper_does_and_when_it_is_back(sim: Sim, tmp_path: Path) -> None:
    protocol, terminal = sim
    await terminal.switch_off()
    async with till(tmp_path, terminal, protocol) as at:
        await at.until(lambda: at.staff_read == "payment terminal away")
        await terminal.switch_on()
        await at.until(lambda: at.staff_read == "")
        await terminal.switch_off()
        at.scan(BEANS)
        await at.pay()
        assert (at.said, at.staff_read) == ("payment_not_ready", "payment terminal away")
        await terminal.switch_on()
        await at.until(lambda: at.staff_read == "")
        assert made(terminal.book) == [], "to look is not to ask for payment"
        await at.pay()
        assert at.tender == "approved"
    proved(tmp_path, terminal.book)


@pytest.mark.parametrize(("says", "read"), [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "garbled"), (b"", "says nothing")])
async def test_something_else_at_its_address_is_told_to_staff(tmp_path: Path, says: bytes, read: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(says)
        writer.close()

    other = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with other, till(tmp_path, other.sockets[0].getsockname()[1], "tcp") as at:
        at.scan(BEANS)
        await at.pay()
        assert at.said == "payment_not_ready"
        assert read in at.staff_read


async def test_a_shopper_may_go_back_to_the_basket(sim: Sim, tmp_path: Path) -> None:
    protocol, terminal = sim
    terminal.manners.queue.append("slow")
    async with till(tmp_path, terminal, protocol) as at:
        at.scan(BEANS)
        at.desk.agent.finish()
        at.checkout.cancel()
        await at.until(lambda: at.stage is None)
        assert at.said == "payment_cancelled"
        at.desk.agent.finish()
        await at.until(lambda: at.stage == "asking")
        at.checkout.cancel()
        await at.until(lambda: at.stage is None)
    proved(tmp_path, terminal.book)


async def test_a_shopper_who_goes_back_before_the_amount_went_out_is_heard(sim: Sim, tmp_path: Path) -> None:
    protocol, terminal = sim
    terminal.manners.queue.append("slow")
    async with till(tmp_path, terminal, protocol) as at:
        loop, at.desk.agent.show = asyncio.get_running_loop(), lambda: at.stage == "asking" and loop.call_soon(at.checkout.cancel)
        at.scan(BEANS)
        await at.pay()
        assert at.said == "payment_cancelled"
        assert made(terminal.book) == []
        assert bool(terminal.manners.queue) == (protocol == "zvt"), "ZVT registers first, and never asks for the amount"


async def test_h_never_calls_off_who_was_called_about_a_payment(tmp_path: Path) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal:
        terminal.manners.queue.append("answer_lost")
        async with till(tmp_path, terminal, "tcp", staff_after_s=0.05) as at:
            await at.fall_into_doubt(terminal, BEANS)
            await at.until(lambda: at.desk.agent.now.trip and at.desk.agent.now.trip.needs_help)
            at.desk.agent.call_help()
            assert at.desk.agent.now.trip is not None
            assert at.desk.agent.now.trip.needs_help
            assert at.said is None
            at.checkout.enter_code(CODE)
            at.checkout.decide("declined")
            at.desk.agent.call_help()
            assert at.said == "help_ended", "back at the basket it ends what it began"


async def test_h_calls_staff_to_a_payment_once(tmp_path: Path) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal:
        terminal.manners.queue.append("silent")
        async with till(tmp_path, terminal, "tcp") as at:
            at.scan(BEANS)
            at.desk.agent.finish()
            await at.until(lambda: at.stage == "asking")
            at.desk.agent.call_help()
            at.desk.agent.call_help()
            assert at.desk.kinds[-2:] == ["payment_begun", "help_requested"]


async def test_staff_are_called_and_decide_with_their_code(sim: Sim, tmp_path: Path) -> None:
    protocol, terminal = sim
    terminal.manners.queue.append("answer_lost")
    async with till(tmp_path, terminal, protocol, staff_after_s=0.05) as at:
        at.scan(BEANS)
        at.desk.agent.finish()
        await at.until(lambda: made(terminal.book))
        await terminal.switch_off()
        await at.until(lambda: at.desk.agent.now.trip and at.desk.agent.now.trip.needs_help)
        at.checkout.decide("approved")
        assert at.stage == "checking", "without a code nobody decides"
        at.checkout.enter_code("0000")
        assert at.said == "wrong_staff_code"
        at.checkout.decide("approved")
        assert at.stage == "checking"
        at.checkout.enter_code(CODE)
        at.checkout.leave_staff()
        at.checkout.decide("approved")
        assert at.stage == "checking", "they have left"
        at.checkout.enter_code(CODE)
        at.checkout.decide("approved")
        assert at.tender == "approved"
        at.scan(BREAD)
        await terminal.switch_on()
        await at.pay()
        assert at.tender == "approved", "the next shopper pays"
    first, second = trips(tmp_path)
    assert first.payment is not None
    assert first.payment.ended is not None
    assert first.payment.ended.decided_by == "staff"
    assert [trip.finished and trip.finished.total for trip in (first, second)] == [1240, 115]


async def test_a_code_cannot_be_found_by_trying(tmp_path: Path) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal:
        terminal.manners.queue.append("answer_lost")
        async with till(tmp_path, terminal, "tcp") as at:
            await at.fall_into_doubt(terminal, BEANS)
            for _ in range(5):
                at.checkout.enter_code("0000")
            at.checkout.enter_code(CODE)
            assert at.said == "wrong_staff_code"
            assert at.desk.agent.now.paying is not None
            assert not at.desk.agent.now.paying.is_staff_here


@pytest.mark.parametrize(("outcome", "tender"), [("declined", None), ("unknown", "unknown")])
async def test_staff_may_say_that_it_is_not_paid_or_that_nobody_knows(tmp_path: Path, outcome: str, tender: str | None) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal:
        terminal.manners.queue.append("silent")
        async with till(tmp_path, terminal, "tcp") as at:
            at.scan(BEANS)
            at.desk.agent.finish()
            await at.until(lambda: not terminal.manners.queue)
            await terminal.switch_off()
            await at.until(lambda: at.stage == "checking")
            at.checkout.enter_code(CODE)
            at.checkout.decide(outcome)
            assert (at.tender, at.stage) == (tender, None)


async def test_what_nobody_decides_ends_unpaid_and_unknown(tmp_path: Path) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal:
        terminal.manners.queue.append("silent")
        async with till(tmp_path, terminal, "tcp", give_up_s=0.3) as at:
            at.scan(BEANS)
            at.desk.agent.finish()
            await at.until(lambda: not terminal.manners.queue)
            await terminal.switch_off()
            await at.until(lambda: at.tender == "unknown")
    (trip,) = trips(tmp_path)
    assert trip.payment is not None
    assert trip.payment.ended == PaymentEnded(
        reference=trip.payment.begun.reference, outcome="unknown", reason="given_up", decided_by="nobody"
    )


async def test_nothing_to_pay_needs_no_payment_and_an_empty_trip_none_either(tmp_path: Path) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal, till(tmp_path, terminal, "tcp") as at:
        at.desk.stock(free(), version=8)
        at.scan(BREAD)
        at.desk.agent.finish()
        assert (at.tender, at.desk.kinds[-1]) == ("", "trip_finished")
        at.desk.agent.call_help()
        at.desk.agent.finish()
        assert at.desk.kinds[-1] == "trip_abandoned"
        assert terminal.served == 0


def free():
    gift = {"kind": "percent", "title": "free bread", "percent": "100", "target": {"skus": ["2"]}}
    return changes(promotions={"gift": gift})


async def test_prices_that_arrive_while_somebody_pays_hold_from_the_next_trip_or_attempt_on(tmp_path: Path) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal:
        terminal.manners.queue.extend(["answer_lost", "approve"])
        async with till(tmp_path, terminal, "tcp") as at:
            await at.fall_into_doubt(terminal, BREAD)
            at.desk.stock(free(), version=8)
            at.desk.agent.leases_arrived(LeaseMessage(journal=at.desk.journal.id, leases=[]))
            at.desk.agent.call_help()
            await terminal.switch_on()
            await at.until(lambda: at.tender == "approved")
            assert "snapshot_adopted" not in at.desk.kinds
            (trip,) = proved(tmp_path, terminal.book)
            assert trip.finished is not None
            assert (trip.finished.total, trip.snapshot) == (115, 7)
            at.scan(BREAD)
            assert at.desk.agent.now.trip is not None
            assert at.desk.agent.now.priced is not None
            assert (at.desk.agent.now.trip.snapshot, at.desk.agent.now.priced.total) == (8, 0)


async def test_a_restart_with_other_prices_still_ends_with_what_was_asked_for(tmp_path: Path) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal:
        terminal.manners.queue.append("answer_lost")
        async with till(tmp_path, terminal, "tcp") as at:
            await at.fall_into_doubt(terminal, BREAD)
            for part in whole(8, free()):
                at.desk.shop.take(part)
        await terminal.switch_on()
        async with till(tmp_path, terminal, "tcp") as at:
            await at.until(lambda: at.tender == "approved")
        assert proved(tmp_path, terminal.book)[0].finished.total == 115  # pyright: ignore


async def test_a_disk_that_refuses_asks_for_nothing_and_believes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal, till(tmp_path, terminal, "tcp") as at:
        at.scan(BREAD)
        real, refused = at.desk.journal.append, [0]

        def full(*args: object, **more: object):
            refused[0] += 1
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(at.desk.journal, "append", full)
        await at.pay()
        assert (at.said, terminal.book.bookings) == ("disk_fault", [])
        monkeypatch.setattr(at.desk.journal, "append", real)
        terminal.manners.queue.append("slow")
        at.desk.agent.finish()
        await at.until(lambda: at.stage == "asking")
        monkeypatch.setattr(at.desk.journal, "append", full)
        await at.until(lambda: refused[0] > 3)
        assert at.tender is None
        monkeypatch.setattr(at.desk.journal, "append", real)
        await at.until(lambda: at.tender == "approved")
    proved(tmp_path, terminal.book)


async def test_a_terminal_that_was_taken_out_of_the_settings_leaves_no_trip_behind(tmp_path: Path) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal:
        terminal.manners.queue.append("silent")
        async with till(tmp_path, terminal, "tcp") as at:
            at.scan(BREAD)
            at.desk.agent.finish()
            await at.until(lambda: not terminal.manners.queue)
    desk = open_desk(tmp_path)
    desk.agent.restore()
    assert desk.agent.now.farewell is not None
    assert (desk.agent.now.farewell.tender, desk.kinds[-1]) == ("unknown", "trip_finished")
    desk.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_no_card_number_reaches_the_disk_or_the_log(
    tmp_path: Path, protocol: Spoken, capfd: pytest.CaptureFixture[str]
) -> None:
    async with SimulatedPaymentTerminal(protocol) as terminal, till(tmp_path, terminal, protocol) as at:
        at.scan(BREAD)
        await at.pay()
        assert at.tender == "approved"
    held = b"".join(file.read_bytes() for file in (tmp_path / "journal.db", tmp_path / "shop.db"))
    assert PAN.encode() not in held
    assert bytes.fromhex(PAN) not in held
    out, err = capfd.readouterr()
    assert PAN not in out + err


@pytest.mark.parametrize("currency", ["USD", "JPY"])
async def test_a_payment_asked_for_by_another_protocol_is_left_to_staff(tmp_path: Path, currency: str) -> None:
    async with SimulatedPaymentTerminal("tcp") as terminal:
        terminal.manners.queue.append("silent")
        async with till(tmp_path, terminal, "tcp") as at:
            at.desk.shop.settle_in(currency, "America/New_York")
            at.scan(BEANS)
            at.desk.agent.finish()
            await at.until(lambda: made(terminal.book))
    async with SimulatedPaymentTerminal("zvt", book=used_book()) as other, till(tmp_path, other, "zvt") as at:
        await at.until(lambda: other.served > 2 or currency == "JPY")
        assert at.stage == "checking", "its last booking is of the same amount, and not ours"
        at.checkout.enter_code(CODE)
        await at.until(lambda: at.desk.agent.now.paying and at.desk.agent.now.paying.is_staff_here)
        at.checkout.decide("approved")
        assert at.tender == "approved"


async def test_a_terminal_of_zvt_that_never_booked_anything_leaves_a_lost_payment_to_staff(tmp_path: Path) -> None:
    async with SimulatedPaymentTerminal("zvt") as terminal:
        terminal.manners.queue.append("lost_before")
        async with till(tmp_path, terminal, "zvt") as at:
            at.scan(BEANS)
            at.desk.agent.finish()
            await at.until(lambda: at.stage == "checking")
            await at.until(lambda: terminal.served > 3)
            at.checkout.enter_code(CODE)
            at.checkout.decide("declined")
            await at.pay()
            assert at.tender == "approved"
    proved(tmp_path, terminal.book)
