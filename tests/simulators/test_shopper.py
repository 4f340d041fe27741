from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.waiting import let_time_pass

from panier_simulators.glance import read
from panier_simulators.sample.shop import SampleLine, SampleTrip
from panier_simulators.shopper import Manner, ShopperLost, VirtualShopper

Start = Callable[..., Awaitable[VirtualShopper]]
Price = Callable[[SampleTrip], int]


@pytest.mark.parametrize("kind", ["serial", "wedge"])
async def test_a_basket_is_scanned_whole_and_its_total_read_off_the_farewell(
    shopper_at: Start, basket: SampleTrip, price: Price, kind: str
) -> None:
    done = await (await shopper_at(kind)).shop(basket)
    assert (done.trip, done.units, done.total) == ("d1.abc234.1", 9, price(basket))
    assert (done.skipped, done.rescans, done.corrections) == ([], 0, 0)
    # The five equal units are one scan and four presses of +, or five scans.
    assert done.scans - 1 == len(done.latencies_ms) in (5, 9)
    assert all(0 < ms < 2000 for ms in done.latencies_ms)


async def test_the_same_seed_shops_the_same_way(shopper_at: Start, basket: SampleTrip) -> None:
    shopper = await shopper_at("serial")
    first, second = await shopper.shop(basket), await shopper.shop(basket)
    assert (first.scans, first.units) == (second.scans, second.units)
    assert (first.trip, second.trip) == ("d1.abc234.1", "d1.abc234.2")


async def test_a_scan_without_effect_is_repeated(shopper_at: Start, basket: SampleTrip, price: Price, manner: Manner) -> None:
    shopper = await shopper_at("serial", "deaf=3", manner=replace(manner, patience=0.3))
    done = await shopper.shop(basket)
    assert done.rescans > 0
    assert (done.units, done.total) == (9, price(basket))


async def test_a_picture_that_comes_late_is_waited_for(
    shopper_at: Start, basket: SampleTrip, price: Price, manner: Manner
) -> None:
    shopper = await shopper_at("serial", "late=0.8", manner=replace(manner, patience=0.3))
    done = await shopper.shop(basket)
    assert (done.units, done.total, done.rescans) == (9, price(basket), 0)
    assert max(done.latencies_ms) > 700, "a late picture counts from the first scan"


async def test_what_counted_twice_is_put_back(shopper_at: Start, basket: SampleTrip, price: Price, manner: Manner) -> None:
    shopper = await shopper_at("serial", "twice=3", manner=manner)
    done = await shopper.shop(basket)
    assert done.corrections > 0
    assert (done.units, done.total) == (9, price(basket))


async def test_before_a_frozen_screen_nobody_scans_on(
    shopper_at: Start, basket: SampleTrip, price: Price, manner: Manner
) -> None:
    shopper = await shopper_at("serial", manner=replace(manner, patience=0.3))
    shopping = asyncio.create_task(shopper.shop(basket))
    await shopper.terminal.wait_for(lambda rows: (read(rows).units or 0) >= 3, 20)
    shopper.terminal.signal(signal.SIGSTOP)
    # Ten times the patience: a shopper without sense would have scanned five times by then, and given the product up.
    await let_time_pass(3.0)
    shopper.terminal.signal(signal.SIGCONT)
    done = await shopping
    assert (done.units, done.total, done.skipped) == (9, price(basket), [])


async def test_a_terminal_that_dies_in_mid_trip_is_shopped_on_from_what_it_paints(
    shopper_at: Start, basket: SampleTrip, price: Price
) -> None:
    shopper = await shopper_at("serial")
    shopping = asyncio.create_task(shopper.shop(basket))
    await shopper.terminal.wait_for(lambda rows: (read(rows).units or 0) >= 3, 20)
    shopper.terminal.kill()
    done = await shopping
    assert done.restarts == 1
    assert (done.trip, done.units, done.total) == ("d1.abc234.1", 9, price(basket))


async def test_a_terminal_that_dies_before_the_farewell_leaves_the_end_unseen(
    shopper_at: Start, basket: SampleTrip, price: Price, tmp_path: Path
) -> None:
    shopper = await shopper_at("serial", "die=finish")
    done = await shopper.shop(basket)
    assert (done.trip, done.total, done.restarts) == (None, price(basket), 1)
    journal = [json.loads(line) for line in (tmp_path / "d1.journal").read_text().splitlines()]
    assert sum("finish" in event for event in journal) == 1
    assert (await shopper.shop(basket)).trip == "d1.abc234.2"


async def test_offers_are_opened_and_answered_and_the_basket_goes_on(
    shopper_at: Start, basket: SampleTrip, price: Price, manner: Manner, tmp_path: Path
) -> None:
    shopper = await shopper_at("serial", manner=replace(manner, offers_chance=1.0, accepts_chance=0.5))
    done = await shopper.shop(basket)
    answers = [
        event["answer"] for line in (tmp_path / "d1.journal").read_text().splitlines() if "answer" in (event := json.loads(line))
    ]
    assert (answers.count("y"), answers.count("n")) == (done.accepted, done.refused)
    assert len(answers) == len(basket.lines)
    assert (done.units, done.total) == (9, price(basket))


@pytest.mark.parametrize("faults", [(), ("deaf=3",)])
async def test_a_coupon_is_shown_until_the_screen_answers_and_bags_are_scanned_label_by_label(
    shopper_at: Start, basket: SampleTrip, manner: Manner, tmp_path: Path, faults: tuple[str, ...]
) -> None:
    bags = tuple(f"01920000108218563103{grams:06d}" for grams in (301, 302, 303, 304))
    mine = replace(basket, lines=(*basket.lines, SampleLine(sku="1", quantity=4, labels=bags)), coupon="9900000854256")
    shopper = await shopper_at("serial", *faults, manner=replace(manner, patience=0.5))
    done = await shopper.shop(mine)
    events = [json.loads(line) for line in (tmp_path / "d1.journal").read_text().splitlines()]
    assert (done.coupons, done.units, done.skipped) == (["9900000854256"], 13, [])
    assert {event["coupon"] for event in events if "coupon" in event} == {"9900000854256"}
    assert tuple(event["code"] for event in events if event.get("code", "").startswith("01")) == bags


async def test_a_product_that_never_counts_is_left_out_and_named(
    shopper_at: Start, basket: SampleTrip, price: Price, manner: Manner
) -> None:
    unknown = basket.lines[1].code
    shopper = await shopper_at("serial", f"unknown={unknown}", manner=replace(manner, patience=0.1, tries=2))
    done = await shopper.shop(basket)
    known = replace(basket, lines=tuple(line for line in basket.lines if line.code != unknown))
    assert (done.skipped, done.units, done.total) == ([unknown], known.units, price(known))


async def test_an_empty_basket_ends_without_a_farewell(shopper_at: Start, basket: SampleTrip, manner: Manner) -> None:
    shopper = await shopper_at("serial", "unknown=20", manner=replace(manner, patience=0.1, tries=2))
    done = await shopper.shop(basket)
    assert (done.trip, done.units, done.total, len(done.skipped)) == (None, 0, 0, 4)


async def test_a_terminal_that_takes_no_card_ends_the_trip_with_its_picture(
    shopper_at: Start, basket: SampleTrip, manner: Manner
) -> None:
    shopper = await shopper_at("serial", "deaf=1", manner=replace(manner, patience=0.05))
    with pytest.raises(ShopperLost, match=r"takes no card(.|\n)*│Scan your card or first item"):
        await shopper.shop(basket)
