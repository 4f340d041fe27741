"""A small shop on disk, and a terminal's parts around it."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import pytest
from tests.sending import events_in

from panier.catalogue import Product, told
from panier.member import Capsule
from panier.message import SnapshotPart
from panier.offer import Offer
from panier.snapshot import Change, Fingerprint, canonical
from panier_device.driver.port import Frame, Reading
from panier_device.fitting import load_numbering, load_rules
from panier_device.payer import PayingAgent
from panier_device.shop import Shop
from panier_device.tally import Tally
from panier_io.journal import Journal

MILK, BREAD, BEANS, FIGS, COLA = "2000000000039", "2000000000022", "2000000000015", "2000000000046", "2000000000053"
CARD = "2900000000179"
PRODUCTS = {
    "1": Product(sku="1", gtins=("02000000000015",), name="Espresso beans 1 kg", unit_price=1240, category="coffee"),
    "2": Product(sku="2", gtins=("02000000000022",), name="Baguette", unit_price=115, category="bakery"),
    "3": Product(sku="3", gtins=("02000000000039",), name="Oat milk 1 l", unit_price=179, category="milk"),
}
WEIGHED_AND_DEPOSIT = {
    "4": Product(sku="4", gtins=("02000000000046",), name="Figs", unit_price=399, category="fruit", unit="kg"),
    "5": Product(sku="5", gtins=("02000000000053",), name="Cola 1 l", unit_price=150, category="drinks", deposit=25),
}
PROMOTIONS = {
    "two": {"kind": "n_for_price", "title": "2 for 22.00", "target": {"skus": ["1"]}, "n": 2, "price": "22.00"},
    "member": {"kind": "percent", "title": "member price", "segment": "member", "percent": "10", "target": {"skus": ["3"]}},
}


def body(product: Product) -> str:
    return canonical(told(asdict(product)))


def changes(products: dict[str, Product] | None = None, promotions: dict[str, dict] | None = None) -> list[Change]:
    held = PRODUCTS if products is None else products
    made = [Change(version=1, kind="product", key=sku, body=body(product)) for sku, product in held.items()]
    granted = PROMOTIONS if promotions is None else promotions
    return made + [Change(version=1, kind="promotion", key=key, body=canonical(what)) for key, what in granted.items()]


def total_of(items: list[Change]) -> str:
    total = Fingerprint()
    for item in items:
        total = total.replacing(item.kind, item.key, None, item.body)
    return str(total)


def whole(version: int, items: list[Change] | None = None, *, size: int = 1000) -> list[SnapshotPart]:
    """Everything at `version`, in parts of `size` changes."""
    held = changes() if items is None else items
    cuts = [held[start : start + size] for start in range(0, len(held), size)] or [[]]
    return [
        SnapshotPart(version=version, fingerprint=total_of(held), since=0, part=place, parts=len(cuts), changes=cut)
        for place, cut in enumerate(cuts)
    ]


@dataclass
class Clock:
    """Milliseconds that pass when told to: a Saturday noon in New York."""

    now: int = 1_795_280_400_000

    def __call__(self) -> int:
        return self.now


@dataclass
class Desk:
    """An agent with everything that it needs, and what it did to its surroundings."""

    agent: PayingAgent
    journal: Journal
    shop: Shop
    tally: Tally
    clock: Clock
    shows: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        """What has happened so far, by kind."""
        return [event.what.kind for event in events_in(self.journal)]

    @property
    def said(self) -> str | None:
        """What the shopper is told, by key."""
        return self.agent.now.message and self.agent.now.message.key

    @property
    def trip_id(self) -> str:
        assert self.agent.now.trip is not None
        return self.agent.now.trip.trip

    def scan(self, *codes: str, flaw: str | None = None) -> None:
        for code in codes:
            self.agent.take(Reading(Frame(code, flaw), "scan", 1))

    def stock(self, items: list[Change], version: int = 9) -> None:
        """The gateway's newest snapshot comes in, whole."""
        for part in whole(version, items):
            self.shop.take(part)
        self.agent.snapshot_arrived()

    def close(self) -> None:
        self.journal.close()
        self.shop.close()


def open_desk(directory: Path, clock: Clock | None = None, *, stocked: bool = True, numbering: str = "") -> Desk:
    shop = Shop(directory / "shop.db")
    if stocked and shop.held.version == 0:
        for part in whole(7):
            shop.take(part)
        shop.settle_in("USD", "America/New_York")
    journal, tally, clock = Journal(directory / "journal.db", "hand-1"), Tally(), clock or Clock()
    agent = PayingAgent(
        store="north",
        currency="EUR",
        timezone="UTC",
        journal=journal,
        shop=shop,
        rules=load_rules("sample"),
        tally=tally,
        clock=clock,
        numbering=load_numbering(numbering),
    )
    desk = Desk(agent, journal, shop, tally, clock)
    agent.show = lambda: desk.shows.append(desk.journal.last and desk.kinds[-1])
    return desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = open_desk(tmp_path)
    yield desk
    desk.close()


GRANOLA = Offer(
    offer="c-1", revision=1, title="-20 % beans", reason="you buy them monthly",
    promotion={"kind": "percent", "percent": "20", "target": {"skus": ["1"]}},
)  # fmt: skip
OATS = replace(GRANOLA, offer="c-2", title="-5 % oats")


def capsule(desk: Desk, *offers: Offer, name: str = "Claire") -> Capsule:
    """What the gateway knows of the member of this trip."""
    return Capsule(trip=desk.trip_id, member="m-17", first_name=name, segments=("member", "monthly"), offers=offers)


@contextmanager
def a_disk_that_refuses() -> Generator[None]:
    """No file may be written beyond its first bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def spoil(path: Path, *names: str) -> None:
    """The disk gives back other bytes for the first pages of these tables and indexes, though the file is in use."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = [file.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0] for name in names]
        (size,) = file.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as raw:
        for page in pages:
            raw.seek((page - 1) * size)
            raw.write(b"\xa5" * size)
