"""One process a data directory: two would write one journal under one identity."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from panier.error import PanierError


class AlreadyRunning(PanierError):
    """Another process holds the data directory."""

    code = "already_running"


@contextmanager
def locked(directory: Path) -> Generator[None, None, None]:
    """Holds the directory until the block ends; the kernel lets go when the process dies. Raises AlreadyRunning."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            who = f"process {holder}" if holder else "another process"
            raise AlreadyRunning(f"{directory} is in use by {who}; give each device its own data_dir") from None
        with suppress(OSError):  # a full disk: the lock holds, and only whose it is stays unsaid
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
