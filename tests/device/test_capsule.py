"""What a member's capsule brings to the trip: a greeting, offers, and what the shopper answers."""

from __future__ import annotations

from dataclasses import replace

from tests.device.conftest import BEANS, CARD, GRANOLA, MILK, OATS, Desk, capsule

from panier.member import Capsule
from panier.message import Notice
from panier.trip import CodeRefused


def test_a_capsule_greets_and_brings_offers(desk: Desk):
    desk.scan(CARD)
    desk.scan(BEANS)
    desk.agent.capsule_arrived(capsule(desk, GRANOLA))
    assert desk.kinds[-1] == "capsule_received"
    assert desk.agent.now.first_name == "Claire"
    assert desk.agent.now.priced is not None
    assert desk.agent.now.priced.total == 992
    assert b"Claire" not in b"".join(str(event).encode() for event in desk.journal.after(0, 100))


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
    refused = desk.journal.after(0, 100)[-1].what
    assert isinstance(refused, CodeRefused)
    assert CARD not in refused.seen
    desk.agent.notice_arrived(Notice(trip="other", code="unknown_card", text="no such card"))
    assert desk.kinds.count("code_refused") == 1
