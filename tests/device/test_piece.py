"""Recalled pieces and pieces near their date: from the simulated scanner's bytes to the basket."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.device.conftest import MILK
from tests.device.test_label import GOODS, GS, TODAY, VARIABLE, YESTERDAY, last, scanning
from tests.sending import events_in

from panier.shelflife import MarkDown, Recall
from panier.trip import CodeRefused
from panier_device.screen.view import Link, look
from panier_device.screen.word import ENGLISH

STEPS = (MarkDown(days=1, percent=20), MarkDown(days=0, percent=50))
MILK_14 = "0" + MILK
GLASS = Recall(reason="Glass in some bottles", lots=("A7",))


def goods(sku: str, **changes: object) -> dict:
    return GOODS | {sku: replace(GOODS[sku], **changes)}


def milk(**label: str) -> str:
    """A DataMatrix on the milk: lot and best before, say."""
    names = {"lot": "10", "best_before": "15", "expiry": "17", "serial": "21", "sell_by": "16"}
    return f"01{MILK_14}" + "".join(f"{names[name]}{value}{GS}" for name, value in label.items()).removesuffix(GS)


@pytest.mark.parametrize(
    ("recall", "code", "told"),
    [
        (Recall(reason="Germs"), milk(lot="B1"), "recalled"),
        (GLASS, milk(lot="A7"), "recalled"),
        (GLASS, milk(lot="B1"), None),
        (GLASS, milk(best_before=TODAY), "recall_look"),
        (Recall(reason="Germs", first_day="2026-11-20", last_day="2026-11-22"), milk(best_before=TODAY), "recalled"),
        (Recall(reason="Germs", last_day="2026-11-20"), milk(best_before=TODAY), None),
        # Called back matters more than past its date.
        (GLASS, milk(lot="A7", expiry=YESTERDAY), "recalled"),
    ],
)
async def test_a_recalled_piece_is_stopped_and_a_doubtful_one_sold_with_a_word(
    recall: Recall, code: str, told: str | None, tmp_path: Path
):
    async with scanning(tmp_path, goods=goods("3", recall=recall)) as scan:
        desk = await scan(code, "gs1-datamatrix")
        assert desk.said == told
        assert desk.kinds == ["trip_started", "code_refused" if told == "recalled" else "item_added"]


async def test_a_plain_code_of_a_recalled_lot_is_sold_with_the_lots_and_staff_hear_of_a_stop(tmp_path: Path):
    async with scanning(tmp_path, goods=goods("3", recall=GLASS)) as scan:
        desk = await scan(MILK)
        assert desk.said == "recall_look"
        assert desk.agent.now.message is not None
        assert desk.agent.now.message.gaps == {"marks": "A7"}
        assert look(desk.agent.now, Link(), ENGLISH).message is not None
        await scan(milk(lot="A7"), "gs1-datamatrix")
        stopped = events_in(desk.journal)[-1].what
        assert stopped == CodeRefused(reason="recalled", seen="3", entry="scan")
        assert desk.tally.refused.labels("recalled")._value.get() == 1
        view = look(desk.agent.now, Link(), ENGLISH)
        assert view.message is not None
        assert (view.message.what, view.message.next) == ("This is called back. Leave it here.", "Glass in some bottles")
        desk.agent.pick("3")
        assert desk.said == "recall_look"


async def test_a_product_that_is_called_back_whole_is_not_picked_from_the_list_either(tmp_path: Path):
    async with scanning(tmp_path, goods=goods("3", recall=Recall(reason="Germs"))) as scan:
        assert (await scan(MILK)).said == "recalled"
        desk = await scan(MILK)
        desk.agent.pick("3")
        assert desk.said == "recalled"
        assert desk.agent.now.trip is not None
        assert desk.agent.now.trip.units == 0


@pytest.mark.parametrize(
    ("label", "price", "percent"),
    [
        ({"best_before": "261123"}, 179, 0),
        ({"best_before": "261122"}, 143, 20),
        ({"best_before": TODAY}, 90, 50),
        ({"sell_by": TODAY}, 90, 50),
        ({"best_before": YESTERDAY}, 90, 50),
        ({"best_before": "261130", "expiry": TODAY}, 90, 50),
        ({"lot": "A7"}, 179, 0),
    ],
)
async def test_the_date_on_a_label_takes_off_what_the_store_s_rule_says(
    label: dict[str, str], price: int, percent: int, tmp_path: Path
):
    async with scanning(tmp_path, goods=goods("3", mark_down=STEPS)) as scan:
        desk = await scan(milk(**label), "gs1-datamatrix")
        assert (last(desk).unit_price, last(desk).mark_down) == (price, percent)
        assert desk.agent.now.priced is not None
        assert desk.agent.now.priced.total == price


async def test_reduced_pieces_are_a_line_of_their_own_that_says_so_and_takes_no_more(tmp_path: Path):
    async with scanning(tmp_path, goods=goods("3", mark_down=STEPS)) as scan:
        await scan(MILK)
        desk = await scan(milk(best_before=TODAY), "gs1-datamatrix")
        view = look(desk.agent.now, Link(), ENGLISH)
        assert [(line.amount, line.notes) for line in view.lines] == [("1.79", ()), ("0.90", (("50 % off for its date", ""),))]
        desk.agent.one_more()
        assert desk.said == "scan_each"


async def test_a_bag_near_its_date_is_weighed_at_the_reduced_price_a_kilogram(tmp_path: Path):
    async with scanning(tmp_path, goods=goods("4", mark_down=STEPS)) as scan:
        item = last(await scan(f"01{VARIABLE}310300053217{TODAY}", "gs1-128"))
    assert item.weighing is not None
    assert (item.weighing.price_per_kg, item.unit_price, item.mark_down) == (200, 106, 50)


async def test_a_price_on_the_label_stands_whatever_its_date(tmp_path: Path):
    async with scanning(tmp_path, goods=goods("4", mark_down=STEPS)) as scan:
        item = last(await scan(f"01{VARIABLE}3922433{GS}17{TODAY}", "gs1-datamatrix"))
    assert (item.unit_price, item.is_labelled, item.mark_down) == (433, True, 0)
