"""The pages of the feed, the deliveries of the intake, and the receipt: what both ends of HTTP agree on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from panier.catalogue import told
from panier.feed import CampaignRecord, FeedEntry, FeedPage, MemberRecord
from panier.intake import Contact, Incident, Intake, IntakeResult, Live, Outcome, Refused
from panier.message import Counters, LiveRow
from panier.receipt import OfferUse, Receipt, ReceiptLine, Saving, with_true_times

PRODUCT: dict[str, Any] = {"sku": "beans", "gtins": ["02000000000015"], "name": "Beans", "unit_price": 125}
RECEIPT = Receipt(
    receipt="handheld-07.k3xq7a.41",
    store="s-1",
    device="handheld-07",
    journal="k3xq7a",
    first_sequence=41,
    last_sequence=44,
    started_at=1_700_000_000_000,
    finished_at=1_700_000_100_000,
    currency="USD",
    timezone="America/New_York",
    snapshot=7,
    fingerprint="0" * 64,
    member="m-1",
    segments=["member"],
    offers=[OfferUse(offer="c-1", revision=1)],
    lines=[
        ReceiptLine(
            sku="beans", name="Beans", category="", unit_price=125, quantity=2, gross=250, discount=50, tax_rate="10", snapshot=7
        )
    ],
    savings=[Saving(promotion="c-1", title="20 % off", amount=50)],
    units=2,
    discount=50,
    total=200,
    device_total=200,
)
RECORDS: list[BaseModel] = [
    RECEIPT,
    FeedPage(entries=[FeedEntry(sequence=1, kind="product", key="beans", body=PRODUCT)], last=1, more=False),
    FeedPage(entries=[FeedEntry(sequence=2, kind="product", key="beans", body=None)], last=5, more=True),
    MemberRecord(member="m-1", first_name="Zoë", cards=["2900000000018"]),
    CampaignRecord(
        campaign="c-1",
        revision=1,
        title="t",
        reason="r",
        promotion={},
        segment="member",
        state="running",
        ends_at=1_700_000_000_000,
    ),
    Intake(receipts=[RECEIPT.model_dump()], contacts=[{"nonsense": 1}]),
    IntakeResult(receipts=Outcome(stored=1, refused=[Refused(index=3, identity=None, reason="units: Field required")])),
    Contact(contact="d.j.7", store="s-1", device="d", trip="d.j.1", member=None, offer="c-1", what="shown", at=1),
    Incident(incident="i-1", store="s-1", kind="price_mismatch", text="device 2.00, gateway 1.99", at=1),
    Live(terminals=[LiveRow(device="d", state="idle")], counters=Counters(trips_open=1)),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_reads_back_as_it_was_sent(record: BaseModel) -> None:
    assert type(record).model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_field_from_a_newer_sender_is_ignored(record: BaseModel) -> None:
    newer = json.loads(record.model_dump_json()) | {"brand_new": 1}
    assert type(record).model_validate(newer) == record


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("receipt", ""),
        ("total", -1),
        ("total", 10**13),
        ("currency", "usd"),
        ("fingerprint", "F" * 64),
        ("started_at", 10**15),
        ("lines", [{"sku": "beans"}]),
        ("units", 1.5),
    ],
)
def test_a_receipt_with_nonsense_figures_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        Receipt.model_validate(RECEIPT.model_dump() | {field: value})
    assert refused.value.errors()[0]["loc"][0] == field


def test_an_item_that_does_not_fit_leaves_the_delivery_standing() -> None:
    delivery = Intake.model_validate({"receipts": [RECEIPT.model_dump(), {"receipt": ""}], "contacts": [{}]})
    assert (len(delivery.receipts), len(delivery.contacts), delivery.incidents) == (2, 1, [])


def test_a_product_is_told_without_the_later_fields_that_say_nothing() -> None:
    body = {"sku": "a", "unit_price": 5, "unit": "each", "deposit": 0}
    assert told(body) == {"sku": "a", "unit_price": 5}
    assert told(body | {"unit": "kg", "deposit": 25}) == {"sku": "a", "unit_price": 5, "unit": "kg", "deposit": 25}


def test_a_receipt_of_a_clock_that_was_wrong_is_moved_to_the_true_time_and_never_before_all_time() -> None:
    late = with_true_times(RECEIPT, -60_000)
    assert (late.started_at, late.finished_at, late.clock_offset) == (1_699_999_940_000, 1_700_000_040_000, -60_000)
    assert with_true_times(RECEIPT, -(10**14)).started_at == 0
