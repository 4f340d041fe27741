"""What a running gateway tells about itself in a file: where the broker is, for `panier enrol`, the demo and people."""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from panier.error import PanierError

_FILE = "gateway.json"


class AlreadyRunning(PanierError):
    """Another gateway uses this data directory."""

    code = "already_running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A gateway that takes events. `broker_pid` and `metrics_port` are None where there is none."""

    store: str
    broker_host: str
    broker_port: int
    boot: str
    pid: int
    broker_pid: int | None = None
    metrics_port: int | None = None

    def write(self, data_dir: Path) -> None:
        """Writes the file whole or not at all."""
        fresh = data_dir / f"{_FILE}.new"
        fresh.write_text(json.dumps(asdict(self)) + "\n")
        fresh.replace(data_dir / _FILE)


def read(data_dir: Path) -> dict[str, Any] | None:
    """What a gateway last wrote, or None."""
    try:
        return json.loads((data_dir / _FILE).read_text())
    except (FileNotFoundError, ValueError):
        return None


def withdraw(data_dir: Path) -> None:
    """Takes the file away: whoever waits for it waits for the next start."""
    (data_dir / _FILE).unlink(missing_ok=True)


def lock(data_dir: Path) -> IO[bytes]:
    """Claims the data directory until the file is closed or the process ends. Raises AlreadyRunning."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    held = (data_dir / "lock").open("ab")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        raise AlreadyRunning(f"another gateway (process {_pid(data_dir)}) runs on {data_dir}; stop it, or set data_dir") from None
    return held


def _pid(data_dir: Path) -> int | str:
    return (read(data_dir) or {}).get("pid", "unknown")
