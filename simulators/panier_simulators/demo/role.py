"""One role's process: started, kept alive, measured, and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import psutil

from panier.error import PanierError
from panier_io.log import logger
from panier_simulators.surroundings import inherited

PANIER = (sys.executable, "-m", "panier_io.command")
"""The `panier` program, run by the Python that runs us, wherever that is installed."""

_PR_SET_PDEATHSIG = 1
_RESTART_AFTER = 0.5
_STOP_WITHIN = 20


class RoleFailed(PanierError):
    """A process that did not come up, or that keeps ending; carries the end of its log."""

    code = "role_failed"


class RoleProcess:
    """`panier <role> ...` as a child process, restarted when it dies, its output in a log file.

    `ready` is awaited after each start and returns when the role serves; it raises TimeoutError where it never does.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, ready: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self.log = log
        self.restarts = 0
        self.ends: dict[int, str] = {}
        """By process id, how each life ended and what it said last."""
        self.peak_rss = 0
        self.children_peak_rss: dict[str, int] = {}
        self._command = (*PANIER, *command)
        self._ready = ready
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Starts the process and waits until it serves. Raises RoleFailed."""
        await self._spawn()
        await self._until_ready()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not end within 20 s."""
        self._stopping = True
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP_WITHIN)
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def pid(self) -> int:
        """The child's process id; 0 before the first start."""
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        """True while the child lives."""
        return self._process is not None and self._process.returncode is None

    def sample_memory(self) -> None:
        """Notes the resident memory of the process, and of each of its children by program name, where it is a new peak."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            self.peak_rss = max(self.peak_rss, process.memory_info().rss)
            for child in process.children():
                name, rss = child.name(), child.memory_info().rss
                self.children_peak_rss[name] = max(self.children_peak_rss.get(name, 0), rss)

    async def _spawn(self) -> None:
        prctl = ctypes.CDLL(None).prctl  # looked up before the fork: after it, the loader's lock may be held for ever
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**inherited(), "PYTHONUNBUFFERED": "1"},
                # A Ctrl+C in the terminal is for the demo, which then stops its roles in order.
                start_new_session=True,
                # A demo that is killed takes its roles along.
                preexec_fn=lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM),
            )

    async def _until_ready(self) -> None:
        process = self._process
        assert process is not None
        ready = asyncio.ensure_future(self._ready())
        ended = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
            if ready.done() and ready.exception() is None:
                return
            why = f"ended with {process.returncode}" if ended.done() else "did not become ready within 60 s"
            raise RoleFailed(f"{self.name} {why}; its log {self.log} ends:\n{self._log_end()}")
        finally:
            ready.cancel()
            ended.cancel()

    async def _keep(self) -> None:
        while not self._stopping:
            process = self._process
            assert process is not None
            status = await process.wait()
            self.restarts += 1
            self.ends[process.pid] = f"status {status}, its log ends: {self._log_end().rpartition(chr(10))[2][-300:]}"
            logger("demo").warning("role_died", role=self.name, status=status, restarts=self.restarts)
            await asyncio.sleep(_RESTART_AFTER)
            await self._spawn()
            with contextlib.suppress(RoleFailed):
                await self._until_ready()

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])
