from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.port import kept_port
from tests.waiting import let_others_run

from panier_simulators.chaos.link import Address, Hear, Link
from panier_simulators.chaos.mqtt import Publish

HOME = "127.0.0.1"


def packet(payload: bytes) -> bytes:
    """A PUBLISH of QoS 0 to the topic t."""
    return bytes([0x30, 3 + len(payload)]) + b"\x00\x01t" + payload


@asynccontextmanager
async def echo_behind(hear: Hear | None = None) -> AsyncIterator[tuple[Link, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A link to a server that sends everything back, and a connection through it."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.write(b"bye")
        writer.close()

    server = await asyncio.start_server(echo, HOME, 0)
    with kept_port() as port:
        link = Link("test", Address(HOME, port), Address(HOME, server.sockets[0].getsockname()[1]), hear=hear, seed=1)
        await link.open()
        reader, writer = await asyncio.open_connection(link.here.host, link.here.port)
        try:
            writer.write(packet(b"?"))
            assert await reader.readexactly(len(packet(b"?"))) == packet(b"?")
            yield link, reader, writer
        finally:
            writer.close()
            await link.close()
            server.close()


async def test_what_is_sent_arrives_and_is_seen_from_both_sides():
    seen: list[tuple[bool, Publish]] = []
    async with echo_behind(lambda from_client, said: seen.append((from_client, said))) as (_, reader, writer):
        writer.write(packet(b"one"))
        assert await reader.readexactly(len(packet(b"one"))) == packet(b"one")
    assert seen[-2:] == [(True, Publish("t", b"one")), (False, Publish("t", b"one"))]


async def test_an_end_is_passed_on_and_the_other_direction_goes_on():
    async with echo_behind() as (_, reader, writer):
        writer.write_eof()
        assert await reader.read() == b"bye"


async def test_a_cut_resets_what_is_connected_and_whoever_comes_meanwhile():
    async with echo_behind() as (link, reader, _):
        cut = asyncio.create_task(link.suffer("cut", 60))
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        second, writer = await asyncio.open_connection(link.here.host, link.here.port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await second.readexactly(1)
        writer.close()
        cut.cancel()
        await asyncio.gather(cut, return_exceptions=True)
        third, writer = await asyncio.open_connection(link.here.host, link.here.port)
        writer.write(b"back")
        assert await third.readexactly(4) == b"back"
        writer.close()


async def test_a_blackhole_swallows_and_what_lost_bytes_is_reset_at_its_end():
    async with echo_behind() as (link, reader, writer):
        hole = asyncio.create_task(link.suffer("blackhole", 0.2))
        await let_others_run()
        writer.write(b"gone")
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        await hole


async def test_a_lost_reply_is_one_whose_request_arrived():
    seen: list[bytes] = []
    async with echo_behind(lambda from_client, said: seen.append(said.payload) if from_client else None) as (
        link,
        reader,
        writer,
    ):
        silence = asyncio.create_task(link.suffer("lost_reply", 0.2))
        await let_others_run()
        writer.write(packet(b"order"))
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        await silence
    assert seen[-1] == b"order"


async def test_what_is_delayed_comes_in_order_even_where_the_delay_ends():
    async with echo_behind() as (link, reader, writer):
        lag = asyncio.create_task(link.lag(0.3, 0.1))
        await let_others_run()
        writer.write(b"first ")
        await lag
        writer.write(b"second")
        assert await reader.readexactly(12) == b"first second"


async def test_a_packet_comes_twice():
    async with echo_behind(lambda *_: None) as (link, reader, writer):
        meddling = asyncio.create_task(link.meddle("duplicate", 1.0, 60))
        await let_others_run()
        writer.write(packet(b"a"))
        assert await reader.readexactly(4 * len(packet(b"a"))) == 4 * packet(b"a")
        meddling.cancel()


async def test_a_packet_is_overtaken_by_the_next(port: int):
    arrived = asyncio.Queue[bytes]()

    async def take(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            arrived.put_nowait(data)

    server = await asyncio.start_server(take, HOME, 0)
    there = Address(HOME, server.sockets[0].getsockname()[1])
    link = Link("test", Address(HOME, port), there, hear=lambda *_: None, seed=1)
    await link.open()
    _, writer = await asyncio.open_connection(link.here.host, link.here.port)
    meddling = asyncio.create_task(link.meddle("reorder", 1.0, 60))
    await let_others_run()
    writer.write(packet(b"1") + packet(b"2"))
    data = b""
    while len(data) < 2 * len(packet(b"1")):
        data += await arrived.get()
    assert data == packet(b"2") + packet(b"1")
    meddling.cancel()
    writer.close()
    await link.close()
    server.close()


async def test_a_packet_is_lost_and_what_is_no_publish_is_not():
    ping = b"\xc0\x00"
    async with echo_behind(lambda *_: None) as (link, reader, writer):
        meddling = asyncio.create_task(link.meddle("lose", 1.0, 60))
        await let_others_run()
        writer.write(packet(b"lost") + ping)
        assert await reader.readexactly(2) == ping
        meddling.cancel()


async def test_one_side_that_is_gone_already_does_not_keep_the_other_from_being_reset():
    async with echo_behind() as (link, _, writer):
        writer.close()
        while len(link.ends) == 2:
            await let_others_run()
        assert link.ends, "both went at once: nothing was tried"
        link.drop()
