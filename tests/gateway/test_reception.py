"""What arrives over MQTT: stored in order, once, acknowledged when it is on the disk; nonsense is set aside with a reason."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

from tests.waiting import until

from panier.message import Acknowledgement, Refusal, Status
from panier.trip import HelpRequested
from panier_gateway.intake import Taken
from panier_gateway.reception import acknowledgements


async def test_events_are_acknowledged_and_on_the_disk(shop, started, item):
    till = await shop.till()
    till.add(started, item("a"), item("b"))
    await till.send()
    await till.acknowledged(3)
    assert shop.query("SELECT sequence FROM event WHERE device = 'till-1'") == [(1,), (2,), (3,)]


async def test_nothing_is_acknowledged_before_the_commit(shop, started, item, monkeypatch):
    till = await shop.till()
    await until(lambda: till.acknowledgements)
    intake, begun = shop.gateway._clerk._intake, threading.Event()
    take_in = intake.take_in
    monkeypatch.setattr(intake, "take_in", lambda *given: (begun.set(), take_in(*given))[1])
    # Another writer holds the file, as a backup might: the gateway's commit has to wait.
    with sqlite3.connect(shop.settings.data_dir / "ledger.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        till.add(started, item())
        await till.send()
        await until(begun.is_set)
        await shop.has_told(till)
        assert till.upto == 0
        other.execute("ROLLBACK")
    await till.acknowledged(2)


async def test_a_birth_is_answered_with_what_is_on_the_disk(shop, started, item):
    till = await shop.till()
    till.add(started, item())
    await till.send()
    await till.acknowledged(2)
    await till.__aexit__()
    again = await shop.till()
    await until(lambda: again.upto == 2)


async def test_a_payload_that_cannot_be_read_stops_nothing_and_is_kept_for_a_person(shop, started):
    till = await shop.till()
    for payload in (b"\xff\xfe noise", b"{}", b'{"journal": "j.k", "events": [{"sequence": 1}]}', b"[" * 10_000):
        await till.send_raw(payload)
    till.add(started)
    await till.send()
    await till.acknowledged(1)
    await until(lambda: shop.gateway._floor.counters().dead_letters == 4)
    assert shop.gateway._floor.counters().refused_messages == 4
    await until(lambda: [incident["kind"] for incident in shop.office.incidents] == ["malformed"])


async def test_what_a_device_says_is_wrong_with_it_and_what_nobody_can_read_goes_to_the_back_office_at_once(shop):
    till = await shop.till()
    damaged = Status(state="online", journal="aaaaaa", software="test", waiting=0, trouble="its journal was damaged")
    await till.session.publish(till.topics.status, damaged.encode())
    await until(lambda: [incident["kind"] for incident in shop.office.incidents] == ["device_trouble"])
    await till.send_raw(b"{")
    await until(lambda: [incident["kind"] for incident in shop.office.incidents] == ["device_trouble", "malformed"])


async def test_a_device_that_was_never_enrolled_here_is_refused_and_fills_no_disk(shop, started, item):
    stranger = await shop.till("till-9")
    await until(lambda: "till-9" in shop.gateway._reception._devices)
    shop.gateway._reception.enrol(["till-1"])
    stranger.add(started)
    await stranger.send()
    stranger.add(item())
    await stranger.send()
    refused = "SELECT payload, times FROM dead_letter WHERE reason LIKE 'events:%not enrolled'"
    await until(lambda: shop.query(refused) == [("", 2)])
    assert shop.query("SELECT * FROM event") == []


async def test_a_device_that_speaks_under_anothers_name_is_refused_and_staff_are_told(shop, started):
    till = await shop.till()
    for _ in range(3):
        await till.session.publish("panier/1/shop/till-2/up/events", b"{}")
    await until(lambda: [incident["kind"] for incident in shop.office.incidents] == ["rights_exceeded"])
    (incident,) = shop.office.incidents
    assert incident["device"] == "till-1"
    assert "tried to publish to panier/1/shop/till-2/up/events" in incident["text"]


async def test_many_devices_share_commits_and_each_gets_its_own_acknowledgement(closed_shop, started, item):
    names = [f"till-{number}" for number in range(1, 21)]
    for name in names:
        closed_shop.enrol(name)
    await closed_shop.open()
    tills = await asyncio.gather(*(closed_shop.till(name) for name in names))
    for till in tills:
        till.add(started, *[item()] * 30)
    await asyncio.gather(*(till.send(till.events[at : at + 10]) for till in tills for at in (0, 10, 20)))
    await asyncio.gather(*(till.send(till.events[30:]) for till in tills))
    for till in tills:
        await till.acknowledged(31)
    assert closed_shop.query("SELECT count(*) FROM event") == [(620,)]


def test_a_journals_batches_of_one_group_are_acknowledged_together_with_all_that_was_refused():
    wrong = [Refusal(sequence=number, reason="malformed") for number in (2, 4)]
    taken = [
        Taken(device="till-1", journal="j", upto=2, refused=(wrong[0],)), Taken(device="till-2", journal="j", upto=None),
        Taken(device="till-1", journal="k", upto=9), Taken(device="till-1", journal="j", upto=4, refused=(wrong[1],)),
    ]  # fmt: skip
    assert list(acknowledgements(taken)) == [
        ("till-1", Acknowledgement(journal="j", upto=4, refused=wrong)), ("till-1", Acknowledgement(journal="k", upto=9)),
    ]  # fmt: skip


async def test_help_is_answered_from_the_monitor_and_the_shopper_is_told(shop, started):
    till = await shop.till()
    till.add(started, HelpRequested())
    await till.send()
    floor = shop.gateway._floor
    await until(lambda: floor.row("till-1").state == "help")
    await shop.gateway._reception.receive("panier/1/shop/staff/act", b'{"device": "till-1", "act": "help_answered"}')
    await until(lambda: [notice.code for notice in till.notices] == ["help_coming"])
    assert floor.row("till-1").state == "shopping"
    assert floor.row("till-1").wrong == "help is on the way"
    assert floor.counters().help_answered == 1


async def test_acts_that_make_no_sense_do_nothing(shop):
    for payload in (b"", b"{}", b'{"device": "nobody", "act": "help_answered"}', b'{"device": "till-1", "act": "dance"}'):
        await shop.gateway._reception.receive("panier/1/shop/staff/act", payload)
    assert shop.gateway._floor.counters().help_answered == 0
