"""`panier device` as a process of its own, on a screen of its own, with a scanner on a pty."""

from __future__ import annotations

import asyncio
import os
import pty
import resource
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.device.conftest import BEANS, BREAD, MILK, spoil, whole
from tests.sending import events_in
from tests.waiting import logged, until

from panier_device.shop import Shop
from panier_io.journal import Journal
from panier_simulators.orders import sounds
from panier_simulators.scanner import SimulatedScanner
from panier_simulators.screen import SimulatedTerminal


def holds(*words: str) -> Callable[[tuple[str, ...]], bool]:
    return lambda rows: all(any(word in row for row in rows) for word in words)


class Handheld:
    """A device directory, a scanner that is plugged in, and the process."""

    def __init__(self, directory: Path, profile: str = "generic") -> None:
        self.directory = directory
        shop = Shop(directory / "shop.db")
        shop.take(whole(7)[0])
        shop.settle_in("USD", "America/New_York")
        shop.close()
        self.scanner = SimulatedScanner(directory / "scanner")
        self.metrics = directory / "figures" / "device.prom"
        self.metrics.parent.mkdir()
        self.settings = directory / "device.toml"
        self.settings.write_text(
            f'store = "north"\ndevice = "hand-1"\ndata_dir = "{directory}"\nmetrics_file = "{self.metrics}"\n'
            f'[[scanners]]\nkind = "serial"\nport = "{directory / "scanner"}"\nprofile = "{profile}"\n'
        )
        self.command = [sys.executable, "-m", "panier_io.command", "device", "--settings", str(self.settings)]
        self.terminal = SimulatedTerminal(self.command)

    async def see(self, *words: str) -> None:
        await self.terminal.wait_for(holds(*words), 30, " and ".join(words))

    async def begin(self) -> None:
        """Starts it, until the screen is there and the scanner's line has settled: what is scanned before is not taken."""
        await self.terminal.start()
        await self.see("Scan your card or first item")
        await self.opened(1)

    async def opened(self, times: int) -> None:
        """Waits until the scanner's line was opened so often, and has settled."""
        await logged(self.directory / "device.log", "scanner_open", times)

    async def scan(self, code: str) -> None:
        await asyncio.to_thread(self.scanner.scan, code)


@pytest.fixture
async def handheld(tmp_path: Path) -> AsyncIterator[Handheld]:
    handheld = Handheld(tmp_path)
    await handheld.begin()
    yield handheld
    await handheld.terminal.stop()
    handheld.scanner.close()


async def test_a_trip_survives_kill_9_to_the_last_line_painted(handheld: Handheld):
    await handheld.scan(MILK)
    await handheld.see("▸ Oat milk", "1 item")
    await handheld.scan(BEANS)
    await handheld.see("▸ Espresso beans", "2 items", "TOTAL  14.19")
    handheld.terminal.kill()
    await until(lambda: handheld.terminal.restarts)
    await handheld.see("▸ Espresso beans", "Oat milk", "2 items", "TOTAL  14.19")
    await handheld.opened(2)
    await handheld.scan(BREAD)
    await handheld.see("3 items", "TOTAL  15.34")
    handheld.terminal.send("f")
    await handheld.see("Finish and pay 15.34?")
    handheld.terminal.send("y")
    await handheld.see("Thank you", "Trip hand-1.")
    await handheld.terminal.stop()
    journal = Journal(handheld.directory / "journal.db", "hand-1")
    assert [event.what.kind for event in events_in(journal)] == ["trip_started", *["item_added"] * 3, "trip_finished"]


async def test_a_damaged_assortment_keeps_no_terminal_from_starting(tmp_path: Path):
    handheld = Handheld(tmp_path)
    (tmp_path / "shop.db").write_bytes(b"garbage" * 1000)
    try:
        await handheld.begin()
        assert "assortment_damaged" in (tmp_path / "device.log").read_text()
    finally:
        await handheld.terminal.stop()
        handheld.scanner.close()


async def test_an_assortment_that_spoils_while_it_is_used_is_said_at_the_scan_and_gone_at_the_next_start(handheld: Handheld):
    spoil(handheld.directory / "shop.db", "gtin", "product")
    await handheld.scan(MILK)
    await handheld.see("The prices here cannot be read.", "Scan it again soon, or press h.")
    log = handheld.directory / "device.log"
    handheld.terminal.send(f"{MILK}\r")
    await logged(log, '"reason": "prices_damaged"', 2)
    await handheld.see("The prices here cannot be read.")
    handheld.terminal.send("l")
    await handheld.see("The prices here cannot be read.", "Scan your card or first item")
    await logged(log, "image is malformed")
    handheld.terminal.kill()
    await logged(log, "assortment_damaged")


async def test_a_second_process_on_the_same_directory_is_refused(handheld: Handheld):
    second = SimulatedTerminal(handheld.command)
    await second.start()
    told = f"in use by process {handheld.terminal.pid};"
    await second.wait_for(lambda rows: told in "".join(f"{row:<40}" for row in rows), 30, "the refusal")
    await second.stop()
    await handheld.scan(MILK)
    await handheld.see("▸ Oat milk")


async def test_it_measures_itself_and_stays_small(handheld: Handheld):
    await handheld.scan(MILK)
    await handheld.see("▸ Oat milk")

    def measured() -> dict[str, float]:
        lines = handheld.metrics.read_text().splitlines() if handheld.metrics.exists() else []
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    await until(lambda: measured().get("panier_scan_to_screen_seconds_count") == 1)
    figures = measured()
    assert figures['panier_scans_total{entry="scan"}'] == 1
    assert figures["panier_events_waiting"] == 2
    assert 0 < figures["panier_rss_bytes"] < 120e6
    assert figures["panier_rss_bytes"] % resource.getpagesize() == 0


async def test_figures_that_cannot_be_written_are_said_once_and_end_nothing(handheld: Handheld):
    await until(handheld.metrics.exists)
    # In one step, between whatever two that it writes.
    gone = handheld.metrics.parent.rename(handheld.directory / "gone")
    log = handheld.directory / "device.log"
    await logged(log, "metrics_refused")
    await handheld.scan(MILK)
    await handheld.see("▸ Oat milk")
    (gone / handheld.metrics.name).unlink()
    gone.rename(handheld.metrics.parent)
    await until(handheld.metrics.exists)
    assert "panier_events_waiting 2.0" in handheld.metrics.read_text()
    assert log.read_text().count("metrics_refused") == 1
    assert handheld.terminal.restarts == 0


async def test_a_scanner_beeps_for_what_the_shop_cannot_use_and_is_missed_while_it_is_away(tmp_path: Path):
    profile = tmp_path / "beeps.toml"
    profile.write_text('title = "Beeps"\n[feedback]\nrefused = "\\u0007"\n')
    handheld = Handheld(tmp_path, str(profile))
    try:
        await handheld.begin()
        await handheld.scan(MILK)
        await handheld.see("▸ Oat milk")
        assert handheld.scanner.told() == b""
        await handheld.scan("4006381333931")
        await handheld.see("does not know that code")
        assert sounds(handheld.scanner.told()) == "beep"
        handheld.scanner.unplug()
        await handheld.see("scanner unplugged")
        away = f'panier_scanner_trouble{{scanner="{handheld.scanner.link}",trouble="away"}} 1.0'
        await until(lambda: away in handheld.metrics.read_text())
        handheld.scanner.plug()
        await handheld.terminal.wait_for(lambda rows: not any("unplugged" in row for row in rows), 30, "the scanner back")
        await handheld.scan(BREAD)
        await handheld.see("▸ Baguette", "2 items")
    finally:
        await handheld.terminal.stop()
        handheld.scanner.close()


async def test_a_screen_that_is_gone_ends_it(tmp_path: Path):
    handheld = Handheld(tmp_path)
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *handheld.command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    async with asyncio.timeout(40):
        painted = b""
        while b"Scan your card" not in painted:
            painted += await asyncio.to_thread(os.read, master, 65536)
        os.close(master)
        await process.wait()
    handheld.scanner.close()


async def test_sigterm_ends_it_in_order(handheld: Handheld):
    pid = handheld.terminal.pid
    await handheld.terminal.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(FileNotFoundError):
        (handheld.directory / "journal.db-wal").stat()
