"""The screens of a payment: what can be read, and what each key does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.screens.test_paint import show

from panier.pricing import PromotionSet
from panier.till import compile_definitions, price_trip
from panier.trip import Event, HelpRequested, ItemAdded, TripStarted, fold
from panier_device.decision import Message
from panier_device.screen.dialogue import SHOPPING, Pose, Wish, press
from panier_device.screen.view import Link, View, look
from panier_device.screen.word import ENGLISH
from panier_device.situation import Farewell, Paying, Situation

STARTED = TripStarted(store="north", currency="EUR", timezone="Europe/Paris", snapshot=3)
BEANS = ItemAdded(sku="1", name="Espresso beans", unit_price=1240, category="", tax_rate=None, snapshot=3, entry="scan")
SHELF: PromotionSet = compile_definitions({}, "EUR")[0]
SIZES = [(40, 24), (80, 24)]


def view(stage: str, *, is_called: bool = False, message: Message | None = None, **more: bool) -> View:
    happenings = (STARTED, BEANS, *((HelpRequested(),) if is_called else ()))
    trip = fold(Event(sequence=1 + place, at=1000, trip="t.j.1", what=what) for place, what in enumerate(happenings))
    paying = Paying(stage=stage, amount=1240, **more)  # pyright: ignore[reportArgumentType]
    situation = Situation(trip=trip, priced=price_trip(trip, SHELF), paying=paying, message=message)
    return look(situation, Link(online=True), ENGLISH)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("stage", "more", "words"),
    [
        ("preparing", {}, ["One moment, please.", "Back to the basket"]),
        ("asking", {}, ["Please pay at the terminal.", "TOTAL  12.40", "Back to the basket"]),
        ("cancelling", {}, ["Calling the payment off.", "Please wait for the terminal."]),
        ("checking", {}, ["Checking with the terminal.", "Please do not pay twice."]),
        (
            "asking",
            {"is_silent": True},
            ["Please pay at the terminal.", "It has not answered for a while.", "ask staff: press h"],
        ),
        ("cancelling", {"is_silent": True}, ["Please wait for the terminal.", "It has not answered for a while.", "ask staff"]),
        ("asking", {"is_silent": True, "is_called": True}, ["It has not answered for a while.", "Staff have been called."]),
        ("checking", {"takes_code": True}, ["Please do not pay twice.", "Staff code"]),
        ("checking", {"is_called": True}, ["Staff have been called."]),
        ("checking", {"takes_code": True, "is_staff_here": True}, ["Was this paid?", "Paid", "Not paid", "Unsure", "Back"]),
        ("asking", {"message": Message("paying_now", "attention")}, ["A payment is under way.", "Esc goes back to the basket."]),
        ("checking", {"message": Message("paying_now", "attention")}, ["A payment is under way.", "Nothing was added."]),
        ("checking", {"message": Message("help_coming", "good")}, ["Someone is on the way to you.", "Please wait here."]),
    ],
)
def test_each_stage_says_what_goes_on_and_what_to_do(size: tuple[int, int], stage: str, more: dict, words: list[str]) -> None:
    rows = show(view(stage, **more), width=size[0], height=size[1])
    assert len(rows) == size[1]
    text = "\n".join(rows)
    for word in words:
        assert word in text, text
    assert "Espresso" not in text, "the basket is not to be changed now"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("tender", "says"), [("", "Show this to the till to pay."), ("approved", "Paid by card."), ("unknown", "Please see staff")]
)
def test_the_farewell_says_whether_it_is_paid(size: tuple[int, int], tender: str, says: str) -> None:
    farewell = Farewell(trip="t.j.1", first_name="", currency="EUR", units=1, discount=0, total=1240, tender=tender)  # pyright: ignore
    text = "\n".join(show(look(Situation(farewell=farewell), Link(), ENGLISH), width=size[0], height=size[1]))
    assert [word for word in ("Show this to the till to pay.", "Paid by card.", "Please see staff") if word in text] == [says]


def test_nobody_is_asked_to_call_staff_who_were_called_already() -> None:
    assert "press h" not in "\n".join(show(view("asking", is_silent=True, is_called=True)))
    assert "for a while" not in "\n".join(show(view("checking", is_silent=True, takes_code=True, is_staff_here=True)))
    assert "Help" in show(view("checking"))[-1]
    assert "Help" not in show(view("checking", is_called=True))[-1]


def test_a_staff_code_is_not_to_be_read_over_a_shoulder() -> None:
    text = "\n".join(show(view("checking", takes_code=True), Pose("code", "4711")))
    assert "••••" in text
    assert "4711" not in text


@pytest.mark.parametrize("stage", ["preparing", "asking", "cancelling", "checking"])
@pytest.mark.parametrize("key", ["paying_now", "help_coming"])
def test_no_key_is_named_that_does_nothing_while_somebody_pays(stage: str, key: str) -> None:
    seen = view(stage, is_called=True, message=Message(key, "attention"))
    text = "\n".join(show(seen))
    assert ("Esc" in text) == (press(SHOPPING, "escape", None, seen)[1] is not None)
    assert "ress h" not in text


DOUBT = view("checking", takes_code=True)
STAFF = view("checking", takes_code=True, is_staff_here=True)


@pytest.mark.parametrize(
    ("seen", "pose", "key", "wish"),
    [
        (view("asking"), SHOPPING, "escape", (SHOPPING, Wish("cancel_payment"))),
        (view("preparing"), SHOPPING, "escape", (SHOPPING, Wish("cancel_payment"))),
        (view("asking"), SHOPPING, "h", (SHOPPING, Wish("help"))),
        (view("asking"), SHOPPING, "f", (SHOPPING, None)),
        (view("asking"), SHOPPING, "4", (SHOPPING, None)),
        (view("checking"), SHOPPING, "4", (SHOPPING, None)),
        (view("cancelling"), SHOPPING, "escape", (SHOPPING, None)),
        (DOUBT, SHOPPING, "escape", (SHOPPING, None)),
        (DOUBT, SHOPPING, "4", (Pose("code", "4"), None)),
        (DOUBT, Pose("code", "4"), "7", (Pose("code", "47"), None)),
        (DOUBT, Pose("code", "47"), "backspace", (Pose("code", "4"), None)),
        (DOUBT, Pose("code", "4"), "backspace", (SHOPPING, None)),
        (DOUBT, Pose("code", "47"), "escape", (SHOPPING, None)),
        (DOUBT, Pose("code", "4711"), "enter", (SHOPPING, Wish("staff_code", "4711"))),
        (STAFF, SHOPPING, "p", (SHOPPING, Wish("decide", "approved"))),
        (STAFF, SHOPPING, "n", (SHOPPING, Wish("decide", "declined"))),
        (STAFF, SHOPPING, "u", (SHOPPING, Wish("decide", "unknown"))),
        (STAFF, SHOPPING, "x", (SHOPPING, None)),
        (STAFF, SHOPPING, "escape", (SHOPPING, Wish("leave_staff"))),
    ],
)
def test_a_key_does_what_the_footer_says(seen: View, pose: Pose, key: str, wish: tuple[Pose, Wish | None]) -> None:
    character = key if len(key) == 1 else None
    assert press(pose, key, character, seen) == wish


def test_no_pose_of_the_basket_outlives_the_beginning_of_a_payment() -> None:
    text = "\n".join(show(view("asking"), replace(SHOPPING, mode="offers")))
    assert "Please pay at the terminal." in text
