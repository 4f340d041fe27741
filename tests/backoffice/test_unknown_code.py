"""Codes that shoppers scanned and no product has: counted by trips, until somebody has seen to them."""

from __future__ import annotations

import re

import httpx
import pytest
from tests.backoffice.conftest import INTAKE, form_token, sign_in


def unknown(code: str, trip: int) -> dict[str, str | int]:
    name = f"till-1.aaaaaa.{trip}"
    return {
        "incident": f"{name}.{code}.unknown_product", "store": "riverside", "kind": "unknown_product", "trip": name,
        "at": 1_000 + trip, "text": f"a shopper scanned {code}, which no catalogue here knows: add it",
    }  # fmt: skip


@pytest.mark.usefixtures("stocked")
async def test_each_code_is_one_row_with_the_count_of_its_trips_until_it_is_done(
    browser: httpx.AsyncClient, gateway: httpx.AsyncClient
) -> None:
    told = [unknown("04006381333931", trip) for trip in (1, 2, 3)] + [unknown("00012345678905", 4)]
    for _ in range(2):
        answer = await gateway.post(INTAKE, json={"incidents": told})
        answer.raise_for_status()
    await sign_in(browser)
    shown = await browser.get("/attention")
    page = shown.text
    assert re.findall(r"In \d+ trips?", page) == ["In 3 trips", "In 1 trip"]
    assert page.count("<p>a shopper scanned 04006381333931") == 1
    done = {"form_token": form_token(shown), "name": str(told[0]["text"]), "store": "riverside"}
    await browser.post("/attention/code", data=done)
    assert re.findall(r"In \d+ trips?", (await browser.get("/attention")).text) == ["In 1 trip"]
    assert (await browser.get("/attention?done=true")).text.count("<p>a shopper scanned 04006381333931") == 3
