from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource
from sqlalchemy import text
from tests.backoffice.conftest import API_TOKEN, MEMBERS, NOON, PRODUCTS, PROMOTIONS, STORE_TOKEN, Running

from panier.catalogue import Product
from panier.feed import FeedPage, MemberRecord
from panier.snapshot import canonical
from panier_backoffice.feed import log
from panier_backoffice.member.repository import card_owners
from panier_backoffice.office import Office
from panier_backoffice.product.service import take_prices, take_products

FEED = "/api/v1/stores/riverside/feed"


async def test_the_feed_is_one_numbered_log_in_pages(stocked: httpx.AsyncClient) -> None:
    pages: list[FeedPage] = []
    after, more = 0, True
    while more:
        page = FeedPage.model_validate((await stocked.get(FEED, params={"after": after, "limit": 3})).json())
        pages.append(page)
        after, more = page.entries[-1].sequence, page.more
    entries = [entry for page in pages for entry in page.entries]
    assert [len(page.entries) for page in pages] == [3, 3, 2]
    assert [entry.sequence for entry in entries] == list(range(1, 9))
    assert [entry.kind for entry in entries] == ["product"] * 4 + ["promotion"] + ["member"] * 3
    assert {page.last for page in pages} == {8}


async def test_bodies_are_what_the_contracts_say(stocked: httpx.AsyncClient) -> None:
    entries = (await stocked.get(FEED)).json()["entries"]
    product = Product(**{**entries[0]["body"], "gtins": tuple(entries[0]["body"]["gtins"])})
    assert (product.sku, product.unit_price, product.gtins) == ("oat", 199, ("00000040111445",))
    assert entries[4]["body"] == PROMOTIONS[0]
    assert MemberRecord.model_validate(entries[5]["body"]).cards == ["2900000000017"]


def test_a_price_change_during_an_import_waits_for_it_and_takes_nothing_back(office: Office) -> None:
    oat = PRODUCTS[0]
    recalled = {"reason": "Glass", "lots": ["A7"]}
    with office.writing() as session:
        take_products(session, [oat], 1)
    with ThreadPoolExecutor(1) as another:
        with office.writing() as session:
            take_products(session, [oat | {"recall": recalled}], 2)
            change = another.submit(_change_price, office)
            while not _somebody_waits(office):
                pass
        assert change.result() == 1
    with office.reading() as session:
        told = json.loads(log.history(session, "product", "oat")[-1].body or "{}")
    assert (told["unit_price"], told["recall"]["lots"]) == (189, ["A7"])


def _change_price(office: Office) -> int:
    with office.writing() as session:
        return take_prices(session, [("oat", 189)], 3).stored


def _somebody_waits(office: Office) -> bool:
    if office.database.is_sqlite:
        return True  # its writers queue before they begin
    with office.reading() as session:
        return session.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one() > 0


async def test_an_empty_feed_is_an_empty_page(script: httpx.AsyncClient) -> None:
    assert (await script.get(FEED)).json() == {"entries": [], "last": 0, "more": False}


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=1000000", "after=99999999999999999999999"])
async def test_a_page_that_cannot_be_is_refused(script: httpx.AsyncClient, query: str) -> None:
    assert (await script.get(f"{FEED}?{query}")).status_code == 422


async def test_importing_again_makes_no_new_entries(stocked: httpx.AsyncClient) -> None:
    again = (
        await stocked.post("/api/v1/import", json={"products": PRODUCTS, "promotions": PROMOTIONS, "members": MEMBERS})
    ).json()
    assert {kind: (again[kind]["stored"], again[kind]["known"]) for kind in ("products", "promotions", "members")} == {
        "products": (0, 4), "promotions": (0, 1), "members": (0, 3),
    }  # fmt: skip
    assert again["last"] == 8


async def test_only_what_changed_is_told(stocked: httpx.AsyncClient) -> None:
    changed = [{**PRODUCTS[0], "unit_price": 189}, *PRODUCTS[1:]]
    answer = (await stocked.post("/api/v1/import", json={"products": changed})).json()
    assert (answer["products"]["stored"], answer["last"]) == (1, 9)
    entry = (await stocked.get(FEED, params={"after": 8})).json()["entries"][0]
    assert (entry["key"], entry["body"]["unit_price"]) == ("oat", 189)


async def test_prices_change_by_themselves_and_keep_their_history(stocked: httpx.AsyncClient) -> None:
    assert (await stocked.put("/api/v1/products/oat/price", json={"unit_price": 150})).json() == {"sequence": 9}
    answer = (
        await stocked.post("/api/v1/import", json={"prices": [{"sku": "oat", "unit_price": 210}, {"sku": "no", "unit_price": 1}]})
    ).json()
    assert answer["prices"]["refused"] == [{"index": 1, "identity": "no", "reason": "there is no product 'no'"}]
    history = (await stocked.get("/api/v1/products/oat/prices")).json()
    assert [(point["sequence"], point["unit_price"]) for point in history] == [(1, 199), (9, 150), (10, 210)]


async def test_a_price_that_no_product_may_have_is_refused_at_its_own_place(stocked: httpx.AsyncClient, office: Office) -> None:
    with office.writing() as session:
        outcome = take_prices(session, [("no", 1), ("oat", 150), ("soy", -1)], NOON)
    assert (outcome.stored, [(one.index, one.identity) for one in outcome.refused]) == (1, [(0, "no"), (2, "soy")])


async def test_however_many_may_be_asked_for_at_once(stocked: httpx.AsyncClient, office: Office) -> None:
    cards = [str(2_900_000_000_000 + number) for number in range(70_000)]
    with office.reading() as session:
        assert card_owners(session, cards) == {"2900000000017": "m-1", "2900000000024": "m-2", "2900000000031": "m-3"}


async def test_a_removed_product_is_told_as_gone(stocked: httpx.AsyncClient) -> None:
    assert (await stocked.delete("/api/v1/products/soy")).json() == {"sequence": 9}
    assert (await stocked.get(FEED, params={"after": 8})).json()["entries"] == [
        {"sequence": 9, "kind": "product", "key": "soy", "body": None}
    ]
    assert (await stocked.get("/api/v1/products/soy")).status_code == 404
    # Its code is free again for another product.
    put = await stocked.put("/api/v1/products/soy-2", json={**PRODUCTS[1], "sku": "soy-2"})
    assert put.json() == {"sequence": 10}


async def test_what_held_at_a_version_can_be_looked_up(stocked: httpx.AsyncClient, office: Office) -> None:
    await stocked.put("/api/v1/products/oat/price", json={"unit_price": 150})
    await stocked.delete("/api/v1/products/oat")
    with office.reading() as session:
        prices = [
            log.bodies_at(session, "product", version, ["oat"]).get("oat", {}).get("unit_price") for version in (0, 1, 8, 9, 10)
        ]
        assert prices == [None, 199, 199, 150, None]
        assert canonical(log.bodies_at(session, "promotion", 8)["milk-2"]) == canonical(PROMOTIONS[0])


TENTH: dict[str, Any] = {"id": "p", "kind": "percent", "percent": "10"}
GIFT = {"sku": "oat", "unit_price": "1.99"}


@pytest.mark.parametrize(
    ("kind", "item", "reason"),
    [
        ("products", {**PRODUCTS[0], "unit_price": -1}, "unit_price"),
        ("products", {**PRODUCTS[0], "unit_price": 10**18}, "unit_price"),
        ("products", {**PRODUCTS[0], "gtins": ["0000004011144x"]}, "not a GTIN-14"),
        ("products", {**PRODUCTS[0], "gtins": ["4006381333931"]}, "put a 0 before one of 13"),
        ("products", {**PRODUCTS[0], "sku": "other"}, "identifies product 'oat' already"),
        ("products", {**PRODUCTS[0], "name": ""}, "name"),
        ("products", {**PRODUCTS[0], "tax_rate": "lots"}, "tax_rate"),
        ("products", {}, "sku"),
        ("members", {**MEMBERS[0], "member": "m-9"}, "belongs to another member"),
        ("members", {"member": "m-9"}, "first_name"),
        ("promotions", {"id": "p", "kind": "percent", "percent": "-5", "target": {"all": True}}, "percent"),
        ("promotions", {"kind": "percent", "percent": "5", "target": {"all": True}}, "id"),
        ("promotions", {"id": "p", "kind": "nonsense"}, "kind"),
        (
            "promotions",
            {**TENTH, "target": {"skus": ["oat", "granla"]}},
            "target.skus: granla is not sold here; did you mean 'gran",
        ),
        (
            "promotions",
            {**TENTH, "target": {"skus": ["40111445"]}},
            "target.skus: 40111445 is not sold here; that is a barcode of",
        ),
        ("promotions", {**TENTH, "when": {"contains": {"skus": ["moon"]}}}, "when.contains.skus: moon is not sold here"),
        ("promotions", {**TENTH, "valid_from": "2026-03-02", "valid_to": "2026-03-01"}, "valid_to: the window ends"),
        ("promotions", {**TENTH, "format": 2}, "format: 2 is newer than 1"),
        ("promotions", {**TENTH, "layer": "catalogue", "only_undiscounted": True}, "only_undiscounted: contradicts"),
        ("promotions", {**TENTH, "title": "ten\x07off"}, "title: character 4 cannot be shown"),
        ("promotions", {**TENTH, "id": "p\u202e"}, "id: character 2 cannot be shown"),
        ("promotions", {"id": "p", "kind": "free_gift", "gift": GIFT, "per": {"skus": ["oat"]}}, "gift.sku: oat earns itself"),
        (
            "promotions",
            {"id": "p", "kind": "percent", "percent": "5", "target": {"skus": [f"sku-{n}" for n in range(9000)]}},
            "aim at a category",
        ),
    ],
)
async def test_a_bad_item_is_refused_by_itself_and_the_rest_is_taken(
    stocked: httpx.AsyncClient, kind: str, item: dict[str, Any], reason: str
) -> None:
    good = {
        "products": {**PRODUCTS[0], "sku": "new", "gtins": ["09780201379624"]},
        "members": {"member": "m-new", "first_name": "Ada", "cards": []},
        "promotions": {"id": "new", "kind": "percent", "percent": "5", "target": {"all": True}},
    }[kind]
    answer = (await stocked.post("/api/v1/import", json={kind: [item, good]})).json()
    assert [one["index"] for one in answer[kind]["refused"]] == [0]
    assert reason in answer[kind]["refused"][0]["reason"]
    assert (answer[kind]["stored"], answer["last"]) == (1, 9)


async def test_a_cost_stays_in_the_back_office(stocked: httpx.AsyncClient, gateway: httpx.AsyncClient) -> None:
    async def cost() -> int | None:
        assert (await stocked.get("/api/v1/products?q=oat")).json()[0] == (await stocked.get("/api/v1/products/oat")).json()
        return (await stocked.get("/api/v1/products/oat")).json()["cost"]

    async def imported(**fields: Any) -> dict[str, Any]:
        return (await stocked.post("/api/v1/import", json={"products": [PRODUCTS[0] | fields]})).json()

    assert await cost() is None
    assert (await imported(cost=120))["last"] == 8, "no news for the shops"
    assert await cost() == 120
    await imported(unit_price=209)
    assert await cost() == 120, "what is not said stays"
    assert "cost" not in (await gateway.get(FEED, params={"after": 8})).json()["entries"][0]["body"]
    await imported(cost=None)
    assert await cost() is None
    assert (await stocked.put("/api/v1/products/oat", json=PRODUCTS[0] | {"cost": 130})).status_code == 200
    assert await cost() == 130
    assert "cost: '-1' is not an amount" in (await imported(cost=-1))["products"]["refused"][0]["reason"]
    assert (await stocked.delete("/api/v1/products/oat")).status_code == 200


async def test_a_gift_that_closes_a_ring_is_refused_and_the_one_that_stood_before_stays(stocked: httpx.AsyncClient) -> None:
    beans = {"kind": "free_gift", "gift": GIFT, "per": {"skus": ["beans"]}}
    assert (await stocked.put("/api/v1/promotions/oat-gift", json=beans)).status_code == 200
    assert (await stocked.put("/api/v1/promotions/oat-gift", json=beans)).status_code == 200
    ring = {"kind": "free_gift", "gift": {"sku": "beans", "unit_price": "12.40"}, "per": {"skus": ["oat"]}}
    problem = (await stocked.put("/api/v1/promotions/ring", json=ring)).json()
    said = "closes a ring of gifts that earn each other: beans earns oat by oat-gift"
    assert problem["errors"] == [{"field": "gift.sku", "message": said}]
    campaign = {"title": "Beans", "reason": "for you", "segment": "regulars", "promotion": ring}
    problem = (await stocked.post("/api/v1/campaigns", json=campaign)).json()
    assert problem["errors"] == [{"field": "promotion.gift.sku", "message": said}]
    assert [one["promotion"] for one in (await stocked.get("/api/v1/promotions")).json()] == ["milk-2", "oat-gift"]


@asynccontextmanager
async def _stream(url: str) -> AsyncIterator[Callable[[], Any]]:
    """The stream of a real server; the value awaits the next event and returns it with its name."""
    async with (
        httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {STORE_TOKEN}"}, timeout=30) as client,
        client.stream("GET", "/api/v1/stores/riverside/stream", params={"after": 0}) as response,
    ):
        events = EventSource(response).aiter_sse()

        async def following() -> tuple[str, dict[str, int]]:
            event = await asyncio.wait_for(anext(events), 20)
            return event.event, json.loads(event.data)

        yield following


async def test_the_stream_says_the_newest_sequence_at_once_and_after_each_change(start: Callable[..., Running]) -> None:
    running = start()
    async with (
        httpx.AsyncClient(base_url=running.url, headers={"Authorization": f"Bearer {API_TOKEN}"}) as script,
        _stream(running.url) as following,
    ):
        assert await following() == ("feed", {"last": 0})
        await script.post("/api/v1/import", json={"products": PRODUCTS})
        assert await following() == ("feed", {"last": 4})
        await script.put("/api/v1/products/oat/price", json={"unit_price": 150})
        assert await following() == ("feed", {"last": 5})


async def test_the_stream_also_tells_what_another_process_wrote(start: Callable[..., Running]) -> None:
    running = start()
    other = start(running.database)
    async with (
        httpx.AsyncClient(base_url=other.url, headers={"Authorization": f"Bearer {API_TOKEN}"}) as script,
        _stream(running.url) as following,
    ):
        assert await following() == ("feed", {"last": 0})
        await script.post("/api/v1/import", json={"products": PRODUCTS})
        assert await following() == ("feed", {"last": 4})
