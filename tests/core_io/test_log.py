from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.waiting import let_others_run

from panier_io import log
from panier_io.store import StoreUnusable, open_database


def test_a_full_disk_does_not_end_who_logs(monkeypatch: pytest.MonkeyPatch):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip(reason="no /dev/full on this system: nothing that always answers 'disk full'")
    with pytest.raises(OSError, match="No space"), full.open("w", encoding="utf-8", buffering=1) as plain:
        plain.write("a plain stream ends who writes to it\n")
    log.setup("INFO", file=full)
    told = 0
    try:
        for number in range(3000):
            log.logger("test").info("told", number=number)
            told += 1
    finally:
        log.setup("INFO")
    assert told == 3000


def test_a_log_file_holds_one_json_object_a_line(tmp_path: Path):
    log.setup("INFO", file=tmp_path / "x.log", as_json=True)
    try:
        log.logger("test").info("told", amount="3 €")
        log.logger("test").debug("not told")
    finally:
        log.setup("INFO")
    [line] = (tmp_path / "x.log").read_text(encoding="utf-8").splitlines()
    assert '"event": "told"' in line
    assert '"amount": "3 €"' in line


def test_a_store_that_cannot_be_opened_says_which_and_what_to_look_at(tmp_path: Path):
    (tmp_path / "taken").write_text("a file, not a directory")
    with pytest.raises(StoreUnusable, match="cannot be used") as caught:
        open_database(tmp_path / "taken" / "journal.db")
    assert os.fspath(tmp_path / "taken") in str(caught.value)


def test_a_log_file_stops_growing_and_keeps_what_came_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log, "MOST_BYTES", 2_000)
    log.setup("INFO", file=tmp_path / "device.log")
    try:
        for number in range(100):
            log.logger("test").info("told", number=number)
    finally:
        log.setup("INFO")
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["device.log", "device.log.1"]
    assert all(file.stat().st_size <= 2_000 for file in tmp_path.iterdir())
    assert '"number": 99' in (tmp_path / "device.log").read_text()


@contextmanager
def no_descriptor_is_left() -> Generator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # What earlier tests left lying must not be closed in the meantime.
    gc.collect()
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_log_file_that_could_not_be_put_aside_is_written_again_as_soon_as_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(log, "MOST_BYTES", 2_000)
    log.setup("INFO", file=tmp_path / "device.log")
    try:
        with no_descriptor_is_left():
            for number in range(40):
                log.logger("test").info("told", number=number)
        log.logger("test").info("told", number=99)
    finally:
        log.setup("INFO")
    assert '"number": 99' in (tmp_path / "device.log").read_text()
    assert '"number": 0' in (tmp_path / "device.log.1").read_text()


async def test_what_fails_where_nobody_waits_for_it_is_in_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    def fails() -> None:
        raise ValueError("nobody waits for this")

    log.setup("INFO", file=tmp_path / "device.log", as_json=True)
    try:
        asyncio.get_running_loop().call_soon(fails)
        await let_others_run()
    finally:
        log.setup("INFO")
    [line] = (tmp_path / "device.log").read_text().splitlines()
    told = json.loads(line)
    assert (told["level"], told["part"]) == ("error", "asyncio")
    assert told["event"].startswith("Exception in callback")
    assert "ValueError: nobody waits for this" in told["exception"]
    assert capfd.readouterr().err == ""
