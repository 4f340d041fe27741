"""When the shopper is asked whether a product was scanned twice, and when not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.device.conftest import BEANS, BREAD, COLA, MILK, PRODUCTS, WEIGHED_AND_DEPOSIT, Desk, changes, open_desk

from panier.catalogue import Product
from panier_device.screen.dialogue import SHOPPING, Wish, press
from panier_device.screen.view import Link, look
from panier_device.screen.word import ENGLISH
from panier_device.twice import SOON_MS

TEA, SALT = "2000000000060", "2000000000077"
MORE = {
    "6": Product(sku="6", gtins=(f"0{TEA}",), name="Tea", unit_price=250, category="tea"),
    "7": Product(sku="7", gtins=(f"0{SALT}",), name="Salt", unit_price=80, category="spices"),
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A shop with a few products more."""
    desk = open_desk(tmp_path, stocked=False)
    desk.shop.settle_in("USD", "America/New_York")
    desk.stock(changes(PRODUCTS | WEIGHED_AND_DEPOSIT | MORE), version=7)
    yield desk
    desk.close()


def scan(desk: Desk, *codes: str, after: int = 1_500) -> list[str]:
    """What the shopper is told after each of `codes`, scanned `after` milliseconds apart."""
    told: list[str] = []
    for code in codes:
        desk.clock.now += after
        desk.scan(code)
        told += [desk.said] if desk.said else []
    return told


def units(desk: Desk) -> dict[str, int]:
    assert desk.agent.now.trip is not None
    return {line.sku: line.quantity for line in desk.agent.now.trip.lines}


def test_two_in_a_hurry_are_asked_about_when_the_next_thing_is_scanned(desk: Desk):
    assert scan(desk, BREAD, COLA, MILK, MILK) == []
    assert scan(desk, BEANS) == ["scanned_twice"]
    view = look(desk.agent.now, Link(), ENGLISH)
    assert view.message is not None
    assert (view.message.what, view.message.next) == ("Scanned twice? Oat milk 1 l", "Press t to take one back.")
    assert units(desk) == {"2": 1, "5": 1, "3": 2, "1": 1}


def test_one_key_takes_one_back_once(desk: Desk):
    scan(desk, BREAD, COLA, MILK, MILK, BEANS)
    view = look(desk.agent.now, Link(), ENGLISH)
    assert press(SHOPPING, "t", "t", view) == (SHOPPING, Wish("take_back"))
    desk.agent.take_back()
    assert units(desk) == {"2": 1, "5": 1, "3": 1, "1": 1}
    assert desk.agent.now.message is not None
    assert desk.agent.now.message.key == "put_back"
    desk.agent.take_back()
    assert units(desk)["3"] == 1


def test_what_is_not_answered_is_kept_and_not_asked_again(desk: Desk):
    scan(desk, BREAD, COLA, MILK, MILK, BEANS)
    assert scan(desk, TEA) == []
    desk.agent.take_back()
    assert units(desk)["3"] == 2
    desk.agent.put_back(2, whole_line=True)
    assert scan(desk, MILK, MILK, SALT) == []


@pytest.mark.parametrize(
    ("codes", "after"),
    [
        ((BREAD, COLA, BEANS, *[MILK] * 6, TEA), 1_000),  # six yoghurts in a rhythm
        ((BREAD, COLA, BEANS, *[MILK] * 3, TEA), 1_000),
        ((BREAD, COLA, BEANS, MILK, MILK, TEA), SOON_MS + 1),  # with a look between them
        ((BEANS, BEANS, MILK, MILK, COLA, COLA, BREAD, TEA), 1_000),  # by twos from the first
        ((BREAD, COLA, TEA, TEA, TEA, MILK, MILK, SALT), 1_000),  # other things by threes
        ((MILK, MILK, BREAD, COLA), 1_000),  # too early to say what is usual
        ((BREAD, COLA, MILK, TEA, MILK, BEANS), 1_000),
        ((BREAD, COLA, MILK, TEA, MILK, MILK, BEANS), 1_000),  # three by now
    ],
)
def test_what_is_meant_is_never_asked_about(desk: Desk, codes: tuple[str, ...], after: int):
    assert scan(desk, *codes, after=after) == []


def test_who_adds_by_key_or_puts_back_has_looked(desk: Desk):
    scan(desk, BREAD, COLA, BEANS, MILK, MILK)
    desk.agent.put_back(whole_line=False)
    desk.agent.one_more()
    assert scan(desk, TEA) == []


def test_a_code_that_is_refused_between_changes_nothing(desk: Desk):
    scan(desk, BREAD, COLA, BEANS, MILK, MILK)
    assert scan(desk, "4006381333931", TEA) == ["unknown_product", "scanned_twice"]


def test_the_key_does_nothing_where_nothing_is_asked(desk: Desk):
    scan(desk, MILK)
    view = look(desk.agent.now, Link(), ENGLISH)
    assert press(SHOPPING, "t", "t", view) == (SHOPPING, None)
    assert press(SHOPPING, "t", "t", replace(view, phase="start")) == (SHOPPING, None)


def test_another_trip_begins_without_a_doubt(desk: Desk):
    scan(desk, BREAD, COLA, BEANS, MILK, MILK)
    desk.agent.finish()
    desk.agent.dismiss()
    assert scan(desk, TEA, BREAD, COLA, BEANS) == []
