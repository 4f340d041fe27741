"""What a scanned product comes to: the weight or price of its label, its deposit, or why it is not sold."""

from __future__ import annotations

import pytest
from tests.device.conftest import COLA, FIGS, PRODUCTS, WEIGHED_AND_DEPOSIT, Desk, changes
from tests.sending import events_in

from panier.barcode import Carrier, PluCode, ProductCode
from panier.trip import CodeRefused, ItemAdded, TripFinished
from panier_device.decision import add_scanned

MARKET = PRODUCTS | WEIGHED_AND_DEPOSIT


def code(**carried) -> ProductCode:
    return ProductCode("02000000000046", Carrier.EAN_13, **carried)


@pytest.mark.parametrize(
    ("content", "product", "price", "grams", "is_labelled"),
    [
        (code(grams=532), "4", 212, 532, False),
        (code(grams=532, price=300), "4", 212, 532, False),  # a weight at the shelf's price can be checked by everybody
        (code(price=433), "4", 433, None, True),
        (code(price=4329, price_decimals=3), "4", 433, None, True),
        (code(price=4, price_decimals=0), "4", 400, None, True),
        (code(grams=532), "5", 150, None, False),  # sold by the piece, whatever it weighs
        (code(price=99, currency="978"), "5", 150, None, False),
        (PluCode("4011"), "5", 150, None, False),
    ],
)
def test_a_label_s_weight_or_price_makes_the_line(
    content: ProductCode | PluCode, product: str, price: int, grams: int | None, is_labelled: bool
):
    (item,) = add_scanned(content, MARKET[product], 7, "scan", "USD").happenings
    assert isinstance(item, ItemAdded)
    assert (item.unit_price, item.is_labelled, item.deposit) == (price, is_labelled, MARKET[product].deposit)
    assert (item.weighing and item.weighing.grams) == grams


@pytest.mark.parametrize("content", [code(), code(grams=0), code(grams=2_000_000), code(price=99, currency="978"), PluCode("46")])
def test_what_is_sold_by_weight_is_not_sold_without_one(content: ProductCode | PluCode):
    (refused,) = add_scanned(content, MARKET["4"], 7, "scan", "USD").happenings
    assert isinstance(refused, CodeRefused)
    assert refused.reason == "needs_weight"


@pytest.fixture
def market(desk: Desk) -> Desk:
    desk.stock(changes(MARKET, {"half": {"kind": "percent", "percent": "50", "target": {"skus": ["5"]}}}))
    return desk


def test_loose_goods_picked_from_the_list_or_scanned_without_a_label_are_told_to_be_weighed(market: Desk):
    desk = market
    desk.scan(FIGS)
    assert desk.said == "needs_weight"
    desk.agent.pick("4")
    assert desk.said == "needs_weight"
    assert desk.agent.now.trip is None


def test_a_bag_has_its_own_label_and_plus_does_not_copy_it(desk: Desk):
    bag = add_scanned(code(grams=532), MARKET["4"], 7, "scan", "USD")
    desk.agent._decide(bag)
    desk.agent.one_more()
    assert desk.said == "scan_each"
    trip, priced = desk.agent.now.trip, desk.agent.now.priced
    assert trip is not None
    assert priced is not None
    assert (trip.units, priced.total) == (1, 212)
    desk.agent.put_back(whole_line=False)
    assert desk.agent.now.trip is not None
    assert desk.agent.now.trip.lines == ()


def test_a_deposit_is_in_the_total_and_outside_promotions(market: Desk):
    desk = market
    desk.scan(COLA)
    desk.agent.one_more()
    priced = desk.agent.now.priced
    assert priced is not None
    assert (priced.discount, priced.deposit, priced.total, priced.units) == (150, 50, 200, 2)
    desk.agent.finish()
    (done,) = [event.what for event in events_in(desk.journal) if isinstance(event.what, TripFinished)]
    assert done.total == 200
