"""A code that the shop does not know, and the price that staff give it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.device.conftest import CARD, MILK, Desk, open_desk
from tests.sending import events_in

from panier.message import PriceMessage
from panier.trip import CodeRefused, ItemAdded
from panier_device.screen.view import Link, look
from panier_device.screen.word import ENGLISH
from panier_device.situation import Paying

JAM, JAM_OF_FIGS = "4006381333931", "5901234123457"


def answer(desk: Desk) -> PriceMessage:
    """What the gateway says once staff priced the newest unknown code."""
    trip = desk.agent.now.trip
    assert trip is not None
    code = trip.unknown[-1]
    item = ItemAdded(
        sku=f"code-{code.seen}", name="Fig jam", unit_price=249, category="", tax_rate=None, snapshot=7, entry="staff",
        priced_by="monitor", answers=code.sequence,
    )  # fmt: skip
    return PriceMessage(trip=trip.trip, item=item)


def test_staff_see_the_digits_and_their_price_becomes_a_line_on_the_disk_and_the_screen(desk: Desk):
    desk.scan(MILK, JAM)
    trip = desk.agent.now.trip
    assert trip is not None
    assert [code.seen for code in trip.unknown] == [f"0{JAM}"]
    desk.agent.price_arrived(answer(desk))
    added = events_in(desk.journal)[-1].what
    assert isinstance(added, ItemAdded)
    assert (added.entry, added.priced_by, added.unit_price) == ("staff", "monitor", 249)
    view = look(desk.agent.now, Link(), ENGLISH)
    assert view.message is not None
    assert (view.message.what, view.total) == ("Staff added 2.49: Fig jam", "4.28")


def test_an_answer_that_is_said_again_or_of_another_trip_changes_nothing(desk: Desk):
    desk.scan(MILK, JAM)
    said = answer(desk)
    desk.agent.price_arrived(said.model_copy(update={"trip": "hand-1.aaaaaa.1"}))
    desk.agent.price_arrived(said.model_copy(update={"item": replace(said.item, answers=1)}))
    desk.agent.price_arrived(said)
    desk.agent.price_arrived(said)
    assert desk.kinds.count("item_added") == 2
    assert desk.tally.malformed.labels("price_void")._value.get() == 3
    desk.agent.finish()
    desk.agent.price_arrived(said)
    assert desk.kinds[-1] == "trip_finished"


def test_what_staff_priced_is_in_its_trip_after_the_journal_was_renewed(desk: Desk):
    desk.scan(MILK)
    desk.agent.finish()
    desk.journal.acknowledge(desk.journal.last)
    desk.journal.forget()
    desk.scan(MILK, JAM, JAM_OF_FIGS)
    desk.agent.price_arrived(answer(desk))
    before = desk.agent.now.trip
    assert before is not None
    desk.journal.renew(desk.journal.acknowledged)
    desk.agent.restore()
    trip = desk.agent.now.trip
    assert trip is not None
    assert trip.lines == before.lines
    assert [(code.sequence, code.seen) for code in trip.unknown] == [(3, f"0{JAM}")]
    desk.agent.price_arrived(answer(desk))
    assert desk.kinds[-1] == "item_added"


def test_a_restart_forgets_neither_the_code_nor_its_answer(desk: Desk, tmp_path: Path):
    desk.scan(MILK, JAM)
    said = answer(desk)
    desk.journal.close()
    again = open_desk(tmp_path)
    again.agent.restore()
    again.agent.price_arrived(said)
    again.agent.price_arrived(said)
    assert again.kinds.count("item_added") == 2
    again.journal.close()


def test_nothing_is_added_while_somebody_pays(desk: Desk):
    desk.scan(MILK, JAM)
    said = answer(desk)
    desk.agent.show_payment(Paying(stage="asking", amount=179))
    desk.agent.price_arrived(said)
    assert desk.kinds.count("item_added") == 1
    desk.agent.show_payment(None)
    desk.agent.price_arrived(said)
    assert desk.kinds.count("item_added") == 2


def test_a_number_of_another_shop_s_own_might_be_a_card_and_is_masked(desk: Desk):
    desk.scan(MILK, "2000000000916")
    refused = events_in(desk.journal)[-1].what
    assert isinstance(refused, CodeRefused)
    assert refused.seen == "2000…(13)"


def test_a_first_scan_that_nobody_knew_goes_with_the_call_for_help(desk: Desk):
    desk.scan(JAM)
    assert desk.kinds == []
    desk.agent.call_help()
    assert desk.kinds == ["trip_started", "code_refused", "help_requested"]
    desk.agent.price_arrived(answer(desk))
    assert desk.kinds[-1] == "item_added"


@pytest.mark.parametrize("between", [CARD, MILK])
def test_what_was_refused_before_something_else_is_not_told_again(desk: Desk, between: str):
    desk.scan(JAM, between)
    desk.agent.call_help()
    assert "code_refused" not in desk.kinds


def test_one_more_of_it_is_one_key(desk: Desk):
    desk.scan(JAM)
    desk.agent.call_help()
    desk.agent.price_arrived(answer(desk))
    desk.agent.one_more()
    assert desk.agent.now.trip is not None
    (line,) = desk.agent.now.trip.lines
    assert (line.quantity, line.priced_by) == (2, "monitor")
