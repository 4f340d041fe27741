"""Prices and promotions on their way to devices: all or deltas, in parts that fit a message, with a fingerprint as proof."""

from __future__ import annotations

import asyncio
import json
import random

import pytest
from tests.waiting import until

from panier.feed import FeedPage
from panier.message import MAX_PAYLOAD, MAX_UNPACKED, Ask, unpack
from panier.snapshot import Fingerprint
from panier_gateway.distribution import Distribution, pack
from panier_gateway.replica import Replica


class Holder:
    """A device's copy, as simple as can be."""

    def __init__(self):
        self.version, self.items = 0, {}

    def take(self, parts):
        for payload in parts:
            part = unpack(payload)
            if part.part == 0 and part.since == 0:
                self.items = {}
            for change in part.changes:
                self.items[change.kind, change.key] = change.body
        self.items = {key: body for key, body in self.items.items() if body is not None}
        self.version = part.version
        total = Fingerprint()
        for (kind, key), body in self.items.items():
            total = total.replacing(kind, key, None, body)
        assert str(total) == part.fingerprint


@pytest.fixture
def replica(tmp_path):
    return Replica(tmp_path / "feed.db")


def page(*entries, first=1):
    numbered = [
        {"sequence": n, "kind": kind, "key": key, "body": body} for n, (kind, key, body) in enumerate(entries, start=first)
    ]
    return FeedPage.model_validate({"entries": numbered, "last": first + len(entries) - 1, "more": False})


def test_deltas_and_everything_lead_to_the_same_fingerprint(replica, product):
    replica.apply(page(*[("product", f"s{n}", product(f"s{n}", n)) for n in range(50)]))
    early = Holder()
    early.take(pack(replica, 0, replica.newest[0]))
    replica.apply(
        page(
            ("product", "s1", product("s1", 999)), ("product", "s2", None), ("promotion", "p", {"kind": "percent"}),
            ("member", "m", {"member": "m", "first_name": "", "cards": []}), ("product", "s1", product("s1", 998)), first=51,
        )
    )  # fmt: skip
    version = replica.newest[0]
    late = Holder()
    late.take(pack(replica, 0, version))
    delta = pack(replica, early.version, version)
    assert [len(unpack(part).changes) for part in delta] == [3]
    early.take(delta)
    assert early.items == late.items
    assert len(late.items) == 50


def test_a_page_that_comes_again_changes_nothing(replica, product):
    one = page(("product", "a", product("a", 1)), ("product", "b", product("b", 2)))
    replica.apply(one)
    before = replica.newest
    applied = replica.apply(one)
    assert replica.newest == before
    assert not applied.snapshot


def test_the_fingerprint_of_an_older_version_is_found_again(replica, product):
    replica.apply(page(("product", "a", product("a", 1)), ("promotion", "p", {"kind": "percent"})))
    old = replica.newest
    replica.apply(page(("product", "a", None), ("promotion", "p", None), ("product", "b", product("b", 1)), first=3))
    assert replica.fingerprint_of(old[0]) == old[1]
    assert replica.fingerprint_of(0) == Fingerprint()


def test_parts_fit_a_message_even_where_nothing_compresses(replica, product):
    noise = random.Random(1)
    bodies = [product(f"s{n}", n) | {"noise": noise.randbytes(12_000).hex()} for n in range(200)]
    replica.apply(page(*[("product", body["sku"], body) for body in bodies]))
    parts = pack(replica, 0, replica.newest[0])
    assert len(parts) > 2
    assert all(len(part) <= MAX_PAYLOAD for part in parts)
    assert all(len(unpack(part).encode()) <= MAX_UNPACKED for part in parts)
    Holder().take(parts)


@pytest.mark.parametrize(
    "body",
    [
        {"sku": "a"},
        {"sku": "a", "gtins": [], "name": "", "unit_price": 1},
        {"x": "y" * 70_000},
        {"sku": "b", "gtins": [], "name": "B", "unit_price": 1},
    ],
)
def test_a_product_that_makes_no_sense_stays_out_and_the_old_one_stands(replica, product, body):
    replica.apply(page(("product", "a", product("a", 150))))
    replica.apply(page(("product", "a", body), first=2))
    kept = replica.product("a", 9)
    assert kept is not None
    assert kept.unit_price == 150
    assert replica.newest[0] == 1
    assert replica.position == 2


async def test_a_device_gets_everything_then_deltas(shop, product):
    till = await shop.till()
    for n in range(3):
        await shop.office.say("product", f"s{n}", product(f"s{n}", n))
    await until(lambda: till.manifests and till.manifests[-1].version == 3)
    part = await till.ask(Ask(have=0))
    assert (part.version, part.since, part.parts, len(part.changes)) == (3, 0, 1, 3)
    assert part.fingerprint == till.manifests[-1].fingerprint
    await shop.office.say("product", "s1", product("s1", 77))
    await until(lambda: till.manifests[-1].version == 4)
    delta = await till.ask(Ask(have=3))
    assert (delta.version, delta.since) == (4, 3)
    assert [json.loads(change.body)["unit_price"] for change in delta.changes] == [77]
    assert (await till.ask(Ask(have=4))).changes == []


async def test_a_version_that_this_feed_never_had_gets_everything(shop, product):
    till = await shop.till()
    await shop.office.say("member", "m", {"member": "m", "first_name": "", "cards": []})
    await shop.office.say("product", "a", product("a", 1))
    await until(lambda: till.manifests and till.manifests[-1].version == 2)
    for have in (1, 700):
        part = await till.ask(Ask(have=have))
        assert (part.version, part.since) == (2, 0)


async def test_many_that_ask_at_once_share_one_packing_and_are_served_in_turn(replica, product):
    replica.apply(page(*[("product", f"s{n}", product(f"s{n}", n)) for n in range(500)]))
    sent = []

    async def send(device, part):
        sent.append(device)

    distribution = Distribution(replica, send)
    for number in range(40):
        distribution.ask(f"till-{number}", Ask(have=0))
    distribution.ask("till-0", Ask(have=0))
    task = asyncio.create_task(distribution.run())
    await until(lambda: len(sent) == 40)
    task.cancel()
    assert sorted(sent) == sorted(f"till-{number}" for number in range(40))
    assert len(distribution._sets) == 1
    distribution.close()


async def test_a_download_that_was_begun_is_finished_although_prices_moved_on(replica, product):
    noise = random.Random(1)
    bodies = [product(f"s{n}", n) | {"noise": noise.randbytes(12_000).hex()} for n in range(120)]
    replica.apply(page(*[("product", body["sku"], body) for body in bodies]))
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(device, part):
        got.put_nowait(part)

    distribution = Distribution(replica, send)
    task = asyncio.create_task(distribution.run())

    async def ask(ask):
        distribution.ask("till-1", ask)
        return unpack(await asyncio.wait_for(got.get(), 10))

    first = await ask(Ask(have=0))
    assert first.parts > 1
    replica.apply(page(("product", "s1", product("s1", 5)), first=121))
    second = await ask(Ask(have=0, part=1, version=first.version))
    assert (second.version, second.part) == (first.version, 1)
    task.cancel()
    distribution.close()


def test_an_offer_whose_promotion_cannot_be_used_is_told_and_one_that_ends_is_not(replica):
    campaign = {
        "campaign": "c", "revision": 1, "title": "t", "reason": "r", "segment": "s", "state": "running",
        "promotion": {"kind": "percent", "percent": "-5"},
    }  # fmt: skip
    assert replica.apply(page(("campaign", "c", campaign), ("promotion", "p", None))).refused
    [told] = replica.refused()
    assert (told.kind, told.key, told.reason) == ("campaign", "c", "percent: -5 is negative")
