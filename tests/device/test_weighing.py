"""Weighing at the terminal: which weights may be sold, and how a product waits for its own, through a real pty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.device.conftest import CARD, FIGS, MILK, PRODUCTS, WEIGHED_AND_DEPOSIT, Desk, changes, open_desk
from tests.device.test_scale import ONE_A_PROTOCOL, SCALES
from tests.sending import events_in
from tests.waiting import holds_within, until

from panier.catalogue import Product
from panier.message import Notice
from panier.trip import ItemAdded
from panier.weighed import Weighing
from panier_device.driver.scale.port import ScaleBelowZero, ScaleGarbled, ScaleRefused, ScaleSilent, ScaleUnstable, ScaleWeight
from panier_device.driver.scale.profile import load_scale_profile
from panier_device.driver.scale.serial_scale import SerialScale
from panier_device.screen.word import ENGLISH
from panier_device.weighing import WeighStation, WeightRule
from panier_simulators.cable import SPLITS, Split
from panier_simulators.platter import make_of
from panier_simulators.scale import SimulatedScale

# -- the rule -------------------------------------------------------------------------------------------------------------

Heard = int | str | ScaleRefused


def sales(rule: WeightRule, *heard: Heard, is_checked: bool = False) -> list[int | str]:
    """What is sold, or why not, of grams and refusals in this order; each sale is taken at once."""
    came: list[int | str] = []
    for one in heard:
        try:
            if isinstance(one, ScaleRefused):
                raise one
            weight = ScaleWeight(int(one), is_checked=is_checked)
            rule.judge(weight)
        except ScaleRefused as refused:
            rule.missed(refused)
            came.append(refused.code.removeprefix("scale_"))
        else:
            rule.sold(weight)
            came.append(weight.grams)
    return came


MOVES, UNDER, NOISE, SILENCE = ScaleUnstable(), ScaleBelowZero(), ScaleGarbled(b"", ""), ScaleSilent(1)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        # Two in a row say the same, and nothing else came between.
        ([500, 500], ["unstable", 500]),
        ([500, 505, 505], ["unstable", "unstable", 505]),
        ([500, MOVES, 500, 500], ["unstable", "unstable", "unstable", 500]),
        ([500, NOISE, 500, 500], ["unstable", "garbled", "unstable", 500]),
        ([500, SILENCE, 500, 500], ["unstable", "silent", "unstable", 500]),
        # Nothing, next to nothing, less than nothing.
        ([0, 0], ["too_light", "too_light"]),
        ([95, 95], ["too_light", "too_light"]),
        ([UNDER, UNDER], ["below_zero", "below_zero"]),
        # What was sold is not sold again while it lies there, whatever the scale does meanwhile.
        ([500, 500, 500, 500], ["unstable", 500, "repeated", "repeated"]),
        ([500, 500, 505, 495, 590], ["unstable", 500, "repeated", "repeated", "repeated"]),
        ([500, 500, MOVES, 500, NOISE, 500], ["unstable", 500, "unstable", "repeated", "garbled", "repeated"]),
        ([500, 500, UNDER, 500], ["unstable", 500, "below_zero", "repeated"]),
        # The scale was empty, or shows another bag.
        ([500, 500, 0, 500, 500], ["unstable", 500, "too_light", "unstable", 500]),
        ([500, 500, 600, 600], ["unstable", 500, "unstable", 600]),
        ([500, 500, 400, 400, 500, 500], ["unstable", 500, "unstable", 400, "unstable", 500]),
    ],
)
def test_which_weights_are_sold(heard: list[Heard], expected: list[int | str]):
    assert sales(WeightRule(100), *heard) == expected


def test_an_answer_that_proves_itself_is_sold_at_once():
    assert sales(WeightRule(100), 500, 500, 0, 500, is_checked=True) == [500, "repeated", "too_light", 500]


@given(heard=st.lists(st.sampled_from([0, 50, 100, 150, 500, 505, 600, MOVES, UNDER, NOISE]), max_size=40))
def test_nothing_is_sold_twice_unless_the_scale_was_empty_or_changed_clearly(heard: list[Heard]):
    came = sales(WeightRule(100), *heard)
    last: int | None = None
    for one in came:
        if one == "too_light":
            last = None
        elif isinstance(one, int):
            assert one >= 100
            assert last is None or abs(one - last) >= 100
            last = one


# -- at the terminal --------------------------------------------------------------------------------------------------------

BANANA_PLU = "4011"
BANANAS = Product(
    sku="7", gtins=("00000000004011",), name="Bananas", unit_price=199, category="fruit", unit="kg", tare=45
)  # fmt: skip
GOODS = PRODUCTS | WEIGHED_AND_DEPOSIT | {"7": BANANAS}


@dataclass
class Stand:
    """A terminal with a scale beside it."""

    desk: Desk
    scale: SimulatedScale
    station: WeighStation

    @property
    def said(self) -> str | None:
        """What stands on the screen about the scale, or else about the trip."""
        now = self.desk.agent.now
        if now.weighing is not None:
            return now.weighing.said
        return now.message and now.message.key

    @property
    def items(self) -> list[ItemAdded]:
        happened = [event.what for event in events_in(self.desk.journal)]
        return [what for what in happened if isinstance(what, ItemAdded)]

    def scan(self, code: str) -> None:
        self.desk.scan(code)


@asynccontextmanager
async def stand(
    folder: Path, profile: str = "mettler-diva", *, split: Split = "whole", bag: int = 0, patience: float = 5.0, settle: float = 0
) -> AsyncIterator[Stand]:
    desk = open_desk(folder)
    desk.stock(changes(GOODS, {}))
    known = load_scale_profile(profile, SCALES)
    with SimulatedScale(folder / "scale", make_of(profile), split=split, settle=settle, seed=3) as simulated:
        scale = SerialScale(str(folder / "scale"), known, patience=patience)
        station = WeighStation(scale, desk.agent, desk.tally, least=known.least, tare=bag, tare_by=known.tare)
        desk.agent.weigh, desk.agent.weigh_again = station.begin, station.again
        running = [asyncio.create_task(scale.run()), asyncio.create_task(station.run())]
        await until(lambda: scale.present)
        try:
            yield Stand(desk, simulated, station)
        finally:
            for task in running:
                task.cancel()
            results = await asyncio.gather(*running, return_exceptions=True)
            desk.close()
            assert all(isinstance(result, asyncio.CancelledError) for result in results), results


FAULTS: dict[str, Callable[[SimulatedScale], None]] = {
    "whole": lambda scale: None,
    "delayed": lambda scale: setattr(scale.faults, "late", 0.05),
    "lossy": lambda scale: setattr(scale.faults, "lost", 0.02),
    "doubled": lambda scale: setattr(scale.faults, "doubled", 0.02),
}


@pytest.mark.parametrize("profile", ONE_A_PROTOCOL)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("split", SPLITS)
async def test_loose_goods_are_weighed_and_sold_once_over_every_line(tmp_path: Path, profile: str, fault: str, split: Split):
    if fault != "whole" and split == "whole":
        split = "random"
    async with stand(tmp_path, profile, split=split, patience=0.5) as place:
        FAULTS[fault](place.scale)
        place.scan(FIGS)
        assert place.said == "scale_put"
        assert place.desk.kinds == []
        place.scale.put(845)
        if profile == "mettler-diva-dialog-06" and fault in ("lossy", "doubled"):
            # This scale sells a load once: where its answer was lost, it asks to be emptied first.
            async with asyncio.timeout(30):
                while not await holds_within(0.3, lambda: place.items):
                    if place.said == "scale_repeated":
                        place.scale.put(5)
                        place.scale.put(-5)
        await until(lambda: bool(place.items), within=30)
        assert [(item.sku, item.unit_price, item.weighing) for item in place.items] == [
            ("4", 337, Weighing(grams=845, price_per_kg=399))
        ]
        assert place.said == "weighed"
        place.scan(FIGS)
        await until(lambda: place.said == "scale_repeated", within=30)
        assert len(place.items) == 1


async def test_a_tare_comes_off_the_price_and_stays_in_the_record(tmp_path: Path):
    for profile in ("mettler-diva", "mettler-diva-dialog-06"):
        folder = tmp_path / profile
        folder.mkdir()
        async with stand(folder, profile, bag=10) as place:
            place.scale.put(545)
            place.desk.agent.type_code(BANANA_PLU)
            await until(lambda place=place: bool(place.items))
            place.scan(FIGS)
            await until(lambda place=place: place.said == "scale_repeated")
            place.scale.put(165)
            await until(lambda place=place: len(place.items) == 2)
            bananas, figs = place.items
        assert (bananas.entry, bananas.unit_price) == ("typed", 100)
        assert bananas.weighing == Weighing(grams=545, price_per_kg=199, tare=45)
        assert (figs.unit_price, figs.weighing) == (279, Weighing(grams=710, price_per_kg=399, tare=10))


async def test_at_some_scales_staff_set_the_tare_and_the_products_own_is_left_out(tmp_path: Path):
    own = tmp_path / "own.toml"
    own.write_text((SCALES / "mettler-diva.toml").read_text() + 'tare = "at_scale"\n')
    async with stand(tmp_path, str(own), bag=10) as place:
        place.scale.put(100)
        place.scale.platter.press_tare()
        place.scale.put(500)
        place.desk.agent.type_code(BANANA_PLU)
        await until(lambda: bool(place.items))
        assert place.items[0].weighing == Weighing(grams=500, price_per_kg=199)


async def test_a_bag_that_weighs_no_more_than_its_tare_is_no_goods(tmp_path: Path):
    async with stand(tmp_path, bag=400) as place:
        place.scale.put(400)
        place.scan(FIGS)
        await until(lambda: place.said == "scale_too_light")
        place.scale.put(500)
        await until(lambda: bool(place.items))
        assert place.items[0].weighing == Weighing(grams=900, price_per_kg=399, tare=400)


async def test_two_bags_of_one_weight_are_two_where_the_scale_was_seen_empty_between_them(tmp_path: Path):
    async with stand(tmp_path) as place:
        place.scale.put(500)
        place.scan(FIGS)
        await until(lambda: bool(place.items))
        assert not place.station.rule.is_clear
        place.scale.take()
        await until(lambda: place.station.rule.is_clear)
        place.scale.put(500)
        place.scan(FIGS)
        await until(lambda: len(place.items) == 2)


async def test_a_scale_that_misses_an_answer_is_still_seen_empty(tmp_path: Path):
    async with stand(tmp_path, patience=0.1) as place:
        place.scale.put(500)
        place.scan(FIGS)
        await until(lambda: bool(place.items))
        place.scale.faults.is_silent = True
        await until(lambda: place.desk.tally.scale_answers.labels("silent")._value.get())
        place.scale.take()
        place.scale.faults.is_silent = False
        await until(lambda: place.station.rule.is_clear)


async def test_the_screen_hears_why_there_is_no_weight_yet_and_nothing_is_written(tmp_path: Path):
    async with stand(tmp_path) as place:
        place.scan(FIGS)
        for orders, said in (
            (("put 60",), "scale_too_light"),
            (("overload",), "scale_overloaded"),
            (("take", "put -300"), "scale_below_zero"),
            (("take", "lean"), "scale_unstable"),
            (("still",), "scale_put"),
            (("unplug",), "scale_gone"),
            (("plug",), "scale_put"),
        ):
            for order in orders:
                place.scale.obey(*order.split())
            await until(lambda said=said: place.said == said)
        assert place.desk.kinds == []
        place.scale.put(500)
        await until(lambda: bool(place.items))
        assert place.desk.kinds == ["trip_started", "item_added"]
        answers = place.desk.tally.scale_answers
        assert answers.labels("weight")._value.get() == 1
        assert answers.labels("gone")._value.get() >= 1


async def test_a_silent_scale_is_asked_again_by_itself_and_at_once_by_a_key(tmp_path: Path):
    async with stand(tmp_path, patience=0.1) as place:
        place.scale.faults.is_silent = True
        place.scan(FIGS)
        await until(lambda: place.said == "scale_silent")
        place.scale.put(500)
        place.scale.faults.is_silent = False
        place.desk.agent.weigh_again()
        await until(lambda: bool(place.items))


async def test_the_shopper_may_leave_the_scale_and_nothing_comes_of_it(tmp_path: Path):
    async with stand(tmp_path) as place:
        place.scan(MILK)
        place.scan(FIGS)
        place.desk.agent.show_scale(None)
        place.scale.put(500)
        before = place.scale.answers
        place.scan(MILK)
        place.desk.agent.weigh_again()
        assert place.desk.agent.now.weighing is None
        place.scan(FIGS)
        await until(lambda: len(place.items) == 3)
        assert place.scale.answers > before
        assert [item.sku for item in place.items] == ["3", "3", "4"]


async def test_the_next_scan_takes_the_place_of_what_waits_for_its_weight(tmp_path: Path):
    async with stand(tmp_path) as place:
        place.scan(FIGS)
        place.scan(MILK)
        assert place.desk.agent.now.weighing is None
        place.scan(FIGS)
        place.desk.agent.type_code(BANANA_PLU)
        assert place.desk.agent.now.weighing is not None
        assert place.desk.agent.now.weighing.name == "Bananas"
        place.scale.put(500)
        await until(lambda: len(place.items) == 2)
        assert [item.sku for item in place.items] == ["3", "7"]


async def test_what_the_gateway_says_does_not_take_the_shopper_from_the_scale(tmp_path: Path):
    async with stand(tmp_path) as place:
        place.scan(CARD)
        place.scan(FIGS)
        trip = place.desk.agent.now.trip
        assert trip is not None
        place.desk.agent.notice_arrived(Notice(trip=trip.trip, code="unknown_card", text="?"))
        assert place.desk.agent.now.weighing is not None
        place.scale.put(500)
        await until(lambda: bool(place.items))


async def test_a_disk_that_refuses_sells_nothing_and_the_same_bag_may_be_weighed_again(tmp_path: Path):
    async with stand(tmp_path) as place:
        place.scale.put(500)
        journal = place.desk.journal
        journal._db.conn.execute("PRAGMA query_only=1")
        place.scan(FIGS)
        await until(lambda: place.said == "disk_fault")
        assert place.desk.agent.now.weighing is None
        journal._db.conn.execute("PRAGMA query_only=0")
        assert place.items == []
        place.scan(FIGS)
        await until(lambda: len(place.items) == 1)


async def test_a_product_picked_from_the_list_is_weighed_likewise(tmp_path: Path):
    async with stand(tmp_path) as place:
        place.scale.put(500)
        place.desk.agent.pick("4")
        await until(lambda: bool(place.items))
        assert place.items[0].entry == "shelf"


async def test_a_pending_weighing_is_gone_after_a_restart_without_a_trace(tmp_path: Path):
    async with stand(tmp_path) as place:
        place.scan(MILK)
        place.scan(FIGS)
    desk = open_desk(tmp_path)
    desk.agent.restore()
    assert desk.agent.now.weighing is None
    assert desk.agent.now.trip is not None
    assert [line.sku for line in desk.agent.now.trip.lines] == ["3"]
    desk.close()


def test_every_refusal_of_a_scale_has_words():
    codes = {kind.code for kind in ScaleRefused.__subclasses__()}
    assert codes <= ENGLISH.messages.keys()
