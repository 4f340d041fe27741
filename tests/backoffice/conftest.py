"""A back office over a fresh database in a temporary folder, and the callers that speak to it."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
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
from sqlalchemy import Table, create_engine, insert, select, text
from sqlalchemy.pool import NullPool

from panier.intake import IntakeResult
from panier.lease import HeldLease
from panier.member import UNKNOWN, Standing
from panier.offer import Offer
from panier.receipt import form_receipt
from panier.till import compile_definitions, compile_offers, price_trip
from panier.trip import Line, Trip, TripFinished
from panier.weighed import Weighing
from panier_backoffice.application import create_app
from panier_backoffice.office import Office
from panier_backoffice.opening import open_office
from panier_backoffice.schema import METADATA
from panier_backoffice.settings import BackofficeSettings
from panier_simulators.postgresql import NoPostgresql, PostgresqlServer, postgresql_server

STORE, STORE_TOKEN = "riverside", "store-token-of-riverside"
OTHER_STORE, OTHER_TOKEN = "hillside", "store-token-of-hillside"
API_TOKEN = "api-token-for-scripts-only"
ADMIN, PASSWORD = "claire@shop.example", "correct horse battery"
NOON = 1_780_000_000_000
INTAKE = f"/api/v1/stores/{STORE}/intake"
TRIP = "till-7.k3f9qa.118"

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
BAGS = (Weighing(grams=520, tare=20, price_per_kg=400), Weighing(grams=250, price_per_kg=400))
"""Figs."""
MEMBERS = [
    {"member": "m-1", "first_name": "Claire", "cards": ["2900000000017"], "segments": ["regulars"]},
    {"member": "m-2", "first_name": "Omar", "cards": ["2900000000024"], "segments": ["regulars", "bakers"]},
    {"member": "m-3", "first_name": "Lena", "cards": ["2900000000031"], "segments": []},
]
PROMOTIONS = [
    {"id": "milk-2", "title": "2 milk for 3.50", "kind": "n_for_price", "n": 2, "price": "3.50", "target": {"skus": ["oat"]}}
]


def settings(database: Path | str, **more: Any) -> BackofficeSettings:
    """Settings of a back office over a database's URL, or over a SQLite file in a folder."""
    url = f"sqlite:///{database / 'backoffice.db'}" if isinstance(database, Path) else database
    return BackofficeSettings(
        database=url, currency="USD", timezone="America/New_York", locale="en_US",
        stores=[f"{STORE}:{STORE_TOKEN}", f"{OTHER_STORE}:{OTHER_TOKEN}"], api_token=API_TOKEN, **more,
    )  # fmt: skip


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """One server for all tests of this process. It does not sync: what a power cut leaves is PostgreSQL's to test."""
    try:
        with postgresql_server(durable=False) as server:
            yield server
    except NoPostgresql as error:
        pytest.skip(reason=str(error))


class Databases:
    """Gives each test a database as if it were new; migrated and seeded once, because that takes longer than most tests."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest) -> None:
        self._folder, self._request = folder, request
        self._numbers = itertools.count(1)
        self._file = ""
        self._seeds: list[tuple[Table, list[dict[str, Any]]]] = []

    @property
    def _server(self) -> PostgresqlServer:
        return self._request.getfixturevalue("postgresql")

    def empty(self, kind: str) -> str:
        """The URL of a database without tables."""
        number = next(self._numbers)
        if kind == "sqlite":
            return f"sqlite:///{self._folder / f'{number}.db'}"
        self._server.run(f"CREATE DATABASE panier_{number}")
        return self._server.url(f"panier_{number}")

    def seeded(self, kind: str) -> str:
        """The URL of a database as `settings` with the administrator ADMIN opens it."""
        return self._seeded_file() if kind == "sqlite" else self._seeded_server()

    def _seeded_file(self) -> str:
        if not self._file:
            self._file = self.empty("sqlite")
            _open_seeded(self._file).database.close()
        copy = f"sqlite:///{self._folder / f'{next(self._numbers)}.db'}"
        shutil.copy(self._file.removeprefix("sqlite:///"), copy.removeprefix("sqlite:///"))
        return copy

    def _seeded_server(self) -> str:
        # Emptied and filled again: to copy a database takes PostgreSQL longer than a test.
        if not self._seeds:
            self._server.run("CREATE DATABASE seeded")
            office = _open_seeded(self._server.url("seeded"))
            with office.reading() as session:
                self._seeds = [
                    (table, [dict(row) for row in session.execute(select(table)).mappings()]) for table in METADATA.sorted_tables
                ]
            office.database.close()
            return self._server.url("seeded")
        engine = create_engine(self._server.url("seeded"), poolclass=NullPool)
        with engine.begin() as connection:
            names = ", ".join(f'"{table.name}"' for table, _ in self._seeds)
            connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
            for table, rows in self._seeds:
                if rows:
                    connection.execute(insert(table), rows)
        return self._server.url("seeded")


def _open_seeded(url: str) -> Office:
    return open_office(settings(url, admin_email=ADMIN, admin_password=PASSWORD))


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Databases:
    return Databases(tmp_path_factory.mktemp("databases"), request)


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which database: what uses it, directly or through `office`, runs on both."""
    return request.param


@pytest.fixture
def empty_database(databases: Databases, kind: str) -> str:
    return databases.empty(kind)


@pytest.fixture
def office(databases: Databases, kind: str) -> Iterator[Office]:
    """An office whose administrator is ADMIN."""
    opened = open_office(settings(databases.seeded(kind)))
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
        leases: tuple[HeldLease, ...] = (),
        standing: Standing = UNKNOWN,
        marked: dict[str, dict[str, int]] | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """The receipt of `basket` (units by SKU), bought by member m-1 with offers of `campaigns`; `marked` changes lines."""
        products = {one["sku"]: one for one in (*PRODUCTS, *LOOSE_AND_BOTTLED)}
        lines = tuple(
            Line(
                **{
                    "sku": sku, "name": products[sku]["name"], "unit_price": products[sku]["unit_price"],
                    "category": products[sku]["category"], "tax_rate": products[sku].get("tax_rate"), "quantity": quantity,
                    "snapshot": self.snapshot, "deposit": products[sku].get("deposit", 0), **(marked or {}).get(sku, {}),
                }
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
            coupons=frozenset(coupons), leases=leases, standing=standing,
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


def contact_body(number: int, what: str = "shown", offer: str = "c-1", trip: str = TRIP) -> dict[str, Any]:
    return {
        "contact": f"till-7.k3f9qa.{number}", "store": STORE, "device": "till-7", "trip": trip, "member": "m-1",
        "offer": offer, "what": what, "at": NOON,
    }  # fmt: skip


def incident_body(name: str) -> dict[str, Any]:
    return {"incident": name, "store": STORE, "device": "till-7", "kind": "price_mismatch", "text": "1.00 or 2.00", "at": NOON}


async def deliver(gateway: httpx.AsyncClient, **items: list[Any]) -> IntakeResult:
    """Posts receipts, contacts and incidents as a store does."""
    answer = await gateway.post(INTAKE, json=items)
    assert answer.status_code == 200, answer.text
    return IntakeResult.model_validate(answer.json())


def form_token(page: httpx.Response) -> str:
    """What a form of this page must bring back with it."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
    assert found, page.text
    return found[1]


async def sign_in(browser: httpx.AsyncClient, email: str = ADMIN, password: str = PASSWORD, after: str = "/") -> httpx.Response:
    page = await browser.get("/signin", params={"next": after})
    form = {"form_token": form_token(page), "email": email, "password": password, "next": after}
    return await browser.post("/signin", data=form)


@dataclass
class Running:
    """A back office in a process of its own."""

    url: str
    process: subprocess.Popen[str]
    database: str


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    """Starts `panier backoffice` on a free port, and ends it with the module."""
    started: list[subprocess.Popen[str]] = []

    def run(database: str | None = None) -> Running:
        folder = tmp_path_factory.mktemp("backoffice")
        database = database or f"sqlite:///{folder / 'backoffice.db'}"
        log = (folder / "backoffice.log").open("a")
        process = subprocess.Popen(
            [
                sys.executable, "-m", "panier_io.command", "backoffice", "--port", "0", "--database", database,
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
