"""Campaigns with a holdout, and with a limit over all shoppers."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from tests.backoffice.conftest import INTAKE, NOON, Gateway, form_token, sign_in

from panier.definition import PERCENT
from panier.feed import CampaignRecord
from panier.holdout import is_held_out
from panier.lease import HeldLease
from panier.member import Standing

MILK = {"kind": "amount", "amount": "0.50", "target": {"skus": ["soy"]}}
DRAFT: dict[str, Any] = {
    "campaign": "milk", "title": "-0.50", "reason": "you buy it", "promotion": MILK, "segment": "member", "holdout": 50,
}  # fmt: skip
SHOPPERS = [f"h-{number}" for number in range(20)]
HELD_OUT = [member for member in SHOPPERS if is_held_out(member, "milk", 50 * PERCENT)]


@pytest.fixture
async def marketer(browser: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await sign_in(browser)).status_code == 303
    return browser


@pytest.fixture
async def pushed(stocked: httpx.AsyncClient) -> httpx.AsyncClient:
    members = [{"member": name, "first_name": "A", "cards": [], "segments": []} for name in SHOPPERS]
    await stocked.post("/api/v1/import", json={"members": members})
    assert (await stocked.post("/api/v1/campaigns", json=DRAFT)).json()["holdout"] == 50
    await stocked.post("/api/v1/campaigns/milk/push")
    return stocked


async def test_a_push_tells_the_stores_the_holdout(pushed: httpx.AsyncClient) -> None:
    entries = (await pushed.get("/api/v1/stores/riverside/feed", params={"after": 8})).json()["entries"]
    assert CampaignRecord.model_validate(entries[-1]["body"]).holdout == 50


@pytest.mark.parametrize("share", [-1, 91, "half"])
async def test_a_holdout_is_a_share_that_leaves_somebody(stocked: httpx.AsyncClient, share: Any) -> None:
    assert (await stocked.post("/api/v1/campaigns", json={**DRAFT, "holdout": share})).status_code == 422


async def test_both_groups_are_shown_side_by_side(
    pushed: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway, marketer: httpx.AsyncClient
) -> None:
    assert 0 < len(HELD_OUT) < len(SHOPPERS)
    get_it = [member for member in SHOPPERS if member not in HELD_OUT]
    far, receipts = 4_000_000_000_000, []
    for number, (member, basket) in enumerate([(get_it[0], {"oat": 1}), (get_it[0], {"oat": 1}), (HELD_OUT[0], {"beans": 1})]):
        trip = f"till-7.k3f9qa.{number + 1}"
        receipts.append(till.receipt(trip, basket, member=member, finished_at=far))
    receipts.append(till.receipt("till-7.k3f9qa.90", {"beans": 1}, member=HELD_OUT[0], finished_at=NOON - 10**10))
    answer = await gateway.post(INTAKE, json={"receipts": receipts})
    assert answer.json()["receipts"]["stored"] == 4
    found = (await pushed.get("/api/v1/campaigns/milk/comparison")).json()
    # The three members of the import are of the audience too.
    assert found["treated"]["members"] + found["held_out"]["members"] == len(SHOPPERS) + 3
    assert (found["treated"]["baskets"], found["treated"]["spend"]) == (2, 398)
    assert (found["held_out"]["baskets"], found["held_out"]["spend"]) == (1, 1240), (
        "what was bought before it started is left out"
    )
    page = (await marketer.get("/campaigns/milk/now")).text
    row = re.search(r'data-group="held out">(.*?)</tr>', page, re.DOTALL)
    assert row
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row[1])
    assert cells[1:] == [str(found["held_out"]["members"]), "1", f"${round(1240 / found['held_out']['members']) / 100:.2f}"]


async def test_without_a_holdout_nothing_is_compared(stocked: httpx.AsyncClient, marketer: httpx.AsyncClient) -> None:
    await stocked.post("/api/v1/campaigns", json={**DRAFT, "holdout": 0, "segment": None, "members": ["m-1"]})
    await stocked.post("/api/v1/campaigns/milk/push")
    assert (await stocked.get("/api/v1/campaigns/milk/comparison")).json() is None
    assert "With it and without it" not in (await marketer.get("/campaigns/milk")).text


async def test_the_form_asks_for_the_holdout_and_refuses_nonsense(
    stocked: httpx.AsyncClient, marketer: httpx.AsyncClient
) -> None:
    form = {
        "form_token": form_token(await marketer.get("/campaigns/new")), "kind": "percent", "percent": "20", "scope": "all",
        "whom": "segment", "segment": "regulars", "title": "All", "reason": "thanks", "holdout": "95",
    }  # fmt: skip
    assert "from 0 to 90" in (await marketer.post("/campaigns/new", data=form)).text
    answer = await marketer.post("/campaigns/new", data={**form, "holdout": "10 %"})
    assert answer.status_code == 303
    name = answer.headers["location"].rpartition("/")[2]
    assert (await stocked.get(f"/api/v1/campaigns/{name}")).json()["holdout"] == 10
    assert 'name="holdout" value="10"' in (await marketer.get(f"/campaigns/{name}/edit")).text


async def test_what_is_left_of_a_limit_is_shown_for_each_store(
    pushed: httpx.AsyncClient, gateway: httpx.AsyncClient, marketer: httpx.AsyncClient
) -> None:
    row = {"promotion": "milk", "is_spend": True, "limit": 10_000, "used": 2_500, "out": 500, "free": 7_000, "stranded": 100}
    other = {"promotion": "beans", "is_spend": False, "limit": 98_765, "used": 0, "out": 0, "free": 98_765}
    await gateway.put("/api/v1/stores/riverside/live", json={"counters": {"limits": [row, other]}})
    page = (await marketer.get("/campaigns/milk")).text
    for figure in ("$100.00", "$25.00", "$5.00", "($1.00 with terminals that are gone)", "$70.00"):
        assert figure in page
    assert "98,765" not in page
    assert "98765" not in page


async def test_a_receipt_is_priced_again_with_the_leases_and_the_standing_it_states(
    stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    limited = {"id": "beans-2", "kind": "amount", "amount": "2.00", "usage_limit": 5, "target": {"skus": ["beans"]}}
    once = {"id": "oat-1", "kind": "amount", "amount": "0.10", "per_member_limit": 1, "target": {"skus": ["oat"]}}
    answer = await stocked.post("/api/v1/import", json={"promotions": [limited, once]})
    till.snapshot, till.promotions = answer.json()["last"], till.promotions | {"beans-2": limited, "oat-1": once}
    lease = HeldLease(promotion="beans-2", is_spend=False, holder="till-7.k3f9qa", left=1)
    receipt = till.receipt("till-7.k3f9qa.1", {"beans": 1, "oat": 1}, leases=(lease,), standing=Standing(uses={"oat-1": 1}))
    assert receipt["discount"] == 200
    await gateway.post(INTAKE, json={"receipts": [receipt]})
    assert (await stocked.get("/api/v1/incidents")).json() == []
    held = (await gateway.get("/api/v1/receipts/till-7.k3f9qa.1")).json()
    assert (held["leases"][0]["left"], held["standing"]["uses"]) == (1, {"oat-1": 1})
    without = receipt | {"receipt": "till-7.k3f9qa.2", "leases": []}
    await gateway.post(INTAKE, json={"receipts": [without]})
    assert "priced again it is 0.00" in (await stocked.get("/api/v1/incidents")).json()[0]["text"]
