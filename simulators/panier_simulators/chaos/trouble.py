"""Trouble inside a process: its disk refuses, its clock jumps; by a library before the C library's, no hook in the product."""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from panier.error import PanierError

_SOURCE = Path(__file__).with_name("trouble.c")
_ORDERS = struct.Struct("=iiqq")
_DIRECTORY = "PANIER_TROUBLE"


class NoTrouble(PanierError):
    """The library cannot be built, or a process does not have it."""

    code = "no_trouble"


def compiler() -> str | None:
    """The C compiler of this machine, or None."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


class Trouble:
    """Orders to processes that were started inside `reaches`. `directory` holds the library and one file of orders a process."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._library = directory / "trouble.so"

    def build(self) -> None:
        """Compiles the library. Raises NoTrouble."""
        cc = compiler()
        if cc is None:
            raise NoTrouble("no C compiler; on Debian: apt install gcc")
        self._directory.mkdir(parents=True, exist_ok=True)
        words = [cc, "-shared", "-fPIC", "-O2", "-o", str(self._library), str(_SOURCE), "-ldl"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoTrouble(f"{' '.join(words)}: {done.stderr.strip()[-500:]}")

    @property
    def environment(self) -> dict[str, str]:
        """What a process has to be started with."""
        return {"LD_PRELOAD": str(self._library), _DIRECTORY: str(self._directory)}

    @contextmanager
    def reaches(self) -> Generator[None]:
        """Whatever is started from here on inside the block can be troubled."""
        before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def order(self, pid: int, *, write_errno: int = 0, fsync_errno: int = 0, clock_s: float = 0.0) -> None:
        """What the process suffers from now on; without arguments nothing. A process that has ended is none. Raises NoTrouble."""
        try:
            with (self._directory / str(pid)).open("r+b") as orders:
                orders.write(_ORDERS.pack(write_errno, fsync_errno, int(clock_s * 1e9), self.refused(pid)))
        except FileNotFoundError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 0)
                raise NoTrouble(f"process {pid} was not started with {self._library}") from None

    @property
    def refusals(self) -> int:
        """How many calls were refused in all processes."""
        return sum(self.refused(int(file.name)) for file in self._directory.iterdir() if file.name.isdigit())

    def refused(self, pid: int) -> int:
        """How many calls of the process were refused."""
        try:
            return _ORDERS.unpack((self._directory / str(pid)).read_bytes()[: _ORDERS.size])[3]
        except (FileNotFoundError, struct.error):
            return 0
