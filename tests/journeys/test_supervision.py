"""The processes under a service manager: real datagrams of sd_notify from real processes, as systemd gets them."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from tests.waiting import let_time_pass, until

from panier_simulators.screen import SimulatedTerminal

PANIER = [sys.executable, "-m", "panier_io.command"]
WATCHDOG_S = 2.0

pytestmark = pytest.mark.xdist_group("supervision")


class Manager:
    """Listens as a service manager does, and remembers each line with what came before it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "notify"
        self.lines: list[str] = []
        self._news = asyncio.Event()
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._listening.bind(str(self.path))
        asyncio.get_running_loop().add_reader(self._listening, self._hear)

    @property
    def environment(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}

    def _hear(self) -> None:
        self.lines += self._listening.recv(4096).decode().splitlines()
        self._news.set()

    async def hears(self, line: str, times: int = 1) -> None:
        async with asyncio.timeout(60):
            while self.lines.count(line) < times:
                self._news.clear()
                await self._news.wait()

    @property
    def has_heard_all(self) -> bool:
        return not select.select([self._listening], [], [], 0)[0]

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._listening)
        self._listening.close()


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Manager]:
    made = Manager(tmp_path)
    yield made
    made.close()


@asynccontextmanager
async def role(manager: Manager, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *PANIER, *words, env={**os.environ, **manager.environment}, cwd=manager.path.parent,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("words", [("gateway", "--store", "north"), ("backoffice", "--port", "0")], ids=lambda words: words[0])
async def test_a_role_says_when_it_serves_beats_and_ends_in_order_with_status_0(manager: Manager, words: tuple[str, ...]):
    async with role(manager, *words) as process:
        await manager.hears("READY=1")
        await manager.hears("WATCHDOG=1", times=4)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        await manager.hears("STOPPING=1")
    assert "STATUS=ready" in manager.lines


async def test_a_process_that_is_stopped_beats_no_more(manager: Manager):
    async with role(manager, "gateway", "--store", "north") as process:
        await manager.hears("WATCHDOG=1", times=2)
        process.send_signal(signal.SIGSTOP)
        await until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
        await until(lambda: manager.has_heard_all)
        before = len(manager.lines)
        await let_time_pass(2 * WATCHDOG_S)
        assert len(manager.lines) == before
        process.send_signal(signal.SIGCONT)
        await manager.hears("WATCHDOG=1", times=manager.lines.count("WATCHDOG=1") + 1)


async def test_a_terminal_is_ready_when_its_screen_is_there(manager: Manager, tmp_path: Path):
    settings = tmp_path / "till-1.toml"
    settings.write_text(f'store = "north"\ndevice = "till-1"\ndata_dir = "{tmp_path / "data"}"\n')
    terminal = SimulatedTerminal([*PANIER, "device", "--settings", str(settings)], environment=manager.environment)
    await terminal.start()
    try:
        await manager.hears("READY=1")
        await manager.hears("WATCHDOG=1", times=3)
        await terminal.wait_for(lambda rows: any("Scan your card" in row for row in rows), 30)
        terminal.signal(signal.SIGTERM)
        await until(lambda: terminal.ends)
    finally:
        await terminal.stop(20)
    assert next(iter(terminal.ends.values())).startswith("status 0,")
    assert not list((tmp_path / "data").glob("journal.db-*"))
    await manager.hears("STOPPING=1")
    assert "STATUS=ready; gateway: out of reach; the terminal works alone" in manager.lines
