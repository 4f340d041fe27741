"""The sample shop as programs use it: values, read lazily from the built tables."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from panier.catalogue import Product
from panier.feed import CampaignRecord, MemberRecord
from panier_simulators.sample import table
from panier_simulators.sample.build import Manifest, NotASample, read_manifest
from panier_simulators.sample.label import print_label
from panier_simulators.sample.numbering import card_number, product_code

CURRENCY = "USD"
TIMEZONE = "America/New_York"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMember:
    """A household of the data as a member of the sample store."""

    household: int
    member: str
    first_name: str
    card: str
    segments: tuple[str, ...]

    def record(self) -> MemberRecord:
        """The member as the back office keeps one."""
        return MemberRecord(member=self.member, first_name=self.first_name, cards=[self.card], segments=list(self.segments))


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleLine:
    """Units of one product, as they stood on one line of a real receipt.

    `labels` are what the scale printed on the bags of loose goods, one each; none on goods by the piece.
    """

    sku: str
    quantity: int
    labels: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The EAN-13 that a scanner reads from the product."""
        return product_code(int(self.sku))


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTrip:
    """One real basket: who, where and when (UTC), the lines in the data's order, and a coupon that fits them, if there is one."""

    basket: int
    household: int
    store: int
    at: datetime
    lines: tuple[SampleLine, ...]
    coupon: str | None = None

    @property
    def card(self) -> str:
        """The EAN-13 on the household's loyalty card."""
        return card_number(self.household)

    @property
    def units(self) -> int:
        """Units in the basket."""
        return sum(line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCampaign:
    """A coupon campaign of the data. The record carries no dates, so that it runs today; the days are when it ran in truth."""

    record: CampaignRecord
    first_day: date
    last_day: date
    type: str


@dataclass(frozen=True, slots=True)
class SampleShop:
    """A built sample. Each call opens the one table it needs and lets it go when its rows are read."""

    directory: Path
    manifest: Manifest

    def products(self) -> Iterator[Product]:
        """All products, in order of the data's product id; prices in cents."""
        query = "select sku, code, name, category, size, unit_price, unit, label, deposit"
        for sku, code, name, category, size, price, unit, label, deposit in self._rows("products", query):
            yield Product(
                sku=sku, gtins=(f"0{code}", label) if label else (f"0{code}",), name=name, unit_price=price, category=category,
                size=size, unit=unit, deposit=deposit,
            )  # fmt: skip

    def loose(self) -> dict[str, tuple[str, int]]:
        """Goods sold by weight, by SKU: the GTIN-14 that the catalogue lists for their labels, and cents a kilogram."""
        return {
            sku: (label, price)
            for sku, label, price in self._rows("products", "select sku, label, unit_price", "where label <> '' order by sku")
        }

    def members(self) -> Iterator[SampleMember]:
        """All members, in order of household."""
        for household, member, first_name, card, segments in self._rows(
            "members", "select household, member, first_name, card, segments"
        ):
            yield SampleMember(household=household, member=member, first_name=first_name, card=card, segments=tuple(segments))

    def trips(self, limit: int | None = None, seed: int = 1) -> Iterator[SampleTrip]:
        """`limit` trips chosen and shuffled by `seed`; equal arguments give equal trips on every machine."""
        # MD5 rather than DuckDB's own hash or sample, which may change from one version to the next.
        shuffled = "order by md5(concat(?, ' ', basket)), basket" + ("" if limit is None else f" limit {int(limit)}")
        query = "select basket, household, store, bought_at, lines"
        loose = self.loose()
        coupons = {coupon["coupon"]: frozenset(coupon["target"]["skus"]) for coupon in self.coupons()}
        for basket, household, store, at, lines in self._rows("trips", query, shuffled, (str(seed),)):
            items = tuple(
                SampleLine(sku=line["sku"], quantity=line["quantity"], labels=_labels(loose, basket, place, line))
                for place, line in enumerate(lines)
            )
            bought = {line.sku for line in items}
            coupon = next((code for code, skus in coupons.items() if bought & skus), None)
            yield SampleTrip(
                basket=basket, household=household, store=store, at=at.replace(tzinfo=UTC), lines=items, coupon=coupon
            )

    def promotions(self) -> Iterator[Mapping[str, Any]]:
        """Public promotions in the promotion format, each with `id` and `title`; the one that touches most households first."""
        for (definition,) in self._rows("promotions", "select definition"):
            yield json.loads(definition)

    def coupons(self) -> Iterator[Mapping[str, Any]]:
        """Promotions that ask for a paper coupon, in the promotion format; each names its `coupon`, an EAN-13."""
        for (definition,) in self._rows("coupons", "select definition"):
            yield json.loads(definition)

    def campaigns(self) -> Iterator[SampleCampaign]:
        """The data's campaigns, by number."""
        for record, first_day, last_day, kind in self._rows("campaigns", "select record, first_day, last_day, type"):
            yield SampleCampaign(
                record=CampaignRecord.model_validate_json(record), first_day=first_day, last_day=last_day, type=kind
            )

    def campaigns_on(self, day: date) -> list[SampleCampaign]:
        """The campaigns that ran on one day of the data's year."""
        return [campaign for campaign in self.campaigns() if campaign.first_day <= day <= campaign.last_day]

    def _rows(self, name: str, select: str, rest: str = "", parameters: tuple[object, ...] = ()) -> Iterator[table.Row]:
        with self._database() as connection:
            yield from table.rows(
                connection, f"{select} from {table.quoted(self.directory / f'{name}.parquet')} {rest}", parameters
            )

    @contextmanager
    def _database(self) -> Generator[table.Connection]:
        # One thread and little memory: the reader shares a small machine with a store full of devices.
        connection = table.connect(memory_mb=400, threads=1)
        try:
            yield connection
        finally:
            connection.close()


def _labels(loose: Mapping[str, tuple[str, int]], basket: int, place: int, line: Mapping[str, Any]) -> tuple[str, ...]:
    held = loose.get(line["sku"])
    return tuple(print_label(*held, f"{basket}/{place}/{bag}") for bag in range(line["quantity"])) if held else ()


def open_sample(directory: Path) -> SampleShop:
    """The sample that `panier sample` built in `directory`. Raises NotASample."""
    manifest = read_manifest(directory)
    if manifest is None:
        raise NotASample(f"{directory} holds no sample; build one with: panier sample --out {directory}")
    return SampleShop(directory, manifest)
