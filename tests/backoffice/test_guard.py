from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.backoffice.conftest import INTAKE


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(script: httpx.AsyncClient) -> None:
    answer = await script.post("/api/v1/campaigns", content=b"x" * (1 << 20) + b"x")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_body_without_a_stated_length_is_refused_once_it_grows_too_large(script: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"title": "'
        for _ in range(40):
            yield b"x" * 100_000

    answer = await script.post("/api/v1/campaigns", content=endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"receipts": 3}', b"[" * 50_000])
async def test_a_body_that_is_no_delivery_is_refused_with_the_reason(gateway: httpx.AsyncClient, body: bytes) -> None:
    answer = await gateway.post(INTAKE, content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


async def test_every_answer_carries_the_security_headers(browser: httpx.AsyncClient) -> None:
    for path in ("/signin", "/static/console.css", "/api/v1/stores", "/nowhere"):
        headers = (await browser.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path


async def test_pages_load_nothing_from_elsewhere_and_run_no_inline_script(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/signin")).text
    assert "http://" not in page
    assert "https://" not in page
    assert "<script>" not in page
    assert " style=" not in page


async def test_a_path_that_is_not_there_is_a_page_for_people_and_a_problem_for_programs(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/nowhere")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    problem = await browser.get("/api/v1/nowhere")
    assert (problem.status_code, problem.json()["code"]) == (404, "not_found")


async def test_the_meters_count_requests_by_route_and_items_by_outcome(gateway: httpx.AsyncClient) -> None:
    await gateway.post(INTAKE, json={"incidents": [{"incident": "i"}]})
    meters = (await gateway.get("/metrics")).text
    assert 'panier_backoffice_intake_items_total{kind="incidents",outcome="refused"} 1.0' in meters
    assert 'method="POST",route="/api/v1/stores/{store}/intake",status="200"} 1.0' in meters


async def test_methods_that_somebody_made_up_are_counted_as_one(gateway: httpx.AsyncClient) -> None:
    for method in ("FOO1", "FOO2"):
        await gateway.request(method, "/health")
    meters = (await gateway.get("/metrics")).text
    assert 'method="other"' in meters
    assert "FOO" not in meters


async def test_health_says_ok(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/health")).json() == {"status": "ok"}


async def test_the_openapi_document_describes_every_route_with_its_refusals(browser: httpx.AsyncClient) -> None:
    document = (await browser.get("/openapi.json")).json()
    routes = [(path, method, one) for path, methods in document["paths"].items() for method, one in methods.items()]
    assert len(routes) > 30
    undescribed = [(path, method) for path, method, one in routes if not one.get("description")]
    assert undescribed == []
    assert all("401" in one["responses"] for path, _, one in routes if path.startswith("/api/"))
    assert json.dumps(document).count('"examples"') >= 5
