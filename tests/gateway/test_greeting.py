"""Capsules: after a card, and again when a campaign or the member changes in mid-trip."""

from __future__ import annotations

import pytest
from tests.waiting import until

from panier.definition import PERCENT
from panier.feed import FeedEntry, FeedPage
from panier.holdout import is_held_out
from panier.trip import CapsuleReceived, CardScanned
from panier_gateway.capsule import long_ago
from panier_gateway.replica import Replica

NOW = 1_780_000_000_000


@pytest.fixture
def campaign():
    """Makes bodies of campaign entries."""

    def made(name, **changes):
        return {
            "campaign": name, "revision": 1, "title": "Granola", "reason": "you buy it monthly", "state": "running",
            "promotion": {"id": name, "kind": "percent", "percent": "20", "target": {"skus": ["a"]}}, "segment": "member",
        } | changes  # fmt: skip

    return made


CLAIRE = {"member": "m1", "first_name": "Claire", "cards": ["2900000000010"], "segments": ["granola"]}


@pytest.fixture
async def claire(shop, product):
    """A member of whom all have heard: the next page of the feed is asked for when the one before was told."""
    await shop.office.say("member", "m1", CLAIRE)
    await until(lambda: shop.gateway._replica.position == 1)
    await shop.office.say("product", "a", product("a", 150))
    await until(lambda: shop.gateway._replica.position == 2)


async def shopping(shop, started):
    till = await shop.till()
    till.add(started, CardScanned(card="2900000000010"))
    await till.send()
    return till


def offers(till):
    return [offer.offer for offer in till.capsules[-1].capsule.offers]


@pytest.mark.usefixtures("claire")
async def test_a_card_is_answered_with_the_members_name_segments_and_offers(shop, started, campaign):
    await shop.office.say("campaign", "c1", campaign("c1"))
    await until(lambda: shop.gateway._greeting._audiences, "the campaign where capsules are made")
    till = await shopping(shop, started)
    await until(lambda: till.capsules)
    capsule = till.capsules[0].capsule
    assert (capsule.trip, capsule.member, capsule.first_name) == (till.trip, "m1", "Claire")
    assert capsule.segments == ("member", "granola")
    assert [offer.offer for offer in capsule.offers] == ["c1"]


@pytest.mark.usefixtures("claire")
async def test_a_campaign_reaches_a_trip_that_is_under_way_and_leaves_it_when_stopped(shop, started, campaign):
    till = await shopping(shop, started)
    await until(lambda: till.capsules)
    assert offers(till) == []
    await shop.office.say("campaign", "c1", campaign("c1", segment=None, members=["m1"]))
    await until(lambda: offers(till) == ["c1"])
    await shop.office.say("campaign", "c1", campaign("c1", segment=None, members=["m1"], revision=2, state="stopped"))
    await until(lambda: offers(till) == [])


async def test_a_member_of_many_long_campaigns_gets_those_that_a_message_holds_and_the_rest_is_told(shop, started, campaign):
    skus = [f"sku-{number:05}" for number in range(4_500)]
    long = {"kind": "percent", "percent": "20", "target": {"skus": skus}}
    await shop.office.say("member", "m1", CLAIRE)
    await shop.office.say("campaign", "own", campaign("own", segment=None, members=["m1"]))
    for number in range(20):
        await shop.office.say("campaign", f"c{number}", campaign(f"c{number}", promotion=long))
    await until(lambda: shop.gateway._replica.position == 22)
    till = await shopping(shop, started)
    chosen = ["own", "c19", "c18", "c17", "c16", "c15", "c14", "c13"]
    # The replica may hold them all before it is told.
    await until(lambda: till.capsules and offers(till) == chosen)
    connected = shop.gateway._session._connection
    left_out = {f"shop.c{number}.left_out" for number in range(13)}
    await until(lambda: {incident["incident"] for incident in shop.office.incidents} == left_out)
    till.add(CapsuleReceived(member="m1", segments=("member", "granola"), offers=till.capsules[-1].capsule.offers))
    await till.send()
    await till.acknowledged(3)
    assert shop.gateway._session._connection is connected


async def test_a_campaign_that_no_message_holds_is_refused(shop, campaign):
    definition = {"kind": "percent", "percent": "20", "target": {"skus": [f"sku-{number:05}" for number in range(7_000)]}}
    await shop.office.say("campaign", "c1", campaign("c1", promotion=definition))
    await until(lambda: shop.office.incidents)
    assert "characters; the most is 64000" in shop.office.incidents[0]["text"]
    assert shop.gateway._replica.running_campaigns(0) == []


async def test_an_unknown_card_is_said_and_answered_when_the_member_becomes_known(shop, started):
    till = await shopping(shop, started)
    await until(lambda: till.notices)
    assert (till.notices[0].code, till.notices[0].trip) == ("unknown_card", till.trip)
    await shop.office.say("member", "m1", CLAIRE)
    await until(lambda: till.capsules)


@pytest.mark.usefixtures("claire")
async def test_a_device_that_says_it_has_the_capsule_is_not_sent_it_again(shop, started, campaign):
    till = await shopping(shop, started)
    await until(lambda: till.capsules)
    held = till.capsules[0].capsule
    till.add(CapsuleReceived(member=held.member, segments=held.segments, offers=held.offers))
    await till.send()
    await till.acknowledged(3)
    await till.reborn()
    await shop.office.say("campaign", "c9", campaign("c9"))
    await until(lambda: offers(till) == ["c9"])
    assert [len(message.capsule.offers) for message in till.capsules] == [0, 1]


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({}, True),
        ({"state": "stopped"}, False),
        ({"ends_at": NOW + 1}, True),
        ({"ends_at": NOW - 1}, True),  # a clock that is set right again must find it
        ({"ends_at": NOW - 8 * 24 * 3600 * 1000}, False),
        ({"starts_at": NOW + 90 * 24 * 3600 * 1000}, True),
    ],
)
def test_campaigns_that_are_over_are_not_read_for_years(tmp_path, campaign, changes, held):
    replica = Replica(tmp_path / "feed.db")
    bodies = [campaign("c1"), campaign("c2") | {"state": "stopped"}, campaign("c1", **changes)]
    entries = [FeedEntry(sequence=n, kind="campaign", key=body["campaign"], body=body) for n, body in enumerate(bodies, start=1)]
    replica.apply(FeedPage(entries=entries, last=3, more=False))
    found = [(one.campaign, one.ends_at) for one in replica.running_campaigns(long_ago(NOW))]
    assert found == [("c1", changes.get("ends_at"))] * held
    replica.apply(FeedPage(entries=[FeedEntry(sequence=4, kind="campaign", key="c1", body=None)], last=4, more=False))
    assert replica.running_campaigns(0) == []
    replica.close()


async def test_a_price_change_reads_no_campaign(shop, product, campaign, monkeypatch):
    replica = shop.gateway._replica
    read, running = [], replica.running_campaigns
    monkeypatch.setattr(replica, "running_campaigns", lambda since: read.append(since) or running(since))
    await shop.office.say("campaign", "c1", campaign("c1", promotion={**campaign("c1")["promotion"], "usage_limit": 5}))
    await until(lambda: ("c1", False) in shop.gateway._lending.limits and shop.gateway._greeting._audiences)
    before = len(read)
    till = await shop.till()
    await shop.office.say("product", "a", product("a", 150))
    await until(lambda: till.manifests and till.manifests[-1].version == 2)
    await shop.has_told(till)
    assert len(read) == before


async def test_a_member_who_is_held_out_gets_no_offer(shop, started) -> None:
    names = [f"m{number}" for number in range(50)]
    held_out = next(name for name in names if is_held_out(name, "c1", 50 * PERCENT))
    treated = next(name for name in names if not is_held_out(name, "c1", 50 * PERCENT))
    for card, name in (("2900000000010", held_out), ("2900000000027", treated)):
        await shop.office.say("member", name, {"member": name, "first_name": "", "cards": [card], "segments": []})
    campaign = {
        "campaign": "c1", "revision": 1, "title": "t", "reason": "r", "state": "running", "segment": "member", "holdout": 50,
        "promotion": {"id": "c1", "kind": "percent", "percent": "10"},
    }  # fmt: skip
    await shop.office.say("campaign", "c1", campaign)
    await until(lambda: shop.gateway._greeting._audiences, "the campaign where capsules are made")
    till = await shop.till()
    till.add(started, CardScanned(card="2900000000010"))
    await till.send()
    await until(lambda: till.capsules)
    assert offers(till) == []
    till.add(CardScanned(card="2900000000027"))
    await till.send()
    await until(lambda: offers(till) == ["c1"])
