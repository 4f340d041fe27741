"""Receipts as they are looked up: lists, totals, whose they are, and what is paid back of one."""

from __future__ import annotations

import httpx
import pytest
from tests.backoffice.conftest import BAGS, LOOSE_AND_BOTTLED, TRIP, Gateway, deliver


async def test_totals_add_up_by_currency_and_store(stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway) -> None:
    yen = till.receipt("till-7.k3f9qa.300", {"beans": 1}) | {"currency": "JPY"}
    await deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 2}), till.receipt("till-7.k3f9qa.200", {"oat": 1}), yen])
    totals = (await stocked.get("/api/v1/totals")).json()
    assert [(one["currency"], one["receipts"], one["total"], one["discount"]) for one in totals] == [
        ("USD", 2, 549, 48), ("JPY", 1, 1240, 0),
    ]  # fmt: skip
    assert (await stocked.get("/api/v1/totals", params={"store": "hillside"})).json() == []


async def test_receipts_are_listed_in_pages_by_arrival(
    stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    await deliver(gateway, receipts=[till.receipt(f"till-7.k3f9qa.{number}", {"oat": 1}) for number in (900, 100, 500)])
    first = (await stocked.get("/api/v1/receipts", params={"limit": 2})).json()
    rest = (await stocked.get("/api/v1/receipts", params={"limit": 2, "after": first[-1]["number"]})).json()
    assert [one["receipt"].rpartition(".")[2] for one in first + rest] == ["900", "100", "500"]


async def test_a_store_sees_its_own_receipts_only(
    stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, browser: httpx.AsyncClient, till: Gateway
) -> None:
    await deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 2})])
    other = {"Authorization": "Bearer store-token-of-hillside"}
    assert (await browser.get("/api/v1/receipts", headers=other)).json() == []
    assert (await browser.get(f"/api/v1/receipts/{TRIP}", headers=other)).status_code == 404
    assert (await browser.get("/api/v1/receipts?store=riverside", headers=other)).status_code == 403


@pytest.mark.usefixtures("stocked")
async def test_a_refund_is_quoted_by_what_is_kept_with_its_deposit(
    script: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    till.snapshot = (await script.post("/api/v1/import", json={"products": LOOSE_AND_BOTTLED})).json()["last"]
    await deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 3, "cola": 2}, bags=BAGS)])

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
