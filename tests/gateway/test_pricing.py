"""Staff price a code that the shop does not know: from the monitor's act to the receipt."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError
from tests.waiting import until

from panier.message import PriceMessage, decode
from panier.trip import CodeRefused, HelpRequested, TripFinished
from panier_gateway.settings import GatewaySettings

ACT = "panier/1/shop/staff/act"
SEEN = "04006381333931"
JAM = {"name": "Fig jam", "unit_price": 249, "by": "monitor"}


def prices(till):
    return [decode(PriceMessage, payload) for topic, payload in till.heard if topic == till.topics.price]


async def stuck(shop, started):
    """A shopper with a code that nobody knows, who called."""
    till = await shop.till()
    till.add(started, CodeRefused(reason="unknown_product", seen=SEEN, entry="scan"), HelpRequested())
    await till.send()
    await until(lambda: shop.gateway._floor.row("till-1").unknown)
    return till


async def act(shop, till, **price):
    wish = {"device": till.device, "act": "price", "price": {"trip": till.trip, "sequence": 2} | price}
    await shop.gateway._reception.receive(ACT, json.dumps(wish).encode())


async def test_staff_see_the_code_and_what_they_type_reaches_its_trip_and_the_receipt(shop, started):
    till = await stuck(shop, started)
    floor = shop.gateway._floor
    assert [(code.sequence, code.code) for code in floor.row("till-1").unknown] == [(2, SEEN)]
    await act(shop, till, **JAM)
    await until(lambda: prices(till))
    (said,) = prices(till)
    assert (said.trip, said.item.answers, said.item.sku, said.item.priced_by) == (till.trip, 2, f"code-{SEEN}", "monitor")
    assert floor.row("till-1").state == "shopping"
    till.add(said.item, TripFinished(units=1, discount=0, total=249))
    await till.send()
    await till.acknowledged(5)
    await until(lambda: shop.office.receipts and len(shop.office.incidents) == 2)
    (receipt,) = shop.office.receipts
    assert (receipt["total"], receipt["lines"][0]["priced_by"]) == (249, "monitor")
    told = {one["kind"]: one["text"] for one in shop.office.incidents}
    assert told == {
        "unknown_product": f"a shopper scanned {SEEN}, which no catalogue here knows: add it",
        "staff_priced": f"sold under an unknown code: 1 x Fig jam (code-{SEEN}) at 2.49 by monitor",
    }


@pytest.mark.parametrize(("stated", "rate"), [("", "5.5"), ("20", "20")])
async def test_vat_is_reckoned_at_the_rate_that_staff_state_or_else_at_the_stores_own(closed_shop, started, stated, rate):
    closed_shop.settings = closed_shop.settings.model_copy(update={"vat_rate": "5.5"})
    closed_shop.enrol("till-1")
    await closed_shop.open()
    till = await stuck(closed_shop, started)
    await act(closed_shop, till, **JAM, tax_rate=stated)
    await until(lambda: prices(till))
    till.add(prices(till)[0].item, TripFinished(units=1, discount=0, total=249))
    await till.send()
    await until(lambda: closed_shop.office.receipts)
    (vat,) = closed_shop.office.receipts[0]["vat"]
    assert (vat["rate"], vat["gross"]) == (rate, 249)
    assert "price_mismatch" not in {one["kind"] for one in closed_shop.office.incidents}


async def test_a_rate_that_is_none_is_refused_at_the_edge(shop, started):
    till = await stuck(shop, started)
    await act(shop, till, **JAM, tax_rate="lots")
    await act(shop, till, **JAM)
    await until(lambda: prices(till))
    assert [said.item.tax_rate for said in prices(till)] == [None]


@pytest.mark.parametrize("rate", ["lots", "100", 5.5, "-1"])
def test_a_setting_that_is_no_rate_says_how_one_is_written(rate):
    with pytest.raises(ValidationError, match=r"is no VAT rate; write it in percent and in quotes"):
        GatewaySettings(store="shop", vat_rate=rate)


async def test_an_answer_is_said_again_until_the_trip_has_it_and_is_taken_once(shop, started):
    till = await stuck(shop, started)
    await act(shop, till, **JAM)
    await until(lambda: len(prices(till)) == 1)
    await till._on_connect()
    await until(lambda: len(prices(till)) == 2)
    (item, again) = (said.item for said in prices(till))
    assert item == again
    till.add(item, again)
    await till.send()
    await till.acknowledged(5)
    assert "waits for no price" in till.acknowledgements[-1].refused[0].reason
    await until(lambda: not shop.gateway._floor.row("till-1").unknown)
    await till.reborn()
    await act(shop, till, **JAM)
    assert shop.gateway._floor.row("till-1").wrong == "that code waits for no price any more"
    assert len(prices(till)) == 2


@pytest.mark.parametrize(
    ("price", "why"),
    [
        ({"sku": "none"}, "SKU none is not sold here"),
        ({"sku": "figs"}, "SKU figs is sold by weight"),
        ({"name": " ", "unit_price": 5}, "a name and a price are needed, or a SKU"),
        ({"name": "Jam"}, "a name and a price are needed, or a SKU"),
        ({"sequence": 1, **JAM}, "that code waits for no price any more"),
        ({"trip": "till-1.aaaaaa.9", **JAM}, "that code waits for no price any more"),
    ],
)
async def test_what_cannot_be_sold_is_said_beside_the_terminal(shop, product, started, price, why):
    await shop.office.say("product", "figs", product("figs", 400) | {"unit": "kg"})
    await until(lambda: shop.gateway._replica.position == 1)
    till = await stuck(shop, started)
    await act(shop, till, **price)
    assert shop.gateway._floor.row("till-1").wrong == why
    await shop.has_told(till)
    assert prices(till) == []


async def test_a_product_by_its_sku_comes_with_all_that_the_shelf_says(shop, product, started):
    cola = product("cola", 100) | {"deposit": 25, "tax_rate": "20"}
    await shop.office.say("product", "cola", cola)
    await until(lambda: shop.gateway._replica.position == 1)
    till = await stuck(shop, replace(started, snapshot=1))
    await act(shop, till, sku="cola", by="monitor")
    await until(lambda: prices(till))
    item = prices(till)[0].item
    assert (item.sku, item.unit_price, item.deposit, item.tax_rate, item.snapshot) == ("cola", 100, 25, "20", 1)
    till.add(item, TripFinished(units=1, discount=0, total=125))
    await till.send()
    await until(lambda: shop.office.receipts)
    assert shop.office.receipts[0]["total"] == 125
    assert "price_mismatch" not in {one["kind"] for one in shop.office.incidents}


async def test_a_terminal_cannot_price_for_itself_nor_for_another(shop, started):
    till = await stuck(shop, started)
    other = await shop.till("till-2")
    for topic in (other.topics.price, ACT):
        await till.session.publish(topic, b"{}")
    await until(lambda: any(one["kind"] == "rights_exceeded" for one in shop.office.incidents))
    assert prices(other) == []
