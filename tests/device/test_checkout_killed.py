"""A terminal that is killed at each point of a payment: charged once, and never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.device.conftest import BEANS
from tests.device.paying import PROTOCOLS, made, proved, till, used_book

from panier_simulators.payment.manner import Manner
from panier_simulators.payment.server import SimulatedPaymentTerminal, Spoken


class Relay:
    """Between device and terminal: counts the pieces that pass, and calls for the device's end at one of them."""

    def __init__(self, port: int, die: Callable[[], None], at: int, *, before: bool) -> None:
        self.port, self.passed = 0, 0
        self._to, self._die, self._at, self._before = port, die, at, before

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            await asyncio.wait(
                [asyncio.create_task(self._pass(reader, back)), asyncio.create_task(self._pass(there, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
            back.close()
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(4096):
                self.passed += 1
                is_the_one = self.passed == self._at
                if is_the_one and self._before:
                    self._die()
                    return
                writer.write(data)
                await writer.drain()
                if is_the_one:
                    self._die()
                    return


async def killed(directory: Path, protocol: Spoken, manner: Manner, point: int, *, before: bool) -> int:
    """One trip whose device is killed at a point of its conversations, and started again; gives the pieces that passed."""
    async with SimulatedPaymentTerminal(protocol, book=used_book()) as terminal:
        terminal.manners.queue.append(manner)
        dead = asyncio.Event()
        async with Relay(terminal.port, dead.set, point, before=before) as relay:
            async with till(directory, relay.port, protocol) as at:
                at.scan(BEANS)
                at.desk.agent.finish()
                over = asyncio.create_task(at.until(lambda: at.desk.agent.now.paying is None))
                killing = asyncio.create_task(dead.wait())
                await asyncio.wait({over, killing}, return_when=asyncio.FIRST_COMPLETED)
                over.cancel()
                killing.cancel()
            passed = relay.passed
        async with till(directory, terminal, protocol) as at:
            await at.until(lambda: at.desk.agent.now.paying is None)
            while at.desk.agent.now.trip is not None:
                await at.pay()
        held = proved(directory, terminal.book)
        assert [trip.finished is not None for trip in held] == [True]
        assert [charge.amount for charge in made(terminal.book)] == [1240]
    return passed


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("manner", ["approve", "decline", "answer_lost"])
async def test_a_device_killed_at_any_point_neither_charges_twice_nor_loses_a_payment(
    tmp_path: Path, protocol: Spoken, manner: Manner
) -> None:
    directory = tmp_path / "whole"
    directory.mkdir()
    whole_way = await killed(directory, protocol, manner, 10**9, before=False)
    assert whole_way > 3
    for point in range(1, whole_way + 1):
        for before in (True, False):
            directory = tmp_path / f"{point}-{before}"
            directory.mkdir()
            await killed(directory, protocol, manner, point, before=before)
