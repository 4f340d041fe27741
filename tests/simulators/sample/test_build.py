from __future__ import annotations

import json
from pathlib import Path

import pytest

from panier.error import PanierError
from panier_simulators.sample.build import MANIFEST, ensure_sample
from panier_simulators.sample.shop import SampleShop, open_sample
from panier_simulators.sample.source import SampleMissing, find_source


def _shop(data: Path, out: Path) -> SampleShop:
    return open_sample(ensure_sample(out, data).directory)


def test_shelf_prices_are_the_median_of_the_last_eight_weeks_before_card_discounts(small_data: Path, tmp_path: Path) -> None:
    shop = _shop(small_data, tmp_path / "out")
    price = {product.sku: product.unit_price for product in shop.products()}
    assert price["1001"] == 500  # 9.99 in January is too long ago, 24 for 1.00 is a slip
    assert price["1004"] == 200  # (3.00 + 1.00 of coupon match) / 2
    assert price["1002"] == 500  # never sold: what ground coffee costs
    assert price["1003"] == 500  # no such type sold: what coffee costs
    assert price["1006"] == 250  # a gallon
    assert price["1005"] == 250  # nothing like it sold: the shop's median of 0.50, 2.00, 2.50, 5.00, 7.00
    assert shop.manifest.prices == {"own": 5, "type": 1, "category": 1, "department": 0, "shop": 1}


def test_trips_keep_what_a_scanner_reads_and_say_what_they_drop(small_data: Path, tmp_path: Path) -> None:
    shop = _shop(small_data, tmp_path / "out")
    trips = {trip.basket: [(line.sku, line.quantity) for line in trip.lines] for trip in shop.trips()}
    assert trips == {
        10: [("1001", 1), ("1004", 2)],
        11: [("1001", 3)],
        12: [("1001", 1)],
        13: [("1001", 1), ("1008", 1)],
    }
    dropped = {"unknown_product": 1, "fuel": 2, "coupon": 1, "no_quantity": 1, "quantity_above_20": 1}
    assert shop.manifest.dropped_lines == dropped


def test_a_discount_from_the_leaflet_becomes_a_public_promotion(small_data: Path, tmp_path: Path) -> None:
    promotions = list(_shop(small_data, tmp_path / "out").promotions())
    assert promotions == [
        {
            "id": "promotion-001",
            "title": "20% off Ground Coffee",
            "kind": "percent",
            "target": {"skus": ["1001"]},
            "percent": "20",
        }
    ]


def test_a_campaign_names_its_members_and_no_sensitive_product(small_data: Path, tmp_path: Path) -> None:
    shop = _shop(small_data, tmp_path / "out")
    (campaign,) = shop.campaigns()
    members = {member.household: member.member for member in shop.members()}
    assert campaign.record.members == [members[1], members[2]]
    assert campaign.record.promotion["target"] == {"skus": ["1001", "1004"]}  # the vitamins and the unknown product are not there
    assert campaign.record.state == "running"
    assert campaign.first_day.isoformat() == "2017-11-01"


def test_a_coupon_of_the_data_is_one_that_any_shopper_may_show(small_data: Path, tmp_path: Path) -> None:
    shop = _shop(small_data, tmp_path / "out")
    (campaign,) = shop.campaigns()
    first, second = sorted(shop.coupons(), key=lambda coupon: coupon["id"])
    assert (first["coupon"], first["target"]) == ("9900000005016", {"skus": ["1001"]})
    assert first["title"] == f"{first['percent']}% off Ground Coffee"
    assert second["target"] == {"skus": ["1004"]}
    assert first["percent"] == campaign.record.promotion["percent"]
    assert {trip.basket: trip.coupon for trip in shop.trips()} == {10: "9900000005016", 11: "9900000005016"} | dict.fromkeys(
        (12, 13), "9900000005016"
    )


def test_segments_read_age_and_children_but_not_income(small_data: Path, tmp_path: Path) -> None:
    segments = {member.household: member.segments for member in _shop(small_data, tmp_path / "out").members()}
    assert "senior" in segments[1]
    assert "family" in segments[2]
    assert not any("250" in segment or "income" in segment for held in segments.values() for segment in held)


def test_a_second_call_finds_what_the_first_has_built(small_data: Path, tmp_path: Path) -> None:
    first = ensure_sample(tmp_path / "out", small_data)
    stamp = (tmp_path / "out" / "products.parquet").stat().st_mtime_ns
    second = ensure_sample(tmp_path / "out", small_data)
    assert (first.cached, second.cached) == (False, True)
    assert (tmp_path / "out" / "products.parquet").stat().st_mtime_ns == stamp
    assert second.manifest == first.manifest


def test_a_sample_of_another_layout_is_built_anew(small_data: Path, tmp_path: Path) -> None:
    manifest = ensure_sample(tmp_path / "out", small_data).directory / MANIFEST
    held = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**held, "version": "0-old"}))
    again = ensure_sample(tmp_path / "out", small_data)
    assert not again.cached
    assert again.manifest.version == held["version"]


def test_a_directory_with_other_files_is_left_alone(small_data: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    with pytest.raises(PanierError, match="holds files but no sample"):
        ensure_sample(tmp_path / "letters", small_data)
    assert (tmp_path / "letters" / "dear.txt").read_text() == "dear"


def test_a_build_that_fails_leaves_nothing_behind(small_data: Path, tmp_path: Path) -> None:
    (small_data / "coupons.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(Exception, match=r"coupons\.parquet"):
        ensure_sample(tmp_path / "place" / "out", small_data)
    assert [found.name for found in (tmp_path / "place").iterdir()] == [".out.lock"]


def test_missing_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(SampleMissing, match=r"no campaign_descriptions\.parquet, campaigns\.parquet.*--data"):
        find_source(tmp_path)


def test_opening_what_is_no_sample_says_how_to_build_one(tmp_path: Path) -> None:
    with pytest.raises(PanierError, match="panier sample --out"):
        open_sample(tmp_path)
