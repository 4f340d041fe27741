"""The handheld's screen by pilot, and how it looks by snapshot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.screens.conftest import CARD, OFFERS, Bench, ean13, offer, product
from tests.waiting import let_time_pass, until
from textual.pilot import Pilot

from panier.member import Capsule
from panier.message import Notice
from panier_device.screen.handheld import Handheld
from panier_device.screen.view import Link
from panier_device.screen.word import ENGLISH
from panier_device.situation import Situation

SIZE = (40, 24)


async def test_a_whole_trip_by_scans_and_keys(bench: Bench):
    async with bench.app.run_test(size=SIZE) as pilot:
        assert any("Scan your card or first item" in row for row in bench.rows)
        bench.scan_code(CARD)
        bench.greet(*OFFERS)
        bench.scan(1, 1, 3)
        await pilot.press("+")
        assert bench.rows[0].startswith("  Hello Claire")
        assert any(row.startswith("▸ Oat milk") and "x2" in row for row in bench.rows)
        await pilot.press("o", "1", "y", "f", "y")
        rows = bench.rows
        assert any("Thank you, Claire" in row for row in rows)
        assert any("TOTAL  25.22" in row for row in rows)
        assert any(row.strip() == "Trip hand-1.abc234.1" for row in rows)
        await pilot.press("x")
        assert any("Scan your card or first item" in row for row in bench.rows)
    assert bench.kinds[-1] == "trip_finished"
    assert "offer_accepted" in bench.kinds


async def test_digits_and_enter_are_a_code(bench: Bench):
    async with bench.app.run_test(size=SIZE) as pilot:
        await pilot.press(*ean13("20", 6), "enter")
        assert any(row.startswith("▸ Baguette") for row in bench.rows)


async def test_an_older_line_is_chosen_changed_and_left_by_the_next_scan(bench: Bench):
    async with bench.app.run_test(size=SIZE) as pilot:
        bench.scan(1, 2, 5)
        await pilot.press("up", "up")
        assert any(row.startswith("▸ Espresso beans") for row in bench.rows)
        await pilot.press("+", "+", "-")
        assert any(row.startswith("▸ Espresso beans") and "x2" in row for row in bench.rows)
        await pilot.press("down", "d")
        assert not any("Bananas" in row and "1.67" in row for row in bench.rows)
        await pilot.press("up")
        bench.scan(6)
        assert any(row.startswith("▸ Baguette") for row in bench.rows)
        await pilot.press("d")
        assert [(line.name, line.quantity) for line in bench.agent.now.trip.lines] == [("Espresso beans 1 kg", 2), ("Butter", 1)]


async def test_the_farewell_goes_by_itself_and_takes_the_first_name_with_it(bench: Bench):
    app = Handheld(bench.agent, ENGLISH, lambda: bench.link, lambda: "USD", bench.tally, farewell_s=0.05)
    bench.app = app
    async with app.run_test(size=SIZE) as pilot:
        bench.scan_code(CARD)
        bench.greet(*OFFERS)
        bench.scan(1)
        await pilot.press("f")
        bench.agent.finish()
        assert any("Thank you, Claire" in row for row in bench.rows)
        while not any("Scan your card or first item" in row for row in bench.rows):
            await pilot.pause(0.01)
        assert bench.agent.now == Situation()


async def test_a_farewell_that_a_scan_ended_ends_no_later_one(bench: Bench):
    async with bench.app.run_test(size=SIZE) as pilot:
        bench.scan(1)
        await pilot.press("f", "y")
        first = bench.app._farewell
        assert first is not None
        bench.scan(2)
        assert bench.app._farewell is None
        await pilot.press("f", "y")
        assert bench.app._farewell not in (None, first)


HOSTILE = "\x1b[2J\x07\x9b\u202e\u2066\u200e\n"


async def test_nothing_from_outside_commands_the_terminal(bench: Bench):
    bench.restock(product(77, f"Plum{HOSTILE}jam", 100, size=HOSTILE))
    shown: list[str] = []
    async with bench.app.run_test(size=SIZE) as pilot:
        bench.scan_code(CARD)
        trip = bench.agent.now.trip
        assert trip is not None
        evil = replace(offer(1, f"a{HOSTILE}", f"b{HOSTILE}", 77), promotion={**OFFERS[0].promotion, "target": {"skus": ["77"]}})
        capsule = Capsule(trip=trip.trip, member="m-17", first_name=f"Eve{HOSTILE}", segments=("member",), offers=(evil,))
        bench.agent.capsule_arrived(capsule)
        bench.scan(77)
        for keys in (("o",), ("1",), ("escape", "escape", "l", "p"), ("escape", "d"), ("l", "p", "enter"), ("f", "y")):
            shown += bench.rows
            await pilot.press(*keys)
            shown += bench.rows
            if keys == ("escape", "d"):
                bench.agent.notice_arrived(Notice(trip=trip.trip, code="new", text=f"{{x}}{HOSTILE}"))
                shown += bench.rows
    everything = "".join(shown)
    for seen in ("Plum·[2J", "Hello Eve·", "★ a·", "b·", "{x}·", "Thank you, Eve·", "Put back: Plum·"):
        assert seen in everything
    assert [character for character in everything if not character.isprintable()] == []


async def test_a_product_is_found_by_its_name(bench: Bench):
    async with bench.app.run_test(size=SIZE) as pilot:
        await pilot.press("l", *"choc", "enter")
        assert any(row.startswith("▸ Dark chocolate") for row in bench.rows)
    assert bench.kinds == ["trip_started", "item_added"]


async def test_a_wish_that_fails_is_said_and_takes_no_screen_away(bench: Bench):
    def failing(_: str) -> None:
        raise OSError("no such thing")

    bench.agent.type_code = failing
    async with bench.app.run_test(size=SIZE) as pilot:
        bench.scan(1)
        await pilot.press("4", "enter")
        assert any("This device failed at that key." in row for row in bench.rows)
        await pilot.press("+")
        assert any("2 items" in row for row in bench.rows)


async def test_a_scan_interrupts_whatever_was_being_typed(bench: Bench):
    async with bench.app.run_test(size=SIZE) as pilot:
        for keys in (("4", "0"), ("l", "m"), ("o",), ("f",)):
            await pilot.press(*keys)
            bench.scan(6)
        assert any(row.startswith("▸ Baguette") and "x4" in row for row in bench.rows)


async def test_offers_count_as_shown_when_they_are_painted_and_once(bench: Bench):
    async with bench.app.run_test(size=SIZE) as pilot:
        bench.scan_code(CARD)
        bench.greet(*OFFERS)
        await pilot.pause()
        bench.scan(2)
        await pilot.pause()
        assert bench.kinds.count("offer_shown") == 3
        await pilot.press("o", "escape")
        assert bench.kinds.count("offer_shown") == 3


async def test_offers_that_the_disk_refuses_to_note_wait_for_the_next_change(bench: Bench):
    attempts: list[str] = []
    connection = bench.journal._conn
    async with bench.app.run_test(size=SIZE) as pilot:
        bench.scan_code(CARD)
        bench.greet(*OFFERS)
        full = "CREATE TRIGGER refused BEFORE INSERT ON event BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        connection.execute(full)
        connection.set_trace_callback(lambda said: attempts.append(said) if said.startswith("BEGIN") else None)
        await until(lambda: attempts)
        await let_time_pass(0.3)
        await pilot.press("o")
        await let_time_pass(0.3)
        assert len(attempts) <= 5
        assert any("Offers for you" in row for row in bench.rows)
        connection.execute("DROP TRIGGER refused")
        await pilot.press("escape")
        await until(lambda: bench.kinds.count("offer_shown") == len(bench.app._painting.offers) > 0)


async def test_a_refused_offer_is_not_shown_again_in_the_trip(bench: Bench):
    async with bench.app.run_test(size=SIZE) as pilot:
        bench.scan_code(CARD)
        bench.greet(*OFFERS)
        bench.scan(2)
        assert any("★ -20 % granola" in row for row in bench.rows)
        await pilot.press("o", "1", "n")
        assert any("Not in this trip any more." in row for row in bench.rows)
        await pilot.press("o")
        assert not any("granola" in row for row in bench.rows)


async def test_help_is_called_and_called_off_by_the_same_key(bench: Bench):
    async with bench.app.run_test(size=SIZE) as pilot:
        await pilot.press("h")
        assert "Help called" in bench.rows[1]
        await pilot.press("h")
        assert "Help called" not in bench.rows[1]


async def test_the_frame_is_timed_from_the_last_byte(bench: Bench):
    async with bench.app.run_test(size=SIZE) as pilot:
        bench.scan(2)
        await pilot.pause()
    (samples,) = [metric.samples for metric in bench.tally.registry.collect() if metric.name == "panier_scan_to_screen_seconds"]
    assert [sample.value for sample in samples if sample.name.endswith("_count")] == [1]


async def test_a_terminal_may_be_larger_and_may_change_its_size(bench: Bench):
    async with bench.app.run_test(size=(80, 40)) as pilot:
        bench.scan(*range(1, 11))
        await pilot.pause()
        assert sum(row[2:].startswith(("Espresso", "Olive oil")) for row in bench.rows) == 2
        await pilot.resize_terminal(40, 24)
        assert any("TOTAL  43.15" in row for row in bench.rows)
        assert len(bench.rows) == 24


Steps = Callable[[Bench, Pilot[None]], Awaitable[None]]


async def start(bench: Bench, pilot: Pilot[None]) -> None:
    await pilot.pause()


async def basket(bench: Bench, pilot: Pilot[None]) -> None:
    bench.scan_code(CARD)
    bench.greet(*OFFERS)
    bench.scan(1, 1, 2, 3, 3)


async def long_basket(bench: Bench, pilot: Pilot[None]) -> None:
    await basket(bench, pilot)
    bench.scan(9, 9, 4, 5, 6, 7, 8, 10)


async def pushed_offer(bench: Bench, pilot: Pilot[None]) -> None:
    bench.scan_code(CARD)
    bench.greet(*OFFERS[:2])
    bench.scan(1)
    bench.greet(*OFFERS)


async def unknown_code(bench: Bench, pilot: Pilot[None]) -> None:
    await basket(bench, pilot)
    bench.scan_code("2000000000916")


async def scanned_twice(bench: Bench, pilot: Pilot[None]) -> None:
    bench.scan(4, 7, 3, 3, 6)


async def old_prices(bench: Bench, pilot: Pilot[None]) -> None:
    await basket(bench, pilot)
    bench.link = Link(online=False, prices="prices 3 h old")
    bench.app.repaint()


async def offer_list(bench: Bench, pilot: Pilot[None]) -> None:
    await basket(bench, pilot)
    await pilot.press("o")


async def shelf(bench: Bench, pilot: Pilot[None]) -> None:
    await pilot.press("l", "o", "i", "l")


async def confirm(bench: Bench, pilot: Pilot[None]) -> None:
    await basket(bench, pilot)
    await pilot.press("f")


async def farewell(bench: Bench, pilot: Pilot[None]) -> None:
    await basket(bench, pilot)
    await pilot.press("f", "y")


@pytest.mark.parametrize(
    "steps",
    [start, basket, long_basket, pushed_offer, unknown_code, scanned_twice, old_prices, offer_list, shelf, confirm, farewell],
)
def test_how_it_looks(bench: Bench, snap_compare: Any, steps: Steps):
    async def before(pilot: Pilot[None]) -> None:
        await steps(bench, pilot)
        await pilot.pause()

    assert snap_compare(bench.app, terminal_size=SIZE, run_before=before)
