"""A PostgreSQL server from the distribution, in a temporary directory, for as long as a test or a measurement lasts."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from panier.error import PanierError

USER = "panier"
PATIENCE_SECONDS = 60.0
_PORT = 5432


class NoPostgresql(PanierError):
    """There is no server to start on this machine, or it does not start, and why."""

    code = "no_postgresql"


@dataclass(slots=True)
class PostgresqlServer:
    """A server that listens at a unix socket in `folder`, and at `port` of this machine where it was given one."""

    folder: Path
    port: int
    command: Sequence[str | Path]
    owner: _Owner
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy's URL of one of its databases, by the socket."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}&port={self.port}"

    def run(self, statement: str) -> None:
        """Runs one statement outside of a transaction, such as CREATE DATABASE."""
        import psycopg

        with psycopg.connect(**self._reached("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def rows(self, query: str, database: str) -> list[dict[str, Any]]:
        """What a query finds; JSON columns are read."""
        import psycopg
        from psycopg.rows import dict_row

        with psycopg.connect(**self._reached(database)) as connection, connection.cursor(row_factory=dict_row) as found:
            return found.execute(query.encode()).fetchall()

    def _reached(self, database: str) -> dict[str, Any]:
        return {"host": str(self.folder), "port": self.port, "user": USER, "dbname": database}

    def start(self) -> None:
        """Starts it, and waits until it takes connections. Raises NoPostgresql."""
        log = self.folder / "log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, stdout=output, stderr=output, cwd="/", env=self.environment,
                user=self.owner.user, group=self.owner.group, extra_groups=self.owner.groups,
            )  # fmt: skip
        ask = [Path(self.command[0]).with_name("pg_isready"), "-q", "-h", self.folder, "-p", str(self.port)]
        end = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run(ask, check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > end:
                raise NoPostgresql(f"PostgreSQL's server did not start: {log.read_text(errors='replace').strip()[-500:]}")
            time.sleep(0.05)

    def processes(self) -> list[psutil.Process]:
        """The server's processes, the first one first; none where it is not running."""
        with contextlib.suppress(psutil.Error):
            if self.process and self.process.poll() is None:
                first = psutil.Process(self.process.pid)
                return [first, *first.children(recursive=True)]
        return []

    def kill(self) -> None:
        """kill -9 of all its processes: what a power cut leaves, but for what the disk itself forgets."""
        killed = [each for each in self.processes() if _killed(each)]
        end = time.monotonic() + PATIENCE_SECONDS
        while alive := [each.pid for each in killed if _is_alive(each)]:
            if time.monotonic() > end:
                raise NoPostgresql(f"processes {alive} of PostgreSQL's server do not end")
            time.sleep(0.01)
        if self.process:
            self.process.wait()

    def stop(self) -> None:
        """Ends it at once: nobody wants its data."""
        if not self.process or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


def programs() -> Path:
    """Where the newest server's programs are. Raises NoPostgresql."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda program: int(program.parts[-3]))
    if found:
        return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise NoPostgresql("PostgreSQL's server is not installed; on Debian: apt install postgresql")


@contextlib.contextmanager
def postgresql_server(*, durable: bool = True, port: int | None = None) -> Generator[PostgresqlServer]:
    """Starts a fresh server and ends it with the block. Raises NoPostgresql.

    With `durable`, it syncs each commit to the disk, as delivered; without, it is quicker and good for tests only. With `port`,
    it can be reached there by TCP too, from this machine only.
    """
    where = programs()
    # A socket's path may have 107 bytes: a directory of pytest's would be too deep.
    with tempfile.TemporaryDirectory(prefix="panier-pg-", ignore_cleanup_errors=True) as made:
        folder, owner = Path(made), _owner()
        if owner.user is not None and owner.group is not None:
            os.chown(folder, owner.user, owner.group)
        data = folder / "data"
        _initialise(where, data, owner)
        settings = {
            "listen_addresses": "127.0.0.1" if port else "", "unix_socket_directories": str(folder), "port": str(port or _PORT),
            "max_connections": "200",
        }  # fmt: skip
        if not durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = PostgresqlServer(folder, port or _PORT, [where / "postgres", "-D", data, *flags], owner, dict(os.environ))
        try:
            server.start()
            yield server
        finally:
            server.stop()


class _Owner(NamedTuple):
    """Whom the server runs as; all None: the caller himself."""

    user: int | None = None
    group: int | None = None
    groups: list[int] | None = None


def _owner() -> _Owner:
    """The server refuses to run as root."""
    if os.getuid() != 0:
        return _Owner()
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return _Owner(found.pw_uid, found.pw_gid, [])
    raise NoPostgresql("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")


def _initialise(where: Path, data: Path, owner: _Owner) -> None:
    made = subprocess.run(
        [where / "initdb", "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
        capture_output=True, text=True, check=False, cwd="/", user=owner.user, group=owner.group, extra_groups=owner.groups,
    )  # fmt: skip
    if made.returncode:
        raise NoPostgresql(f"initdb failed: {made.stderr.strip()[-500:]}")


def _killed(process: psutil.Process) -> bool:
    """False where it had ended already."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
        return True
    return False


def _is_alive(process: psutil.Process) -> bool:
    """False for one that nobody has buried yet, too: in a container there may be nobody who does."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
