"""What a terminal keeps the garbage collector from."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from panier.pricing import PromotionSet
from panier.till import compile_definitions
from panier_device.terminal import set_aside


@pytest.fixture(autouse=True)
def _searched_again() -> Iterator[None]:
    yield
    gc.unfreeze()


def _promotions() -> PromotionSet:
    shelf, _ = compile_definitions(
        {f"p{n}": {"kind": "percent", "percent": "10", "target": {"skus": [str(n)]}} for n in range(200)}, "EUR"
    )
    return shelf


def test_promotions_that_are_replaced_day_after_day_do_not_pile_up():
    shelf = _promotions()
    set_aside(thoroughly=True)
    before = gc.get_freeze_count()
    for _ in range(10):
        shelf = _promotions()
        set_aside()
    assert len(shelf) == 200
    # One set is more than a thousand objects.
    assert gc.get_freeze_count() - before < 500


def test_a_cycle_that_was_set_aside_goes_with_the_next_thorough_call():
    class Widget:
        def __init__(self) -> None:
            self.parent = self

    widget = Widget()
    left = weakref.ref(widget)
    set_aside()
    del widget
    gc.collect()
    assert left() is not None
    set_aside(thoroughly=True)
    assert left() is None
