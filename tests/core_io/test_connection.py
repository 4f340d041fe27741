"""The broker here is a socket that says what the test wants; the real one stands in tests/gateway and tests/device."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from tests.waiting import let_time_pass

from panier_io.connection import Connection, NotConnected

CONNACK, PINGREQ = b"\x20\x02\x00\x00", b"\xc0\x00"


def publish(topic: str, payload: bytes, *, identifier: int | None = None) -> bytes:
    """A PUBLISH packet of at most 127 bytes (MQTT 3.1.1, section 3.3), of quality of service 1 where it has an identifier."""
    number = b"" if identifier is None else identifier.to_bytes(2, "big")
    body = len(topic).to_bytes(2, "big") + topic.encode() + number + payload
    return bytes([0x30 if identifier is None else 0x32, len(body)]) + body


class Broker:
    """One end of a connection: hears whole chunks, says bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def hear(self, wanted: bytes) -> None:
        async with asyncio.timeout(10):
            await self.reader.readuntil(wanted)

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    def hang_up(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def connected(*, hello: bytes | None = CONNACK, keepalive: int = 60) -> AsyncGenerator[tuple[Connection, Broker]]:
    """A connection that `open` has been called on, and the broker that answered it with `hello`."""
    met: asyncio.Future[Broker] = asyncio.get_running_loop().create_future()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.set_result(Broker(reader, writer))
        if hello is not None:
            writer.write(hello)

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    connection = Connection(keepalive)
    try:
        port = server.sockets[0].getsockname()[1]
        await connection.open("127.0.0.1", port, client_id="till-1", username="till-1", password="secret", will=None)
        yield connection, await met
    finally:
        connection.close()
        if met.done():
            met.result().hang_up()
        server.close()


@pytest.mark.parametrize(
    ("hello", "why"),
    [
        (b"\x20\x02\x00\x05", "Not authorized"), (b"\x20\x02\x00\x63", "Unspecified error"), (b"\xf0\x00", "no MQTT"),
        (b"\x30\x03\x00\x01\xff", "not UTF-8"),
    ],
)  # fmt: skip
async def test_a_broker_that_does_not_take_us_in_is_refused_with_its_reason(hello: bytes, why: str) -> None:
    with pytest.raises(NotConnected, match=why):
        async with connected(hello=hello):
            pass


async def test_a_refused_subscription_is_an_error_that_names_it() -> None:
    async with connected() as (connection, broker):
        broker.say(b"\x90\x04\x00\x01\x00\x80")
        with pytest.raises(NotConnected, match=r"subscription to b/#$"):
            await connection.subscribe(["a/#", "b/#"])


async def test_messages_come_in_order_and_one_of_quality_1_is_answered() -> None:
    async with connected() as (connection, broker):
        broker.say(publish("a", b"1") + publish("a", b"2", identifier=513)[:5])
        assert [message.payload for message in await connection.next_messages()] == [b"1"]
        broker.say(publish("a", b"2", identifier=513)[5:])
        assert [message.payload for message in await connection.next_messages()] == [b"2"]
        await broker.hear(b"\x40\x02\x02\x01")


async def test_more_messages_than_anybody_takes_wait_at_the_broker_and_none_is_lost() -> None:
    async with connected(keepalive=1) as (connection, broker):
        sent = [number.to_bytes(4, "big") for number in range(100_000)]
        for message in sent:
            broker.say(publish("a", message + b"x" * 40))
        pressed = asyncio.create_task(broker.writer.drain())
        # Deaf by choice, which is no reason to take the broker for dead.
        await let_time_pass(2.5)
        assert not pressed.done()
        got: list[bytes] = []
        while len(got) < len(sent):
            got += [message.payload[:4] for message in await connection.next_messages()]
        assert got == sent
        await pressed


async def test_a_publication_of_quality_1_returns_with_the_brokers_answer_to_it() -> None:
    async with connected() as (connection, broker):
        first = asyncio.create_task(connection.publish("a", b"1", qos=1))
        second = asyncio.create_task(connection.publish("a", b"2", qos=1))
        await broker.hear(b"\x00\x02" + b"2")
        broker.say(b"\x40\x02\x00\x02" + b"\x40\x02\x00\x63")
        await second
        assert not first.done()
        broker.say(b"\x40\x02\x00\x01")
        await first


async def test_what_waits_for_a_broker_that_hangs_up_is_told() -> None:
    async with connected() as (connection, broker):
        waiting = [
            asyncio.create_task(connection.publish("a", b"1", qos=1)), asyncio.create_task(connection.subscribe(["a"])),
            asyncio.create_task(connection.next_messages()),
        ]  # fmt: skip
        await broker.hear(b"\x00\x01a\x00")
        broker.hang_up()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in found] == [NotConnected] * 3
        with pytest.raises(NotConnected, match="hung up"):
            await connection.publish("a", b"1")


async def test_a_broker_that_says_nothing_is_pinged_and_then_given_up() -> None:
    async with connected(keepalive=1) as (connection, broker):
        await broker.hear(PINGREQ)
        broker.say(b"\xd0\x00")
        await broker.hear(PINGREQ)
        with pytest.raises(NotConnected, match="silent"):
            await connection.next_messages()


async def test_leaving_says_so_after_what_was_said_before() -> None:
    async with connected() as (connection, broker):
        await connection.publish("a", b"last")
        connection.close()
        async with asyncio.timeout(10):
            assert (await broker.reader.read()).endswith(publish("a", b"last") + b"\xe0\x00")


async def test_an_unanswered_publication_does_not_wait_for_ever_and_ends_a_connection_that_would_keep_each() -> None:
    async with connected() as (connection, broker):
        with pytest.raises(NotConnected, match="does not answer"):
            await connection.publish("a", b"1", qos=1, within=0.05)
        for waits in (connection.publish("a", b"2", qos=1), connection.next_messages()):
            with pytest.raises(NotConnected, match="does not answer"):
                await waits
        async with asyncio.timeout(10):
            await broker.reader.read()
