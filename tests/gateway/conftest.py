"""A real gateway with its real broker, terminals that speak the protocol, and a small back office of the tests' own."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.gateway.office import Office
from tests.port import kept_port
from tests.sending import record
from tests.waiting import until

from panier.error import PanierError
from panier.message import (
    Acknowledgement,
    Ask,
    CapsuleMessage,
    EventBatch,
    Manifest,
    Notice,
    SnapshotPart,
    Status,
    decode,
    unpack,
)
from panier.topic import StoreTopics
from panier.trip import Event, Happening, ItemAdded, Trip, TripStarted
from panier_gateway.batch import Batch
from panier_gateway.closing import Settled
from panier_gateway.enrolment import enrol
from panier_gateway.gateway import Gateway
from panier_gateway.intake import Intake
from panier_gateway.ledger import Ledger
from panier_gateway.registry import Registry
from panier_gateway.settings import BackOfficeSettings, GatewaySettings
from panier_io.session import Address, Session, Will

STORE = "shop"
STARTED = TripStarted(store=STORE, currency="USD", timezone="America/New_York", snapshot=0)
ITEM = ItemAdded(sku="a", name="A", unit_price=1, category="", tax_rate=None, snapshot=0, entry="scan")


class Till:
    """A terminal as the wire sees it: a journal in memory and everything that it was told."""

    def __init__(self, device: str, address: Address, journal: str = "aaaaaa") -> None:
        self.device = device
        self.journal = journal
        self.topics = StoreTopics(STORE).device(device)
        self.address = address
        self.events: list[Event] = []
        self.heard: list[tuple[str, bytes]] = []
        self.trip = ""
        self.session = Session(
            address,
            subscriptions=self.topics.listens,
            on_connect=self._on_connect,
            on_message=self._on_message,
            will=Will(self.topics.status, self._status("offline").encode()),
        )
        self.births = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Till:
        self._task = asyncio.create_task(self.session.run())
        await until(lambda: self.births > 0, f"{self.device} connects")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def _status(self, state: Any) -> Status:
        return Status(state=state, journal=self.journal, software="test", waiting=0)

    async def _on_connect(self) -> None:
        await self.session.publish(self.topics.status, self._status("online").encode(), retain=True)
        self.births += 1

    async def _on_message(self, topic: str, payload: bytes) -> None:
        self.heard.append((topic, payload))

    def add(self, *happenings: Happening, at: int = 1_000) -> list[Event]:
        """Journals happenings; a TripStarted opens a trip."""
        added: list[Event] = []
        for what in happenings:
            sequence = len(self.events) + 1
            if isinstance(what, TripStarted):
                self.trip = f"{self.device}.{self.journal}.{sequence}"
            event = Event(sequence=sequence, at=at + sequence, trip=self.trip, what=what)
            self.events.append(event)
            added.append(event)
        return added

    async def send(self, events: list[Event] | None = None) -> None:
        """Publishes a batch; all events of the journal unless stated."""
        records = [record(event) for event in (self.events if events is None else events)]
        await self.send_raw(EventBatch(journal=self.journal, events=records).encode())

    async def send_raw(self, payload: bytes) -> None:
        """Publishes any payload as events."""
        await self.session.publish(self.topics.events, payload)

    async def ask(self, ask: Ask) -> SnapshotPart:
        """Asks for a part of a snapshot and waits for it."""
        before = len(self._of(self.topics.snapshot))
        await self.session.publish(self.topics.ask, ask.encode())
        await until(lambda: len(self._of(self.topics.snapshot)) > before, f"a part for {ask}")
        return unpack(self._of(self.topics.snapshot)[-1])

    def _of(self, topic: str) -> list[bytes]:
        return [payload for heard, payload in self.heard if heard == topic]

    @property
    def acknowledgements(self) -> list[Acknowledgement]:
        return [decode(Acknowledgement, payload) for payload in self._of(self.topics.acknowledgement)]

    @property
    def upto(self) -> int:
        return max((found.upto for found in self.acknowledgements if found.journal == self.journal), default=-1)

    @property
    def capsules(self) -> list[CapsuleMessage]:
        return [decode(CapsuleMessage, payload) for payload in self._of(self.topics.capsule)]

    @property
    def notices(self) -> list[Notice]:
        return [decode(Notice, payload) for payload in self._of(self.topics.notice)]

    @property
    def manifests(self) -> list[Manifest]:
        return [decode(Manifest, payload) for payload in self._of(StoreTopics(STORE).manifest)]

    async def reborn(self) -> None:
        """Says again that it is here, until all that comes of it was said: the next birth is answered only then."""
        before = len(self.acknowledgements)
        for _ in range(2):
            await self.session.publish(self.topics.status, self._status("online").encode(), retain=True)
        await until(lambda: len(self.acknowledgements) >= before + 2)

    async def acknowledged(self, upto: int) -> None:
        await until(lambda: self.upto >= upto, f"{self.device} acknowledged up to {upto}, is at {self.upto}")


@dataclass
class Shop:
    """One store under test."""

    settings: GatewaySettings
    directory: Path
    office: Office
    stack: AsyncExitStack
    gateway: Gateway | None = None
    addresses: dict[str, Address] = field(default_factory=dict)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def enrol(self, device: str, role: Any = "device") -> Address:
        """An identity at the broker."""
        file = self.directory / f"{device}.toml"
        made = enrol(self.settings, device, role, file)
        password = next(line for line in file.read_text().splitlines() if line.startswith("password"))
        secret = json.loads(password.partition(" = ")[2])
        self.addresses[device] = Address(host=made.broker_host, port=made.broker_port, username=device, password=secret)
        return self.addresses[device]

    async def open(self) -> None:
        """Starts the gateway and waits until it takes events."""
        told = asyncio.Event()
        self._stop = asyncio.Event()

        async def life() -> None:
            async with AsyncExitStack() as shop:
                self.gateway = Gateway(self.settings, shop)
                await self.gateway.run(self._stop, lambda _: told.set())

        self._task = asyncio.create_task(life())
        waiting = asyncio.create_task(told.wait())
        await asyncio.wait([self._task, waiting], return_when=asyncio.FIRST_COMPLETED, timeout=20)
        if not told.is_set():
            self._task.result()

    async def close(self) -> None:
        """Stops the gateway in order."""
        if self._task is not None:
            self._stop.set()
            await self._task
            self._task = None

    async def till(self, device: str = "till-1", journal: str = "aaaaaa") -> Till:
        """A terminal that is connected."""
        address = self.addresses.get(device) or self.enrol(device)
        return await self.stack.enter_async_context(Till(device, address, journal))

    async def has_told(self, till: Till) -> None:
        """Until a terminal has heard all that the gateway said to it so far: one thing more, which comes last."""
        assert self.gateway is not None
        before = len(till.manifests)
        await self.gateway._announce()
        await until(lambda: len(till.manifests) > before)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Reads the ledger from outside."""
        with sqlite3.connect(f"file:{self.settings.data_dir}/ledger.db?mode=ro", uri=True) as db:
            return db.execute(statement).fetchall()


@asynccontextmanager
async def _shop(directory: Path, port: int) -> AsyncIterator[Shop]:
    office = Office(port)
    await office.open()
    settings = GatewaySettings(
        store=STORE,
        data_dir=directory / "data",
        currency="USD",
        timezone="America/New_York",
        backoffice=BackOfficeSettings.model_validate({"url": f"http://127.0.0.1:{office.port}", "token": "secret"}),
    )
    async with AsyncExitStack() as stack:
        shop = Shop(settings, directory, office, stack)
        Registry(_made(settings.data_dir) / "registry.db").close()
        try:
            yield shop
        finally:
            await stack.aclose()
            await shop.close()
            await office.close()


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@pytest.fixture
async def closed_shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A store whose gateway has not been started."""
    with kept_port() as port:
        async with _shop(tmp_path, port) as shop:
            yield shop


@pytest.fixture
async def shop(closed_shop: Shop) -> Shop:
    """A store whose gateway runs."""
    closed_shop.enrol("till-1")
    await closed_shop.open()
    return closed_shop


@pytest.fixture
def started() -> TripStarted:
    """The first event of a trip."""
    return STARTED


@pytest.fixture
def item() -> Callable[..., ItemAdded]:
    """Makes item events: sku, price in minor units, quantity."""

    def made(sku: str = "a", price: int = 150, quantity: int = 1, snapshot: int = 0) -> ItemAdded:
        return ItemAdded(
            sku=sku, name=sku.upper(), unit_price=price, category="", tax_rate=None, snapshot=snapshot, entry="scan",
            quantity=quantity,
        )  # fmt: skip

    return made


@pytest.fixture
def product() -> Callable[[str, int], dict[str, Any]]:
    """Makes bodies of product entries."""

    def made(sku: str, price: int) -> dict[str, Any]:
        digits = f"{int.from_bytes(sku.encode()) % 10**14:014}"
        return {"sku": sku, "gtins": [digits], "name": sku.upper(), "unit_price": price}

    return made


def journal(*happenings: Happening, device: str = "till-1", name: str = "j") -> list[Event]:
    """A journal of one trip, from its first event."""
    return [Event(sequence=n, at=n, trip=f"{device}.{name}.1", what=what) for n, what in enumerate(happenings, start=1)]


def batch(events: list[Event], device: str = "till-1", name: str = "j") -> Batch:
    return Batch(device, EventBatch(journal=name, events=[record(event) for event in events]))


def unpriced(trip: Trip) -> Settled:
    raise PanierError("no engine here")


def priced(trip: Trip) -> Settled:
    """As much of a receipt as the intake needs."""
    assert trip.finished is not None
    told = json.dumps({"receipt": trip.trip})
    return Settled(cast("Any", SimpleNamespace(receipt=trip.trip, total=trip.finished.total, model_dump_json=lambda: told)))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def intake(ledger: Ledger) -> Intake:
    """An intake that cannot price."""
    return Intake(STORE, ledger, unpriced, lambda trip: trip.member)


def stored(ledger: Ledger, device: str = "till-1", name: str = "j") -> list[int]:
    """The sequences of a journal that are on the disk."""
    return [event.sequence for event in ledger.events(device, name, 0, 10**9)]


def kinds(ledger: Ledger) -> list[str]:
    """What waits for the back office."""
    return sorted(json.loads(parcel.body).get("kind", parcel.kind) for parcel in ledger.parcels(99))
