"""The library that troubles a process, tried on a process of its own with a database in it."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from panier_simulators.chaos.trouble import NoTrouble, Trouble, compiler

WRITER = """
import sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("PRAGMA journal_mode=WAL")
held.execute("PRAGMA synchronous=FULL")
held.execute("CREATE TABLE note(text)")
for line in sys.stdin:
    try:
        held.execute("INSERT INTO note VALUES (?)", (line,))
        print("kept", time.time(), flush=True)
    except sqlite3.Error as error:
        print(error.sqlite_errorname, time.time(), flush=True)
"""

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler on this machine: apt install gcc")


class Writer:
    def __init__(self, trouble: Trouble, file: Path) -> None:
        self.trouble = trouble
        with trouble.reaches():
            self.process = subprocess.Popen(
                [sys.executable, "-c", WRITER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        self.write()

    def write(self) -> tuple[str, float]:
        """What became of a note, and what time the process believes it is."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("note\n")
        self.process.stdin.flush()
        what, at = self.process.stdout.readline().split()
        return what, float(at)

    def order(self, **orders: float) -> None:
        self.trouble.order(self.process.pid, **orders)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    trouble = Trouble(tmp_path / "trouble")
    trouble.build()
    found = Writer(trouble, tmp_path / "notes.db")
    yield found
    found.process.kill()
    found.process.communicate()


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        ({"write_errno": errno.ENOSPC}, "SQLITE_FULL"),
        ({"write_errno": errno.EIO}, "SQLITE_IOERR_WRITE"),
        ({"fsync_errno": errno.EIO}, "SQLITE_IOERR_FSYNC"),
    ],
)
def test_a_disk_refuses_as_long_as_it_is_told_to(writer: Writer, orders: dict[str, float], said: str):
    writer.order(**orders)
    assert writer.write()[0] == said
    writer.order()
    assert writer.write()[0] == "kept"
    assert writer.trouble.refusals > 0


def test_a_clock_jumps_there_and_back(writer: Writer):
    writer.order(clock_s=-86_400)
    what, at = writer.write()
    assert what == "kept"
    assert time.time() - at > 80_000
    writer.order()
    assert abs(time.time() - writer.write()[1]) < 1000


def test_a_process_that_has_ended_suffers_nothing_and_one_without_the_library_is_named(writer: Writer):
    gone = subprocess.Popen(["true"])
    gone.wait()
    writer.trouble.order(gone.pid, write_errno=errno.EIO)
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        with pytest.raises(NoTrouble, match=f"process {sleeper.pid} was not started with"):
            writer.trouble.order(sleeper.pid, write_errno=errno.EIO)
        sleeper.kill()
