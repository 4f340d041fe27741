"""Receipts are priced again with what held when they were made; what the engine does not confirm is shown."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.backoffice.conftest import BAGS, LOOSE_AND_BOTTLED, PRODUCTS, TRIP, Gateway, deliver, incident_body


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
    await deliver(gateway, receipts=[receipt])
    assert (await script.get("/api/v1/incidents")).json() == []
    # Neither does a later change of prices, promotions or the campaign: it is priced with what held then.
    await script.put("/api/v1/products/oat/price", json={"unit_price": 10})
    await script.delete("/api/v1/promotions/milk-2")
    await script.post(f"/api/v1/campaigns/{campaign['campaign']}/stop")
    await deliver(gateway, receipts=[till.receipt("till-7.k3f9qa.500", {"oat": 5, "granola": 3}, (campaign,))])
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
    assert (await deliver(gateway, receipts=[receipt])).receipts.stored == 1
    (incident,) = (await script.get("/api/v1/incidents")).json()
    assert (incident["kind"], incident["trip"], incident["device"]) == ("price_mismatch", TRIP, "till-7")
    assert said in incident["text"]


@pytest.mark.usefixtures("stocked")
async def test_a_dispute_that_the_gateway_found_too_is_one_incident(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    receipt = till.receipt(TRIP, {"oat": 2}) | {"timezone": "Mars/Base"}
    told = {**incident_body(f"{TRIP}.price_mismatch"), "trip": TRIP}
    await deliver(gateway, receipts=[receipt], incidents=[told])
    assert len((await script.get("/api/v1/incidents")).json()) == 1


@pytest.mark.usefixtures("stocked")
async def test_receipts_with_corrected_times_are_priced_as_of_the_devices_clock(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    receipt = till.receipt(TRIP, {"oat": 2})
    late = {name: receipt[name] + 7_200_000 for name in ("started_at", "finished_at")}
    assert (await deliver(gateway, receipts=[receipt | late | {"clock_offset": 7_200_000}])).receipts.stored == 1
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
    await deliver(gateway, receipts=[receipt])
    assert (await script.get("/api/v1/incidents")).json() == []


@pytest.mark.usefixtures("stocked")
async def test_a_line_price_that_the_log_never_told_is_shown(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    receipt = till.receipt(TRIP, {"beans": 1})
    receipt["lines"][0] |= {"unit_price": 1200, "gross": 1200}
    receipt |= {"total": 1200, "device_total": 1200}
    await deliver(gateway, receipts=[receipt])
    (incident,) = (await script.get("/api/v1/incidents")).json()
    assert incident["text"] == "beans stands at 12.00, but cost 12.40 at version 8"


@pytest.mark.usefixtures("stocked")
async def test_a_coupon_on_a_receipt_is_priced_again_with_it(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    coupon = {"id": "beans-2", "kind": "amount", "amount": "2.00", "coupon": "BEANS", "target": {"skus": ["beans"]}}
    answer = await script.post("/api/v1/import", json={"promotions": [coupon]})
    till.snapshot, till.promotions = answer.json()["last"], till.promotions | {"beans-2": coupon}
    receipt = till.receipt(TRIP, {"beans": 1}, coupons=("BEANS", "9912345678909"))
    assert (receipt["discount"], receipt["coupons"]) == (200, ["9912345678909", "BEANS"])
    await deliver(gateway, receipts=[receipt])
    assert (await script.get("/api/v1/incidents")).json() == []
    assert (await gateway.get(f"/api/v1/receipts/{TRIP}")).json()["coupons"] == ["9912345678909", "BEANS"]
    # Without the coupon, nothing would have come off.
    other = till.receipt("till-7.k3f9qa.200", {"beans": 1}, coupons=("BEANS",)) | {"coupons": []}
    await deliver(gateway, receipts=[other])
    (incident,) = (await script.get("/api/v1/incidents")).json()
    assert "discount stands at 2.00; priced again it is 0.00" in incident["text"]


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
    await deliver(gateway, receipts=[receipt])
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
    await deliver(gateway, receipts=[till.receipt(TRIP, {"granola": 2}, marked=short)])
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
    await deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 2}, marked=jam)])
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
    await deliver(gateway, receipts=[receipt | {"tenders": [tender]}])
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
    await deliver(gateway, receipts=[till.receipt(TRIP, {"cola": 3}, bags=BAGS) | change])
    (incident,) = (await script.get("/api/v1/incidents")).json()
    assert says in incident["text"]
