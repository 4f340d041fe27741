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
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from panier.error import PanierError

USER = "panier"
PATIENCE_SECONDS = 60.0
_PORT = "5432"


class NoPostgresql(PanierError):
    """There is no server to start on this machine, or it does not start, and why."""

    code = "no_postgresql"


@dataclass(frozen=True, slots=True)
class PostgresqlServer:
    """A running server that listens at a unix socket in `folder` only."""

    folder: Path
    process: subprocess.Popen[bytes]

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy's URL of one of its databases."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Runs one statement outside of a transaction, such as CREATE DATABASE."""
        import psycopg

        with psycopg.connect(host=str(self.folder), user=USER, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


def programs() -> Path:
    """Where the newest server's programs are. Raises NoPostgresql."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda program: int(program.parts[-3]))
    if found:
        return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise NoPostgresql("PostgreSQL's server is not installed; on Debian: apt install postgresql")


@contextlib.contextmanager
def postgresql_server(*, durable: bool = True) -> Generator[PostgresqlServer]:
    """Starts a fresh server and ends it with the block. Raises NoPostgresql.

    With `durable`, it syncs each commit to the disk, as delivered; without, it is quicker and good for tests only.
    """
    where = programs()
    # A socket's path may have 107 bytes: a directory of pytest's would be too deep.
    with tempfile.TemporaryDirectory(prefix="panier-pg-", ignore_cleanup_errors=True) as made:
        folder, owner = Path(made), _owner()
        if owner.user is not None and owner.group is not None:
            os.chown(folder, owner.user, owner.group)
        data, log = folder / "data", folder / "log"
        _initialise(where, data, owner)
        settings = {"listen_addresses": "", "unix_socket_directories": str(folder), "port": _PORT, "max_connections": "200"}
        if not durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [where / "postgres", "-D", data, *flags], stdout=output, stderr=output, cwd="/",
                user=owner.user, group=owner.group, extra_groups=owner.groups,
            )  # fmt: skip
        server = PostgresqlServer(folder, process)
        try:
            _await(where, server, log)
            yield server
        finally:
            _stop(server.process)


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


def _await(where: Path, server: PostgresqlServer, log: Path) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    ask = [where / "pg_isready", "-q", "-h", server.folder, "-p", _PORT]
    while subprocess.run(ask, check=False).returncode:
        if server.process.poll() is not None or time.monotonic() > end:
            raise NoPostgresql(f"PostgreSQL's server did not start: {log.read_text(errors='replace').strip()[-500:]}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends it at once: nobody wants its data."""
    process.send_signal(signal.SIGQUIT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
