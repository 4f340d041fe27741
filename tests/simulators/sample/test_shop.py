"""The sample of the real data: what the numbers of the reference say must be there."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice

from panier.feed import CampaignRecord
from panier.promotion import parse_promotion
from panier.till import compile_definitions
from panier_simulators.sample.build import Built
from panier_simulators.sample.numbering import check_digit
from panier_simulators.sample.shop import CURRENCY, open_sample


def test_the_real_shop_is_whole_and_its_first_build_is_quick_and_small(real_sample: Built) -> None:
    rows = real_sample.manifest.rows
    assert (rows["products"], rows["members"], rows["campaigns"]) == (92_331, 2_469, 27)
    assert 200 <= rows["promotions"] <= 300
    assert sum(real_sample.manifest.prices.values()) == 92_331
    assert rows["lines"] + sum(real_sample.manifest.dropped_lines.values()) == 1_469_307
    assert real_sample.peak_mb < 2_000


def test_every_product_has_a_price_a_short_name_and_its_own_code(real_sample: Built) -> None:
    codes: set[str] = set()
    printed: list[str] = []
    for product in open_sample(real_sample.directory).products():
        gtin, *labels = product.gtins
        printed += labels
        assert gtin.startswith("020")
        assert gtin[-1] == check_digit(gtin[:-1])
        assert product.unit_price >= 1
        assert 1 <= len(product.name) <= 38
        codes.add(gtin)
    assert len(codes) == 92_331
    assert len(codes.union(printed)) == 92_331 + len(printed)


def test_some_goods_are_sold_by_weight_some_bottles_carry_a_deposit_and_a_coupon_lies_about(real_sample: Built) -> None:
    shop = open_sample(real_sample.directory)
    products = list(shop.products())
    loose = {product.sku: product for product in products if product.unit == "kg"}
    assert len(loose) == 40
    assert {sku: (product.gtins[-1], product.unit_price) for sku, product in loose.items()} == shop.loose()
    assert "Bananas" in {product.name for product in loose.values()}
    assert {product.deposit for product in products} == {0, 5}
    coupons = list(shop.coupons())
    assert len({coupon["title"] for coupon in coupons}) == len(coupons) == 6
    assert compile_definitions({coupon["id"]: coupon for coupon in coupons}, CURRENCY)[1] == []
    trips = list(shop.trips(40, seed=1))
    bags = [(line, label) for trip in trips for line in trip.lines for label in line.labels]
    assert {line.sku for line, _ in bags} <= loose.keys()
    assert len({label for _, label in bags}) > 5
    assert all(len(line.labels) == line.quantity for line, _ in bags)
    shown = {trip.coupon for trip in trips} - {None}
    assert shown
    assert shown <= {coupon["coupon"] for coupon in coupons}


def test_the_same_seed_chooses_the_same_trips_and_another_seed_others(real_sample: Built) -> None:
    shop = open_sample(real_sample.directory)
    baskets = [trip.basket for trip in shop.trips(50, seed=4)]
    assert baskets == [trip.basket for trip in shop.trips(50, seed=4)]
    assert baskets[:20] == [trip.basket for trip in shop.trips(20, seed=4)]
    assert baskets != [trip.basket for trip in shop.trips(50, seed=5)]


def test_a_trip_s_card_belongs_to_a_member_and_its_products_to_the_catalogue(real_sample: Built) -> None:
    shop = open_sample(real_sample.directory)
    cards = {member.card for member in shop.members()}
    skus = {product.sku for product in shop.products()}
    for trip in shop.trips(200):
        assert trip.card in cards
        assert all(line.sku in skus and 1 <= line.quantity <= 20 for line in trip.lines)


def test_campaigns_fit_a_capsule(real_sample: Built) -> None:
    held: dict[str, list[CampaignRecord]] = {}
    for campaign in open_sample(real_sample.directory).campaigns():
        for member in campaign.record.members or ():
            held.setdefault(member, []).append(campaign.record)
    heaviest = max(held.values(), key=len)
    assert len(heaviest) <= 50
    offers = [{"title": record.title, "reason": record.reason, "promotion": record.promotion} for record in heaviest]
    assert len(json.dumps(offers)) < 32_000


def test_no_product_is_in_two_public_promotions(real_sample: Built) -> None:
    seen: set[str] = set()
    for promotion in open_sample(real_sample.directory).promotions():
        target = promotion["buy"]["target"] if promotion["kind"] == "buy_x_get_y" else promotion["target"]
        assert not seen & set(target["skus"])
        seen |= set(target["skus"])


def test_the_core_reads_every_promotion_and_campaign(real_sample: Built) -> None:
    shop = open_sample(real_sample.directory)
    _, refused = compile_definitions({promotion["id"]: promotion for promotion in shop.promotions()}, CURRENCY)
    assert refused == []
    for campaign in shop.campaigns():
        parse_promotion(campaign.record.promotion, CURRENCY, name=campaign.record.campaign, title=campaign.record.title)


def test_trips_are_read_without_pandas(real_sample: Built) -> None:
    script = (
        "import sys; from pathlib import Path; from panier_simulators.sample.shop import CURRENCY, open_sample;"
        f"trips = list(open_sample(Path({str(real_sample.directory)!r})).trips(3)); assert len(trips) == 3;"
        "print([name for name in sys.modules if name in ('pandas', 'numpy', 'pyarrow')])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_reader_that_stops_early_costs_nothing_more(real_sample: Built) -> None:
    assert len(list(islice(open_sample(real_sample.directory).products(), 3))) == 3
