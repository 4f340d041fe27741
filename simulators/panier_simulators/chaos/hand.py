"""The hand that carries the plan out: it kills, freezes and misleads the store's processes, and spoils the links between them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from panier_simulators.chaos.fault import DATABASE, DISK_FAULTS, ROLES, Fault
from panier_simulators.chaos.link import Link
from panier_simulators.chaos.monitor import NAME as MONITOR
from panier_simulators.chaos.reader import ClumsyReader
from panier_simulators.chaos.trouble import Trouble
from panier_simulators.demo.premises import Premises
from panier_simulators.fleet import Place
from panier_simulators.postgresql import PostgresqlServer
from panier_simulators.screen import SimulatedTerminal

_BROKER = "nats-server"
_DOWN = 0.5
"""Seconds that a database's server is away when it was killed; then it reads its log again."""


@dataclass(slots=True)
class Hand:
    """Does to the store what the plan says; `kills` holds by process which lives it ended, for nothing else may have died."""

    premises: Premises
    places: Mapping[str, Place]
    links: Mapping[str, Link]
    readers: Mapping[str, ClumsyReader]
    trouble: Trouble | None
    monitor: SimulatedTerminal
    server: PostgresqlServer | None = None
    """The back office's database, where it is not a file."""
    kills: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict[str, set[int]](set))
    refused: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict[str, set[int]](set))
    """By process which lives a disk refused something: one that was just starting then ends with status 1, and its words."""
    done: Counter[str] = field(default_factory=Counter[str])
    """Faults by kind that took place."""
    _at_the_server: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def do(self, fault: Fault) -> None:
        """One fault, to its end."""
        self.done[fault.kind] += 1
        verb, _, _ = fault.kind.partition("_")
        match verb:
            case "kill" if fault.target == DATABASE:
                await self._crash_database()
            case "kill":
                self.kill(fault.target)
            case "restart":
                await self._restart_all()
            case "wiped":
                self._wipe_broker()
            case "freeze":
                await self._freeze(fault.target, fault.seconds)
            case "unplug":
                self.readers[fault.target].unplug_at_next(fault.seconds)
            case "disk" | "write" | "fsync" | "clock":
                await self._trouble(fault)
            case _:
                await self._spoil(self.links[fault.target], fault)

    def kill(self, target: str) -> None:
        """kill -9 of a terminal or a role."""
        if pid := self._pid(target):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills[target].add(pid)

    async def _restart_all(self) -> None:
        for target in (*ROLES, *self.places, MONITOR):
            self.kill(target)
        await self._crash_database()

    async def _crash_database(self) -> None:
        """kill -9 of the server; it comes back as a service manager would have it."""
        if self.server:
            async with self._at_the_server:
                await asyncio.to_thread(self.server.kill)
                await asyncio.sleep(_DOWN)
                await asyncio.to_thread(self.server.start)

    def _wipe_broker(self) -> None:
        """Another broker takes its place, that has never heard of anybody: nothing that this one held is left."""
        if pid := self._pid("broker"):
            with contextlib.suppress(ProcessLookupError):
                # Stopped first: it must not write again what is being taken away.
                os.kill(pid, signal.SIGSTOP)
                shutil.rmtree(self.premises.directory / "gateway" / "broker" / "jetstream", ignore_errors=True)
                os.kill(pid, signal.SIGKILL)
                self.kills["broker"].add(pid)

    async def _freeze(self, target: str, seconds: float) -> None:
        frozen: list[psutil.Process] = []
        try:
            for process in self._processes(target):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.suspend()
                    frozen.append(process)
            await asyncio.sleep(seconds if frozen else 0)
        finally:
            for process in frozen:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    async def _trouble(self, fault: Fault) -> None:
        pid = self._pid(fault.target)
        if self.trouble is None or not pid:
            return
        orders: dict[str, dict[str, Any]] = {
            "disk_full": {"write_errno": errno.ENOSPC},
            "write_fails": {"write_errno": errno.EIO},
            "fsync_fails": {"fsync_errno": errno.EIO},
            "clock_jump": {"clock_s": fault.amount},
        }
        self.trouble.order(pid, **orders[fault.kind])
        if fault.kind in DISK_FAULTS:
            self.refused[fault.target].add(pid)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            # A process that was killed meanwhile has left its orders behind, and its successor has none.
            self.trouble.order(pid)

    async def _spoil(self, link: Link, fault: Fault) -> None:
        spoilt: dict[str, Callable[[], Coroutine[None, None, None]]] = {
            "cut": lambda: link.suffer("cut", fault.seconds),
            "blackhole": lambda: link.suffer("blackhole", fault.seconds),
            "lost_reply": lambda: link.suffer("lost_reply", fault.seconds),
            "half_close": lambda: link.half_close(fault.seconds),
            "delay": lambda: link.lag(fault.amount, fault.seconds),
            "duplicate": lambda: link.meddle("duplicate", fault.amount, fault.seconds),
            "reorder": lambda: link.meddle("reorder", fault.amount, fault.seconds),
            "lose": lambda: link.meddle("lose", fault.amount, fault.seconds),
        }
        await spoilt[fault.kind]()

    def _processes(self, target: str) -> list[psutil.Process]:
        if target == DATABASE:
            return self.server.processes() if self.server else []
        with contextlib.suppress(psutil.NoSuchProcess):
            if pid := self._pid(target):
                return [psutil.Process(pid)]
        return []

    def _pid(self, target: str) -> int:
        """The living process behind a name, or 0."""
        if target in self.places or target == MONITOR:
            terminal = self.monitor if target == MONITOR else self.places[target].terminal
            return terminal.pid if terminal.is_running else 0
        if target == "broker":
            with contextlib.suppress(psutil.Error):
                children = psutil.Process(self.premises.gateway.pid).children()
                return next((child.pid for child in children if child.name().startswith(_BROKER)), 0)
            return 0
        role = self.premises.gateway if target == "gateway" else self.premises.backoffice
        return role.pid if role.is_running else 0
