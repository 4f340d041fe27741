"""A handheld's screen before a shop of ten products, with the clock and every identity frozen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from tests.sending import events_in

from panier.barcode import parse_rules
from panier.catalogue import Product
from panier.member import Capsule
from panier.message import SnapshotPart
from panier.offer import Offer
from panier.snapshot import Change, Fingerprint, canonical
from panier_device.agent import Agent
from panier_device.driver.port import Frame, Reading
from panier_device.screen.handheld import Handheld
from panier_device.screen.view import Link
from panier_device.screen.word import ENGLISH
from panier_device.shop import Shop
from panier_device.tally import Tally
from panier_io.firmware import firmware_config
from panier_io.journal import Journal

PRODUCTS = [
    ("Espresso beans 1 kg", 1240, "coffee", ""), ("Bananas", 167, "fruit", "1 kg"), ("Oat milk", 179, "milk", "1 l"),
    ("Granola, crunchy honey and almonds", 449, "cereal", "500 g"), ("Butter", 259, "dairy", "250 g"),
    ("Baguette", 115, "bakery", ""), ("Tomatoes on the vine", 299, "vegetables", "500 g"),
    ("Eggs, free range", 389, "dairy", "10"), ("Dark chocolate 70 %", 219, "sweets", "100 g"),
    ("Olive oil", 999, "oil", "0.75 l"),
]  # fmt: skip
PROMOTIONS = {
    "two": {"kind": "n_for_price", "title": "2 for 22.00", "target": {"skus": ["1"]}, "n": 2, "price": "22.00"},
    "member": {"kind": "percent", "title": "member price", "segment": "member", "percent": "10", "target": {"skus": ["3"]}},
    "choc": {"kind": "cheapest_free", "title": "chocolate: 3 for 2", "target": {"skus": ["9"]}, "when": {"min_qty": 3}},
}
CARD = "2900000000179"


def ean13(prefix: str, number: int) -> str:
    digits = f"{prefix}{number:010}"
    return digits + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10)


def offer(number: int, title: str, reason: str, sku: int) -> Offer:
    promotion = {"kind": "percent", "percent": "20", "target": {"skus": [str(sku)]}}
    return Offer(offer=f"c-{number}", revision=1, title=title, reason=reason, promotion=promotion)


OFFERS = (
    offer(1, "-20 % granola", "you buy it monthly", 4),
    offer(2, "-20 % olive oil", "goes with your tomatoes", 10),
    offer(3, "-20 % free range eggs", "you bought them 9 times", 8),
)


def product(number: int, name: str, price: int, category: str = "", size: str = "") -> Product:
    gtin = f"0{ean13('20', number)}"
    return Product(sku=str(number), gtins=(gtin,), name=name, unit_price=price, category=category, size=size)


SAMPLE = [product(number, *known) for number, known in enumerate(PRODUCTS, 1)]


class Bench:
    """A handheld with its agent, and hands to use it."""

    def __init__(self, directory: Path) -> None:
        self.shop = Shop(directory / "shop.db")
        self._stock(7, SAMPLE)
        self.journal = Journal(directory / "journal.db", "hand-1")
        self.journal.id = "abc234"
        self.agent = Agent(
            store="north", currency="USD", timezone="America/New_York", journal=self.journal, shop=self.shop, tally=Tally(),
            rules=parse_rules((firmware_config() / "loyalty" / "sample.toml").read_text()), clock=lambda: 1_795_280_400_000,
        )  # fmt: skip
        self.link = Link(online=True)
        self.tally = Tally()
        self.app = Handheld(self.agent, ENGLISH, lambda: self.link, lambda: "USD", self.tally)

    def restock(self, *products: Product) -> None:
        """Sells these in place of the sample."""
        self._stock(8, products)
        self.agent.snapshot_arrived()

    def _stock(self, version: int, products: Iterable[Product]) -> None:
        changes, total = list[Change](), Fingerprint()
        for made in products:
            fields = {
                field: getattr(made, field)
                for field in ("sku", "gtins", "name", "unit_price", "category", "size", "tax_rate", "unit")
            }
            changes.append(Change(version=version, kind="product", key=made.sku, body=canonical(fields)))
        changes += [Change(version=version, kind="promotion", key=key, body=canonical(body)) for key, body in PROMOTIONS.items()]
        for change in changes:
            total = total.replacing(change.kind, change.key, None, change.body)
        self.shop.take(SnapshotPart(version=version, fingerprint=str(total), since=0, part=0, parts=1, changes=changes))

    def scan(self, *numbers: int) -> None:
        for number in numbers:
            self.scan_code(ean13("20", number))

    def scan_code(self, code: str) -> None:
        self.app.scanned()
        self.agent.take(Reading(Frame(code), "scan", 1))

    def greet(self, *offers: Offer) -> None:
        trip = self.agent.now.trip
        assert trip is not None
        self.agent.capsule_arrived(
            Capsule(trip=trip.trip, member="m-17", first_name="Claire", segments=("member",), offers=offers)
        )

    @property
    def rows(self) -> list[str]:
        """What stands on the screen."""
        width, height = self.app.size
        return ["".join(segment.text for segment in self.app._pane.render_line(y)).rstrip() for y in range(height)][
            : height or width
        ]

    @property
    def kinds(self) -> list[str]:
        """What has happened so far."""
        return [event.what.kind for event in events_in(self.journal)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.journal.close()
    bench.shop.close()
