"""A store for measurements: a gateway with its broker as they are shipped, identities for a crowd, and what they cost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sqlite3
import sys
import sysconfig
import time
import tomllib
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from panier.topic import StoreTopics
from panier_simulators.bench.crowd import CURRENCY, STORE, TIMEZONE, Device, name_of
from panier_simulators.demo.premises import run_panier, told_by_gateway
from panier_simulators.demo.role import RoleFailed, RoleProcess

_COUNTER = "counter"
_LOOK = 0.2


@dataclass(slots=True)
class Store:
    """A gateway that takes events; the crowd's passwords by name."""

    directory: Path
    gateway: RoleProcess
    port: int
    broker_pid: int
    passwords: list[str]

    def device(self, number: int) -> Device:
        """A terminal of the crowd, with a journal of its own."""
        return Device(number, self.passwords[number], self.port)

    async def kill(self) -> None:
        """SIGKILL: what the gateway has not on its disk is gone. Its broker dies with it."""
        broker = psutil.Process(self.broker_pid)
        os.kill(self.gateway.pid, signal.SIGKILL)
        await self.gateway.stop()
        # The next broker wants the port, and whoever looks whether it listens already must not meet this one.
        with contextlib.suppress(psutil.NoSuchProcess):
            while broker.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110  (another process: it has no event of ours)
                await asyncio.sleep(0.05)

    def ledger(self) -> Ledger:
        """What is on the gateway's disk."""
        with contextlib.closing(sqlite3.connect(self.directory / "gateway" / "ledger.db")) as ledger:
            upto = {
                f"{device}.{journal}": upto
                for device, journal, upto in ledger.execute("SELECT device, journal, upto FROM journal")
            }
            counts = ledger.execute(
                "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM dead_letter), (SELECT count(*) FROM incident)"
            ).fetchone()
        return Ledger(upto, *counts)


@dataclass(frozen=True, slots=True)
class Ledger:
    """How far each `device.journal` is on the disk, and how many rows there are."""

    upto: dict[str, int]
    events: int
    dead_letters: int
    incidents: int


@asynccontextmanager
async def open_store(directory: Path, devices: int) -> AsyncGenerator[Store]:
    """Enrols so many devices and starts the gateway, which starts the broker. Raises RoleFailed."""
    settings, data = directory / "gateway.toml", directory / "gateway"
    settings.write_text(f'store = "{STORE}"\ndata_dir = "{data}"\ncurrency = "{CURRENCY}"\ntimezone = "{TIMEZONE}"\n')
    files = directory / "devices"
    files.mkdir()
    names = [name_of(number) for number in range(devices)]
    await run_panier("enrol", *names, "--settings", str(settings), "--out", str(files))
    passwords = [tomllib.loads((files / f"{name}.toml").read_text())["broker"]["password"] for name in names]
    gateway = RoleProcess("gateway", ["gateway", "--settings", str(settings)], directory / "gateway.log", told_by_gateway(data))
    try:
        await gateway.start()
        told = json.loads((data / "gateway.json").read_text())
        yield Store(directory, gateway, told["broker_port"], told["broker_pid"], passwords)
    finally:
        await gateway.stop()


class Watch:
    """What processes take while `run` runs: share of one core, and resident memory at the peak."""

    def __init__(self, processes: dict[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in processes.items()}
        self._peaks = dict.fromkeys(processes, 0)

    @contextmanager
    def run(self) -> Generator[dict[str, dict[str, float]]]:
        """Gives what is filled in at the end: `cpu_seconds`, `cpu_percent` (100 is one core) and `peak_mb` by process."""
        told: dict[str, dict[str, float]] = {}
        before, started = self._seconds(), time.monotonic()
        looking = asyncio.get_running_loop().create_task(self._look())
        try:
            yield told
        finally:
            looking.cancel()
            self._note_memory()
            took = time.monotonic() - started
            for name, seconds in self._seconds().items():
                told[name] = {
                    "cpu_seconds": round(seconds - before[name], 2),
                    "cpu_percent": round((seconds - before[name]) / took * 100, 1),
                    "peak_mb": round(self._peaks[name] / 2**20, 1),
                }

    async def _look(self) -> None:
        while True:
            self._note_memory()
            await asyncio.sleep(_LOOK)

    def _note_memory(self) -> None:
        for name, process in self._processes.items():
            self._peaks[name] = max(self._peaks[name], process.memory_info().rss)

    def _seconds(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        return {name: time.user + time.system for name, time in times.items()}


class Counter:
    """The broker alone, with the gateway's own configuration and one user more, who only counts what devices publish."""

    def __init__(self, asked: asyncio.StreamWriter, answers: asyncio.StreamReader, broker: int, counter: int) -> None:
        self._asked = asked
        self._answers = answers
        self.processes = {"broker": broker, "counter": counter}

    async def count(self) -> int:
        """Messages that arrived so far."""
        self._asked.write(b"\n")
        return int(await self._answers.readline())


@asynccontextmanager
async def open_counter(store: Store) -> AsyncGenerator[Counter]:
    """Starts both on the directory of a store whose gateway is gone. Raises RoleFailed."""
    password = secrets.token_urlsafe(16)
    port, topic = store.port, StoreTopics(STORE).every_device
    config = store.directory / "gateway" / "broker" / "counted.conf"
    user = f'{{user: "{_COUNTER}", password: "{password}", allowed_connection_types: ["MQTT"]}}\n'
    text = (config.parent / "nats.conf").read_text()
    config.write_text(text.replace("  users: [\n", f"  users: [\n    {user}", 1))
    async with contextlib.AsyncExitStack() as stack:
        broker = await _start(stack, str(Path(sysconfig.get_path("scripts")) / "nats-server"), "-c", str(config))
        await _until_it_listens(port)
        counter = await _start(stack, sys.executable, "-m", "panier_simulators.bench.counter")
        assert counter.stdin is not None
        assert counter.stdout is not None
        told = {"port": port, "name": _COUNTER, "password": password, "topic": topic}
        counter.stdin.write(f"{json.dumps(told)}\n".encode())
        if await counter.stdout.readline() != b"ready\n":
            raise RoleFailed("the counter does not come up")
        yield Counter(counter.stdin, counter.stdout, broker.pid, counter.pid)


async def _start(stack: contextlib.AsyncExitStack, *command: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)

    async def stop() -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    stack.push_async_callback(stop)
    return process


async def _until_it_listens(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return
    raise RoleFailed(f"nats-server does not listen on port {port} after 10 s")
