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

from panier_simulators.chaos.fault import ROLES, Fault
from panier_simulators.chaos.link import Link
from panier_simulators.chaos.monitor import NAME as MONITOR
from panier_simulators.chaos.reader import ClumsyReader
from panier_simulators.chaos.trouble import Trouble
from panier_simulators.demo.premises import Premises
from panier_simulators.fleet import Place
from panier_simulators.screen import SimulatedTerminal

_BROKER = "nats-server"


@dataclass(slots=True)
class Hand:
    """Does to the store what the plan says; `kills` holds by process which lives it ended, for nothing else may have died."""

    premises: Premises
    places: Mapping[str, Place]
    links: Mapping[str, Link]
    readers: Mapping[str, ClumsyReader]
    trouble: Trouble | None
    monitor: SimulatedTerminal
    kills: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict[str, set[int]](set))
    done: Counter[str] = field(default_factory=Counter[str])
    """Faults by kind that took place."""

    async def do(self, fault: Fault) -> None:
        """One fault, to its end."""
        self.done[fault.kind] += 1
        verb, _, _ = fault.kind.partition("_")
        match verb:
            case "kill":
                self.kill(fault.target)
            case "restart":
                self._restart_all()
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

    def _restart_all(self) -> None:
        for target in (*ROLES, *self.places, MONITOR):
            self.kill(target)

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
        pid = self._pid(target)
        if not pid:
            return
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            process.suspend()
            try:
                await asyncio.sleep(seconds)
            finally:
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
