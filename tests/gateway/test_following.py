"""The feed: what is on the disk is told, wherever a pull breaks."""

from __future__ import annotations

import pytest
from tests.waiting import until

from panier.trip import CapsuleReceived, CardScanned, TripFinished
from panier_gateway import patience

CLAIRE = {"member": "m1", "first_name": "Claire", "cards": ["2900000000010"]}
CAMPAIGN = {
    "campaign": "c1", "revision": 1, "title": "Granola", "reason": "you buy it monthly", "state": "running",
    "promotion": {"id": "c1", "kind": "percent", "percent": "20", "target": {"skus": ["a"]}}, "segment": "member",
}  # fmt: skip
LIMITED = {"kind": "amount", "title": "2.00 off", "amount": "2.00", "usage_limit": 50, "target": {"skus": ["a"]}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(patience, "FIRST", 0.02)
    monkeypatch.setattr(patience, "LONGEST", 0.05)


@pytest.fixture
async def till(shop, started):
    """A terminal whose shopper was greeted, without an offer."""
    await shop.office.say("member", "m1", CLAIRE)
    await until(lambda: shop.gateway._replica.position == 1)
    till = await shop.till()
    till.add(started, CardScanned(card="2900000000010"))
    await till.send()
    await until(lambda: till.capsules)
    return till


def offers(till):
    return [offer.offer for offer in till.capsules[-1].capsule.offers]


async def test_the_page_before_one_that_stays_away_is_told(shop, till, product):
    office = shop.office
    office.breaks_after = 1
    await office.say("campaign", "c1", CAMPAIGN)
    await office.say("product", "a", product("a", 150))
    office.page, office.breaks_after = 1, 2
    await until(lambda: offers(till) == ["c1"])
    assert shop.gateway._replica.position == 2
    office.breaks_after = None
    await until(lambda: till.manifests[-1].version == 3)


async def test_what_a_full_disk_kept_from_being_told_is_told_when_there_is_space(shop, till):
    ledger = shop.gateway._clerk._ledger._conn
    ledger.execute("PRAGMA query_only = ON")
    await shop.office.say("promotion", "two-off", LIMITED)
    await shop.office.say("campaign", "c1", CAMPAIGN)
    await until(lambda: shop.gateway._replica.position == 3)
    await until(lambda: shop.gateway._disk.refusals > 1)
    assert offers(till) == []
    ledger.execute("PRAGMA query_only = OFF")
    await until(lambda: offers(till) == ["c1"])


async def test_of_a_member_who_is_taken_out_of_the_feed_nothing_is_remembered(shop, till, started, item):
    held = CapsuleReceived(member="m1", segments=("member",), offers=())
    remembered = "SELECT member FROM member_trip"
    till.add(held, item(), TripFinished(units=1, discount=0, total=150))
    await till.send()
    await until(lambda: shop.query(remembered) == [("m1",)])
    ledger = shop.gateway._clerk._ledger._conn
    ledger.execute("PRAGMA query_only = ON")
    await shop.office.say("member", "m1", None)
    await until(lambda: shop.gateway._disk.refusals > 1)
    assert shop.query(remembered) == [("m1",)]
    ledger.execute("PRAGMA query_only = OFF")
    await until(lambda: shop.query(remembered) == [])
    await until(lambda: shop.gateway._replica.gone() == [])
    # A trip that was offline meanwhile begins no new memory.
    till.add(started, held, item(), TripFinished(units=1, discount=0, total=150))
    await till.send()
    await until(lambda: len(shop.office.receipts) == 2)
    assert shop.query(remembered) == []
