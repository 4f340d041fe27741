"""The feed: what is on the disk is told, wherever a pull breaks."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from dataclasses import replace

import pytest
from tests.waiting import holds_within, until

from panier.feed import FeedEntry, FeedPage
from panier.message import Ask
from panier.trip import CapsuleReceived, CardScanned, TripFinished
from panier_gateway import patience
from panier_gateway.replica import Replica

CLAIRE = {"member": "m1", "first_name": "Claire", "cards": ["2900000000010"]}
CAMPAIGN = {
    "campaign": "c1", "revision": 1, "title": "Granola", "reason": "you buy it monthly", "state": "running",
    "promotion": {"id": "c1", "kind": "percent", "percent": "20", "target": {"skus": ["a"]}}, "segment": "member",
}  # fmt: skip
FIFTH_OFF = {"kind": "percent", "title": "20 % off", "percent": "20", "target": {"skus": ["a"]}}
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
    office.page, office.breaks_after = 2, 0
    await office.say("campaign", "c1", CAMPAIGN)
    await office.say("product", "a", product("a", 150))
    office.breaks_after = 1
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


@pytest.fixture
async def backed_up(shop, till, product):
    """The same terminal, after a backup at entry 2 and three entries that the backup does not hold."""
    office = shop.office
    await office.say("product", "a", product("a", 150))
    await office.say("product", "a", product("a", 200))
    await office.say("campaign", "c1", CAMPAIGN)
    await office.say("product", "b", product("b", 1000))
    await until(lambda: offers(till) == ["c1"] and till.manifests[-1].version == 5)
    assert (await till.ask(Ask(have=0))).version == 5
    return till


def restore(office):
    del office.feed[2:]


def told(office):
    return [incident["text"] for incident in office.incidents if incident["kind"] == "feed_replaced"]


async def prices(till, have):
    part = await till.ask(Ask(have=have))
    assert part.since == 0
    return part.version, {change.key: json.loads(change.body or "{}")["unit_price"] for change in part.changes}


async def test_a_back_office_that_was_put_back_to_a_backup_is_followed_from_its_beginning(
    shop, backed_up, product, started, item
):
    restore(shop.office)
    await shop.office.say("product", "a", product("a", 175))
    await until(lambda: backed_up.manifests[-1].version == 3)
    assert await prices(backed_up, have=5) == (3, {"a": 175})
    assert await prices(backed_up, have=0) == (3, {"a": 175}), "what was packed before is another shop's"
    await until(lambda: offers(backed_up) == [])
    await until(lambda: told(shop.office))
    assert "followed up to 5; it ends at 3; all of it was taken in anew" in told(shop.office)[0]
    # A terminal that has not heard of it yet: the receipt is formed by what there is now, and the difference told.
    backed_up.add(replace(started, snapshot=5), item("a", 200, snapshot=5), TripFinished(units=1, discount=0, total=200))
    await backed_up.send()
    await until(lambda: [receipt["total"] for receipt in shop.office.receipts] == [200])
    await until(lambda: "price_mismatch" in [incident["kind"] for incident in shop.office.incidents])


async def test_a_backup_that_went_beyond_our_position_while_nobody_looked_is_noticed(shop, backed_up, product):
    await shop.office.close()
    restore(shop.office)
    shop.office.feed += [
        {"sequence": sequence, "kind": "product", "key": "a", "body": product("a", 170 + sequence)} for sequence in range(3, 8)
    ]
    await shop.office.open()
    await until(lambda: backed_up.manifests[-1].version == 7)
    assert await prices(backed_up, have=0) == (7, {"a": 177})
    await until(lambda: told(shop.office))
    await shop.close()
    await shop.open()
    await until(lambda: shop.gateway._floor.backoffice == "connected")
    assert len(told(shop.office)) == 1, "the log that is followed now is known again"


async def test_a_back_office_with_an_empty_database_takes_no_price_from_the_store(shop, backed_up, product):
    await shop.office.close()
    del shop.office.feed[:]
    await shop.office.open()
    await until(lambda: told(shop.office))
    assert "sells nothing, so that nothing was taken in" in told(shop.office)[0]
    assert await prices(backed_up, have=0) == (5, {"a": 200, "b": 1000})


GARBAGE = b"no database at all" * 500


def spoil_fact(file, name):
    with sqlite3.connect(file) as disk:
        disk.execute("UPDATE fact SET value = '1q' WHERE name = ?", (name,))
    disk.close()


def spoil_body(file, kind):
    with sqlite3.connect(file) as disk:
        disk.execute("UPDATE entry SET body = cast(x'ff' || substr(body, 2) AS TEXT) WHERE kind = ?", (kind,))
    disk.close()


DAMAGES = {
    "garbage": lambda file: file.write_bytes(GARBAGE),
    "position": lambda file: spoil_fact(file, "position"),
    "fingerprint": lambda file: spoil_fact(file, "fingerprint"),
    "promotion": lambda file: spoil_body(file, "promotion"),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_feed_that_was_damaged_is_pulled_anew_and_no_half_of_it_counts(shop, till, started, item, product, damage):
    office = shop.office
    await office.say("product", "a", product("a", 150))
    await office.say("campaign", "c1", CAMPAIGN)
    await office.say("campaign", "c1", CAMPAIGN | {"revision": 2, "state": "stopped"})
    await office.say("product", "b", product("b", 1000))
    await office.say("promotion", "fifth-off", FIFTH_OFF)
    await until(lambda: till.manifests[-1].version == 6)
    capsules = len(till.capsules)
    await shop.close()
    DAMAGES[damage](shop.settings.data_dir / "feed.db")
    office.page, office.breaks_after = 3, 2
    await shop.open()
    await until(lambda: shop.gateway._replica.position == 3 and till.births == 2)
    (text,) = await until(lambda: [one["text"] for one in office.incidents if one["kind"] == "file_damaged"])
    assert text.startswith("feed.db: ")
    assert text.endswith("; all of it is fetched anew, and the terminals sell on meanwhile")
    # A trip of before, a card, and a campaign that was stopped later: of none is anything said or reckoned yet.
    till.add(replace(started, snapshot=6), CardScanned(card=CLAIRE["cards"][0]), item("a", 150, 2, snapshot=6))
    till.add(TripFinished(units=2, discount=60, total=240))
    await till.send()
    await until(lambda: shop.query("SELECT state FROM trip WHERE trip LIKE '%.3'") == [("unsettled",)])
    await shop.has_told(till)
    assert till.manifests[-1].version == 0
    assert len(till.capsules) == capsules
    office.breaks_after = None
    await until(lambda: till.manifests[-1].version == 6)
    assert len((await till.ask(Ask(have=0))).changes) == 3
    await until(lambda: [receipt["total"] for receipt in office.receipts] == [240])
    assert "price_mismatch" not in [incident["kind"] for incident in office.incidents]


def test_after_damage_versions_of_a_log_that_was_put_back_are_still_known(tmp_path, product):
    def page(*entries, more=False):
        return FeedPage(
            entries=[FeedEntry(sequence=n, kind="product", key="a", body=product("a", n)) for n in entries], last=9, more=more
        )

    held = Replica(tmp_path / "feed.db")
    held.apply(page(1, 2, 3, 4, 5))
    with held.beside() as fresh:
        fresh.apply(page(1, 2))
        held.become(fresh)
    held.close()
    spoil_fact(tmp_path / "feed.db", "position")
    spoil_fact(tmp_path / "feed.db", "last_sum")
    held = Replica(tmp_path / "feed.db")
    assert (held.newest[0], held.known) == (0, 0)
    held.apply(page(1, more=True))
    assert (held.position, held.newest[0], held.known) == (1, 0, 0)
    held.apply(page(2))
    assert (held.newest[0], held.known) == (2, 5)
    held.close()


def of_claire(*bodies, last=0, more=False):
    entries = [FeedEntry(sequence=last + n, kind="member", key="m1", body=body) for n, body in enumerate(bodies, start=1)]
    return FeedPage(entries=entries, last=last + len(entries), more=more)


def test_a_member_who_left_long_ago_and_came_back_is_not_forgotten_when_the_log_is_taken_in_anew(tmp_path):
    held = Replica(tmp_path / "feed.db")
    held.apply(of_claire(CLAIRE, more=True))
    held.apply(of_claire(None, CLAIRE, last=1))
    assert held.gone() == [], "nobody here knew her before"
    with held.beside() as fresh:
        fresh.apply(of_claire(CLAIRE, None, more=True))
        fresh.apply(of_claire(CLAIRE, last=2))
        held.become(fresh)
    assert held.gone() == []
    held.close()


def test_who_leaves_and_comes_back_is_forgotten_all_the_same(tmp_path):
    held = Replica(tmp_path / "feed.db")
    held.apply(of_claire(CLAIRE))
    held.apply(of_claire(None, CLAIRE, last=1))
    assert held.gone() == ["m1"]
    with held.beside() as fresh:
        fresh.apply(of_claire(CLAIRE, None))
        held.become(fresh)
    held.close()
    again = Replica(tmp_path / "feed.db")
    assert again.gone() == ["m1"]
    again.close()


def test_of_a_member_who_was_erased_no_byte_is_left_on_the_disk(tmp_path):
    held = Replica(tmp_path / "feed.db")
    held.apply(of_claire(CLAIRE))
    held.apply(of_claire(None, last=1))
    held.forget_gone(held.gone())
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert CLAIRE["first_name"].encode() not in content
    assert CLAIRE["cards"][0].encode() not in content
    held.close()


def test_a_log_that_was_half_taken_in_when_the_gateway_was_killed_takes_no_room(tmp_path):
    left = Replica(tmp_path / "feed.anew.db")
    left.apply(of_claire(CLAIRE))
    left.close()
    Replica(tmp_path / "feed.db").close()
    assert {file.name for file in tmp_path.iterdir()} == {"feed.db"}


async def test_a_replica_is_closed_when_the_page_that_is_being_taken_in_is_on_the_disk(tmp_path, product):
    begun, go_on = threading.Event(), threading.Event()

    def entries():
        yield FeedEntry(sequence=1, kind="product", key="a", body=product("a", 150))
        begun.set()
        go_on.wait(20)
        yield FeedEntry(sequence=2, kind="product", key="b", body=product("b", 150))

    held = Replica(tmp_path / "feed.db")
    page = FeedPage.model_construct(entries=entries(), last=2, more=False)
    taking = asyncio.create_task(asyncio.to_thread(held.apply, page))
    await until(begun.is_set)
    closing = asyncio.create_task(asyncio.to_thread(held.close))
    assert not await holds_within(0.2, closing.done)
    go_on.set()
    await asyncio.gather(taking, closing)
    again = Replica(tmp_path / "feed.db")
    assert again.position == 2
    again.close()
