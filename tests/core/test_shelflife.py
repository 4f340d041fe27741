"""Recalls by lot and mark-downs by date."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from panier.catalogue import Product, told
from panier.shelflife import MarkDown, Recall, due, is_day, reduced

STEPS = (MarkDown(days=2, percent=20), MarkDown(days=0, percent=50))
WHOLE, LOTS = Recall(reason="glass"), Recall(reason="glass", lots=("A7", "B1"))
PIECES = Recall(reason="brakes", serials=("S1",), lots=("A7",))
DAYS = Recall(reason="germs", first_day="2026-11-20", last_day="2026-11-30")


@pytest.mark.parametrize(
    ("recall", "label", "verdict"),
    [
        (WHOLE, {}, "stop"),
        (WHOLE, {"lot": "X"}, "stop"),
        (LOTS, {}, "look"),
        (LOTS, {"lot": "A7"}, "stop"),
        (LOTS, {"lot": "X"}, "clear"),
        (PIECES, {"lot": "A7"}, "look"),
        (PIECES, {"lot": "A7", "serial": "S1"}, "stop"),
        (PIECES, {"lot": "A7", "serial": "S2"}, "clear"),
        (PIECES, {"serial": "S2"}, "clear"),
        (DAYS, {}, "look"),
        (DAYS, {"day": "2026-11-19"}, "clear"),
        (DAYS, {"day": "2026-11-20"}, "stop"),
        (DAYS, {"day": "2026-11-30"}, "stop"),
        (DAYS, {"day": "2026-12-01"}, "clear"),
        (Recall(reason="germs", first_day="2026-11-20"), {"day": "2030-01-01"}, "stop"),
        (Recall(reason="germs", last_day="2026-11-20"), {"day": "2026-11-01"}, "stop"),
        (Recall(reason="germs", last_day="2026-11-20"), {}, "look"),
    ],
)
def test_a_piece_is_called_back_by_what_its_label_says(recall: Recall, label: dict[str, str], verdict: str) -> None:
    assert recall.judge(**label) == verdict


@pytest.mark.parametrize(
    ("day", "percent"),
    [("", 0), ("2026-12-01", 0), ("2026-11-30", 20), ("2026-11-29", 20), ("2026-11-28", 50), ("2026-11-27", 50)],
)
def test_the_fewer_days_are_left_the_more_comes_off(day: str, percent: int) -> None:
    assert due(STEPS, day, "2026-11-28") == percent


@pytest.mark.parametrize(("price", "percent", "left"), [(179, 30, 125), (179, 50, 90), (1, 30, 1), (1, 51, 0), (0, 99, 0)])
def test_a_reduced_price_is_rounded_half_up(price: int, percent: int, left: int) -> None:
    assert reduced(price, percent) == left


@given(st.integers(0, 10**12), st.integers(1, 99), st.integers(1, 99))
def test_a_reduced_price_is_never_above_the_shelf_s_nor_below_nothing_and_falls_with_the_percentage(
    price: int, one: int, other: int
) -> None:
    less, more = sorted((one, other))
    assert 0 <= reduced(price, more) <= reduced(price, less) <= price


@pytest.mark.parametrize(("text", "holds"), [("", True), ("2026-11-28", True), ("20261128", False), ("2026-11-31", False)])
def test_a_day_is_iso_or_nothing(text: str, holds: bool) -> None:
    assert is_day(text) == holds


def test_a_recall_that_cannot_be_is_refused() -> None:
    reader = TypeAdapter(Recall)
    for field, value in (("first_day", "soon"), ("reason", ""), ("lots", ["x" * 21])):
        with pytest.raises(ValidationError, match=field):
            reader.validate_python({"reason": "glass", field: value})


def test_a_product_without_them_is_told_as_before() -> None:
    plain = Product(sku="1", gtins=(), name="Milk", unit_price=179)
    assert not {"recall", "mark_down"} & told(asdict(plain)).keys()
    reader = TypeAdapter(Product)
    assert not {"recall", "mark_down"} & told(reader.dump_python(plain, mode="json")).keys()
    changed = Product(sku="1", gtins=(), name="Milk", unit_price=179, recall=LOTS, mark_down=STEPS)
    again = reader.validate_python(told(reader.dump_python(changed, mode="json")))
    assert again == changed
