"""A full disk: nothing ends, nothing is lost, staff see it, and an incident tells of it afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.waiting import until

from panier.trip import TripFinished
from panier_gateway import patience


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(patience, "FIRST", 0.02)
    monkeypatch.setattr(patience, "LONGEST", 0.05)


def fill(connection):
    """The smallest disk there is: SQLite refuses to grow the file."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")


def free(connection):
    connection.execute("PRAGMA max_page_count = 1000000")


def wrong(shop):
    return shop.gateway._floor.row("till-1").wrong or ""


async def test_a_full_ledger_ends_nothing_and_the_trip_has_its_receipt_when_there_is_space_again(shop, started, item):
    till = await shop.till()
    ledger = shop.gateway._clerk._ledger._conn
    fill(ledger)
    till.add(started, *[item(f"{n:0120}") for n in range(100)], TripFinished(units=100, discount=0, total=15000))
    await till.send()
    await until(lambda: "disk is full" in wrong(shop))
    assert till.upto <= 0
    free(ledger)
    await until(lambda: wrong(shop) == "")
    await till.send()
    await till.acknowledged(len(till.events))
    await until(lambda: [receipt["receipt"] for receipt in shop.office.receipts] == [till.trip])
    await until(lambda: any(incident["kind"] == "disk_refused" for incident in shop.office.incidents))
    assert shop.gateway._disk.refusals > 0


async def test_a_full_replica_ends_nothing_and_takes_the_feed_in_when_there_is_space_again(shop, product):
    writer = shop.gateway._replica._writer.conn
    fill(writer)
    for n in range(100):
        await shop.office.say("product", f"{n:030}", product(f"{n:030}", 1) | {"name": "x" * 100})
    await until(lambda: "disk is full" in wrong(shop) or shop.gateway._disk.refusals > 1)
    assert shop.gateway._replica.position < 100
    free(writer)
    await until(lambda: shop.gateway._replica.position == 100)


async def test_a_receipt_that_the_disk_refused_to_settle_is_settled_later(shop, started, item, product):
    till = await shop.till()
    # Priced with a snapshot that the feed has not brought yet: unsettled until then.
    till.add(replace(started, snapshot=1), item(), TripFinished(units=1, discount=0, total=150))
    await till.send()
    await until(lambda: shop.query("SELECT state FROM trip") == [("unsettled",)])
    ledger = shop.gateway._clerk._ledger._conn
    ledger.execute("PRAGMA query_only = ON")
    await shop.office.say("product", "a", product("a", 150))
    await until(lambda: shop.gateway._disk.refusals > 1)
    ledger.execute("PRAGMA query_only = OFF")
    await until(lambda: [receipt["receipt"] for receipt in shop.office.receipts] == [till.trip])


async def test_a_violation_that_the_disk_refused_to_note_is_told_later(shop, monkeypatch):
    monkeypatch.setattr("panier_gateway.gateway._RIGHTS_POLL", 0.02)
    till = await shop.till()
    await until(lambda: till.acknowledgements)
    ledger = shop.gateway._clerk._ledger._conn
    ledger.execute("PRAGMA query_only = ON")
    await till.session.publish("panier/1/shop/till-2/up/events", b"{}")
    await until(lambda: shop.gateway._disk.refusals > 1)
    ledger.execute("PRAGMA query_only = OFF")
    await until(lambda: "rights_exceeded" in [incident["kind"] for incident in shop.office.incidents])


async def test_deliveries_that_cannot_be_noted_are_made_again_and_arrive_once(shop, started, item):
    await until(lambda: shop.gateway._floor.backoffice == "connected")
    await shop.office.close()
    till = await shop.till()
    till.add(started, item(), TripFinished(units=1, discount=0, total=150))
    await till.send()
    await till.acknowledged(3)
    ledger = shop.gateway._clerk._ledger._conn
    ledger.execute("PRAGMA query_only = ON")
    await shop.office.open()
    await until(lambda: shop.office.repeats > 0)
    ledger.execute("PRAGMA query_only = OFF")
    await until(lambda: shop.query("SELECT count(*) FROM outbox") == [(0,)])
    assert [receipt["receipt"] for receipt in shop.office.receipts] == [till.trip]


async def test_a_file_that_is_damaged_while_the_gateway_runs_is_called_damaged_and_not_full(shop, product):
    for n in range(100):
        await shop.office.say("product", f"{n:030}", product(f"{n:030}", 1) | {"name": "x" * 100})
    await until(lambda: shop.gateway._replica.position == 100)
    writer = shop.gateway._replica._writer.conn
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (shop.settings.data_dir / "feed.db").open("r+b") as disk:
        size = disk.seek(4096 * 2) and disk.seek(0, 2)
        disk.seek(4096 * 2)
        disk.write(b"x" * (size - 4096 * 2))
    writer.execute("PRAGMA shrink_memory")
    await shop.office.say("product", "a", product("a", 1))
    await until(lambda: "a file of the gateway is damaged: database disk image is malformed; restart the gateway" in wrong(shop))
