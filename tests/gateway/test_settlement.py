"""Receipts: formed by the gateway's own definitions, equal to the cent or reported, and never lost for want of a definition."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.waiting import until

from panier.offer import Offer
from panier.payment import PaymentBegun, PaymentEnded
from panier.trip import CapsuleReceived, CardScanned, CouponShown, TripFinished
from panier.weighed import Weighing

TENTH = {"kind": "percent", "percent": "10", "target": {"all": True}}


@pytest.fixture
async def stocked(shop, product):
    await shop.office.say("product", "a", product("a", 150))
    await shop.office.say("product", "b", product("b", 1000))
    await shop.office.say("promotion", "p1", TENTH)
    await until(lambda: shop.gateway._replica.position == 3)
    return shop


async def finish(till, *happenings, units, discount, total):
    till.add(*happenings, TripFinished(units=units, discount=discount, total=total))
    await till.send()
    await till.acknowledged(len(till.events))


def at(started, snapshot):
    return replace(started, snapshot=snapshot)


async def test_a_finished_trip_becomes_a_receipt_with_the_devices_total(stocked, started, item):
    till = await stocked.till()
    bought = (item("a", 150, 2, snapshot=3), item("b", 1000, snapshot=3))
    await finish(till, at(started, 3), *bought, units=3, discount=130, total=1170)
    await until(lambda: stocked.office.receipts)
    (receipt,) = stocked.office.receipts
    assert (receipt["receipt"], receipt["total"], receipt["device_total"]) == (till.trip, 1170, 1170)
    assert receipt["fingerprint"] == str(stocked.gateway._replica.newest[1])
    assert stocked.office.incidents == []


async def test_a_receipt_is_priced_as_of_the_trips_snapshot_not_as_of_now(stocked, product, started, item):
    till = await stocked.till()
    fingerprint = str(stocked.gateway._replica.newest[1])
    await stocked.office.say("promotion", "p1", None)
    await stocked.office.say("product", "a", product("a", 999))
    await until(lambda: stocked.gateway._replica.position == 5)
    await finish(till, at(started, 3), item("a", 150, snapshot=3), units=1, discount=15, total=135)
    await until(lambda: stocked.office.receipts)
    assert stocked.office.receipts[0]["total"] == 135
    assert stocked.office.receipts[0]["fingerprint"] == fingerprint
    assert stocked.office.incidents == []


@pytest.mark.parametrize(
    ("price", "total", "says"),
    [
        (150, 100, "the screen showed total 1.00; priced again it is 1.35"),
        (100, 90, "a stands at 1.00, but cost 1.50 at version 3"),
    ],
)
async def test_a_difference_is_an_incident_and_the_receipt_goes_on(stocked, started, item, price, total, says):
    till = await stocked.till()
    await finish(till, at(started, 3), item("a", price, snapshot=3), units=1, discount=price // 10, total=total)
    await until(lambda: stocked.office.receipts and stocked.office.incidents)
    (incident,) = stocked.office.incidents
    assert incident["kind"] == "price_mismatch"
    assert incident["trip"] == till.trip
    assert says in incident["text"]


async def test_an_offer_counts_by_the_gateways_definition_whatever_the_device_claims(stocked, started, item):
    body = {
        "campaign": "c1", "revision": 1, "title": "Beans", "reason": "you like them", "state": "running", "segment": "member",
        "promotion": {"kind": "percent", "percent": "50", "target": {"skus": ["b"]}},
    }  # fmt: skip
    await stocked.office.say("campaign", "c1", body)
    await until(lambda: stocked.gateway._replica.position == 4)
    till = await stocked.till()
    generous = Offer(offer="c1", revision=1, title="Beans", reason="x", promotion=body["promotion"] | {"percent": "100"})
    unheard = Offer(offer="c7", revision=1, title="Free", reason="x", promotion=TENTH | {"percent": "100"})
    capsule = CapsuleReceived(member="m1", segments=("member",), offers=(generous, unheard))
    bought = (CardScanned(card="29"), capsule, item("b", 1000, snapshot=3))
    await finish(till, at(started, 3), *bought, units=1, discount=1000, total=0)
    await until(lambda: stocked.office.receipts and stocked.office.incidents)
    receipt = stocked.office.receipts[0]
    assert receipt["total"] == 450
    assert receipt["offers"] == [{"offer": "c1", "revision": 1}]
    assert "campaign c1 has another definition" in stocked.office.incidents[0]["text"]
    assert "campaign c7 was never known here" in stocked.office.incidents[0]["text"]


async def test_a_member_who_was_recognised_by_card_only_is_on_the_receipt(stocked, started, item):
    member = {"member": "m1", "first_name": "Claire", "cards": ["2900000000010"], "segments": []}
    await stocked.office.say("member", "m1", member)
    await until(lambda: stocked.gateway._replica.position == 4)
    till = await stocked.till()
    bought = (CardScanned(card="2900000000010"), item("a", 150, snapshot=3))
    await finish(till, at(started, 3), *bought, units=1, discount=15, total=135)
    await until(lambda: stocked.office.receipts)
    assert stocked.office.receipts[0]["member"] == "m1"
    assert stocked.office.receipts[0]["segments"] == ["member"]


async def test_a_trip_ahead_of_the_feed_waits_for_it(shop, started, item, product):
    till = await shop.till()
    await finish(till, at(started, 2), item("a", 150, snapshot=2), units=1, discount=15, total=135)
    await until(lambda: [incident["kind"] for incident in shop.office.incidents] == ["unsettled"])
    assert shop.query("SELECT state FROM trip") == [("unsettled",)]
    await shop.office.say("promotion", "p1", TENTH)
    await shop.office.say("product", "a", product("a", 150))
    await until(lambda: shop.office.receipts)
    assert shop.office.receipts[0]["total"] == 135
    assert shop.query("SELECT state FROM trip") == [("finished",)]


async def test_a_coupon_of_the_store_and_one_of_an_offer_count_at_the_gateway_too(stocked, started, item):
    body = {
        "campaign": "c1", "revision": 1, "title": "Beans", "reason": "you like them", "state": "running", "segment": "member",
        "promotion": {"kind": "percent", "percent": "50", "target": {"skus": ["b"]}, "coupon": "MINE"},
    }  # fmt: skip
    coupon = {"kind": "amount", "amount": "1.00", "target": {"skus": ["a"]}, "coupon": "9912345678909"}
    await stocked.office.say("promotion", "p2", coupon)
    await stocked.office.say("campaign", "c1", body)
    await until(lambda: stocked.gateway._replica.position == 5)
    till = await stocked.till()
    offer = Offer(offer="c1", revision=1, title="Beans", reason="x", promotion=body["promotion"])
    shown = (CouponShown(coupon="MINE"), CouponShown(coupon="9912345678909"), CardScanned(card="29"))
    capsule = CapsuleReceived(member="m1", segments=("member",), offers=(offer,))
    bought = (*shown, capsule, item("a", 150, snapshot=4), item("b", 1000, snapshot=4))
    # 10 % of all before the coupons: 1.35 - 1.00, and half of 9.00.
    await finish(till, at(started, 4), *bought, units=2, discount=665, total=485)
    await until(lambda: stocked.office.receipts)
    receipt = stocked.office.receipts[0]
    assert (receipt["total"], receipt["coupons"], stocked.office.incidents) == (485, ["9912345678909", "MINE"], [])


@pytest.fixture
async def market(stocked, product):
    await stocked.office.say("product", "figs", product("figs", 400) | {"unit": "kg", "tax_rate": "5.5"})
    await stocked.office.say("product", "cola", product("cola", 100) | {"deposit": 25, "tax_rate": "20"})
    await until(lambda: stocked.gateway._replica.position == 5)
    return stocked


async def test_weights_labels_and_deposits_are_on_the_receipt_with_the_vat_they_contain(market, started, item):
    till = await market.till()
    bag = replace(item("figs", 200, snapshot=5), weighing=Weighing(grams=520, tare=20, price_per_kg=400), tax_rate="5.5")
    labelled = replace(item("figs", 311, snapshot=5), is_labelled=True, tax_rate="5.5")
    cola = replace(item("cola", 100, 3, snapshot=5), deposit=25, tax_rate="20")
    # 10 % of the goods, none of the deposit.
    await finish(till, at(started, 5), bag, labelled, cola, units=5, discount=81, total=200 + 311 + 300 - 81 + 75)
    await until(lambda: market.office.receipts)
    (receipt,) = market.office.receipts
    assert (receipt["total"], receipt["deposit"], receipt["units"], market.office.incidents) == (805, 75, 5, [])
    assert receipt["lines"][0]["weighings"] == [{"grams": 520, "tare": 20, "price_per_kg": 400}]
    assert [line["is_labelled"] for line in receipt["lines"]] == [False, True, False]
    assert [(row["rate"], row["gross"], row["net"]) for row in receipt["vat"]] == [("5.5", 460, 436), ("20", 345, 287)]


async def test_a_price_reduced_for_its_date_is_the_gateway_s_too_and_one_that_nobody_set_is_an_incident(
    market, product, started, item
):
    short = product("cola", 100) | {"deposit": 25, "mark_down": [{"days": 1, "percent": 30}]}
    await market.office.say("product", "cola", short)
    await until(lambda: market.gateway._replica.position == 6)
    cola = replace(item("cola", 70, snapshot=6), deposit=25, mark_down=30)
    till = await market.till()
    # 10 % of what is left after the mark-down.
    await finish(till, at(started, 6), cola, units=1, discount=7, total=63 + 25)
    await until(lambda: market.office.receipts)
    (line,) = market.office.receipts[0]["lines"]
    assert (line["unit_price"], line["mark_down"], market.office.incidents) == (70, 30, [])
    other = await market.till("till-2")
    await finish(other, at(started, 6), replace(cola, unit_price=50, mark_down=50), units=1, discount=5, total=45 + 25)
    await until(lambda: market.office.incidents)
    assert "cola was reduced by 50 % for its date, and no such mark-down was known" in market.office.incidents[0]["text"]


async def test_a_weight_or_deposit_that_is_not_the_shelf_s_is_an_incident(market, started, item):
    till = await market.till()
    bag = replace(item("figs", 100, snapshot=5), weighing=Weighing(grams=500, price_per_kg=200))
    await finish(till, at(started, 5), bag, item("cola", 100, snapshot=5), units=2, discount=20, total=180)
    await until(lambda: market.office.receipts and market.office.incidents)
    text = market.office.incidents[0]["text"]
    assert "figs was weighed at 2.00 a kg, but cost 4.00 at version 5" in text
    assert "cola has a deposit of 0.00, but had 0.25 at version 5" in text


@pytest.mark.parametrize(
    ("outcome", "decided_by", "amount", "kinds"),
    [
        ("approved", "terminal", 135, []),
        ("approved", "staff", 135, ["payment_decided"]),
        ("unknown", "nobody", 135, ["payment_unknown"]),
        ("approved", "terminal", 134, ["payment_mismatch"]),
    ],
)
async def test_a_receipt_says_what_was_paid_and_staff_hear_of_doubts(stocked, started, item, outcome, decided_by, amount, kinds):
    till = await stocked.till()
    begun = PaymentBegun(reference=f"{till.trip}.x", amount=amount, units=1, discount=15)
    ended = PaymentEnded(reference=begun.reference, outcome=outcome, decided_by=decided_by, trace="000123", terminal="52000001")
    await finish(till, at(started, 3), item("a", 150, snapshot=3), begun, ended, units=1, discount=15, total=135)
    await until(lambda: stocked.office.receipts and len(stocked.office.incidents) == len(kinds))
    (tender,) = stocked.office.receipts[0]["tenders"]
    assert (tender["outcome"], tender["amount"], tender["trace"], tender["terminal"]) == (outcome, amount, "000123", "52000001")
    assert [incident["kind"] for incident in stocked.office.incidents] == kinds


async def test_a_price_that_changes_during_a_payment_is_refused_and_the_trip_goes_on(stocked, started, item):
    till = await stocked.till()
    begun = PaymentBegun(reference=f"{till.trip}.x", amount=135, units=1, discount=15)
    ended = PaymentEnded(reference=begun.reference, outcome="approved")
    bought = (item("a", 150, snapshot=3), begun, item("b", 1000, snapshot=3), ended)
    await finish(till, at(started, 3), *bought, units=1, discount=15, total=135)
    await until(lambda: stocked.office.receipts)
    assert [line["sku"] for line in stocked.office.receipts[0]["lines"]] == ["a"]
