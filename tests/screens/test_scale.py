"""The screen beside a scale: what the law wants to be read there, whatever the scale says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.screens.conftest import Bench, product

from panier_device.situation import OnScale

SIZE = (40, 24)
BANANAS = OnScale(name="Bananas", price_per_kg=199, currency="USD", tare=0, said="scale_put")
STATES = {
    "put": BANANAS,
    "moving": replace(BANANAS, said="scale_unstable", grams=845),
    "tare": replace(BANANAS, said="scale_unstable", grams=800, tare=45),
    "silent": replace(BANANAS, said="scale_silent", is_failing=True),
    "repeated": replace(BANANAS, said="scale_repeated"),
    "long": replace(BANANAS, name="Tomatoes on the vine, loose, from the farm next door", price_per_kg=123_456, grams=12_345),
}


@pytest.mark.parametrize("state", STATES)
def test_the_scale(snap_compare: Any, bench: Bench, state: str):
    bench.scan(1)
    bench.agent.show_scale(STATES[state])
    assert snap_compare(bench.app, terminal_size=SIZE)


async def test_name_unit_price_weight_and_price_are_read_together(bench: Bench):
    async with bench.app.run_test(size=SIZE):
        bench.agent.show_scale(STATES["moving"])
        assert any(row.strip() == "Bananas" for row in bench.rows)
        assert any("0.845 kg x 1.99/kg = 1.68" in row for row in bench.rows)


async def test_escape_leaves_enter_asks_again_and_other_keys_do_nothing(bench: Bench):
    asked: list[str] = []
    bench.agent.weigh = lambda item: (asked.append(item.product.sku), bench.agent.show_scale(BANANAS))[0]
    bench.agent.weigh_again = lambda: asked.append("again")
    bench.restock(replace(product(2, "Bananas", 199), unit="kg"))
    async with bench.app.run_test(size=SIZE) as pilot:
        bench.scan(2)
        await pilot.press("4", "f", "enter", "escape")
        assert asked == ["2", "again"]
        assert bench.agent.now.weighing is None
        assert bench.kinds == []
        await pilot.press("l", "b", "enter")
        assert asked[-1] == "2"
        await pilot.press("h")
        assert bench.kinds[-1] == "help_requested"


async def test_help_keeps_what_lies_on_the_scale_and_says_that_it_was_called(bench: Bench):
    gone = replace(BANANAS, said="scale_gone", is_failing=True)
    async with bench.app.run_test(size=SIZE) as pilot:
        bench.scan(1)
        bench.agent.show_scale(gone)
        await pilot.press("h")
        assert bench.agent.now.weighing is gone
        assert bench.kinds[-1] == "help_requested"
        assert any("Help called (h ends)" in row for row in bench.rows)
        assert any("The scale is not connected." in row for row in bench.rows)


async def test_a_disk_that_refuses_the_call_is_said_beside_the_scale(bench: Bench):
    async with bench.app.run_test(size=SIZE) as pilot:
        bench.scan(1)
        bench.agent.show_scale(replace(BANANAS, said="scale_gone", is_failing=True))
        bench.journal._db.conn.execute("PRAGMA query_only=ON")
        await pilot.press("h")
        assert any("This device cannot save any more." in row for row in bench.rows)


async def test_without_a_scale_the_shopper_is_told_to_get_a_label(bench: Bench):
    bench.restock(replace(product(2, "Bananas", 199), unit="kg"))
    async with bench.app.run_test(size=SIZE):
        bench.scan(2)
        assert any("This is sold by weight." in row for row in bench.rows)
