"""What the gateway says of messages that cannot go out."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from panier.message import MAX_PAYLOAD, Notice
from panier.topic import StoreTopics
from panier_gateway.wire import Wire
from panier_io.session import Address, NotConnected, Session

HELLO = Notice(trip="till-1.abc234.1", code="help_coming", text="Somebody is on the way.")


class FakeLine(Session):
    """A session whose broker is there when a test says so."""

    is_up = False
    sizes = ()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        if not self.is_up:
            raise NotConnected("no connection to 127.0.0.1:1883")
        self.sizes = (*self.sizes, len(payload))


async def nothing(*_: object) -> None:
    pass


@pytest.fixture
def line():
    at = Address(host="127.0.0.1", port=1883, username="gateway", password="x")
    return FakeLine(at, subscriptions=[], on_connect=nothing, on_message=nothing)


async def test_the_log_begins_without_a_scare_and_tells_of_a_broker_that_went_away(line):
    wire = Wire(StoreTopics("north"))
    wire.session = line
    with capture_logs() as said:
        await wire.greet("till-1", HELLO)
        line.is_up = True
        await wire.greet("till-1", HELLO)
        assert said == []
        line.is_up = False
        await wire.greet("till-1", HELLO)
    assert [(one["event"], one["reason"]) for one in said] == [("not_sent", "no connection to 127.0.0.1:1883")]


async def test_what_a_broker_would_hang_up_on_is_not_sent(line):
    wire = Wire(StoreTopics("north"))
    wire.session, line.is_up = line, True
    with capture_logs() as said:
        for size in (MAX_PAYLOAD, MAX_PAYLOAD + 1):
            await wire.hand_out("till-1", bytes(size))
    assert line.sizes == (MAX_PAYLOAD,)
    assert [(one["event"], one["topic"], one["bytes"]) for one in said] == [
        ("message_too_large", "panier/1/north/till-1/down/snapshot", MAX_PAYLOAD + 1)
    ]
