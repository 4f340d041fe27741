from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from tests.backoffice.conftest import LOOSE_AND_BOTTLED, NOON, PRODUCTS, STORE_TOKEN, Gateway

from panier.intake import IntakeResult
from panier.snapshot import canonical
from panier.weighed import Weighing
from panier_backoffice.office import Office
from panier_backoffice.receipt import repository
from panier_backoffice.receipt.table import LineRow

INTAKE = "/api/v1/stores/riverside/intake"
TRIP = "till-7.k3f9qa.118"


def _contact(number: int, what: str = "shown", offer: str = "c-1", trip: str = TRIP) -> dict[str, Any]:
    return {
        "contact": f"till-7.k3f9qa.{number}", "store": "riverside", "device": "till-7", "trip": trip, "member": "m-1",
        "offer": offer, "what": what, "at": NOON,
    }  # fmt: skip


def _incident(name: str) -> dict[str, Any]:
    return {
        "incident": name,
        "store": "riverside",
        "device": "till-7",
        "kind": "price_mismatch",
        "text": "1.00 or 2.00",
        "at": NOON,
    }


async def _deliver(gateway: httpx.AsyncClient, **items: list[Any]) -> IntakeResult:
    answer = await gateway.post(INTAKE, json=items)
    assert answer.status_code == 200, answer.text
    return IntakeResult.model_validate(answer.json())


async def test_a_receipt_is_stored_and_can_be_found_by_its_trip(
    stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    receipt = till.receipt(TRIP, {"oat": 3, "beans": 1})
    assert (receipt["discount"], receipt["total"]) == (48, 1789)
    assert (await _deliver(gateway, receipts=[receipt])).receipts.stored == 1
    held = (await gateway.get(f"/api/v1/receipts/{TRIP}")).json()
    apart = {"lines", "clock_offset"}
    assert {name: held[name] for name in receipt.keys() - apart} == {name: receipt[name] for name in receipt.keys() - apart}
    assert receipt["lines"] == held["lines"]
    head = (await stocked.get("/api/v1/receipts", params={"store": "riverside"})).json()[0]
    assert (head["receipt"], head["device"], head["total"], head["device_total"], head["units"]) == (
        TRIP,
        "till-7",
        1789,
        1789,
        4,
    )


@pytest.mark.usefixtures("stocked")
async def test_a_delivery_posted_twice_is_taken_once(gateway: httpx.AsyncClient, till: Gateway) -> None:
    delivery: dict[str, Any] = {
        "receipts": [till.receipt(TRIP, {"oat": 2})],
        "contacts": [_contact(130), _contact(131, "accepted")],
        "incidents": [_incident("i-1")],
    }
    first, second = await _deliver(gateway, **delivery), await _deliver(gateway, **delivery)
    assert (first.receipts.stored, first.contacts.stored, first.incidents.stored) == (1, 2, 1)
    assert (second.receipts.known, second.contacts.known, second.incidents.known) == (1, 2, 1)
    assert (second.receipts.stored, second.contacts.stored, second.incidents.stored) == (0, 0, 0)
    assert (await gateway.get("/api/v1/totals")).json()[0]["receipts"] == 1


@pytest.mark.usefixtures("stocked")
async def test_four_callers_at_once_with_overlapping_deliveries_leave_each_item_once(
    gateway: httpx.AsyncClient, till: Gateway, office: Office
) -> None:
    receipts = [till.receipt(f"till-7.k3f9qa.{number}", {"oat": 2, "beans": 1}) for number in range(100, 140)]
    contacts = [_contact(number) for number in range(40)]
    incidents = [_incident(f"i-{number}") for number in range(40)]
    deliveries: list[dict[str, list[Any]]] = []
    for caller in range(4):
        # Each its own half and half of another's, in another order.
        order = [(place * (1, 3, 7, 11)[caller] + caller * 10) % 40 for place in range(20)]
        deliveries += [
            {"receipts": [receipts[one] for one in order], "contacts": [contacts[one] for one in order],
             "incidents": [incidents[one] for one in order]}
        ] * 2  # fmt: skip
    results = await asyncio.gather(*(_deliver(gateway, **delivery) for delivery in deliveries))
    sent = {one["receipt"] for delivery in deliveries for one in delivery["receipts"]}
    for kind in ("receipts", "contacts", "incidents"):
        outcomes = [getattr(result, kind) for result in results]
        assert sum(outcome.stored for outcome in outcomes) == len(sent), kind
        assert sum(outcome.known for outcome in outcomes) == 8 * 20 - len(sent), kind
    held = (await gateway.get("/api/v1/receipts")).json()
    assert sorted(one["receipt"] for one in held) == sorted(sent)
    with office.reading() as session:
        assert session.scalar(select(func.count()).select_from(LineRow)) == 2 * len(sent)


@pytest.mark.usefixtures("stocked")
async def test_a_backslash_in_a_name_is_no_nul(gateway: httpx.AsyncClient, till: Gateway) -> None:
    receipt = till.receipt(TRIP, {"oat": 2}) | {"timezone": "a\\u0000"}
    assert (await _deliver(gateway, receipts=[receipt])).receipts.stored == 1


@pytest.mark.usefixtures("stocked")
async def test_an_item_twice_in_one_delivery_is_taken_once(gateway: httpx.AsyncClient, till: Gateway) -> None:
    receipt = till.receipt(TRIP, {"oat": 2})
    result = await _deliver(gateway, receipts=[receipt, receipt], contacts=[_contact(130)] * 3, incidents=[_incident("i-1")] * 2)
    assert (result.receipts.stored, result.receipts.known) == (1, 1)
    assert (result.contacts.stored, result.contacts.known) == (1, 2)
    assert (result.incidents.stored, result.incidents.known) == (1, 1)


async def test_another_receipt_under_a_known_id_is_refused_and_shown(
    stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    await _deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 2})])
    result = await _deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 1})])
    assert [(one.identity, one.index) for one in result.receipts.refused] == [(TRIP, 0)]
    assert "held already, with other content" in result.receipts.refused[0].reason
    assert (await gateway.get(f"/api/v1/receipts/{TRIP}")).json()["units"] == 2, "the first one stays"
    (incident,) = (await stocked.get("/api/v1/incidents")).json()
    assert (incident["kind"], incident["trip"]) == ("receipt_conflict", TRIP)
    assert "total 1.99; kept: 3.50" in incident["text"]
    (letter,) = (await stocked.get("/api/v1/dead-letters")).json()
    assert json.loads(letter["body"])["units"] == 1


async def test_a_bad_item_is_refused_by_itself_and_kept_once(
    stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    good, bad = till.receipt(TRIP, {"oat": 2}), till.receipt("till-7.k3f9qa.200", {"oat": 1}) | {"total": -5}
    for _ in range(2):
        result = await _deliver(gateway, receipts=[bad, good], contacts=[_contact(1), {"contact": "x"}])
        assert [one.index for one in result.receipts.refused] == [0]
        assert "total" in result.receipts.refused[0].reason
        assert [one.identity for one in result.contacts.refused] == ["x"]
    letters = (await stocked.get("/api/v1/dead-letters")).json()
    assert sorted((one["kind"], one["times"]) for one in letters) == [("contact", 2), ("receipt", 2)]


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"store": "hillside"}, "'hillside' is not the store that delivers it"),
        ({"total": 10**13}, "total"),
        ({"currency": "dollars"}, "currency"),
        ({"finished_at": -1}, "finished_at"),
        ({"lines": [{"sku": "oat"}]}, "lines.0"),
        ({"device": "till\x007"}, "NUL"),
        ({"device": "\ud800"}, "device"),
        ({"receipt": ""}, "receipt"),
        ({"fingerprint": "abc"}, "fingerprint"),
    ],
)
async def test_a_receipt_that_does_not_fit_says_why(
    gateway: httpx.AsyncClient, till: Gateway, change: dict[str, Any], reason: str
) -> None:
    receipt = till.receipt(TRIP, {"oat": 2}) | change
    answer = await gateway.post(INTAKE, content=json.dumps({"receipts": [receipt]}), headers={"Content-Type": "application/json"})
    (refused,) = answer.json()["receipts"]["refused"]
    assert reason in refused["reason"]


@pytest.mark.usefixtures("stocked")
async def test_a_receipt_that_the_engine_confirms_makes_no_incident(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    campaign = (
        await script.post(
            "/api/v1/campaigns",
            json={
                "title": "-20 % granola", "reason": "you buy it", "segment": "regulars",
                "promotion": {"kind": "percent", "percent": "20", "target": {"skus": ["granola"]}},
            },
        )
    ).json()  # fmt: skip
    await script.post(f"/api/v1/campaigns/{campaign['campaign']}/push")
    receipt = till.receipt(TRIP, {"oat": 5, "granola": 3, "beans": 1}, (campaign,))
    assert {one["promotion"]: one["amount"] for one in receipt["savings"]} == {"milk-2": 48, campaign["campaign"]: 270}
    await _deliver(gateway, receipts=[receipt])
    assert (await script.get("/api/v1/incidents")).json() == []
    # Neither does a later change of prices, promotions or the campaign: it is priced with what held then.
    await script.put("/api/v1/products/oat/price", json={"unit_price": 10})
    await script.delete("/api/v1/promotions/milk-2")
    await script.post(f"/api/v1/campaigns/{campaign['campaign']}/stop")
    await _deliver(gateway, receipts=[till.receipt("till-7.k3f9qa.500", {"oat": 5, "granola": 3}, (campaign,))])
    assert (await script.get("/api/v1/incidents")).json() == []


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"total": 351, "device_total": 351}, "total stands at 3.51; priced again it is 3.50"),
        ({"units": 3}, "it says 3 units, its lines hold 2"),
        ({"snapshot": 4, "lines": None}, "milk-2 saved 0.48; priced again 0.00"),
        ({"snapshot": 99}, "priced with version 99, but 8 is the newest"),
        ({"savings": []}, "milk-2 saved 0.00; priced again 0.48"),
        ({"offers": [{"offer": "ghost", "revision": 2}]}, "campaign ghost was never pushed as revision 2"),
        ({"timezone": "Mars/Base"}, "Mars/Base"),
    ],
)
async def test_a_receipt_that_the_engine_does_not_confirm_is_kept_and_shown(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway, change: dict[str, Any], said: str
) -> None:
    receipt = till.receipt(TRIP, {"oat": 2})
    receipt |= {name: value for name, value in change.items() if value is not None}
    assert (await _deliver(gateway, receipts=[receipt])).receipts.stored == 1
    (incident,) = (await script.get("/api/v1/incidents")).json()
    assert (incident["kind"], incident["trip"], incident["device"]) == ("price_mismatch", TRIP, "till-7")
    assert said in incident["text"]


@pytest.mark.usefixtures("stocked")
async def test_a_dispute_that_the_gateway_found_too_is_one_incident(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    receipt = till.receipt(TRIP, {"oat": 2}) | {"timezone": "Mars/Base"}
    told = {**_incident(f"{TRIP}.price_mismatch"), "trip": TRIP}
    await _deliver(gateway, receipts=[receipt], incidents=[told])
    assert len((await script.get("/api/v1/incidents")).json()) == 1


@pytest.mark.usefixtures("stocked")
async def test_receipts_with_corrected_times_are_priced_as_of_the_devices_clock(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    receipt = till.receipt(TRIP, {"oat": 2})
    late = {name: receipt[name] + 7_200_000 for name in ("started_at", "finished_at")}
    assert (await _deliver(gateway, receipts=[receipt | late | {"clock_offset": 7_200_000}])).receipts.stored == 1
    assert (await script.get("/api/v1/incidents")).json() == []


@pytest.mark.usefixtures("stocked")
async def test_a_gift_on_a_receipt_is_confirmed_like_the_rest(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    gift = {
        "id": "cup", "title": "A cup with beans", "kind": "free_gift", "target": {"skus": ["beans"]},
        "gift": {"sku": "cup", "unit_price": "3.00"}, "per": {"skus": ["beans"], "qty": 1},
    }  # fmt: skip
    assert (await script.put("/api/v1/promotions/cup", json=gift)).status_code == 200
    till.promotions["cup"], till.snapshot = gift, 9
    receipt = till.receipt(TRIP, {"oat": 1, "beans": 1})
    assert [line["name"] for line in receipt["lines"]] == ["Oat milk 1 l", "Espresso beans 1 kg", "A cup with beans"]
    await _deliver(gateway, receipts=[receipt])
    assert (await script.get("/api/v1/incidents")).json() == []


@pytest.mark.usefixtures("stocked")
async def test_a_line_price_that_the_log_never_told_is_shown(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    receipt = till.receipt(TRIP, {"beans": 1})
    receipt["lines"][0] |= {"unit_price": 1200, "gross": 1200}
    receipt |= {"total": 1200, "device_total": 1200}
    await _deliver(gateway, receipts=[receipt])
    (incident,) = (await script.get("/api/v1/incidents")).json()
    assert incident["text"] == "beans stands at 12.00, but cost 12.40 at version 8"


async def test_counts_rise_with_what_shoppers_do(stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway) -> None:
    draft = {
        "campaign": "c-1", "title": "-20 % granola", "reason": "you buy it", "segment": "regulars",
        "promotion": {"kind": "percent", "percent": "20", "target": {"skus": ["granola"]}},
    }  # fmt: skip
    campaign = (await stocked.post("/api/v1/campaigns", json=draft)).json()
    await stocked.post("/api/v1/campaigns/c-1/push")
    contacts = [
        _contact(1), _contact(2), _contact(3, "accepted"), _contact(4, "refused", trip="till-8.k3f9qa.1"),
        _contact(5, offer="another"),
    ]  # fmt: skip
    await _deliver(gateway, contacts=contacts, receipts=[till.receipt(TRIP, {"granola": 2}, (campaign,))])
    assert (await stocked.get("/api/v1/campaigns/c-1/counts")).json() == {
        "eligible": 2, "shown": 1, "accepted": 1, "refused": 1, "redeemed": 1, "saved": 180,
    }  # fmt: skip


async def test_totals_add_up_by_currency_and_store(stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway) -> None:
    yen = till.receipt("till-7.k3f9qa.300", {"beans": 1}) | {"currency": "JPY"}
    await _deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 2}), till.receipt("till-7.k3f9qa.200", {"oat": 1}), yen])
    totals = (await stocked.get("/api/v1/totals")).json()
    assert [(one["currency"], one["receipts"], one["total"], one["discount"]) for one in totals] == [
        ("USD", 2, 549, 48), ("JPY", 1, 1240, 0),
    ]  # fmt: skip
    assert (await stocked.get("/api/v1/totals", params={"store": "hillside"})).json() == []


async def test_receipts_are_listed_in_pages_by_arrival(
    stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    await _deliver(gateway, receipts=[till.receipt(f"till-7.k3f9qa.{number}", {"oat": 1}) for number in (900, 100, 500)])
    first = (await stocked.get("/api/v1/receipts", params={"limit": 2})).json()
    rest = (await stocked.get("/api/v1/receipts", params={"limit": 2, "after": first[-1]["number"]})).json()
    assert [one["receipt"].rpartition(".")[2] for one in first + rest] == ["900", "100", "500"]


async def test_a_store_sees_its_own_receipts_only(
    stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, browser: httpx.AsyncClient, till: Gateway
) -> None:
    await _deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 2})])
    other = {"Authorization": "Bearer store-token-of-hillside"}
    assert (await browser.get("/api/v1/receipts", headers=other)).json() == []
    assert (await browser.get(f"/api/v1/receipts/{TRIP}", headers=other)).status_code == 404
    assert (await browser.get("/api/v1/receipts?store=riverside", headers=other)).status_code == 403


async def test_live_rows_replace_what_was_known(gateway: httpx.AsyncClient) -> None:
    live = "/api/v1/stores/riverside/live"
    assert (await gateway.get(live)).json()["terminals"] == []
    for device in ("till-1", "till-2"):
        answer = await gateway.put(live, json={"terminals": [{"device": device, "state": "shopping"}], "counters": {}})
        assert answer.status_code == 204
    assert [row["device"] for row in (await gateway.get(live)).json()["terminals"]] == ["till-2"]
    assert (await gateway.put(live, json={"terminals": [{"device": "till-1", "state": "flying"}]})).status_code == 422


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    ["receipt", "store", "device", "lines", "savings", "units", "total", "snapshot", "currency", "timezone", "offers", "segments",
     "started_at", "finished_at", "member", "first_sequence", "device_total", "contact", "incident", "text", "at", "what"]
)  # fmt: skip


@pytest.mark.usefixtures("stocked")
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(broken=st.dictionaries(_FIELDS, _JSON, min_size=1, max_size=3), stray=_JSON)
async def test_whatever_is_delivered_never_holds_up_the_rest(app: FastAPI, broken: dict[str, Any], stray: Any) -> None:
    till = Gateway()
    good = till.receipt(TRIP, {"oat": 2})
    delivery = {
        "receipts": [good, {**till.receipt("till-7.k3f9qa.200", {"oat": 1}), **broken}],
        "contacts": [_contact(1), {**_contact(2), **broken}, {"stray": stray}],
        "incidents": [_incident("i-1"), {**_incident("i-2"), **broken}],
    }
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://t", headers={"Authorization": f"Bearer {STORE_TOKEN}"}
    ) as client:
        content = json.dumps(delivery)
        answer = await client.post(INTAKE, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, answer.text
        result = IntakeResult.model_validate(answer.json())
        for kind, outcome in (("receipts", result.receipts), ("contacts", result.contacts), ("incidents", result.incidents)):
            assert outcome.stored + outcome.known + len(outcome.refused) == len(delivery[kind])
        again = IntakeResult.model_validate((await client.post(INTAKE, content=content)).json())
        assert (again.receipts.stored, again.contacts.stored, again.incidents.stored) == (0, 0, 0)
        assert (await client.get(f"/api/v1/receipts/{TRIP}")).json()["total"] == good["total"]


@pytest.mark.usefixtures("stocked")
async def test_a_coupon_on_a_receipt_is_priced_again_with_it(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    coupon = {"id": "beans-2", "kind": "amount", "amount": "2.00", "coupon": "BEANS", "target": {"skus": ["beans"]}}
    answer = await script.post("/api/v1/import", json={"promotions": [coupon]})
    till.snapshot, till.promotions = answer.json()["last"], till.promotions | {"beans-2": coupon}
    receipt = till.receipt(TRIP, {"beans": 1}, coupons=("BEANS", "9912345678909"))
    assert (receipt["discount"], receipt["coupons"]) == (200, ["9912345678909", "BEANS"])
    await _deliver(gateway, receipts=[receipt])
    assert (await script.get("/api/v1/incidents")).json() == []
    assert (await gateway.get(f"/api/v1/receipts/{TRIP}")).json()["coupons"] == ["9912345678909", "BEANS"]
    # Without the coupon, nothing would have come off.
    other = till.receipt("till-7.k3f9qa.200", {"beans": 1}, coupons=("BEANS",)) | {"coupons": []}
    await _deliver(gateway, receipts=[other])
    (incident,) = (await script.get("/api/v1/incidents")).json()
    assert "discount stands at 2.00; priced again it is 0.00" in incident["text"]


@pytest.mark.usefixtures("stocked")
async def test_a_receipt_that_came_before_an_update_is_known_when_it_comes_again(
    gateway: httpx.AsyncClient, office: Office, till: Gateway
) -> None:
    receipt = till.receipt(TRIP, {"oat": 2})
    await _deliver(gateway, receipts=[receipt])
    later = {"clock_offset", "coupons", "deposit", "vat", "weighings", "is_labelled", "standing", "leases", "tenders"}
    later |= {"mark_down", "priced_by"}
    before = {name: value for name, value in receipt.items() if name not in later}
    before["lines"] = [{name: value for name, value in line.items() if name not in later} for line in receipt["lines"]]
    with office.writing() as session:
        held = repository.find(session, TRIP)
        assert held is not None
        assert held.digest == hashlib.sha256(canonical(before).encode()).hexdigest(), "as the version before it reckoned"
    assert (await _deliver(gateway, receipts=[before])).receipts.known == 1


BAGS = (Weighing(grams=520, tare=20, price_per_kg=400), Weighing(grams=250, price_per_kg=400))


@pytest.mark.usefixtures("stocked")
async def test_weighed_goods_and_deposits_are_kept_and_priced_again(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    answer = await script.post("/api/v1/import", json={"products": LOOSE_AND_BOTTLED})
    assert answer.json()["products"]["stored"] == 2, answer.text
    assert (await script.get("/api/v1/products/figs")).json()["unit"] == "kg"
    assert (await script.get("/api/v1/products/cola")).json()["deposit"] == 25
    till.snapshot = answer.json()["last"]
    receipt = till.receipt(TRIP, {"cola": 3}, bags=BAGS)
    assert (receipt["deposit"], receipt["total"]) == (75, 300 + 75 + 200 + 100)
    await _deliver(gateway, receipts=[receipt])
    assert (await script.get("/api/v1/incidents")).json() == []
    held = (await gateway.get(f"/api/v1/receipts/{TRIP}")).json()
    assert {name: held[name] for name in receipt if name != "clock_offset"} == {
        name: value for name, value in receipt.items() if name != "clock_offset"
    }
    text = (await gateway.get(f"/api/v1/receipts/{TRIP}/text")).text
    assert "  0.500 kg x 4.00/kg" in text
    assert "VAT 20 % in 3.75, net 3.12" in text
    assert (await gateway.get("/api/v1/receipts/none/text")).status_code == 404


@pytest.mark.usefixtures("stocked")
async def test_a_recall_and_mark_downs_are_told_and_a_reduced_price_is_kept_and_priced_again(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    granola = PRODUCTS[3] | {
        "mark_down": [{"days": 1, "percent": 30}], "recall": {"reason": "glass", "lots": ["A7"]},
    }  # fmt: skip
    answer = (await script.post("/api/v1/import", json={"products": [granola]})).json()
    assert answer["products"]["stored"] == 1, answer
    told = (await script.get("/api/v1/products/granola")).json()
    assert (told["mark_down"], told["recall"]["lots"], told["recall"]["reason"]) == (granola["mark_down"], ["A7"], "glass")
    assert (await script.put("/api/v1/products/granola", json=told)).json()["sequence"] == answer["last"]
    till.snapshot = answer["last"]
    short = {"granola": {"unit_price": 315, "mark_down": 30}}
    await _deliver(gateway, receipts=[till.receipt(TRIP, {"granola": 2}, marked=short)])
    assert (await script.get("/api/v1/incidents")).json() == []
    (line,) = (await gateway.get(f"/api/v1/receipts/{TRIP}")).json()["lines"]
    assert (line["unit_price"], line["mark_down"]) == (315, 30)
    bad = granola | {"mark_down": [{"days": 1, "percent": 100}]}
    refused = (await script.post("/api/v1/import", json={"products": [bad]})).json()["products"]["refused"]
    assert "mark_down" in refused[0]["reason"]


@pytest.mark.usefixtures("stocked")
async def test_what_staff_gave_a_price_is_kept_and_priced_again_without_a_product(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    jam = {"oat": {"sku": "code-04006381333931", "name": "Fig jam", "unit_price": 249, "priced_by": "monitor"}}
    await _deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 2}, marked=jam)])
    assert (await script.get("/api/v1/incidents")).json() == []
    (line,) = (await gateway.get(f"/api/v1/receipts/{TRIP}")).json()["lines"]
    assert (line["sku"], line["gross"], line["priced_by"]) == ("code-04006381333931", 498, "monitor")


@pytest.mark.usefixtures("stocked")
async def test_what_a_trip_was_paid_with_is_kept_and_prices_hold_as_of_when_it_was_asked_for(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    receipt = till.receipt(TRIP, {"oat": 1})
    tender = {
        "kind": "card", "outcome": "approved", "amount": receipt["total"], "reference": f"{TRIP}.9",
        "asked_at": receipt["finished_at"] - 60_000, "decided_by": "terminal", "trace": "000123", "terminal": "52000001",
    }  # fmt: skip
    await _deliver(gateway, receipts=[receipt | {"tenders": [tender]}])
    assert (await gateway.get(f"/api/v1/receipts/{TRIP}")).json()["tenders"] == [tender]
    assert "paid by card 52000001 000123" in (await gateway.get(f"/api/v1/receipts/{TRIP}/text")).text
    assert (await script.get("/api/v1/incidents")).json() == []


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"deposit": 50}, "it says deposit 0.50, its lines add up to 0.75"),
        ({"total": 600}, "it says total 6.00, its lines add up to 6.75"),
        ({"vat": [{"rate": "20", "net": 300, "tax": 75, "gross": 375}]}, "its VAT is not that of its lines"),
    ],
)
async def test_a_deposit_or_vat_that_does_not_add_up_is_shown(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway, change: dict[str, Any], says: str
) -> None:
    till.snapshot = (await script.post("/api/v1/import", json={"products": LOOSE_AND_BOTTLED})).json()["last"]
    await _deliver(gateway, receipts=[till.receipt(TRIP, {"cola": 3}, bags=BAGS) | change])
    (incident,) = (await script.get("/api/v1/incidents")).json()
    assert says in incident["text"]


async def test_an_assortment_from_before_an_update_is_known_when_it_comes_again(stocked: httpx.AsyncClient) -> None:
    plain = [{**PRODUCTS[0], "unit": "each", "deposit": 0}, PRODUCTS[1]]
    answer = (await stocked.post("/api/v1/import", json={"products": plain})).json()
    assert (answer["products"]["known"], answer["last"]) == (2, 8)


@pytest.mark.usefixtures("stocked")
async def test_a_refund_is_quoted_by_what_is_kept_with_its_deposit(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    till.snapshot = (await script.post("/api/v1/import", json={"products": LOOSE_AND_BOTTLED})).json()["last"]
    await _deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 3, "cola": 2}, bags=BAGS)])

    async def quote(*lines: tuple[str, int, int]) -> httpx.Response:
        back = [{"sku": sku, "unit_price": price, "quantity": quantity} for sku, price, quantity in lines]
        return await gateway.post(f"/api/v1/receipts/{TRIP}/refund-quote", json={"lines": back})

    # 3 oat milk cost 5.49; the 2 that stay are 2 for 3.50. A bottle comes back with its deposit, a bag as it was weighed.
    assert (await quote(("oat", 199, 1))).json()["refund"] == 199
    assert (await quote(("oat", 199, 2))).json() == {
        "currency": "USD",
        "refund": 350,
        "forgone": 0,
        "kept_total": 199 + 250 + 300,
    }
    assert (await quote(("cola", 100, 1), ("figs", 200, 1))).json()["refund"] == 125 + 200
    assert "4 of oat" in (await quote(("oat", 199, 2), ("oat", 199, 2))).text
    assert (await quote(("tea", 1, 1))).status_code == 422
