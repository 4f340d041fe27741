"""Swipes and taps from the simulated reader's keys to the trip, over good and bad lines; a bank card leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from tests.device.conftest import Desk, open_desk
from tests.device.test_process import Handheld
from tests.sending import events_in
from tests.waiting import until

from panier.trip import CardScanned, Entry
from panier_device.agent import Agent
from panier_device.driver.layout import load_layout
from panier_device.driver.port import Frame, Reading, Reads
from panier_device.driver.stream_source import StreamSource
from panier_device.driver.wedge import WedgeDecoder
from panier_device.driver.wedge_scanner import WedgeScanner
from panier_device.fitting import load_rules, problems
from panier_device.settings import DeviceSettings, WedgeSettings
from panier_io import log
from panier_io.firmware import firmware_config
from panier_io.journal import Journal
from panier_simulators.card_reader import BANK_CARD, FAULTS, Card, Fault, SimulatedCardReader

OURS = Card("6035710000000000", "DURAND/CLAIRE")
ANOTHER = Card("6035710000000018", "DURAND/PAUL")
CHIP = "04A1B2C3D4E5F6"


@contextmanager
def carried(reader: Path, fifo: Path, manner: str, seed: int) -> Iterator[None]:
    """Reports from the reader's socket into a FIFO: whole, byte by byte, late, some lost, or some twice."""
    os.mkfifo(fifo)
    chance, end = random.Random(seed), os.open(fifo, os.O_RDWR)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.connect(str(reader))

    def pump() -> None:
        while packet := line.recv(4096):
            if manner == "lossy" and chance.random() < 0.01:
                continue
            for _ in range(2 if manner == "duplicated" and chance.random() < 0.01 else 1):
                step = 1 if manner == "bytes" else len(packet)
                for start in range(0, len(packet), step):
                    os.write(end, packet[start : start + step])
            if manner == "delayed" and chance.random() < 0.05:
                time.sleep(0.02)  # the line's delay, not a wait for anything

    carrier = threading.Thread(target=pump)
    carrier.start()
    try:
        yield
    finally:
        line.shutdown(socket.SHUT_RDWR)
        carrier.join()
        line.close()
        os.close(end)


@asynccontextmanager
async def swiping(
    directory: Path, manner: str = "whole", reads: Reads = "cards", *, enter_each: bool = False
) -> AsyncIterator[tuple[Desk, Callable[..., Awaitable[str]]]]:
    """A terminal with a card reader: `await swipe(card, fault)` gives the code of what the shopper is told."""
    log.setup("DEBUG", file=directory / "device.log", as_json=True)
    desk = open_desk(directory)
    desk.agent = Agent(
        store="north", currency="EUR", timezone="UTC", journal=desk.journal, shop=desk.shop, rules=load_rules("stripe"),
        tally=desk.tally, clock=desk.clock,
    )  # fmt: skip
    layout = load_layout("us", firmware_config() / "layouts")
    scanner = WedgeScanner("line", WedgeDecoder(layout), lambda: StreamSource(directory / "line"), reads)
    heard: asyncio.Queue[str] = asyncio.Queue()

    def take(reading: Reading) -> None:
        desk.agent.take(reading)
        heard.put_nowait(desk.agent.now.message.key if desk.agent.now.message else "")

    async def swipe(card: Card | str, fault: Fault = "none") -> str:
        # The shopper takes a second for the next card; the clock that the slot goes by is the machine's.
        desk.agent._slot._began = 0
        await asyncio.to_thread(lambda: reader.tap(card) if isinstance(card, str) else reader.swipe(card, fault))
        async with asyncio.timeout(10):
            told = [await heard.get() for _ in range(2 if enter_each else 1)]
        return told[-1]

    with (
        SimulatedCardReader(directory / "reader", gap=0.0005, enter_each=enter_each) as reader,
        carried(directory / "reader", directory / "line", manner, seed=7),
    ):
        task = asyncio.create_task(scanner.run(take))
        await until(lambda: scanner.present)
        yield desk, swipe
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    desk.close()


def leftovers(directory: Path, metrics: bytes = b"") -> list[str]:
    """Files of the directory that hold a piece of the bank card's number or name; and the metrics, where they do."""
    pieces = [BANK_CARD.number[:8].encode(), b"1111111", b"DOE", b"JANE", b"doe/"]
    kept = {file.name: file.read_bytes() for file in directory.rglob("*") if file.is_file()} | {"metrics": metrics}
    assert kept["metrics"] or len(kept) > 3, "there is something to search"
    return [name for name, data in kept.items() if any(piece in data for piece in pieces)]


def refused(desk: Desk) -> dict[str, float]:
    """What was counted, by reason."""
    samples = desk.tally.refused.collect()[0].samples
    return {sample.labels["reason"]: sample.value for sample in samples if sample.name.endswith("_total")}


async def again_if_torn(swipe: Callable[..., Awaitable[str]], card: Card, fault: Fault = "none") -> str:
    """As a shopper does: on a machine that is held up for 200 ms in mid-swipe, keys stand too far apart for one."""
    for _ in range(4):
        if (told := await swipe(card, fault)) != "torn_card":
            return told
    return await swipe(card, fault)


@pytest.mark.parametrize("manner", ["whole", "bytes", "delayed"])
@pytest.mark.parametrize("enter_each", [False, True], ids=["one_enter", "enter_each"])
async def test_a_card_of_the_shop_is_in_after_one_swipe(manner: str, enter_each: bool, tmp_path: Path):
    async with swiping(tmp_path, manner, enter_each=enter_each) as (desk, swipe):
        assert await again_if_torn(swipe, OURS) == "card_taken"
        assert desk.kinds == ["trip_started", "card_scanned"]
        assert desk.agent.now.trip is not None
        assert desk.agent.now.trip.card == OURS.number
        assert await again_if_torn(swipe, BANK_CARD) == "not_our_card"
        assert desk.agent.now.trip.card == OURS.number


@pytest.mark.parametrize("manner", ["lossy", "duplicated"])
async def test_a_bad_line_gives_the_right_card_or_none(manner: str, tmp_path: Path):
    async with swiping(tmp_path, manner) as (desk, swipe):
        told = {await swipe(OURS if number % 2 else BANK_CARD) for number in range(16)}
        cards = {event.what.card for event in events_in(desk.journal) if isinstance(event.what, CardScanned)}
    assert cards == {OURS.number}
    assert told <= {"card_taken", "card_again", "torn_card", "not_our_card"}
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_of_a_swipe_is_told_and_the_next_swipe_works(fault: Fault, tmp_path: Path):
    async with swiping(tmp_path) as (desk, swipe):
        if fault in ("torn", "fast", "no_track"):
            assert await swipe(OURS, fault) == "torn_card"
            assert desk.kinds == []
        else:
            assert await again_if_torn(swipe, OURS, fault) == "card_taken"
        # Another card of the shop: the same keys once more within half a second are one swipe to the driver.
        assert await again_if_torn(swipe, ANOTHER) == "card_taken"
        assert desk.agent.now.trip is not None
        assert desk.agent.now.trip.card == ANOTHER.number


@pytest.mark.parametrize("reads", ["cards", "codes"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_of_a_bank_card_is_kept(fault: Fault, reads: Reads, tmp_path: Path):
    """A reader of codes too: somebody may have forgotten the setting."""
    async with swiping(tmp_path, reads=reads) as (desk, swipe):
        await swipe(BANK_CARD, fault)
        desk.tally.write(tmp_path / "metrics.prom")
        assert desk.kinds == []
        assert sum(refused(desk).values()) >= 1
    assert leftovers(tmp_path) == []


async def test_the_search_would_find_a_card_that_was_kept(tmp_path: Path):
    (tmp_path / "device.log").write_text(f"code_refused {BANK_CARD.tracks[1]}")
    assert leftovers(tmp_path, b"#") == ["device.log"]


async def test_a_chip_is_a_card_and_a_phone_says_why_not(tmp_path: Path):
    async with swiping(tmp_path, reads="nfc") as (desk, swipe):
        assert await swipe("08A1B2C3") == "random_uid"
        assert await swipe("05A1B2C3D4E5F6") == "not_our_card"
        assert desk.kinds == []
        assert await swipe(CHIP.lower()) == "card_taken"
        assert desk.agent.now.trip is not None
        assert desk.agent.now.trip.card == CHIP


def deliver(desk: Desk, text: str, at_ms: int, reads: Reads = "cards", entry: Entry = "wedge") -> str:
    desk.agent.take(Reading(Frame(text), entry, at_ms * 1_000_000, reads))
    return desk.agent.now.message.key if desk.agent.now.message else ""


def test_the_tracks_of_one_swipe_are_one_answer(desk: Desk):
    first, second = BANK_CARD.tracks
    assert deliver(desk, "%E?", 5_000) == "torn_card"
    assert deliver(desk, second, 5_100) == "not_our_card"
    assert deliver(desk, first, 5_200) == "not_our_card"
    assert refused(desk) == {"torn_card": 1, "not_our_card": 1}
    assert deliver(desk, "%E?", 6_500) == "torn_card"


async def test_the_process_keeps_nothing_of_a_bank_card_either(tmp_path: Path):
    handheld = Handheld(tmp_path)
    with handheld.settings.open("a") as settings:
        settings.write(f'[[scanners]]\nkind = "wedge"\nsource = "stream"\nreads = "cards"\npath = "{tmp_path / "reader"}"\n')
    text = handheld.settings.read_text()
    handheld.settings.write_text('loyalty = "stripe"\nlog_level = "DEBUG"\n' + text)
    with SimulatedCardReader(tmp_path / "reader") as reader:
        await handheld.terminal.start()
        await handheld.see("Scan your card or first item")
        await asyncio.to_thread(reader.swipe, BANK_CARD, "torn")
        await handheld.see("The card did not come through.")
        await asyncio.to_thread(reader.swipe, BANK_CARD)
        await handheld.see("That is not a card of this shop.", "Nothing of it was kept.")
        await asyncio.to_thread(reader.swipe, OURS)
        await handheld.see("Your card is in.")
        await handheld.terminal.stop()
    handheld.scanner.close()
    assert leftovers(tmp_path) == []
    journal = Journal(tmp_path / "journal.db", "hand-1")
    assert [event.what.kind for event in events_in(journal)] == ["trip_started", "card_scanned"]
    journal.close()


def test_a_reader_without_rules_for_its_cards_is_told_at_the_check(tmp_path: Path):
    reader = WedgeSettings(kind="wedge", path=str(tmp_path), source="stream", reads="nfc")
    settings = DeviceSettings(store="north", device="hand-1", data_dir=tmp_path, scanners=[reader], loyalty="wallet")
    told = problems(settings)
    assert "scanners.0: reads nfc, and no card rule of 'wallet' is for it: name other rules with `loyalty`" in told
    assert not any("card rule" in problem for problem in problems(settings.model_copy(update={"loyalty": "stripe"})))
