"""What a store's gateway delivers is taken once, and what does not fit is set aside alone, with its reason."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import asdict
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from tests.backoffice.conftest import INTAKE, PRODUCTS, STORE_TOKEN, TRIP, Gateway, contact_body, deliver, incident_body

from panier.intake import IntakeResult
from panier.member import Standing
from panier.receipt import Receipt
from panier.snapshot import canonical
from panier.weighed import Weighing
from panier_backoffice.incident import repository as incidents
from panier_backoffice.intake.service import digest_of
from panier_backoffice.office import Office
from panier_backoffice.receipt import repository
from panier_backoffice.receipt.table import LineRow


async def test_a_receipt_is_stored_and_can_be_found_by_its_trip(
    stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    receipt = till.receipt(TRIP, {"oat": 3, "beans": 1})
    assert (receipt["discount"], receipt["total"]) == (48, 1789)
    assert (await deliver(gateway, receipts=[receipt])).receipts.stored == 1
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
        "contacts": [contact_body(130), contact_body(131, "accepted")],
        "incidents": [incident_body("i-1")],
    }
    first, second = await deliver(gateway, **delivery), await deliver(gateway, **delivery)
    assert (first.receipts.stored, first.contacts.stored, first.incidents.stored) == (1, 2, 1)
    assert (second.receipts.known, second.contacts.known, second.incidents.known) == (1, 2, 1)
    assert (second.receipts.stored, second.contacts.stored, second.incidents.stored) == (0, 0, 0)
    assert (await gateway.get("/api/v1/totals")).json()[0]["receipts"] == 1
    assert (first.delivery, second.delivery) == (1, 2)


@pytest.mark.usefixtures("stocked")
async def test_four_callers_at_once_with_overlapping_deliveries_leave_each_item_once(
    gateway: httpx.AsyncClient, till: Gateway, office: Office
) -> None:
    receipts = [till.receipt(f"till-7.k3f9qa.{number}", {"oat": 2, "beans": 1}) for number in range(100, 140)]
    contacts = [contact_body(number) for number in range(40)]
    incidents = [incident_body(f"i-{number}") for number in range(40)]
    deliveries: list[dict[str, list[Any]]] = []
    for caller in range(4):
        # Each its own half and half of another's, in another order.
        order = [(place * (1, 3, 7, 11)[caller] + caller * 10) % 40 for place in range(20)]
        deliveries += [
            {"receipts": [receipts[one] for one in order], "contacts": [contacts[one] for one in order],
             "incidents": [incidents[one] for one in order]}
        ] * 2  # fmt: skip
    results = await asyncio.gather(*(deliver(gateway, **delivery) for delivery in deliveries))
    assert sorted(result.delivery for result in results) == list(range(1, 9))
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
    assert (await deliver(gateway, receipts=[receipt])).receipts.stored == 1


@pytest.mark.usefixtures("stocked")
async def test_an_item_twice_in_one_delivery_is_taken_once(gateway: httpx.AsyncClient, till: Gateway) -> None:
    receipt = till.receipt(TRIP, {"oat": 2})
    result = await deliver(
        gateway, receipts=[receipt, receipt], contacts=[contact_body(130)] * 3, incidents=[incident_body("i-1")] * 2
    )
    assert (result.receipts.stored, result.receipts.known) == (1, 1)
    assert (result.contacts.stored, result.contacts.known) == (1, 2)
    assert (result.incidents.stored, result.incidents.known) == (1, 1)


async def test_another_receipt_under_a_known_id_is_refused_and_shown(
    stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    await deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 2})])
    result = await deliver(gateway, receipts=[till.receipt(TRIP, {"oat": 1})])
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
        result = await deliver(gateway, receipts=[bad, good], contacts=[contact_body(1), {"contact": "x"}])
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
        "contacts": [contact_body(1), {**contact_body(2), **broken}, {"stray": stray}],
        "incidents": [incident_body("i-1"), {**incident_body("i-2"), **broken}],
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
async def test_a_receipt_that_came_before_an_update_is_known_when_it_comes_again(
    gateway: httpx.AsyncClient, office: Office, till: Gateway
) -> None:
    receipt = till.receipt(TRIP, {"oat": 2})
    await deliver(gateway, receipts=[receipt])
    later = {"clock_offset", "coupons", "deposit", "vat", "weighings", "is_labelled", "standing", "leases", "tenders"}
    later |= {"mark_down", "priced_by"}
    before = {name: value for name, value in receipt.items() if name not in later}
    before["lines"] = [{name: value for name, value in line.items() if name not in later} for line in receipt["lines"]]
    with office.writing() as session:
        held = repository.find(session, TRIP)
        assert held is not None
        assert held.digest == hashlib.sha256(canonical(before).encode()).hexdigest(), "as the version before it reckoned"
    assert (await deliver(gateway, receipts=[before])).receipts.known == 1


_ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(name=_ANY_TEXT, uses=st.dictionaries(_ANY_TEXT, st.integers(0, 10**9), min_size=2, max_size=5))
def test_a_digest_is_that_of_the_canonical_json_whatever_is_written_on_the_receipt(name: str, uses: dict[str, int]) -> None:
    bag = Weighing(grams=520, tare=20, price_per_kg=400)
    marked = {"mark_down": 20, "priced_by": "anna", "is_labelled": True, "tax_rate": "5.5", "deposit": 25, "name": name}
    given = Gateway().receipt(TRIP, {"oat": 2}, coupons=("c-1",), standing=Standing(points=5, uses=uses))
    lines = [{**line, **marked, "weighings": [asdict(bag)]} for line in given["lines"]]
    more = {"clock_offset": -5, "deposit": 75, "vat": [{"rate": "5.5", "net": 1, "tax": 1, "gross": 2}]}
    receipt = Receipt.model_validate({**given, "lines": lines, **more})
    stated = receipt.model_dump(mode="json", exclude={"leases", "tenders"})
    assert digest_of(receipt.model_dump()) == hashlib.sha256(canonical(stated).encode()).hexdigest()


async def test_an_assortment_from_before_an_update_is_known_when_it_comes_again(stocked: httpx.AsyncClient) -> None:
    plain = [{**PRODUCTS[0], "unit": "each", "deposit": 0}, PRODUCTS[1]]
    answer = (await stocked.post("/api/v1/import", json={"products": plain})).json()
    assert (answer["products"]["known"], answer["last"]) == (2, 8)


async def test_a_dead_letter_that_comes_again_waits_for_a_person_again(
    office: Office, stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway
) -> None:
    bad = till.receipt(TRIP, {"oat": 1}) | {"units": -1}
    await deliver(gateway, receipts=[bad])
    with office.writing() as session:
        (letter,) = incidents.dead_letters(session, settled=False, limit=9)
        incidents.settle_dead_letter(session, letter.number, "ada", 1)
    await deliver(gateway, receipts=[bad])
    with office.reading() as session:
        (letter,) = incidents.dead_letters(session, settled=False, limit=9)
        assert (letter.times, letter.settled_by) == (2, None)
