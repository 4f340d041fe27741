from __future__ import annotations

import json
import zlib
from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sending import record

from panier.member import Capsule
from panier.message import (
    MAX_BATCH,
    MAX_PAYLOAD,
    MAX_UNPACKED,
    Acknowledgement,
    Act,
    Ask,
    CapsuleMessage,
    Counters,
    EventBatch,
    LiveRow,
    Malformed,
    Manifest,
    Message,
    Notice,
    PriceMessage,
    Refusal,
    SnapshotPart,
    Status,
    decode,
    event_from_json,
    happening_from_json,
    happening_to_json,
    unpack,
)
from panier.offer import Offer
from panier.snapshot import Change
from panier.trip import Event, Happening, ItemAdded
from panier.weighed import Weighing

HEX = "0" * 63 + "1"
OFFER = Offer(offer="c-1", revision=2, title="20 % off", reason="Monthly", promotion={"kind": "percent", "percent": "20"})
CAPSULE = Capsule(trip="d.j.1", member="m-1", first_name="Zoë", segments=("member",), offers=(OFFER,))
PART = SnapshotPart(
    version=9,
    fingerprint=HEX,
    since=3,
    part=0,
    parts=2,
    changes=[
        Change(version=8, kind="product", key="beans", body='{"sku":"beans"}'),
        Change(version=9, kind="promotion", key="p-1", body=None),
    ],
)
BATCH = EventBatch(journal="k3xq7a", events=[{"sequence": 1}])
MESSAGES: list[Message] = [
    BATCH,
    Acknowledgement(journal="k3xq7a", upto=12, refused=[Refusal(sequence=4, reason="item_added after the end")]),
    Status(state="online", journal="k3xq7a", software="0.1.0", waiting=3, snapshot=9, battery=80, hardware="scanner away"),
    Status(state="offline", journal="k3xq7a"),
    Ask(have=3),
    Ask(have=3, part=1, version=9),
    PART,
    Manifest(version=9, fingerprint=HEX, boot="b7", at=1_700_000_000_000, currency="USD", timezone="America/New_York"),
    CapsuleMessage(capsule=CAPSULE),
    Notice(trip="d.j.1", code="unknown_card", text="This card is not known here."),
    LiveRow(device="handheld-07", state="shopping", trip="d.j.1", lines=3, total=1240, last_at=1_700_000_000_000),
    Counters(trips_open=2, backoffice="connected", help_seconds_median=41),
    Act(device="handheld-07", act="help_answered"),
]
KINDS = list(dict.fromkeys(type(message) for message in MESSAGES))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_reads_back_as_it_was_sent(message: Message) -> None:
    assert decode(type(message), message.encode()) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_field_from_a_newer_sender_is_ignored(message: Message) -> None:
    newer = json.loads(message.encode()) | {"brand_new": {"deep": [1]}}
    assert decode(type(message), json.dumps(newer).encode()) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_half_a_message_is_refused_whole(message: Message) -> None:
    with pytest.raises(Malformed) as refused:
        decode(type(message), message.encode()[:-1])
    assert str(refused.value).startswith(f"{type(message).__name__}: payload: ")


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        (EventBatch, b'{"journal": "j", "events": []}', "EventBatch: events: List should have at least 1 item"),
        (EventBatch, b'{"journal": "a.b", "events": [{}]}', "EventBatch: journal: String should match pattern"),
        (EventBatch, json.dumps({"journal": "j" * 33, "events": [{}]}).encode(), "EventBatch: journal: String should match"),
        (EventBatch, b'{"events": [{}]}', "EventBatch: journal: Field required"),
        (EventBatch, b'{"journal": "j", "events": [7]}', "EventBatch: events.0: Input should be"),
        (EventBatch, json.dumps({"journal": "j", "events": [{}] * (MAX_BATCH + 1)}).encode(), "at most 200 items"),
        (Status, b'{"state": "asleep", "journal": "j"}', "Status: state: Input should be 'online' or 'offline'"),
        (Status, b'{"state": "online", "journal": "j", "waiting": 99999999999999999999}', "Status: waiting: "),
        (Status, b'{"state": "online", "journal": "j", "battery": 101}', "Status: battery: "),
        (Acknowledgement, b'{"journal": "j", "upto": -1}', "Acknowledgement: upto: "),
        (Manifest, PART.encode(), "Manifest: boot: Field required"),
        (CapsuleMessage, b"[]", "CapsuleMessage: payload: "),
        (Ask, b"\xff\xfe", "Ask: payload: Invalid JSON"),
        (Ask, b"[" * 10_000, "Ask: payload: "),
        (Ask, b" " * (MAX_PAYLOAD + 1), f"Ask of {MAX_PAYLOAD + 1} bytes; the most is {MAX_PAYLOAD}"),
    ],
)
def test_what_does_not_fit_is_refused_with_field_and_reason(kind: type[Message], payload: bytes, words: str) -> None:
    with pytest.raises(Malformed) as refused:
        decode(kind, payload)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 240


def test_the_largest_message_is_still_taken() -> None:
    assert decode(Ask, b'{"have": 3}'.ljust(MAX_PAYLOAD)) == Ask(have=3)


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(Malformed) as refused:
        decode(Status, b'{"state": "4111111111111111", "journal": "j"}')
    assert "4111" not in str(refused.value)


@given(st.sampled_from(KINDS), st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_message_or_malformed(kind: type[Message], payload: bytes) -> None:
    for form in (payload, bytearray(payload), memoryview(payload)):
        with suppress(Malformed):
            assert isinstance(decode(kind, form), kind)


@given(st.sampled_from(MESSAGES), st.data())
def test_a_message_with_one_value_changed_is_a_message_or_malformed(message: Message, data: st.DataObject) -> None:
    body = json.loads(message.encode())
    body[data.draw(st.sampled_from(sorted(body)))] = data.draw(json_values)
    with suppress(Malformed):
        assert isinstance(decode(type(message), json.dumps(body).encode()), type(message))


def test_a_snapshot_part_reads_back_unpacked() -> None:
    assert unpack(PART.pack()) == PART


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "cut short"),
        (b"nonsense", "SnapshotPart: Error -3"),
        (PART.pack()[:-5], "cut short"),
        (zlib.compress(b" " * (MAX_UNPACKED + 1)), "larger than 8000000 bytes unpacked"),
        (zlib.compress(b"{}"), "SnapshotPart: version: Field required"),
    ],
)
def test_a_snapshot_part_that_does_not_fit_is_refused(payload: bytes, words: str) -> None:
    with pytest.raises(Malformed) as refused:
        unpack(payload)
    assert words in str(refused.value)


@given(st.binary(max_size=100) | st.binary(max_size=100).map(zlib.compress))
def test_any_bytes_are_a_snapshot_part_or_malformed(payload: bytes) -> None:
    with suppress(Malformed):
        assert isinstance(unpack(payload), SnapshotPart)


@pytest.mark.parametrize("kind", get_args(Happening), ids=lambda kind: kind.__name__)
def test_every_happening_reads_back(kind: type[Happening]) -> None:
    @given(st.builds(kind, **DRAWN.get(kind.__name__, {})))
    def reads_back(what: Happening) -> None:
        event = Event(sequence=7, at=1_700_000_000_000, trip="d.j.1", what=what)
        text = json.dumps(record(event))
        assert event_from_json(text) == event_from_json(text.encode()) == event_from_json(json.loads(text)) == event
        assert happening_from_json(happening_to_json(what)) == what

    reads_back()


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64)
minors = st.integers(0, 10**12)
counts = st.integers(0, 10**9)
quantities = st.integers(1, 999)
entries = st.sampled_from(["scan", "wedge", "typed", "shelf"])
DRAWN: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "PaymentBegun": {
        "reference": names,
        "amount": st.integers(1, 10**12 - 1),
        "units": counts,
        "discount": minors,
        "mark": st.just("0012:000123"),
    },
    "PaymentEnded": {"reference": names, "reason": st.just("busy"), "trace": st.just("000123"), "terminal": st.just("520")},
    "TripStarted": {"store": names, "currency": st.sampled_from(["EUR", "USD"]), "timezone": names, "snapshot": counts},
    "ItemAdded": {
        "sku": names,
        "name": names,
        "unit_price": minors,
        "category": st.just(""),
        "tax_rate": st.sampled_from([None, "10"]),
        "snapshot": counts,
        "entry": entries,
        "quantity": quantities,
    },
    "ItemRemoved": {"sku": names, "unit_price": minors, "quantity": quantities},
    "CardScanned": {"card": names},
    "CapsuleReceived": {"member": names, "segments": st.tuples(names), "offers": st.sampled_from([(), (OFFER,)])},
    "CouponShown": {"coupon": names},
    "OfferShown": {"offer": names},
    "OfferAccepted": {"offer": names},
    "OfferRefused": {"offer": names},
    "SnapshotAdopted": {"snapshot": counts},
    "CodeRefused": {"reason": names, "seen": st.just("5901…(13)"), "entry": entries},
    "TripFinished": {"units": counts, "discount": minors, "total": minors},
}  # fmt: skip
GOOD_EVENT: dict[str, Any] = {
    "sequence": 1,
    "at": 1,
    "trip": "d.j.1",
    "what": {
        "kind": "item_added",
        "sku": "beans",
        "name": "Beans",
        "unit_price": 125,
        "category": "",
        "tax_rate": None,
        "snapshot": 7,
        "entry": "scan",
        "quantity": 2,
    },
}


def test_the_form_of_an_event_is_what_the_protocol_says() -> None:
    """Golden: journals on devices hold this text for days."""
    event = event_from_json(GOOD_EVENT)
    assert isinstance(event.what, ItemAdded)
    later = {"weighing": None, "is_labelled": False, "deposit": 0, "serial": "", "mark_down": 0, "priced_by": "", "answers": 0}
    assert event == Event(sequence=1, at=1, trip="d.j.1", what=event.what)
    assert json.loads(happening_to_json(event.what)) == GOOD_EVENT["what"] | later


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("sequence",), 0, "event: sequence: "),
        (("sequence",), 10**30, "event: sequence: "),
        (("at",), -1, "event: at: "),
        (("trip",), "", "event: trip: "),
        (("trip",), "\ud800", "event: payload: "),
        (("what", "kind"), "coffee_break", "event: what: "),
        (("what", "quantity"), 0, "quantity: "),
        (("what", "quantity"), 1000, "quantity: "),
        (("what", "unit_price"), -1, "unit_price: "),
        (("what", "unit_price"), 1.5, "unit_price: "),
        (("what", "entry"), "guess", "entry: "),
        (("what", "sku"), "s" * 65, "sku: "),
    ],
)
def test_an_event_that_does_not_fit_is_refused(path: tuple[str, ...], value: object, words: str) -> None:
    record = json.loads(json.dumps(GOOD_EVENT))
    inner = record
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(Malformed) as refused:
        event_from_json(record)
    assert words in str(refused.value)


def test_staff_s_price_without_a_tax_rate_arrives_whole() -> None:
    event = event_from_json(GOOD_EVENT)
    assert isinstance(event.what, ItemAdded)
    message = PriceMessage(trip="d.j.1", item=event.what)
    assert event.what.tax_rate is None
    assert decode(PriceMessage, message.encode()) == message


def test_a_record_that_is_no_json_value_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["what"] = endless
    with pytest.raises(Malformed, match="Circular"):
        event_from_json(endless)


@given(st.binary(max_size=100) | json_values.map(json.dumps))
def test_any_record_is_an_event_or_malformed(record: str | bytes) -> None:
    with suppress(Malformed):
        assert isinstance(event_from_json(record), Event)
    with suppress(Malformed):
        assert isinstance(happening_from_json(record), get_args(Happening))


def test_a_happening_that_does_not_fit_is_refused() -> None:
    with pytest.raises(Malformed, match="happening: "):
        happening_from_json('{"kind": "item_added"}')


def test_a_weighing_travels_whole_and_one_of_nothing_is_refused() -> None:
    weighing = Weighing(grams=552, tare=20, price_per_kg=399)
    what = ItemAdded(
        sku="figs", name="Figs", unit_price=212, category="", tax_rate=None, snapshot=1, entry="scan", weighing=weighing
    )
    assert happening_from_json(happening_to_json(what)) == what
    with pytest.raises(Malformed, match=r"weighing\.grams"):
        happening_from_json(happening_to_json(what).replace("552", "0"))
