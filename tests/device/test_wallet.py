"""Limited promotions on a terminal: what it holds works without a network, survives a restart, and is never used twice."""

from __future__ import annotations

from pathlib import Path

from tests.device.conftest import BEANS, CARD, Clock, Desk, changes, open_desk
from tests.sending import events_in

from panier.lease import MAX_LEASES, Lease
from panier.member import Capsule
from panier.message import LeaseMessage
from panier.offer import Offer
from panier.trip import LeasesHeld, OfferShown, TripStarted
from panier_device.screen.view import Link, look
from panier_device.screen.word import ENGLISH
from panier_device.wallet import Wallet
from panier_io.journal import Journal

LIMITED = {"two-off": {"kind": "amount", "title": "2.00 off", "amount": "2.00", "usage_limit": 50, "target": {"skus": ["1"]}}}
ONCE = Offer(
    offer="c", revision=1, title="-1.00", reason="you buy it",
    promotion={"kind": "amount", "amount": "1.00", "usage_limit": 9},
)  # fmt: skip


def limited(directory: Path, clock: Clock | None = None) -> Desk:
    desk = open_desk(directory, clock, stocked=False)
    if desk.shop.held.version == 0:
        desk.stock(changes(promotions=LIMITED), version=7)
    return desk


def told(desk: Desk, granted: int, *, used: int = 0, holder: str = "", promotion: str = "two-off", journal: str = "") -> None:
    own = f"{desk.journal.device}.{desk.journal.id}"
    lease = Lease(promotion=promotion, is_spend=False, holder=holder or own, granted=granted, used=used)
    desk.agent.leases_arrived(LeaseMessage(journal=journal or desk.journal.id, leases=[lease]))


def one_trip(desk: Desk) -> int:
    desk.agent.type_code(BEANS)
    assert desk.agent.now.priced is not None
    off = desk.agent.now.priced.discount
    desk.agent.finish()
    return off


def test_a_lease_serves_trip_after_trip_offline_until_it_is_used_up(tmp_path: Path) -> None:
    desk = limited(tmp_path)
    assert one_trip(desk) == 0, "nothing is held yet"
    told(desk, 2)
    assert [one_trip(desk) for _ in range(3)] == [200, 200, 0]
    assert desk.kinds.count("leases_held") == 2


def test_what_was_used_is_on_the_disk_with_the_end_of_the_trip(tmp_path: Path) -> None:
    desk = limited(tmp_path)
    told(desk, 2)
    assert one_trip(desk) == 200
    desk.close()
    again = limited(tmp_path)
    told(again, 2)
    assert [one_trip(again) for _ in range(2)] == [200, 0], "a message that is repeated gives nothing back"


def test_a_lease_that_comes_in_mid_trip_is_journalled_before_it_counts(tmp_path: Path) -> None:
    desk = limited(tmp_path)
    desk.agent.type_code(BEANS)
    told(desk, 1)
    (event,) = [event.what for event in events_in(desk.journal) if isinstance(event.what, LeasesHeld)]
    assert [lease.left for lease in event.leases] == [1]
    assert desk.agent.now.priced is not None
    assert desk.agent.now.priced.discount == 200
    before = desk.journal.last
    told(desk, 1)
    assert desk.journal.last == before, "saying it again changes nothing"
    desk.close()
    again = limited(tmp_path)
    again.agent.restore()
    assert again.agent.now.priced is not None
    assert again.agent.now.priced.discount == 200


def test_what_was_held_under_the_old_name_of_a_renewed_journal_is_void(tmp_path: Path) -> None:
    desk = limited(tmp_path)
    told(desk, 2)
    desk.agent.type_code(BEANS)
    desk.journal.renew(0)
    desk.agent.restore()
    desk.agent.finish()
    assert desk.journal.leases() == []
    told(desk, 1)
    assert [one_trip(desk) for _ in range(2)] == [200, 0]


def test_a_promotion_that_ends_and_comes_back_gives_nothing_a_second_time(tmp_path: Path) -> None:
    desk = limited(tmp_path)
    told(desk, 2)
    assert [one_trip(desk) for _ in range(2)] == [200, 200]
    desk.stock(changes(promotions={}), version=8)
    desk.stock(changes(promotions=LIMITED), version=9)
    told(desk, 2)
    assert one_trip(desk) == 0, "the gateway may have no receipt of the two trips yet"


def test_leases_of_another_journal_or_of_a_trip_that_ended_are_void(tmp_path: Path) -> None:
    desk = limited(tmp_path)
    told(desk, 5, journal="zzzzzz")
    told(desk, 5, holder="hand-1.zzzzzz")
    told(desk, 5, holder=f"hand-1.{desk.journal.id}.1")
    assert one_trip(desk) == 0
    assert desk.journal.leases() == []


def test_a_members_offer_acts_with_the_trips_own_lease_and_is_said_to_be_gone_without_one(tmp_path: Path) -> None:
    desk = limited(tmp_path)
    desk.agent.type_code(CARD)
    desk.agent.type_code(BEANS)
    assert desk.agent.now.trip is not None
    trip = desk.agent.now.trip.trip
    desk.agent.capsule_arrived(Capsule(trip=trip, member="m", first_name="", segments=("member",), offers=(ONCE,)))
    (offer,) = look(desk.agent.now, Link(), ENGLISH).offers
    assert (offer.mark, offer.reason) == ("all gone", ENGLISH.used_up_why)
    desk.agent.painted(("c",))
    desk.agent.answer_offer("c", accepted=True)
    assert desk.agent.now.message is not None
    assert desk.agent.now.message.key == "offer_used_up"
    assert not [event for event in events_in(desk.journal) if isinstance(event.what, OfferShown)]
    told(desk, 1, holder=trip, promotion="c")
    assert look(desk.agent.now, Link(), ENGLISH).offers[0].reason == "you buy it"
    assert desk.agent.now.priced is not None
    assert desk.agent.now.priced.discount == 100
    desk.agent.finish()
    assert desk.journal.leases() == [], "the trip's own lease ends with it"


def test_a_trip_states_no_more_leases_than_its_journal_reads_and_its_own_first(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", "hand-1")
    started = TripStarted(store="north", currency="USD", timezone="UTC", snapshot=0)
    trip = journal.append(None, 1, started)[0].trip
    names = [f"p{number}" for number in range(600)]
    wallet = Wallet(journal)
    for holder in (f"hand-1.{journal.id}", trip):
        wallet.take([Lease(promotion=name, is_spend=False, holder=holder, granted=1) for name in names], trip)
    held = wallet.held(names, trip)
    assert (len(held), sum(lease.holder == trip for lease in held)) == (MAX_LEASES, 600)
    journal.append(trip, 1, LeasesHeld(leases=held))
    assert [event.what for event in events_in(journal, 1)] == [LeasesHeld(leases=held)]
    journal.close()
