from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier.topic import BadName, DeviceTopics, StoreTopics, checked_name

STORE = StoreTopics("s-1")
DEVICE = STORE.device("handheld-07")
names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True).filter(lambda name: name not in {"store", "staff"})


def test_the_table_of_topics_is_what_the_protocol_says() -> None:
    """Golden: a change here is a change of the protocol, and docs/protocol.md must follow."""
    assert {
        "manifest": STORE.manifest,
        "every_device": STORE.every_device,
        "live": STORE.live,
        "live_row": STORE.live_row("handheld-07"),
        "counters": STORE.counters,
        "act": STORE.act,
    } == {
        "manifest": "panier/1/s-1/store/manifest",
        "every_device": "panier/1/s-1/+/up/#",
        "live": "panier/1/s-1/staff/live/#",
        "live_row": "panier/1/s-1/staff/live/handheld-07",
        "counters": "panier/1/s-1/staff/counters",
        "act": "panier/1/s-1/staff/act",
    }
    assert {
        "events": DEVICE.events,
        "status": DEVICE.status,
        "ask": DEVICE.ask,
        "acknowledgement": DEVICE.acknowledgement,
        "snapshot": DEVICE.snapshot,
        "capsule": DEVICE.capsule,
        "lease": DEVICE.lease,
        "notice": DEVICE.notice,
        "price": DEVICE.price,
        "listens": DEVICE.listens,
    } == {
        "events": "panier/1/s-1/handheld-07/up/events",
        "status": "panier/1/s-1/handheld-07/up/status",
        "ask": "panier/1/s-1/handheld-07/up/ask",
        "acknowledgement": "panier/1/s-1/handheld-07/down/ack",
        "snapshot": "panier/1/s-1/handheld-07/down/snapshot",
        "capsule": "panier/1/s-1/handheld-07/down/capsule",
        "lease": "panier/1/s-1/handheld-07/down/lease",
        "notice": "panier/1/s-1/handheld-07/down/notice",
        "price": "panier/1/s-1/handheld-07/down/price",
        "listens": ("panier/1/s-1/handheld-07/down/#", "panier/1/s-1/store/#"),
    }


@given(names, names)
def test_who_spoke_is_read_from_the_topic(store: str, device: str) -> None:
    topics = DeviceTopics(store, device)
    for topic, what in ((topics.events, "events"), (topics.status, "status"), (topics.ask, "ask")):
        assert StoreTopics(store).sender(topic) == (device, what)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "panier/1/s-1/handheld-07/down/ack",
        "panier/1/s-2/handheld-07/up/events",
        "panier/2/s-1/handheld-07/up/events",
        "panier/1/s-1/handheld-07/up",
        "panier/1/s-1/handheld-07/up/events/more",
        "panier/1/s-1/Handheld/up/events",
        "panier/1/s-1/store/up/events",
        "panier/1/s-1/staff/up/events",
        "panier/1/s-1/+/up/events",
        "panier/1/s-1/handheld\n/up/events",
    ],
)
def test_a_topic_that_no_device_of_this_store_speaks_on_names_nobody(topic: str) -> None:
    assert STORE.sender(topic) is None


@given(st.text(max_size=60))
def test_any_topic_names_a_device_or_nobody(topic: str) -> None:
    found = STORE.sender(f"panier/1/s-1/{topic}")
    assert found is None or checked_name(found[0]) == found[0]


@pytest.mark.parametrize("name", ["", "store", "staff", "A", "a/b", "+", "#", "-a", "a\n", "ä", "a" * 33, "a b"])
def test_a_name_that_could_reach_into_other_topics_is_refused(name: str) -> None:
    makers: list[Callable[[str], object]] = [
        checked_name,
        StoreTopics,
        STORE.device,
        STORE.live_row,
        lambda store: DeviceTopics(store, "handheld-07"),
    ]
    for make in makers:
        with pytest.raises(BadName) as refused:
            make(name)
        assert repr(name) in str(refused.value)
