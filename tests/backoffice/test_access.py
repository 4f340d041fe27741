from __future__ import annotations

import httpx
import pytest

from panier_backoffice.office import Office
from panier_backoffice.store.service import digest_of
from panier_backoffice.store.table import TokenRow

STORE = "riverside"


@pytest.mark.parametrize("path", ["/api/v1/stores/riverside/feed", "/api/v1/receipts", "/api/v1/campaigns", "/api/v1/products"])
async def test_without_a_token_nothing_is_told(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "token_refused"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["wrong", "", "store-token-of-riversid", "api-token-for-scripts-only2", "\x00", "a" * 5000])
async def test_an_unknown_token_is_refused(browser: httpx.AsyncClient, token: str) -> None:
    answer = await browser.get("/api/v1/stores", headers={b"Authorization": f"Bearer {token}".encode()})
    assert answer.status_code in (400, 401)


async def test_a_store_speaks_only_for_itself(gateway: httpx.AsyncClient) -> None:
    assert (await gateway.get(f"/api/v1/stores/{STORE}/feed")).status_code == 200
    for method, path in (("GET", "feed"), ("GET", "live"), ("PUT", "live"), ("POST", "intake"), ("GET", "stream")):
        answer = await gateway.request(method, f"/api/v1/stores/hillside/{path}", json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), path


@pytest.mark.parametrize("path", ["/api/v1/stores", "/api/v1/members", "/api/v1/campaigns", "/api/v1/incidents"])
async def test_a_store_may_not_do_what_scripts_may(gateway: httpx.AsyncClient, path: str) -> None:
    assert (await gateway.get(path)).status_code == 403


async def test_a_token_that_was_taken_back_ends_at_once(script: httpx.AsyncClient, browser: httpx.AsyncClient) -> None:
    given = (await script.post(f"/api/v1/stores/{STORE}/tokens", json={"label": "second gateway"})).json()
    headers = {"Authorization": f"Bearer {given['secret']}"}
    assert (await browser.get(f"/api/v1/stores/{STORE}/feed", headers=headers)).status_code == 200
    assert (await script.delete(f"/api/v1/stores/{STORE}/tokens/{given['token']}")).json()["revoked_at"]
    answer = await browser.get(f"/api/v1/stores/{STORE}/feed", headers=headers)
    assert answer.status_code == 401
    assert "taken back" in answer.json()["detail"]


async def test_tokens_are_kept_as_digests_only(script: httpx.AsyncClient, office: Office) -> None:
    given = (await script.post(f"/api/v1/stores/{STORE}/tokens", json={})).json()
    with office.reading() as session:
        assert session.get(TokenRow, digest_of(given["secret"])) is not None
    assert given["secret"].encode() not in b"".join(file.read_bytes() for file in _files(office))


async def test_a_new_store_is_opened_with_the_chains_currency(script: httpx.AsyncClient) -> None:
    store = (await script.post("/api/v1/stores", json={"name": "seaside"})).json()
    assert (store["currency"], store["timezone"]) == ("USD", "America/New_York")
    assert [one["name"] for one in (await script.get("/api/v1/stores")).json()] == ["hillside", "riverside", "seaside"]


@pytest.mark.parametrize(
    ("store", "field"),
    [
        ({"name": "Seaside!"}, "body.name"),
        ({"name": "staff"}, "body.name"),
        ({"name": "seaside", "timezone": "Mars/Base"}, "body.timezone"),
        ({"name": "seaside", "currency": "dollars"}, "body.currency"),
        ({"name": "riverside"}, "name"),
    ],
)
async def test_a_store_with_nonsense_is_refused_by_field(script: httpx.AsyncClient, store: dict[str, str], field: str) -> None:
    answer = await script.post("/api/v1/stores", json=store)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def _files(office: Office) -> list:
    from pathlib import Path

    database = Path(office.database.url.database or "")
    return list(database.parent.glob(f"{database.name}*"))
