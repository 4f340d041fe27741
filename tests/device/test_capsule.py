"""What a member's capsule brings to the trip: a greeting, offers, and what the shopper answers."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.device.conftest import BEANS, BREAD, CARD, GRANOLA, MILK, OATS, Desk, capsule
from tests.sending import events_in

from panier.member import Capsule
from panier.message import Notice
from panier.trip import CodeRefused, HelpRequested


def test_a_capsule_greets_and_brings_offers(desk: Desk):
    desk.scan(CARD)
    desk.scan(BEANS)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    assert desk.kinds[-1] == "capsule_received"
    assert desk.agent.now.first_name == "Claire"
    assert desk.agent.now.priced is not None
    assert desk.agent.now.priced.total == 992
    assert b"Claire" not in b"".join(str(event).encode() for event in events_in(desk.journal))


def test_the_same_capsule_again_changes_nothing(desk: Desk):
    desk.scan(CARD)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    assert desk.kinds.count("capsule_received") == 1


def test_a_pushed_campaign_is_marked_as_new_until_the_next_scan(desk: Desk):
    desk.scan(CARD)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    assert desk.agent.now.fresh == frozenset()
    desk.agent.capsule_arrived(capsule(desk, GRANOLA, OATS))
    assert desk.agent.now.fresh == {"c-2"}
    desk.scan(MILK)
    assert desk.agent.now.fresh == frozenset()


def test_a_capsule_for_another_trip_is_void(desk: Desk):
    desk.scan(MILK)
    desk.agent.capsule_arrived(replace(capsule(desk, GRANOLA), trip="hand-1.zzzzzz.1"))
    assert desk.kinds == ["trip_started", "item_added"]
    desk.agent.finish()
    desk.agent.capsule_arrived(replace(capsule_of_no_trip(), trip="hand-1.zzzzzz.1"))
    assert desk.kinds[-1] == "trip_finished"


def capsule_of_no_trip() -> Capsule:
    return Capsule(trip="x", member="m-17", first_name="Claire", segments=(), offers=())


def test_an_offer_with_nonsense_in_it_harms_nobody(desk: Desk):
    desk.scan(CARD)
    desk.scan(BEANS)
    desk.agent.capsule_arrived(capsule(desk, replace(GRANOLA, promotion={"kind": "percent", "percent": "-5000"})))
    assert desk.agent.now.priced is not None
    assert desk.agent.now.priced.total == 1240


def test_offers_are_journalled_as_shown_once_a_trip(desk: Desk):
    desk.scan(CARD)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA, OATS))
    desk.agent.painted(("c-1", "c-2"))
    desk.agent.painted(("c-1", "c-2"))
    assert desk.kinds.count("offer_shown") == 2


def test_answers_to_offers_are_journalled(desk: Desk):
    desk.scan(CARD)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA, OATS))
    desk.agent.answer_offer("c-1", accepted=True)
    desk.agent.answer_offer("c-2", accepted=False)
    desk.agent.answer_offer("c-99", accepted=True)
    assert desk.kinds[-2:] == ["offer_accepted", "offer_refused"]


def test_an_unknown_card_is_told_and_journalled_masked(desk: Desk):
    desk.scan(CARD)
    desk.agent.notice_arrived(Notice(trip=desk.trip_id, code="unknown_card", text="no such card"))
    assert desk.said == "unknown_card"
    refused = events_in(desk.journal)[-1].what
    assert isinstance(refused, CodeRefused)
    assert CARD not in refused.seen
    desk.agent.notice_arrived(Notice(trip="other", code="unknown_card", text="no such card"))
    assert desk.kinds.count("code_refused") == 1


@contextmanager
def refused(desk: Desk, write: str) -> Iterator[None]:
    """SQLite refuses one kind of write, as it does on a full disk."""
    refusal = f"CREATE TRIGGER refused BEFORE {write} BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
    desk.journal._conn.execute(refusal)
    yield
    desk.journal._conn.execute("DROP TRIGGER refused")


@pytest.mark.parametrize("write", ["INSERT ON greeting", "INSERT ON event"])
def test_a_capsule_that_the_disk_refuses_comes_whole_with_the_next_scan(desk: Desk, write: str):
    desk.scan(CARD, BEANS)
    with refused(desk, write):
        desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    desk.scan(MILK)
    trip = desk.agent.now.trip
    assert trip is not None
    assert (desk.agent.now.first_name, trip.member, trip.offers) == ("Claire", "m-17", (GRANOLA,))
    assert desk.journal.greeting(trip.trip) == "Claire"
    desk.scan(MILK)
    assert desk.kinds.count("capsule_received") == 1


def test_a_newer_capsule_is_not_undone_by_one_that_the_disk_refused(desk: Desk):
    desk.scan(CARD, BEANS)
    with refused(desk, "INSERT ON event"):
        desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    desk.agent.capsule_arrived(capsule(desk, OATS))
    desk.scan(MILK)
    assert desk.agent.now.trip is not None
    assert desk.agent.now.trip.offers == (OATS,)


def test_a_trip_ends_though_the_disk_keeps_the_name_which_goes_at_the_next_chance(desk: Desk):
    desk.scan(CARD, BEANS)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA, name="Gwendolyn-Unmistakable"))
    trip = desk.trip_id
    with refused(desk, "DELETE ON greeting"):
        desk.agent.finish()
        assert desk.kinds[-1] == "trip_finished"
        assert desk.agent.now.farewell is not None
        assert desk.journal.greeting(trip) == "Gwendolyn-Unmistakable"
    desk.scan(BREAD)
    desk.agent.finish()
    assert desk.journal.greeting(trip) == ""


def test_a_name_that_stays_in_the_log_because_the_disk_is_full_goes_when_the_farewell_is_read(desk: Desk, tmp_path: Path):
    desk.scan(MILK)
    desk.journal.append(desk.trip_id, desk.clock(), *[HelpRequested()] * 5000)
    desk.agent.restore()
    desk.agent.finish()
    desk.journal._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    desk.scan(CARD, *[BEANS] * 20)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA, name="Gwendolyn-Unmistakable"))
    with grows_no_further(tmp_path / "journal.db"):
        desk.agent.finish()
        assert desk.agent.now.farewell is not None
        assert is_there(tmp_path, "Unmistakable")
    desk.agent.dismiss()
    assert not is_there(tmp_path, "Unmistakable")


@contextmanager
def grows_no_further(file: Path) -> Iterator[None]:
    """No file of this process may become longer than this one is now: the kernel refuses to write."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def is_there(directory: Path, text: str) -> bool:
    return any(text.encode() in file.read_bytes() for file in directory.iterdir())
