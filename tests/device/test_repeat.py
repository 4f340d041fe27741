"""A second reading within the trigger's hold, and when a scanner counts as garbled."""

from __future__ import annotations

from panier_device.driver.health import Health
from panier_device.driver.port import Flaw, Frame, Reading
from panier_device.driver.repeat import RepeatGuard

MS = 1_000_000


def read(text: str, at_ms: int, flaw: Flaw | None = None) -> Reading:
    return Reading(Frame(text, flaw), "scan", at_ms * MS)


def test_the_same_code_within_the_hold_is_one_item_however_often_it_comes():
    guard = RepeatGuard(500)
    assert [guard.is_repeat(read("96385074", at)) for at in (0, 300, 700, 1199, 1700)] == [False, True, True, True, False]
    assert guard.count == 3


def test_another_code_between_makes_a_second_item_and_garbage_does_not():
    guard = RepeatGuard(500)
    assert [guard.is_repeat(read(code, at)) for at, code in enumerate("ABA")] == [False, False, False]
    assert not guard.is_repeat(read("A", 10, "noise"))
    assert guard.is_repeat(read("A", 20))


def test_a_profile_may_believe_every_reading():
    guard = RepeatGuard(0)
    assert not any(guard.is_repeat(read("96385074", 7)) for _ in range(3))
    assert guard.count == 0


GARBLED, GOOD = [Frame("?8?", "noise")], [Frame("96385074")]


def test_three_garbled_bursts_in_a_row_are_no_accident_and_one_whole_code_mends_it():
    health = Health()
    for place, frames in enumerate((GARBLED, [], GARBLED)):
        assert not health.is_garbled
        assert health.hear(frames, 5, place * 1000 * MS)
    assert health.is_garbled
    health.hear(GOOD, 0, 9000 * MS)
    assert not health.is_garbled


def test_one_long_burst_and_silence_count_once():
    health = Health()
    assert [health.hear([], 9, at * 100 * MS) for at in range(20)] == [True] + [False] * 19
    assert not health.hear([], 0, 5000 * MS)
    assert not health.is_garbled
