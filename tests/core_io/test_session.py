from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.core_io.test_connection import CONNACK, publish
from tests.waiting import until

from panier_io import log
from panier_io.session import Address, Session


async def nothing(*_: object) -> None: ...


@asynccontextmanager
async def broker(*said: bytes) -> AsyncGenerator[tuple[Address, list[asyncio.StreamWriter]]]:
    """Takes in whoever comes, lets him listen, and says something; where it is, and who came."""
    came: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer)
        for answer in (CONNACK, b"\x90\x03\x00\x01\x00", *said):
            if answer not in said:
                await reader.read(1000)
            writer.write(answer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Address(host="127.0.0.1", port=server.sockets[0].getsockname()[1], username="hand-1", password="x"), came
    finally:
        for writer in came:
            writer.transport.abort()
        server.close()


async def test_what_fails_when_the_broker_is_back_is_logged_and_makes_nobody_deaf(tmp_path: Path):
    log.setup("INFO", file=tmp_path / "device.log")
    heard: list[bytes] = []

    async def connected() -> None:
        raise RuntimeError("a bug of ours")

    async def hear(_: str, payload: bytes) -> None:
        heard.append(payload)
        raise RuntimeError("another")

    async with broker(publish("a", b"1"), publish("a", b"2")) as (address, came):
        session = Session(address, subscriptions=["a"], on_connect=connected, on_message=hear)
        task = asyncio.create_task(session.run())
        try:
            await until(lambda: task.done() or len(heard) == 2)
            assert (heard, len(came), session.connected) == ([b"1", b"2"], 1, True)
        finally:
            task.cancel()
            log.setup("INFO")
    written = (tmp_path / "device.log").read_text()
    assert [written.count(what) for what in ("on_connect_failed", "message_failed")] == [1, 2]
    assert "RuntimeError: a bug of ours" in written


async def test_a_host_that_is_no_name_at_all_is_a_broker_that_is_away(tmp_path: Path):
    log.setup("INFO", file=tmp_path / "device.log")
    try:
        address = Address(host="gateway..shop", port=1883, username="hand-1", password="x")
        session = Session(address, subscriptions=[], on_connect=nothing, on_message=nothing)
        task = asyncio.create_task(session.run())
        await until(lambda: task.done() or (tmp_path / "device.log").read_text().count("disconnected") >= 2)
        assert not task.done()
        task.cancel()
    finally:
        log.setup("INFO")
