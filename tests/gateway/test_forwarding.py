"""Towards the back office: late, failing, silent or gone for a week, every receipt arrives once."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from tests.waiting import let_others_run, until

from panier.trip import OfferShown, TripFinished
from panier_gateway import patience


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Pauses of milliseconds, so that a test sees many attempts."""
    monkeypatch.setattr(patience, "FIRST", 0.02)
    monkeypatch.setattr(patience, "LONGEST", 0.05)


async def buy(till, started, item, trips=1):
    for _ in range(trips):
        till.add(started, item(), TripFinished(units=1, discount=0, total=150))
    await till.send()
    await till.acknowledged(len(till.events))


@pytest.mark.parametrize("trouble", ["500", "lost", "late"])
async def test_a_receipt_arrives_once_whatever_goes_wrong_on_the_way(shop, started, item, trouble):
    shop.office.trouble = [trouble] * 3
    till = await shop.till()
    await buy(till, started, item)
    await until(lambda: shop.office.receipts and shop.query("SELECT count(*) FROM outbox") == [(0,)])
    assert [receipt["receipt"] for receipt in shop.office.receipts] == [till.trip]
    assert bool(shop.office.repeats) == (trouble == "lost")


async def test_an_absent_back_office_costs_nothing_but_time(shop, started, item):
    await until(lambda: shop.gateway._floor.backoffice == "connected")
    await shop.office.close()
    till = await shop.till()
    await buy(till, started, item, trips=50)
    await until(lambda: shop.gateway._floor.counters().backoffice == "unreachable")
    assert shop.query("SELECT count(*) FROM outbox WHERE kind = 'receipt'") == [(50,)]
    await shop.office.open()
    await until(lambda: len(shop.office.receipts) == 50)
    await until(lambda: shop.gateway._floor.counters().backoffice == "connected")


async def test_the_outbox_outlives_the_gateway(shop, started, item):
    await shop.office.close()
    till = await shop.till()
    await buy(till, started, item)
    await shop.close()
    await shop.office.open()
    await shop.open()
    await until(lambda: shop.office.receipts)


async def test_what_the_back_office_refuses_is_kept_with_its_reason_and_the_rest_goes_on(shop, started, item):
    shop.office.refuse = lambda body: "not today" if body.get("receipt", "").endswith(".1") else None
    till = await shop.till()
    await buy(till, started, item, trips=2)
    await until(lambda: shop.query("SELECT count(*) FROM outbox") == [(0,)])
    assert len(shop.office.receipts) == 1
    ((reason, payload),) = shop.query("SELECT reason, payload FROM dead_letter")
    assert reason == "the back office refused receipt till-1.aaaaaa.1: not today"
    assert '"receipt":"till-1.aaaaaa.1"' in payload


@pytest.mark.parametrize(
    "refused",
    [[(2, None)], [(0, None), (0, None)], [(0, "till-1.aaaaaa.4")]],
    ids=["a number beyond the delivery", "one number twice", "the name of another"],
)
async def test_an_answer_that_does_not_account_for_each_item_takes_nothing_off_the_outbox(shop, started, item, refused):
    await shop.office.close()
    till = await shop.till()
    await buy(till, started, item, trips=2)

    def distort(result):
        told = [{"index": index, "identity": identity, "reason": "no"} for index, identity in refused]
        result["receipts"] = {"stored": 2 - len(told), "refused": told}

    shop.office.distort = distort
    await shop.office.open()
    await until(lambda: shop.office.posts > 2)
    assert shop.query("SELECT count(*) FROM outbox WHERE kind = 'receipt'") == [(2,)]
    shop.office.distort = lambda _: None
    await until(lambda: shop.query("SELECT count(*) FROM outbox") == [(0,)])
    assert len(shop.office.receipts) == 2
    assert shop.query("SELECT count(*) FROM dead_letter") == [(0,)]


async def test_one_item_that_spoils_a_whole_delivery_is_found_and_set_aside(shop, started, item):
    await shop.office.close()
    till = await shop.till()
    await buy(till, started, item, trips=4)
    waiting = shop.query("SELECT count(*) FROM outbox")[0][0]
    # Refused whole until it comes alone: then it alone is to blame, and the others go through.
    shop.office.trouble = ["422"] * len(bin(waiting)[2:])
    await shop.office.open()
    await until(lambda: shop.query("SELECT count(*) FROM outbox") == [(0,)])
    assert shop.query("SELECT count(*) FROM dead_letter") == [(1,)]
    assert len(shop.office.taken) == waiting - 1


async def test_a_back_office_that_was_put_back_to_a_backup_is_handed_in_again_what_it_forgot(shop, started, item):
    till = await shop.till()
    await buy(till, started, item)
    await until(lambda: shop.office.receipts and shop.query("SELECT count(*) FROM outbox") == [(0,)])
    backed_up = shop.office.deliveries
    await buy(till, started, item, trips=3)
    await until(lambda: len(shop.office.receipts) == 4 and shop.query("SELECT count(*) FROM outbox") == [(0,)])
    before = dict(shop.office.taken)
    first = {receipt["receipt"] for receipt in shop.office.receipts[:1]}
    shop.office.forget(backed_up, {identity for _, identity in before if identity not in first})
    await shop.close()
    await shop.open()
    assert len(shop.office.receipts) == 1, "nothing was delivered yet"
    await buy(await shop.till("till-2"), started, item)
    await until(lambda: len(shop.office.receipts) == 5 and shop.query("SELECT count(*) FROM outbox") == [(0,)])
    assert before.items() <= shop.office.taken.items()
    (told,) = [incident["text"] for incident in shop.office.incidents if incident["kind"] == "backoffice_forgot"]
    again = f"{len(before)} items of the last days are handed in again"
    assert told == f"the back office forgot deliveries: was it put back to a backup? {again}"


async def test_a_lost_answer_is_no_backup(shop, started, item):
    till = await shop.till()
    await buy(till, started, item)
    await until(lambda: shop.office.receipts)
    shop.office.trouble = ["lost", "lost"]
    await buy(till, started, item)
    await until(lambda: len(shop.office.receipts) == 2 and shop.query("SELECT count(*) FROM outbox") == [(0,)])
    assert "backoffice_forgot" not in {incident["kind"] for incident in shop.office.incidents}


@pytest.mark.parametrize("trouble", ["400 proxy", "413 proxy", "200 proxy"])
async def test_what_something_before_the_back_office_answers_sets_nothing_aside(shop, started, item, trouble):
    shop.office.trouble = [trouble] * 9
    till = await shop.till()
    await buy(till, started, item)
    await until(lambda: shop.office.receipts and shop.query("SELECT count(*) FROM outbox") == [(0,)])
    assert shop.query("SELECT count(*) FROM dead_letter") == [(0,)]


async def test_a_proxy_that_lets_only_small_requests_through_gets_small_ones(shop, started, item):
    await shop.office.close()
    till = await shop.till()
    await buy(till, started, item, trips=9)
    shop.office.most = 2
    await shop.office.open()
    await until(lambda: shop.query("SELECT count(*) FROM outbox") == [(0,)])
    assert len(shop.office.receipts) == 9


@pytest.mark.parametrize("spoilt", ["substr(body, 1, 40)", "CAST(x'ff' || substr(CAST(body AS BLOB), 2) AS TEXT)", "'[]'"])
async def test_a_receipt_that_the_disk_spoiled_is_set_aside_with_a_word_to_staff_and_the_rest_goes_on(
    shop, started, item, spoilt
):
    await shop.office.close()
    till = await shop.till()
    await buy(till, started, item, trips=2)
    await shop.close()  # it might hold the sound one in its hands
    with sqlite3.connect(shop.settings.data_dir / "ledger.db") as disk:
        first = "WHERE kind = 'receipt' AND identity = 'till-1.aaaaaa.1'"
        assert disk.execute(f"UPDATE outbox SET body = {spoilt} {first}").rowcount == 1
    disk.close()
    await shop.office.open()
    await shop.open()
    await until(lambda: shop.query("SELECT count(*) FROM outbox") == [(0,)])
    assert [receipt["receipt"] for receipt in shop.office.receipts] == ["till-1.aaaaaa.4"]
    assert shop.query("SELECT reason FROM dead_letter") == [
        ("the disk spoiled receipt till-1.aaaaaa.1: it cannot be read any more",)
    ]
    (told,) = [incident["text"] for incident in shop.office.incidents if incident["kind"] == "ledger_damaged"]
    assert told == "receipt till-1.aaaaaa.1 cannot be read from the ledger any more; see `panier replay list`"


async def test_contacts_carry_the_member_and_the_offer(shop, started):
    till = await shop.till()
    till.add(started, OfferShown(offer="c1"))
    await till.send()
    await until(lambda: shop.office.contacts)
    (contact,) = shop.office.contacts
    assert (contact["contact"], contact["what"], contact["offer"]) == ("till-1.aaaaaa.2", "shown", "c1")


async def test_the_back_office_sees_the_floor_and_is_asked_with_the_stores_token(shop, started, item):
    till = await shop.till()
    till.add(started, item())
    await till.send()
    await until(lambda: shop.office.live and shop.office.live[-1]["terminals"][0]["units"] == 1)
    assert shop.office.live[-1]["terminals"][0]["state"] == "shopping"
    assert shop.office.tokens == {"Bearer secret"}


async def test_a_stream_that_breaks_is_opened_again_and_what_was_said_meanwhile_is_pulled(shop, product):
    await until(lambda: shop.gateway._floor.backoffice == "connected")
    await shop.office.close()
    await shop.office.say("product", "a", product("a", 1))
    await shop.office.open()
    await until(lambda: shop.gateway._replica.newest[0] == 1)


async def test_an_entry_that_cannot_be_used_is_an_incident_at_the_back_office(shop, product):
    await shop.office.say("product", "a", product("a", 1) | {"name": "x" * 64_001})
    await shop.office.say("product", "b", product("b", 1))
    await until(lambda: shop.office.incidents)
    (incident,) = shop.office.incidents
    assert (incident["kind"], incident["incident"]) == ("entry_refused", "shop.feed.1")
    assert incident["text"].startswith("product a was refused")
    await until(lambda: shop.gateway._replica.newest[0] == 2 and shop.gateway._replica.refused() == [])


async def test_a_promotion_that_no_engine_here_can_use_is_an_incident_and_a_figure_and_the_rest_serves(shop, product):
    await shop.office.say("promotion", "p", {"kind": "percent", "percent": "5", "format": 2})
    await shop.office.say("product", "b", product("b", 1))
    await until(lambda: shop.office.incidents)
    (incident,) = shop.office.incidents
    assert incident["kind"] == "entry_refused"
    assert incident["text"].startswith("promotion p was refused: format: 2 is newer than 1")
    await until(lambda: shop.gateway._replica.newest[0] == 2)
    assert shop.gateway._figures()["promotions_refused_total"] == 1


async def test_whoever_waits_tries_at_once_when_another_got_through():
    slow = patience.Patience()
    slow._wait = 3600.0
    waiting = asyncio.create_task(slow.pause())
    await let_others_run()
    slow.cut_short()
    async with asyncio.timeout(5):
        await waiting
    assert slow.next_pause == patience.LONGEST
    slow.restart()
    assert slow.next_pause == patience.FIRST
