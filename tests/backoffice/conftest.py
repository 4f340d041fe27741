"""A back office over a fresh database in a temporary folder, and the callers that speak to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from panier.offer import Offer
from panier.receipt import form_receipt
from panier.till import compile_definitions, compile_offers, price_trip
from panier.trip import Line, Trip, TripFinished
from panier.weighed import Weighing
from panier_backoffice.application import create_app
from panier_backoffice.office import Office
from panier_backoffice.opening import open_office
from panier_backoffice.settings import BackofficeSettings

STORE, STORE_TOKEN = "riverside", "store-token-of-riverside"
OTHER_STORE, OTHER_TOKEN = "hillside", "store-token-of-hillside"
API_TOKEN = "api-token-for-scripts-only"
ADMIN, PASSWORD = "claire@shop.example", "correct horse battery"
NOON = 1_780_000_000_000

PRODUCTS = [
    {"sku": "oat", "gtins": ["00000040111445"], "name": "Oat milk 1 l", "unit_price": 199, "category": "Milk", "size": "1 l"},
    {"sku": "soy", "gtins": ["00000040111490"], "name": "Soy milk 1 l", "unit_price": 249, "category": "Milk", "size": "1 l"},
    {"sku": "beans", "gtins": ["04006381333931"], "name": "Espresso beans 1 kg", "unit_price": 1240, "category": "Coffee"},
    {"sku": "granola", "gtins": ["05901234123457"], "name": "Granola crunchy", "unit_price": 450, "category": "Cereals"},
]
LOOSE_AND_BOTTLED = [
    {"sku": "figs", "gtins": ["02000000000046"], "name": "Figs", "unit_price": 400, "unit": "kg", "tax_rate": "5.5"},
    {
        "sku": "cola", "gtins": ["02000000000053"], "name": "Cola 1 l", "unit_price": 100, "category": "", "deposit": 25,
        "tax_rate": "20",
    },
]  # fmt: skip
MEMBERS = [
    {"member": "m-1", "first_name": "Claire", "cards": ["2900000000017"], "segments": ["regulars"]},
    {"member": "m-2", "first_name": "Omar", "cards": ["2900000000024"], "segments": ["regulars", "bakers"]},
    {"member": "m-3", "first_name": "Lena", "cards": ["2900000000031"], "segments": []},
]
PROMOTIONS = [
    {"id": "milk-2", "title": "2 milk for 3.50", "kind": "n_for_price", "n": 2, "price": "3.50", "target": {"skus": ["oat"]}}
]


def settings(folder: Path, **more: Any) -> BackofficeSettings:
    """Settings of a back office in `folder`."""
    return BackofficeSettings(
        database=f"sqlite:///{folder / 'backoffice.db'}", currency="USD", timezone="America/New_York", locale="en_US",
        stores=[f"{STORE}:{STORE_TOKEN}", f"{OTHER_STORE}:{OTHER_TOKEN}"], api_token=API_TOKEN, **more,
    )  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office whose administrator is ADMIN."""
    opened = open_office(settings(tmp_path, admin_email=ADMIN, admin_password=PASSWORD))
    yield opened
    opened.database.close()


@pytest.fixture
def app(office: Office) -> FastAPI:
    return create_app(office)


def _client(app: FastAPI, token: str | None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # Errors become answers, as with the real server, instead of exceptions in the test.
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://backoffice.test", headers=headers)


@pytest.fixture
async def script(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with the API token."""
    async with _client(app, API_TOKEN) as client:
        yield client


@pytest.fixture
async def gateway(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with the token of STORE."""
    async with _client(app, STORE_TOKEN) as client:
        yield client


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller without a token, who keeps cookies."""
    async with _client(app, None) as client:
        yield client


@pytest.fixture
async def stocked(script: httpx.AsyncClient) -> httpx.AsyncClient:
    """The script's caller, once the shop has PRODUCTS, PROMOTIONS and MEMBERS: feed sequences 1 to 8."""
    answer = await script.post("/api/v1/import", json={"products": PRODUCTS, "promotions": PROMOTIONS, "members": MEMBERS})
    assert answer.json()["last"] == 8, answer.text
    return script


@dataclass
class Gateway:
    """Forms receipts as a real gateway does: with the engine."""

    snapshot: int = 8
    promotions: dict[str, Any] = field(default_factory=lambda: {one["id"]: one for one in PROMOTIONS})

    def receipt(
        self,
        trip: str,
        basket: dict[str, int],
        campaigns: tuple[dict[str, Any], ...] = (),
        coupons: tuple[str, ...] = (),
        bags: tuple[Weighing, ...] = (),
        **changes: Any,
    ) -> dict[str, Any]:
        """The receipt of `basket` (units by SKU), bought by member m-1 who holds the offers of `campaigns`."""
        products = {one["sku"]: one for one in (*PRODUCTS, *LOOSE_AND_BOTTLED)}
        lines = tuple(
            Line(
                sku=sku, name=products[sku]["name"], unit_price=products[sku]["unit_price"], category=products[sku]["category"],
                tax_rate=products[sku].get("tax_rate"), snapshot=self.snapshot, quantity=quantity,
                deposit=products[sku].get("deposit", 0),
            )
            for sku, quantity in basket.items()
        )  # fmt: skip
        lines += tuple(
            Line(
                sku="figs", name="Figs", unit_price=bag.price, category="", tax_rate="5.5", snapshot=self.snapshot, quantity=1,
                weighings=(bag,),
            )
            for bag in bags
        )  # fmt: skip
        offers = [
            Offer(offer=one["campaign"], **{name: one[name] for name in ("revision", "title", "reason", "promotion")})
            for one in campaigns
        ]
        first = int(trip.rpartition(".")[2])
        bought = Trip(
            trip=trip, store=STORE, currency="USD", timezone="America/New_York", snapshot=self.snapshot,
            started_at=NOON - 600_000, last_at=NOON, first_sequence=first, last_sequence=first + 20, lines=lines,
            member="m-1", segments=("member", "regulars"), offers=tuple(offers),
            coupons=frozenset(coupons),
        )  # fmt: skip
        shelf, _ = compile_definitions(self.promotions, "USD")
        own, _ = compile_offers(offers, "USD")
        priced = price_trip(bought, shelf, own)
        device, journal, _ = trip.split(".")
        shown = TripFinished(units=priced.units, discount=priced.discount, total=priced.total)
        formed = form_receipt(replace(bought, finished=shown), priced, "0" * 64, device, journal)
        return formed.model_dump(mode="json") | changes


@pytest.fixture
def till() -> Gateway:
    return Gateway()


@dataclass
class Running:
    """A back office in a process of its own."""

    url: str
    process: subprocess.Popen[str]
    database: Path


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    """Starts `panier backoffice` on a free port, and ends it with the module."""
    started: list[subprocess.Popen[str]] = []

    def run(database: Path | None = None) -> Running:
        database = database or tmp_path_factory.mktemp("backoffice") / "backoffice.db"
        log = (database.parent / "backoffice.log").open("a")
        process = subprocess.Popen(
            [
                sys.executable, "-m", "panier_io.command", "backoffice", "--port", "0", "--database", f"sqlite:///{database}",
                "--store", f"{STORE}:{STORE_TOKEN}", "--currency", "USD", "--timezone", "America/New_York", "--locale", "en_US",
                "--chain", "Riverside Markets", "--json",
            ],
            stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | {
                "PANIER_BACKOFFICE_API_TOKEN": API_TOKEN,
                "PANIER_BACKOFFICE_ADMIN_EMAIL": ADMIN,
                "PANIER_BACKOFFICE_ADMIN_PASSWORD": PASSWORD,
            },
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"it did not start: {Path(log.name).read_text()}"
        return Running(json.loads(line)["url"], process, database)

    yield run
    for process in started:
        process.send_signal(signal.SIGTERM)
    for process in started:
        process.wait(20)
