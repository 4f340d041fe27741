"""A full disk: nothing ends, nothing is lost, staff see it, and an incident tells of it afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.gateway.conftest import STARTED, batch, journal
from tests.waiting import until

from panier.trip import CardScanned, TripFinished
from panier_gateway import patience
from panier_gateway.clerk import Clerk
from panier_gateway.disk import Disk
from panier_gateway.floor import Floor
from panier_gateway.incident import CLIENTS_TOLD


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


@contextmanager
def refusing(ledger):
    """Nothing can be written, as on a disk that is mounted read-only after an error."""
    ledger.connection.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        ledger.connection.execute("PRAGMA query_only = OFF")


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


async def test_a_receipt_that_the_feeds_disk_kept_from_being_formed_is_formed_when_that_reads_again(shop, started, item):
    till = await shop.till()
    reader = shop.gateway._replica._reader.conn
    reader.set_progress_handler(lambda: 1, 1)  # every statement is ended with an error
    till.add(started, item(), TripFinished(units=1, discount=0, total=150))
    await till.send()
    await until(lambda: shop.query("SELECT state FROM trip") == [("unsettled",)])
    await until(lambda: "disk refuses" in wrong(shop))
    reader.set_progress_handler(None, 1)
    await until(lambda: [receipt["receipt"] for receipt in shop.office.receipts] == [till.trip])


async def test_who_tries_what_it_may_not_under_ever_new_names_fills_neither_memory_nor_console(shop, monkeypatch):
    monkeypatch.setattr("panier_gateway.gateway._RIGHTS_POLL", 0.02)
    broken = '[1] 2026/11/22 01:48:11.162055 [ERR] 127.0.0.1:4 - mid:31 - "x{}" - Publish Violation - Subject "a.b"\n'
    file = shop.settings.data_dir / "broker" / "broker.log"
    with refusing(shop.gateway._clerk._ledger):
        with file.open("a") as log:
            log.writelines(broken.format(number) for number in range(500))
        await until(lambda: shop.gateway._disk.refusals > 1)
        assert len(shop.gateway._untold) == CLIENTS_TOLD + 1
    rights = "SELECT count(*) FROM incident WHERE identity LIKE 'shop.rights.%'"
    await until(lambda: shop.query(rights)[0][0] == CLIENTS_TOLD + 1)
    with file.open("a") as log:
        log.writelines(broken.format(number) for number in range(500, 600))
    await until(lambda: shop.gateway._violations._at >= file.stat().st_size and not shop.gateway._untold)
    hours = len({one["incident"].split(".")[2] for one in shop.office.incidents if one["kind"] == "rights_exceeded"})
    assert shop.query(rights)[0][0] <= hours * (CLIENTS_TOLD + 1)
    texts = [one["text"] for one in shop.office.incidents if one["device"] is None and one["kind"] == "rights_exceeded"]
    assert texts[0] == "more than 20 clients tried within an hour what they may not; the broker's log names them"


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


def told(till):
    """The offers of the newest capsule that a terminal got."""
    return [offer.offer for offer in till.capsules[-1].capsule.offers] if till.capsules else None


async def test_a_refusing_ledger_keeps_its_offer_from_one_trip_alone_and_no_broker_that_restarts_cuts_the_gateway_off(
    shop, started
):
    shop.enrol("till-2")
    tills = [await shop.till("till-1"), await shop.till("till-2")]
    for number, till in enumerate(tills, start=1):
        card = f"290000000000{number}"
        member = {"member": f"m{number}", "first_name": "", "cards": [card], "segments": []}
        await shop.office.say("member", f"m{number}", member)
        till.add(started, CardScanned(card=card))
        await till.send()
        await until(lambda till=till: told(till) == [])
    first, second = tills
    with refusing(shop.gateway._clerk._ledger):
        tenth = {"kind": "percent", "percent": "10", "target": {"skus": ["a"]}}
        limited = tenth | {"budget": {"type": "spend", "limit": "1000.00"}}
        for number, promotion in enumerate((limited, tenth), start=1):
            campaign = {
                "campaign": f"c{number}", "revision": 1, "title": "t", "reason": "r", "state": "running", "segment": None,
                "members": [f"m{number}"], "promotion": promotion,
            }  # fmt: skip
            await shop.office.say("campaign", f"c{number}", campaign)
        await until(lambda: told(second) == ["c2"])
        connection, births = shop.gateway._session._connection, [till.births for till in tills]
        os.kill(shop.gateway._broker.pid, signal.SIGKILL)
        await until(lambda: shop.gateway._session._connection not in (None, connection))
        connection = shop.gateway._session._connection
        await until(lambda: all(till.births > before for till, before in zip(tills, births, strict=True)))
        for till in tills:
            await till.reborn()
        assert told(first) == []
        assert "disk refuses" in wrong(shop)
        assert shop.gateway._session._connection is connection
    await until(lambda: told(first) == ["c1"])
    assert shop.gateway._session._connection is connection


async def test_a_lease_that_the_disk_refuses_keeps_no_capsule_from_a_device_and_comes_when_the_disk_is_back(shop, started):
    await shop.office.say("member", "m1", {"member": "m1", "first_name": "Claire", "cards": ["29"], "segments": []})
    await until(lambda: shop.gateway._replica.position == 1)
    till = await shop.till()
    till.add(started, CardScanned(card="29"))
    await till.send()
    await until(lambda: till.capsules)
    with refusing(shop.gateway._clerk._ledger):
        limited = {"kind": "percent", "percent": "10", "target": {"skus": ["a"]}, "budget": {"type": "spend", "limit": "1000.00"}}
        await shop.office.say("promotion", "p1", limited)
        await until(lambda: "disk refuses" in wrong(shop))
        said = len(till.capsules)
        await till.reborn()
        await until(lambda: len(till.capsules) > said)
        assert till._of(till.topics.lease) == []
    await until(lambda: till._of(till.topics.lease))


async def test_what_was_lent_already_is_said_without_a_disk_that_takes_something(ledger, intake):
    clerk = Clerk(ledger, intake, lambda: 5)
    await clerk.take_in([batch(journal(STARTED))])
    asked = (("till-1", "j"), "till-1.j.1", {("p", False): 100}, {("c", True): 1000}, 2)
    lent = await clerk.lend(*asked)
    with refusing(ledger):
        assert await clerk.lend(*asked) == lent
        with pytest.raises(sqlite3.OperationalError):
            await clerk.lend(*asked[:2], {("p", False): 100, ("q", False): 100}, *asked[3:])
    clerk.close()


async def test_a_part_that_waits_for_the_disk_goes_on_at_once_when_that_is_back(ledger, intake, monkeypatch):
    clerk, told = Clerk(ledger, intake, lambda: 5), asyncio.Event()
    disk = Disk(Floor("USD"), clerk, lambda: None, lambda: None)

    async def work():
        await clerk.report_trouble("till-1", "j", "its journal was damaged")
        told.set()

    with refusing(ledger):
        monkeypatch.setattr(patience, "FIRST", 3600.0)
        part = asyncio.create_task(disk.keep_at("part", work))
        await until(lambda: disk.refusals == 1)
        monkeypatch.setattr(patience, "FIRST", 0.02)
        look = asyncio.create_task(disk.run())
    await until(told.is_set)
    await part
    look.cancel()
    clerk.close()
