from __future__ import annotations

import asyncio
from pathlib import Path

from tests.waiting import until

from panier_io import log
from panier_io.session import Address, Session


async def nothing(*_: object) -> None: ...


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
