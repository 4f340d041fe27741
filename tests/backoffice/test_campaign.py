from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.backoffice.conftest import NOON, PROMOTIONS, TRIP, Gateway, contact_body, deliver

from panier.feed import CampaignRecord
from panier.money import format_minor
from panier_backoffice.campaign.sentence import effect
from panier_backoffice.words import Words

FEED = "/api/v1/stores/riverside/feed"
GRANOLA = {"kind": "percent", "percent": "20", "target": {"categories": ["Cereals"]}}
DRAFT: dict[str, Any] = {"title": "-20 % granola", "reason": "you buy it monthly", "promotion": GRANOLA, "segment": "regulars"}
WORDS = Words(locale="en_US", currency="USD", timezone="America/New_York", now=NOON)


async def _created(script: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await script.post("/api/v1/campaigns", json={**DRAFT, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_draft_reaches_nobody(stocked: httpx.AsyncClient) -> None:
    campaign = await _created(stocked)
    assert (campaign["state"], campaign["counts"]["eligible"]) == ("draft", 2)
    assert (await stocked.get(FEED)).json()["last"] == 8


async def test_a_push_is_one_entry_of_the_feed_under_the_campaigns_own_id(stocked: httpx.AsyncClient) -> None:
    campaign = await _created(stocked)
    pushed = (await stocked.post(f"/api/v1/campaigns/{campaign['campaign']}/push")).json()
    assert pushed == {"campaign": campaign["campaign"], "revision": 1, "state": "running", "sequence": 9}
    entry = (await stocked.get(FEED, params={"after": 8})).json()["entries"][0]
    record = CampaignRecord.model_validate(entry["body"])
    assert (entry["kind"], entry["key"], record.state) == ("campaign", campaign["campaign"], "running")
    assert record.promotion == {**GRANOLA, "id": campaign["campaign"]}
    assert (record.segment, record.members) == ("regulars", None)


async def test_a_draft_can_be_deleted_and_what_was_pushed_cannot(stocked: httpx.AsyncClient) -> None:
    draft, pushed = (await _created(stocked))["campaign"], (await _created(stocked))["campaign"]
    await stocked.post(f"/api/v1/campaigns/{pushed}/push")
    assert (await stocked.delete(f"/api/v1/campaigns/{draft}")).status_code == 204
    assert (await stocked.delete(f"/api/v1/campaigns/{draft}")).status_code == 404
    for act in ("stop", "push"):
        assert "pushed already" in (await stocked.delete(f"/api/v1/campaigns/{pushed}")).json()["detail"]
        await stocked.post(f"/api/v1/campaigns/{pushed}/{act}")
    assert [one["campaign"] for one in (await stocked.get("/api/v1/campaigns")).json()] == [pushed]


async def test_pushing_twice_is_pushing_once(stocked: httpx.AsyncClient) -> None:
    name = (await _created(stocked))["campaign"]
    first = (await stocked.post(f"/api/v1/campaigns/{name}/push")).json()
    assert (await stocked.post(f"/api/v1/campaigns/{name}/push")).json() == first
    assert (await stocked.get(FEED)).json()["last"] == 9


async def test_a_campaign_is_stopped_and_started_again(stocked: httpx.AsyncClient) -> None:
    name = (await _created(stocked))["campaign"]
    for act, state, sequence in (("push", "running", 9), ("stop", "stopped", 10), ("push", "running", 11)):
        answer = (await stocked.post(f"/api/v1/campaigns/{name}/{act}")).json()
        assert (answer["state"], answer["sequence"], answer["revision"]) == (state, sequence, 1)
    states = [entry["body"]["state"] for entry in (await stocked.get(FEED, params={"after": 8})).json()["entries"]]
    assert states == ["running", "stopped", "running"]


async def test_stopping_what_does_not_run_is_refused(stocked: httpx.AsyncClient) -> None:
    name = (await _created(stocked))["campaign"]
    answer = await stocked.post(f"/api/v1/campaigns/{name}/stop")
    assert (answer.status_code, answer.json()["code"]) == (422, "unfit")


async def test_editing_a_running_campaign_tells_the_stores_its_next_revision(stocked: httpx.AsyncClient) -> None:
    name = (await _created(stocked))["campaign"]
    edited = {**DRAFT, "title": "-25 % granola", "promotion": {**GRANOLA, "percent": "25"}}
    assert (await stocked.put(f"/api/v1/campaigns/{name}", json=edited)).json()["revision"] == 1, "a draft has no history"
    await stocked.post(f"/api/v1/campaigns/{name}/push")
    edited["reason"] = "you love it"
    assert (await stocked.put(f"/api/v1/campaigns/{name}", json=edited)).json()["revision"] == 2
    bodies = [entry["body"] for entry in (await stocked.get(FEED, params={"after": 8})).json()["entries"]]
    assert [(body["revision"], body["promotion"]["percent"], body["reason"]) for body in bodies] == [
        (1, "25", "you buy it monthly"), (2, "25", "you love it"),
    ]  # fmt: skip


async def test_creating_a_named_campaign_again_gives_the_same_one_and_another_of_its_name_is_refused(
    stocked: httpx.AsyncClient,
) -> None:
    first = await _created(stocked, campaign="granola-week")
    await stocked.post("/api/v1/campaigns/granola-week/push")
    again = await _created(stocked, campaign="granola-week")
    assert (again["created_at"], again["state"]) == (first["created_at"], "running")
    answer = await stocked.post("/api/v1/campaigns", json={**DRAFT, "campaign": "granola-week", "title": "other"})
    assert answer.json()["errors"][0]["field"] == "campaign"


async def test_no_promotion_and_campaign_are_ever_called_the_same(stocked: httpx.AsyncClient) -> None:
    await _created(stocked, campaign="granola-week")
    answer = await stocked.post("/api/v1/import", json={"promotions": [{**PROMOTIONS[0], "id": "granola-week"}]})
    (refused,) = answer.json()["promotions"]["refused"]
    assert "there is a campaign 'granola-week' already" in refused["reason"]
    await stocked.delete(f"/api/v1/promotions/{PROMOTIONS[0]['id']}")
    answer = await stocked.post("/api/v1/campaigns", json={**DRAFT, "campaign": PROMOTIONS[0]["id"]})
    assert answer.json()["errors"][0]["field"] == "campaign", "receipts of before still name the promotion"


async def test_listed_cards_become_members_each_once(stocked: httpx.AsyncClient) -> None:
    campaign = await _created(stocked, segment=None, cards=["2900000000024", "2900000000017", "2900000000024"])
    assert campaign["members"] == ["m-2", "m-1"]
    assert campaign["counts"]["eligible"] == 2


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"promotion": {**GRANOLA, "percent": "-5"}}, "promotion.percent", "negative"),
        ({"promotion": {**GRANOLA, "percent": "0"}}, "promotion.percent", "saves nothing"),
        ({"promotion": {**GRANOLA, "percent": "101"}}, "promotion.percent", "100"),
        ({"promotion": {**GRANOLA, "percent": "many"}}, "promotion.percent", "many"),
        ({"promotion": {"kind": "present"}}, "promotion.kind", "present"),
        ({"promotion": {}}, "promotion.kind", ""),
        ({"promotion": {**GRANOLA, "target": {"categories": ["Rockets"]}}}, "promotion.target.categories", "Rockets"),
        ({"promotion": {**GRANOLA, "target": {"skus": ["oat", "moon"]}}}, "promotion.target.skus", "moon"),
        (
            {"promotion": {"kind": "n_for_price", "n": 2, "price": "9.00", "target": {"skus": ["granola"]}}},
            "promotion.price",
            "on the shelf 2 cost at most 9.00",
        ),
        (
            {"promotion": {"kind": "amount_per_unit", "amount": "5.00", "target": {"skus": ["granola"]}}},
            "promotion.amount",
            "4.50",
        ),
        (
            {"promotion": {"kind": "buy_x_get_y", "buy": {"target": {"skus": ["x"]}, "qty": 0}, "get": {"qty": 1}}},
            "promotion.buy.qty",
            "",
        ),
        ({"segment": "nobody"}, "segment", "no member is in segment 'nobody'"),
        ({"segment": None}, "segment", "say whom"),
        ({"members": ["m-1"]}, "segment", "either"),
        ({"segment": None, "members": []}, "members", "0 members"),
        ({"segment": None, "members": ["m-1", "m-7", "m-8"]}, "members", "m-7, m-8"),
        ({"segment": None, "cards": ["123"]}, "cards", "123"),
        ({"starts_at": 4_000_000_000_000, "ends_at": 3_900_000_000_000}, "ends_at", "before the start"),
        ({"ends_at": 1_000_000_000_000}, "ends_at", "over already"),
        ({"title": "  "}, "title", "few words"),
        ({"title": "x" * 61}, "title", "room for 60"),
        ({"reason": "x" * 81}, "reason", "room for 80"),
        ({"title": "x" * 5000}, "title", "5,000 characters; the handheld has room for 60"),
        ({"title": "-20 %\u202e alonarg"}, "title", "character 6 cannot be shown: U+202E (right-to-left override)"),
        ({"reason": "you\x07buy"}, "reason", "character 4 cannot be shown: U+0007 (control character)"),
        ({"campaign": "milk-2"}, "campaign", "already"),
    ],
)
async def test_nonsense_is_refused_beside_its_field(
    stocked: httpx.AsyncClient, changes: dict[str, Any], field: str, reason: str
) -> None:
    answer = await stocked.post("/api/v1/campaigns", json={**DRAFT, **changes})
    assert answer.status_code == 422, answer.text
    errors = {one["field"]: one["message"] for one in answer.json()["errors"]}
    assert list(errors) == [field]
    assert reason in errors[field]
    assert (await stocked.get("/api/v1/campaigns")).json() == []


async def test_all_that_makes_no_sense_is_said_at_once(stocked: httpx.AsyncClient) -> None:
    nonsense = {**DRAFT, "title": "", "segment": "nobody", "ends_at": 1, "promotion": {**GRANOLA, "percent": "-5"}}
    errors = (await stocked.post("/api/v1/campaigns", json=nonsense)).json()["errors"]
    assert {one["field"] for one in errors} == {"title", "segment", "ends_at", "promotion.percent"}


async def test_a_push_checks_again_what_may_have_changed_since(stocked: httpx.AsyncClient) -> None:
    name = (await _created(stocked))["campaign"]
    await stocked.delete("/api/v1/products/granola")
    answer = await stocked.post(f"/api/v1/campaigns/{name}/push")
    assert answer.status_code == 422
    assert "Cereals" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["", "/counts", "/push", "/stop"])
async def test_a_campaign_that_is_not_there_is_not_found(stocked: httpx.AsyncClient, path: str) -> None:
    method = "GET" if path in ("", "/counts") else "POST"
    assert (await stocked.request(method, f"/api/v1/campaigns/none{path}")).status_code == 404


@pytest.mark.parametrize(
    ("promotion", "said"),
    [
        (GRANOLA, "20 % off Cereals"),
        ({"kind": "percent", "percent": "12.50", "target": {"all": True}}, "12.5 % off everything"),
        (PROMOTIONS[0], "2 for $3.50 on Oat milk 1 l"),
        (
            {
                "kind": "buy_x_get_y",
                "buy": {"target": {"skus": ["oat"]}, "qty": 2},
                "get": {"target": {"skus": ["oat"]}, "qty": 1, "percent": "100"},
            },
            "buy 2 Oat milk 1 l, get 1 free",
        ),
        (
            {"kind": "buy_x_get_y", "buy": {"target": {"skus": ["oat"]}, "qty": 1}, "get": {"qty": 1, "percent": "50"}},
            "buy 1 Oat milk 1 l, get 1 everything at 50 % off",
        ),
        ({"kind": "amount", "amount": "5", "target": {"skus": ["oat", "b", "c"]}}, "$5.00 off Oat milk 1 l, b and 1 more"),
        ({"kind": "cheapest_free", "target": {"categories": ["Milk"]}}, "cheapest free on Milk"),
    ],
)
def test_what_a_campaign_gives_reads_as_a_sentence(promotion: dict[str, Any], said: str) -> None:
    assert effect(promotion, WORDS, {"oat": "Oat milk 1 l"}) == said


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "just now"), (4, "4 min ago"), (125, "2 h 5 min ago"), (60 * 20, "yesterday, 8:26 PM")]
)
def test_times_are_said_as_people_say_them(minutes: int, said: str) -> None:
    assert WORDS.ago(NOON - minutes * 60_000).replace("\u202f", " ") == said


@pytest.mark.parametrize(
    ("minor", "currency", "said"), [(123456, "USD", "$1,234.56"), (-5, "USD", "-$0.05"), (500, "JPY", "¥500")]
)
def test_money_is_said_with_its_currency(minor: int, currency: str, said: str) -> None:
    assert WORDS.money(minor, currency) == said
    assert format_minor(minor, currency)


def test_a_date_field_reads_back_what_it_shows() -> None:
    assert WORDS.read_field(WORDS.field(NOON)) == NOON - NOON % 60_000
    assert WORDS.read_field(" ") is None
    for year in ("0202", "1969", "9999"):
        with pytest.raises(ValueError, match="than or equal"):
            WORDS.read_field(f"{year}-06-01T12:00")


async def test_counts_rise_with_what_shoppers_do(stocked: httpx.AsyncClient, gateway: httpx.AsyncClient, till: Gateway) -> None:
    draft = {
        "campaign": "c-1", "title": "-20 % granola", "reason": "you buy it", "segment": "regulars",
        "promotion": {"kind": "percent", "percent": "20", "target": {"skus": ["granola"]}},
    }  # fmt: skip
    campaign = (await stocked.post("/api/v1/campaigns", json=draft)).json()
    await stocked.post("/api/v1/campaigns/c-1/push")
    contacts = [
        contact_body(1), contact_body(2), contact_body(3, "accepted"), contact_body(4, "refused", trip="till-8.k3f9qa.1"),
        contact_body(5, offer="another"),
    ]  # fmt: skip
    await deliver(gateway, contacts=contacts, receipts=[till.receipt(TRIP, {"granola": 2}, (campaign,))])
    assert (await stocked.get("/api/v1/campaigns/c-1/counts")).json() == {
        "eligible": 2, "shown": 1, "accepted": 1, "refused": 1, "redeemed": 1, "saved": 180,
    }  # fmt: skip
