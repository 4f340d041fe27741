from __future__ import annotations

from dataclasses import replace

import pytest

from panier.catalogue import Product
from panier_device.screen.dialogue import SHOPPING, Pose, Wish, press
from panier_device.screen.view import LineView, Link, OfferView, View

START = View(phase="start", greeting="Welcome", link=Link())
BASKET = replace(START, phase="basket", offers=(OfferView("c-1", "one", "why"), OfferView("c-2", "two", "why")))
THANKS = replace(START, phase="thanks")
FOUND = tuple(Product(sku=str(n), gtins=(), name=f"Milk {n}", unit_price=1) for n in range(3))


def type_keys(keys: str, view: View = BASKET, pose: Pose = SHOPPING) -> tuple[Pose, list[Wish]]:
    wishes: list[Wish] = []
    for word in keys.split():
        named = {"enter", "escape", "backspace", "up", "down"}
        pose, wish = press(pose, word, None if word in named else word, view)
        wishes += [wish] if wish else []
    return pose, wishes


@pytest.mark.parametrize(
    ("keys", "wishes"),
    [
        ("4 0 enter", [Wish("type_code", "40")]),
        ("4 0 backspace 1 enter", [Wish("type_code", "41")]),
        ("4 backspace f y", [Wish("finish")]),
        ("4 0 escape", []),
        ("1 y + é 2 enter", [Wish("type_code", "12")]),
        ("+ - d h", [Wish("one_more"), Wish("put_back"), Wish("delete_line"), Wish("help")]),
        ("f y", [Wish("finish")]),
        ("f enter", [Wish("finish")]),
        ("f escape", []),
        ("f n", []),
        ("o 2 y", [Wish("accept", "c-2")]),
        ("o 1 n", [Wish("refuse", "c-1")]),
        ("o 3 escape", []),
        ("o 1 escape escape", []),
        ("F Y", [Wish("finish")]),
    ],
)
def test_keys_on_the_basket(keys: str, wishes: list[Wish]):
    assert type_keys(keys) == (SHOPPING, wishes)


def test_up_and_down_choose_the_line_that_plus_minus_and_d_act_on():
    lines = tuple(LineView(f"Product {n}", 1, "1.00", is_last=n == 1, is_gift=n == 3) for n in range(4))
    basket = replace(BASKET, lines=lines)
    assert type_keys("up -", basket) == (SHOPPING, [Wish("put_back", line=0)])
    assert type_keys("up up up d", basket) == (SHOPPING, [Wish("delete_line", line=0)])
    assert type_keys("down down down x +", basket) == (SHOPPING, [Wish("one_more", line=2)])
    assert type_keys("up down - -", basket) == (SHOPPING, [Wish("put_back", line=1), Wish("put_back")])
    assert type_keys("up down", replace(BASKET, lines=())) == type_keys("up down", START) == (SHOPPING, [])


def test_the_start_screen_takes_codes_the_list_and_help_and_nothing_that_needs_a_basket():
    assert type_keys("f", START) == type_keys("o", START) == type_keys("+", START) == (SHOPPING, [])
    assert type_keys("4 0 enter", START)[1] == [Wish("type_code", "40")]
    assert type_keys("h", START)[1] == [Wish("help")]


def test_the_list_searches_with_every_letter_and_enter_adds_what_is_marked():
    pose, wishes = type_keys("l m i backspace")
    assert wishes == [Wish("search"), Wish("search", "m"), Wish("search", "mi"), Wish("search", "m")]
    pose, wishes = type_keys("down down down up enter", pose=replace(pose, found=FOUND))
    assert (pose, wishes) == (SHOPPING, [Wish("pick", "1")])
    assert type_keys("enter escape", pose=Pose("shelf")) == (SHOPPING, [])


@pytest.mark.parametrize("key", ["x", "enter", "f", "7"])
def test_any_key_ends_the_farewell(key: str):
    assert type_keys(key, THANKS) == (SHOPPING, [Wish("dismiss")])
