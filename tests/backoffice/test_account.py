from __future__ import annotations

import json
import re

import httpx
import pytest
from fastapi import FastAPI
from tests.backoffice.conftest import ADMIN, INTAKE, NOON, PASSWORD, form_token, sign_in

from panier_backoffice.account.service import open_account
from panier_backoffice.account.session import Patience
from panier_backoffice.account.table import AccountRow
from panier_backoffice.office import Office


def _person(office: Office, role: str) -> str:
    email = f"{role}@shop.example"
    with office.writing() as session:
        open_account(session, email, PASSWORD, role, office.clock())
    return email


async def test_a_stranger_is_asked_to_sign_in_and_then_brought_where_they_wanted(browser: httpx.AsyncClient) -> None:
    asked = await browser.get("/trips?store=riverside")
    assert (asked.status_code, asked.headers["location"]) == (303, "/signin?next=%2Ftrips%3Fstore%3Driverside")
    answer = await sign_in(browser, after="/trips?store=riverside")
    assert (answer.status_code, answer.headers["location"]) == (303, "/trips?store=riverside")
    assert (await browser.get("/trips")).status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_signing_in_leads_to_no_other_site(browser: httpx.AsyncClient, elsewhere: str) -> None:
    assert (await sign_in(browser, after=elsewhere)).headers["location"] == "/"


@pytest.mark.parametrize(
    ("email", "password"), [(ADMIN, "wrong"), ("nobody@shop.example", PASSWORD), ("", ""), (ADMIN, PASSWORD.upper())]
)
async def test_wrong_credentials_are_refused_without_saying_which(browser: httpx.AsyncClient, email: str, password: str) -> None:
    answer = await sign_in(browser, email, password)
    assert answer.status_code == 401
    assert "do not belong together" in answer.text


async def test_the_cookie_is_signed_and_kept_from_scripts(browser: httpx.AsyncClient) -> None:
    answer = await sign_in(browser)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    value = browser.cookies["panier_session"]
    browser.cookies.clear()
    # Not its last character: the low bits of that one say nothing.
    signed, signature = value[:-20], value[-20:]
    browser.cookies.set("panier_session", signed + ("a" if signature[0] != "a" else "b") + signature[1:])
    assert (await browser.get("/")).status_code == 303


async def test_a_form_from_elsewhere_is_refused(browser: httpx.AsyncClient, app: FastAPI) -> None:
    await sign_in(browser)
    for token in ("", "0" * 64, "ü"):
        answer = await browser.post("/signout", data={"form_token": token})
        assert (answer.status_code, "too old" in answer.text) == (403, True)
    # Nor does the token of another visitor's page do.
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://backoffice.test") as other:
        stolen = form_token(await other.get("/signin"))
    assert (await browser.post("/signout", data={"form_token": stolen})).status_code == 403


@pytest.mark.usefixtures("stocked")
async def test_nothing_changes_by_a_form_without_its_token(browser: httpx.AsyncClient, script: httpx.AsyncClient) -> None:
    await sign_in(browser)
    assert (await browser.post("/campaigns/new", data={"kind": "percent", "percent": "20"})).status_code == 403
    assert (await script.get("/api/v1/campaigns")).json() == []


async def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(browser: httpx.AsyncClient) -> None:
    for _ in range(5):
        await sign_in(browser, password="wrong")
    answer = await sign_in(browser)
    assert answer.status_code == 429
    assert "Wait 5 min" in answer.text


def test_patience_comes_back_by_itself_and_counts_addresses_too() -> None:
    patience = Patience()
    for number in range(30):
        patience.failed(f"p{number}@shop.example", "10.0.0.9", NOON + number)
    assert patience.minutes_to_wait("other@shop.example", "10.0.0.9", NOON + 60_000) == 4
    assert patience.minutes_to_wait("other@shop.example", "10.0.0.8", NOON + 60_000) == 0
    assert patience.minutes_to_wait("other@shop.example", "10.0.0.9", NOON + 6 * 60_000) == 0


@pytest.mark.parametrize(
    ("role", "seen", "refused"),
    [
        ("staff", ["/", "/trips", "/campaigns", "/products", "/attention"], ["/campaigns/new", "/members", "/people"]),
        ("marketing", ["/", "/campaigns/new", "/members"], ["/people"]),
        ("admin", ["/campaigns/new", "/members", "/people", "/reference"], []),
    ],
)
async def test_each_role_sees_what_it_is_for(
    browser: httpx.AsyncClient, office: Office, role: str, seen: list[str], refused: list[str]
) -> None:
    await sign_in(browser, ADMIN if role == "admin" else _person(office, role))
    assert [(path, (await browser.get(path)).status_code) for path in seen] == [(path, 200) for path in seen]
    assert [(path, (await browser.get(path)).status_code) for path in refused] == [(path, 403) for path in refused]


async def test_the_reference_is_open_to_everyone_and_found_where_one_looks(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/docs")
    assert (answer.status_code, answer.headers["location"]) == (303, "/reference")
    page = await browser.get("/reference")
    assert (page.status_code, "/api/v1/campaigns" in page.text) == (200, True)
    assert 'href="/reference"' in (await browser.get("/signin")).text


async def test_a_closed_account_is_out_at_once_and_may_be_let_in_again(
    browser: httpx.AsyncClient, app: FastAPI, office: Office
) -> None:
    email = _person(office, "marketing")
    await sign_in(browser)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://backoffice.test") as theirs:
        await sign_in(theirs, email)
        assert (await theirs.get("/campaigns")).status_code == 200
        token = form_token(await browser.get("/people"))
        await browser.post(f"/people/{email}/close", data={"form_token": token})
        assert (await theirs.get("/campaigns")).status_code == 303
        assert (await sign_in(theirs, email)).status_code == 401
        await browser.post(f"/people/{email}/reopen", data={"form_token": token})
        assert (await sign_in(theirs, email)).status_code == 303


async def test_the_last_administrator_stays(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    answer = await browser.post(f"/people/{ADMIN}/close", data={"form_token": form_token(await browser.get("/people"))})
    assert answer.status_code == 422
    assert "last administrator" in answer.text


async def test_a_changed_password_ends_the_other_sessions(browser: httpx.AsyncClient, app: FastAPI) -> None:
    await sign_in(browser)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://backoffice.test") as elsewhere:
        await sign_in(elsewhere)
        token = form_token(await browser.get("/account"))
        wrong = await browser.post("/account", data={"form_token": token, "old": "no", "new": "a long new password"})
        assert (wrong.status_code, "not your password" in wrong.text) == (422, True)
        short = await browser.post("/account", data={"form_token": token, "old": PASSWORD, "new": "short"})
        assert (short.status_code, "10 to 200 characters" in short.text) == (422, True)
        await browser.post("/account", data={"form_token": token, "old": PASSWORD, "new": "a long new password"})
        assert (await elsewhere.get("/")).status_code == 303
        assert (await browser.get("/")).status_code == 200
        assert (await sign_in(elsewhere, password="a long new password")).status_code == 303


async def test_adding_a_person_with_nonsense_says_why(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    token = form_token(await browser.get("/people"))
    answer = await browser.post("/people", data={"form_token": token, "email": "no", "password": "x", "role": "king"})
    assert answer.status_code == 422
    assert all(words in answer.text for words in ("not an e-mail address", "10 to 200 characters", "choose one of"))


def test_passwords_are_kept_as_argon2id(office: Office) -> None:
    with office.reading() as session:
        account = session.get(AccountRow, ADMIN)
        assert account is not None
        assert account.password.startswith("$argon2id$")


async def test_what_people_wrote_is_shown_as_text_never_as_markup(
    browser: httpx.AsyncClient, stocked: httpx.AsyncClient, gateway: httpx.AsyncClient
) -> None:
    evil = "<script>alert(1)</script>"
    await stocked.post(
        "/api/v1/campaigns",
        json={
            "title": evil, "reason": evil, "segment": "regulars",
            "promotion": {"kind": "percent", "percent": "5", "target": {"all": True}},
        },
    )  # fmt: skip
    await gateway.post(INTAKE, json={"incidents": [{"incident": evil, "kind": evil}]})
    await sign_in(browser)
    for path in ("/campaigns", "/attention", f"/products?q={evil}", f"/members?q={evil}", f"/trips/{evil}"):
        page = (await browser.get(path)).text
        assert evil not in page, path
        assert "&lt;script&gt;" in page, path


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("listed", ["2900000000017,", ",2900000000017", " 2900000000017 ;\n;"])
async def test_a_list_of_cards_may_end_in_a_comma(browser: httpx.AsyncClient, script: httpx.AsyncClient, listed: str) -> None:
    await sign_in(browser)
    form = {"whom": "listed", "listed": listed, "scope": "all", "percent": "5", "title": "-5 %", "reason": "thanks"}
    token = form_token(await browser.get("/campaigns/new"))
    answer = await browser.post("/campaigns/new", data=form | {"form_token": token})
    assert answer.status_code == 303, answer.text
    assert (await script.get("/api/v1/campaigns")).json()[0]["members"] == ["m-1"]


@pytest.mark.usefixtures("stocked")
async def test_an_empty_campaign_form_says_all_that_is_missing_at_once(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    token = form_token(await browser.get("/campaigns/new"))
    answer = await browser.post(
        "/campaigns/new", data={"form_token": token, "kind": "percent", "scope": "products", "whom": "segment"}
    )
    assert answer.status_code == 422
    assert re.findall(r'id="problem-(\w+)"', answer.text) == ["percent", "goods", "segment", "title", "reason"]


async def test_suggested_products_are_named_like_what_was_typed_before_those_of_such_a_category(
    browser: httpx.AsyncClient, script: httpx.AsyncClient
) -> None:
    names = {
        "1": "Super pints",
        "2": "Buttermilk",
        "3": "Oat milk organic",
        "4": "Soy milk",
        "5": "Milk white",
        "6": "Milk",
        "7": "Tea",
    }
    goods = [
        {"sku": sku, "gtins": [], "name": name, "unit_price": 100, "category": "Milk", "size": "1 l"}
        for sku, name in names.items()
    ]
    goods[-1]["category"] = "Tea"
    await script.post("/api/v1/import", json={"products": goods})
    await sign_in(browser)
    found = (await browser.get("/suggest/products", params={"q": "milk"})).json()
    assert [one["sku"] for one in found] == ["6", "5", "4", "3", "2", "1"]
    assert found[0] == {"sku": "6", "name": "Milk", "more": "1 l", "price": "$1.00"}


@pytest.mark.parametrize("kind", ["products", "promotions", "members"])
async def test_half_a_character_is_refused_on_import_and_in_a_campaign(script: httpx.AsyncClient, kind: str) -> None:
    item = {"id": "\ud800", "sku": "\ud800", "member": "\ud800", "target": {"skus": ["\ud800"]}}
    draft = {"title": "t", "reason": "r", "segment": "member", "promotion": item}
    for path, body in (("/api/v1/import", {kind: [item]}), ("/api/v1/campaigns", draft)):
        answer = await script.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
        assert answer.status_code == 422
        assert "some text in it holds half of a character" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("name", ["Cla\u202eire", "Claire\n", "\u2066Claire"])
async def test_names_that_a_screen_cannot_show_are_refused_on_import(script: httpx.AsyncClient, name: str) -> None:
    member = {"member": "m-1", "first_name": name, "cards": []}
    product = {"sku": "oat", "gtins": [], "name": name, "unit_price": 1}
    answer = (await script.post("/api/v1/import", json={"products": [product], "members": [member]})).json()
    for kind, field in (("products", "name"), ("members", "first_name")):
        assert answer[kind]["stored"] == 0
        assert f"{field}: character" in answer[kind]["refused"][0]["reason"]
