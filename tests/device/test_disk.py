"""A terminal whose disk takes nothing more: shopper, staff and whoever sets it up are told, until it does again."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from tests.device.conftest import BREAD, MILK, Desk, a_disk_that_refuses, changes, open_desk, spoil, total_of, whole
from tests.device.test_process import Handheld
from tests.device.test_sync import Broker, gateway_of
from tests.waiting import until

from panier_device.disk import PRICES_DAMAGED, disk_trouble, refusal_of
from panier_device.fitting import check
from panier_device.hardware import amiss
from panier_device.lock import AlreadyRunning, locked
from panier_device.settings import DeviceSettings
from panier_io.journal import Journal
from panier_io.store import StoreUnusable, overwrite_deleted
from panier_simulators.chaos.trouble import Trouble, compiler

FULL = "its disk is full: take it out of use"
FAILS = "its disk saves nothing: take it out of use"


@pytest.fixture
def broker(tmp_path: Path, port: int) -> Iterator[Broker]:
    broker = Broker(tmp_path, port)
    yield broker
    broker.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of four megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", place], check=False).returncode:
        pytest.skip("a file system of its own needs root")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path) -> None:
    with (disk / "photographs").open("wb", buffering=0) as file, suppress(OSError):
        # The last piece is written as far as it goes.
        while file.write(bytes(100_000)):
            pass
    assert shutil.disk_usage(disk).free == 0


def test_a_full_disk_is_said_before_and_after_a_scan_and_ends_with_room(small_disk: Path):
    with closing(open_desk(small_disk)) as desk:
        desk.scan(MILK)
        assert disk_trouble(desk.journal, small_disk) == ""
        fill(small_disk)
        assert disk_trouble(desk.journal, small_disk) == FULL
        for _ in range(300):
            # Some find room in what the files have already.
            desk.scan(BREAD)
            if desk.said == "disk_fault":
                break
        assert desk.said == "disk_fault"
        assert (disk_trouble(desk.journal, small_disk), desk.journal.is_refused) == (FULL, True)
        (small_disk / "photographs").unlink()
        assert (disk_trouble(desk.journal, small_disk), desk.journal.is_refused) == ("", False)
        desk.scan(BREAD)
        assert desk.said != "disk_fault"


def test_a_disk_with_room_that_saves_nothing_is_said_until_it_saves_again(tmp_path: Path):
    with closing(Journal(tmp_path / "journal.db", "hand-1")) as journal:
        # An emptied log, as between two trips: then there is nothing to sweep, and the pulse's look writes nothing.
        overwrite_deleted(journal._db.conn)
        with a_disk_that_refuses():
            assert disk_trouble(journal, tmp_path) == "", "nobody asked it to save anything yet"
            with pytest.raises(sqlite3.OperationalError):
                journal.prove_writing()
            for _ in range(2):
                with suppress(sqlite3.Error):
                    journal.try_writing()
                assert (disk_trouble(journal, tmp_path), journal.is_refused) == (FAILS, True)
        assert [disk_trouble(journal, tmp_path) for _ in range(2)] == ["", ""]


def test_a_disk_that_is_gone_saves_nothing(tmp_path: Path):
    with closing(Journal(tmp_path / "journal.db", "hand-1")) as journal:
        assert disk_trouble(journal, tmp_path / "gone") == FAILS


def test_the_disk_comes_first_on_the_row():
    assert amiss((), payment="away", disk=FULL) == f"{FULL}; payment terminal away"


@pytest.mark.parametrize("wish", ["scan", "help"])
def test_the_end_of_the_last_trip_does_not_hide_that_nothing_is_saved(desk: Desk, wish: str):
    desk.scan(MILK)
    desk.agent.finish()
    assert desk.agent.now.farewell is not None
    desk.journal._db.conn.execute("PRAGMA query_only=ON")
    desk.scan(BREAD) if wish == "scan" else desk.agent.call_help()
    assert (desk.said, desk.agent.now.farewell, desk.agent.now.trip) == ("disk_fault", None, None)
    assert desk.kinds[-1] == "trip_finished"


def test_a_terminal_that_starts_on_a_full_disk_says_why_it_cannot(small_disk: Path):
    fill(small_disk)
    with locked(small_disk), pytest.raises(StoreUnusable, match=r"disk is full; is the disk full, or read-only\?"):
        Journal(small_disk / "journal.db", "hand-1")
    with locked(small_disk), pytest.raises(AlreadyRunning, match="in use by another process"), locked(small_disk):
        pass


def test_the_doctor_says_that_a_full_disk_takes_no_file(small_disk: Path):
    settings = DeviceSettings(store="north", device="till-1", data_dir=small_disk / "till-1")
    assert (refusal_of(small_disk), check(settings).problems) == ("", [])
    fill(small_disk)
    says = f"data_dir: {small_disk} takes no file: No space left on device; free some space, or replace the disk"
    assert check(settings).problems == [says]
    assert [file.name for file in small_disk.iterdir()] == ["photographs"]


@pytest.mark.skipif(compiler() is None, reason="no C compiler on this machine: apt install gcc")
async def test_staff_hear_of_a_full_disk_while_it_is_full_and_the_shopper_on_any_screen(broker: Broker, tmp_path: Path):
    await broker.start()
    trouble = Trouble(tmp_path / "trouble")
    trouble.build()
    (tmp_path / "hand-1").mkdir()
    handheld = Handheld(tmp_path / "hand-1")
    with handheld.settings.open("a") as settings:
        settings.write(f'[broker]\nhost = "127.0.0.1"\nport = {broker.port}\npassword = "secret"\n')
    async with gateway_of(broker) as gateway:
        with trouble.reaches():
            await handheld.begin()
        try:
            await handheld.scan(MILK)
            await handheld.see("▸ Oat milk")
            handheld.terminal.send("f")
            await handheld.see("Finish and pay")
            handheld.terminal.send("y")
            await handheld.see("Thank you", "Trip hand-1.")
            trouble.order(handheld.terminal.pid, write_errno=errno.ENOSPC)
            await handheld.scan(BREAD)
            await handheld.see("This device cannot save any more.", "Take another one, or call staff.")
            await until(lambda: gateway.hardware[-1] == FULL)
            trouble.order(handheld.terminal.pid)
            await until(lambda: gateway.hardware[-1] == "")
            await handheld.scan(BREAD)
            await handheld.see("▸ Baguette")
        finally:
            await handheld.terminal.stop()
            handheld.scanner.close()


async def test_prices_that_the_disk_spoils_are_said_and_fetched_again_in_mid_trip(broker: Broker, tmp_path: Path):
    await broker.start()
    (tmp_path / "hand-1").mkdir()
    handheld = Handheld(tmp_path / "hand-1")
    with handheld.settings.open("a") as settings:
        settings.write(f'[broker]\nhost = "127.0.0.1"\nport = {broker.port}\npassword = "secret"\n')
    async with gateway_of(broker) as gateway:
        await handheld.begin()
        try:
            await handheld.scan(BREAD)
            await handheld.see("▸ Baguette")
            spoil(tmp_path / "hand-1" / "shop.db", "gtin")
            await handheld.scan(MILK)
            await handheld.see("The prices here cannot be read.", "TOTAL  1.15")
            await until(lambda: PRICES_DAMAGED in gateway.hardware)
            assert gateway.asks == [], "what can be read is kept for as long as the gateway does not speak"
            gateway.parts = lambda _: whole(7)[0]
            await gateway.announce(7, total_of(changes()))
            await until(lambda: gateway.hardware[-1] == "")
            await handheld.scan(MILK)
            await handheld.see("▸ Oat milk", "TOTAL  2.94")
        finally:
            await handheld.terminal.stop()
            handheld.scanner.close()
    assert [ask["have"] for ask in gateway.asks] == [0]
