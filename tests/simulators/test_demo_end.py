"""The end of a demo: a person's Enter, or whoever tells the process to end."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from panier_simulators.demo.command import directory_of

PROMPT = b"Enter closes it"
LOOKING_AROUND = f"""
import asyncio, sys, tempfile
from panier_simulators.demo.command import until_told
from panier_simulators.demo.run import enter

async def stand():
    print("{PROMPT.decode()}", flush=True)
    await enter()
    print("closed by a person", flush=True)

with tempfile.TemporaryDirectory(dir=sys.argv[1]):
    try:
        asyncio.run(until_told(stand()))
    except asyncio.CancelledError:
        sys.exit(130)
"""
WITHIN = 60


@pytest.fixture
def keyboard() -> Iterator[tuple[int, int]]:
    mine, its = pty.openpty()
    yield mine, its
    os.close(mine)
    os.close(its)


@pytest.mark.parametrize(("told", "status", "said"), [(True, 130, b""), (False, 0, b"closed by a person\n")])
def test_a_store_that_stays_open_ends_when_it_is_told_and_leaves_nothing(
    keyboard: tuple[int, int], tmp_path: Path, told: bool, status: int, said: bytes
) -> None:
    mine, its = keyboard
    command = [sys.executable, "-c", LOOKING_AROUND, str(tmp_path)]
    with subprocess.Popen(command, stdin=its, stdout=subprocess.PIPE) as demo:
        try:
            assert demo.stdout is not None
            assert demo.stdout.readline().strip() == PROMPT
            if told:
                demo.send_signal(signal.SIGTERM)
            else:
                os.write(mine, b"\n")
            assert demo.wait(WITHIN) == status
            assert demo.stdout.read() == said
        finally:
            demo.kill()
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_not_opened_over_what_an_earlier_run_left(tmp_path: Path):
    (tmp_path / "till-01").mkdir()
    with pytest.raises(FileExistsError, match="is not empty"), directory_of("panier-demo-", tmp_path):
        pass
    with directory_of("panier-demo-", tmp_path / "new") as made:
        assert made.is_dir()
