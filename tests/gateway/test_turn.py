"""Whose batch is next: live trips before old backlogs, each device's batches in their order, nobody starved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from panier.message import EventBatch
from panier_gateway.batch import Batch
from panier_gateway.turn import Turns


def batch(device: str, first: int, events: int) -> Batch:
    return Batch(device, EventBatch(journal="j", events=[{"sequence": first + place} for place in range(events)]))


def first_of(one: Batch) -> int:
    return one.message.events[0]["sequence"]


def test_a_live_scan_does_not_wait_behind_a_backlog_of_ten_thousand():
    turns = Turns()
    for number in range(50):
        turns.add(batch("old", 1 + number * 200, 200))
    turns.add(batch("live", 1, 2))
    group = turns.next_group()
    assert group[0].device == "live"
    assert sum(len(one.message.events) for one in group) <= 2 + 200


def test_every_backlog_has_its_turn():
    turns = Turns()
    for device in range(12):
        for number in range(3):
            turns.add(batch(f"old-{device}", 1 + number * 200, 200))
    served = [one.device for _ in range(3) for one in turns.next_group()]
    assert len(set(served)) == 12


def test_a_device_that_floods_is_told_by_silence():
    turns = Turns()
    assert [turns.add(batch("till-1", number, 1)) for number in range(1, 602)] == [True] * 600 + [False]
    assert turns.add(batch("till-2", 1, 1))


def test_what_is_sent_again_while_it_waits_waits_once_and_may_come_again_after_that():
    turns = Turns()
    said = [batch("till-1", 1, 2), batch("till-1", 3, 1), batch("till-1", 1, 2), batch("till-1", 1, 3), batch("till-2", 1, 2)]
    assert all(turns.add(one) for one in said)
    assert [(one.device, len(one.message.events)) for one in turns.next_group()] == [
        ("till-1", 2), ("till-1", 1), ("till-1", 3), ("till-2", 2),
    ]  # fmt: skip
    assert turns.add(said[0])
    assert turns.next_group() == [said[0]]


@given(sent=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([1, 5, 200])), max_size=60))
def test_all_of_it_comes_out_once_each_devices_in_its_order(sent: list[tuple[str, int]]):
    turns, put = Turns(), dict[str, list[int]]()
    for number, (device, events) in enumerate(sent, start=1):
        turns.add(batch(device, number, events))
        put.setdefault(device, []).append(number)
    got: dict[str, list[int]] = {}
    while turns:
        group = turns.next_group()
        assert group
        for one in group:
            got.setdefault(one.device, []).append(first_of(one))
    assert got == put
