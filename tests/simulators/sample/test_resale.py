"""`panier bench pricing --sample`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from panier_simulators.bench.command import bench
from panier_simulators.bench.resale import Repriced, Resale, summarize
from panier_simulators.sample.build import ensure_sample
from panier_simulators.sample.shop import open_sample


def test_a_basket_is_priced_with_the_campaigns_that_its_household_had_that_day(small_data: Path, tmp_path: Path) -> None:
    shop = open_sample(ensure_sample(tmp_path / "sample", small_data).directory)
    (campaign,) = shop.campaigns()
    percent = int(campaign.record.promotion["percent"])
    resale = Resale(shop)
    priced = {trip.basket: resale.price(trip) for trip in shop.trips()}
    assert {basket: one.offers for basket, one in priced.items()} == {10: 1, 11: 1, 12: 1, 13: 0}
    # Coffee at 5.00, of which the shop takes a fifth from members, and the campaign its part of what is left.
    assert (priced[11].gross, priced[11].discount) == (1500, 300 + 1200 * percent // 100)
    assert priced[13].discount == 100


def test_the_whole_year_is_priced_by_several_processes_and_told_as_one_object(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    told = CliRunner().invoke(bench, ["pricing", "--sample", "--data", str(small_data), "--json"])
    figures = json.loads(told.stdout)
    assert told.exit_code == 0
    assert [figures[name]["baskets"] for name in ("all", "without_offers", "with_offers")] == [4, 1, 3]
    assert figures["all"]["proven_share"] == 1


def test_a_summary_tells_how_much_was_gained_where_something_was() -> None:
    gains = [0, 1, 0, 30, 5, 0]
    figures = summarize([Repriced(n % 2, 1, 1000, 100, gain, gain != 30, 10.0 * n) for n, gain in enumerate(gains)])
    assert (figures["all"]["better_than_priority"], figures["all"]["better_share"], figures["all"]["gained"]) == (3, 0.5, "0.36")
    assert figures["all"]["gained_when_better"] == {"mean": "0.12", "p50": "0.05", "p99": "0.30", "max": "0.30"}
    assert (figures["all"]["proven"], figures["all"]["us_a_basket"]["max"]) == (5, 50)
    assert [figures[name]["gained"] for name in ("without_offers", "with_offers")] == ["0.05", "0.31"]
