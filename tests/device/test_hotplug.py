"""What a shop does to scanners: cables pulled at any byte, triggers held, wrong speeds, bad lines, several scanners at once."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import termios
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
from tests.waiting import holds_within, until

from panier_device.driver.hidpos_scanner import HidPosScanner
from panier_device.driver.layout import load_layout
from panier_device.driver.plugged import PluggedScanner
from panier_device.driver.port import DeviceGone, Frame, Reading
from panier_device.driver.printer_wire import open_serial
from panier_device.driver.profile import Feedback, ScannerProfile, load_profile
from panier_device.driver.serial_scanner import SerialScanner
from panier_device.driver.stream_source import StreamSource
from panier_device.driver.wedge import WedgeDecoder
from panier_device.driver.wedge_scanner import WedgeScanner
from panier_device.hardware import amiss, scanner_trouble
from panier_io import log
from panier_io.firmware import firmware_config
from panier_simulators.hidpos import SimulatedHidPos, reports
from panier_simulators.keyboard import ENDS, strokes
from panier_simulators.orders import sounds
from panier_simulators.outlet import Outlet
from panier_simulators.scanner import Programming, SimulatedScanner
from panier_simulators.wedge import report

Kind = Literal["serial", "wedge", "hidpos"]
KINDS: tuple[Kind, ...] = ("serial", "wedge", "hidpos")
CODE, NEXT = "4006381333931", "96385074"
LONG = "https://example.com/01/05901234123457/10/A7?17=261130&" + "".join(chr(97 + n % 26) for n in range(70))
US = load_layout("us", firmware_config() / "layouts")
QUICK = ScannerProfile(title="quick", idle_ms=60)
HIDPOS = load_profile("honeywell-hidpos", firmware_config() / "profiles")


@dataclass
class Wire:
    """The scanner's end of a wire of any kind, in pieces that a cable may be pulled between."""

    kind: Kind
    path: Path

    def __post_init__(self) -> None:
        if self.kind == "serial":
            self.line = SimulatedScanner(self.path, Programming(baud=115200), split="whole")
        else:
            self.outlet = Outlet(self.path)

    def pieces(self, code: str) -> list[bytes]:
        """One code: bytes, edges of keys, or reports."""
        if self.kind == "serial":
            return [bytes([byte]) for byte in Programming().frame(code)]
        if self.kind == "hidpos":
            return reports(code, "qr" if len(code) > 20 else None)
        pressed = [*strokes(code), (ENDS["enter"], 1), (ENDS["enter"], 0)]
        return [report(key, value, time.monotonic() + place / 1000) for place, (key, value) in enumerate(pressed)]

    def put(self, piece: bytes) -> None:
        if self.kind == "serial":
            self.line.send(piece)
        else:
            self.outlet.welcome()
            self.outlet.put(piece)

    def say(self, code: str) -> None:
        for piece in self.pieces(code):
            self.put(piece)

    def unplug(self) -> None:
        (self.line if self.kind == "serial" else self.outlet).unplug()

    def plug(self) -> None:
        (self.line if self.kind == "serial" else self.outlet).plug()


def driver(kind: Kind, path: Path, profile: ScannerProfile = QUICK) -> PluggedScanner:
    if kind == "serial":
        return SerialScanner(str(path), profile.model_copy(update={"baud": 115200}))
    if kind == "hidpos":
        return HidPosScanner(str(path), profile.model_copy(update={"report": HIDPOS.report}))
    return WedgeScanner(str(path), WedgeDecoder(US, profile), lambda: StreamSource(path))


def bare(frame: Frame) -> str:
    """A code without what HID-POS says of its symbology."""
    return frame.text[3:] if frame.text.startswith("]") else frame.text


@asynccontextmanager
async def running(*scanners: PluggedScanner) -> AsyncIterator[asyncio.Queue[Reading]]:
    heard: asyncio.Queue[Reading] = asyncio.Queue()
    tasks = [asyncio.create_task(scanner.run(heard.put_nowait)) for scanner in scanners]
    for scanner in scanners:
        await until(lambda scanner=scanner: scanner.present)
    try:
        yield heard
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def next_code(heard: asyncio.Queue[Reading]) -> Frame:
    async with asyncio.timeout(10):
        return (await heard.get()).frame


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries to open again at once: a cable is pulled at every place of a code here, and half a second each adds up."""
    monkeypatch.setattr("panier_device.driver.plugged._AGAIN", 0.01)
    monkeypatch.setattr("panier_device.driver.plugged._SETTLE", 0.01)


async def test_a_scan_that_fails_within_is_logged_and_refused_and_the_next_one_is_taken(tmp_path: Path):
    heard: asyncio.Queue[Reading] = asyncio.Queue()

    def deliver(reading: Reading) -> None:
        if reading.frame.text == CODE:
            raise sqlite3.DatabaseError("database disk image is malformed")
        heard.put_nowait(reading)

    profile = QUICK.model_copy(update={"feedback": Feedback(refused="\x07")})
    log.setup("ERROR", file=tmp_path / "device.log")
    try:
        with SimulatedScanner(tmp_path / "line", split="whole") as line:
            scanner = SerialScanner(str(tmp_path / "line"), profile)
            task = asyncio.create_task(scanner.run(deliver))
            await until(lambda: scanner.present)
            line.send(Programming().frame(CODE) + Programming().frame(NEXT))
            assert (await next_code(heard)).text == NEXT
            assert sounds(line.told()) == "beep"
            assert not task.done()
            task.cancel()
    finally:
        log.setup("INFO")
    told = (tmp_path / "device.log").read_text()
    assert "scan_failed" in told
    assert "image is malformed" in told


def pull_while(call: str, line: SimulatedScanner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulls the cable just before the next `call` of termios, which then fails as it does in a shop."""
    real = getattr(termios, call)

    def pulled(*arguments: object) -> object:
        monkeypatch.setattr(termios, call, real)
        line.unplug()
        return real(*arguments)

    monkeypatch.setattr(termios, call, pulled)


@pytest.mark.parametrize("call", ["tcgetattr", "tcsetattr", "tcflush"])
async def test_a_cable_that_is_pulled_while_the_line_is_being_set_ends_no_driver(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with SimulatedScanner(tmp_path / "line") as line:
        pull_while(call, line, monkeypatch)
        with pytest.raises(DeviceGone, match="cannot be opened"):
            open_serial(str(tmp_path / "line"), 9600, "none")
        line.plug()
        pull_while(call, line, monkeypatch)
        heard: asyncio.Queue[Reading] = asyncio.Queue()
        scanner = SerialScanner(str(tmp_path / "line"), QUICK)
        task = asyncio.create_task(scanner.run(heard.put_nowait))
        await until(lambda: scanner._complained or task.done())
        assert not task.done()
        line.plug()
        await until(lambda: scanner.present)
        line.scan(CODE)
        assert (await next_code(heard)).text == CODE
        task.cancel()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cable_that_is_pulled_at_any_place_of_a_code_leaves_nothing_of_it(kind: Kind, tmp_path: Path):
    wire = Wire(kind, tmp_path / "scanner")
    code = LONG if kind == "hidpos" else CODE
    # The same code again and again is on purpose here.
    scanner = driver(kind, wire.path, ScannerProfile(title="patient", idle_ms=10_000, repeat_ms=0))
    pieces = wire.pieces(code)
    # The wedge is whole once its last key is down; that it comes up says nothing more.
    whole = len(pieces) - (kind == "wedge")
    async with running(scanner) as heard:
        for place in range(len(pieces) + 1):
            for piece in wire.pieces(code)[:place]:
                wire.put(piece)
            if place >= whole:
                assert bare(await next_code(heard)) == code
            elif place:
                await until(lambda: scanner._decoder.pending or kind == "wedge")
            wire.unplug()
            await until(lambda: not scanner.present)
            wire.plug()
            await until(lambda: scanner.present)
            wire.say(NEXT)
            assert bare(await next_code(heard)) == NEXT
            assert heard.empty()
    wire.unplug()


@asynccontextmanager
async def opened_late(scanner: PluggedScanner, wire: Wire, pieces: list[bytes]) -> AsyncIterator[asyncio.Queue[Reading]]:
    """A scanner that sends `pieces` while its line is being opened."""

    def open_in_mid_code() -> object:
        source = before()
        for piece in pieces:
            wire.put(piece)
        return source

    before, scanner._open_source = scanner._open_source, open_in_mid_code
    async with running(scanner) as heard:
        yield heard
    wire.unplug()


@pytest.mark.parametrize("kind", ["serial", "wedge"])
async def test_the_rest_of_a_code_that_was_under_way_when_the_cable_came_back_is_told_and_is_no_code(kind: Kind, tmp_path: Path):
    wire = Wire(kind, tmp_path / "scanner")
    async with opened_late(driver(kind, wire.path), wire, wire.pieces(CODE)[6:]) as heard:
        assert await next_code(heard) == Frame("", "cut_short")
        wire.say(NEXT)
        assert bare(await next_code(heard)) == NEXT
        assert heard.empty()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_scan_at_the_moment_of_opening_counts_where_it_shows_its_beginning_and_is_told_of_otherwise(
    kind: Kind, tmp_path: Path
):
    wire = Wire(kind, tmp_path / "scanner")
    identified = f"]E0{CODE}"
    scanner = driver(kind, wire.path, QUICK.model_copy(update={"aim": True}))
    early = wire.pieces(CODE if kind == "hidpos" else identified)
    async with opened_late(scanner, wire, [*wire.pieces(CODE)[-4:], *early]) as heard:
        told = [await next_code(heard) for _ in range(2)]
        assert told[0].flaw == "cut_short" or kind == "hidpos"
        assert told[-1] == (Frame("", "cut_short") if kind == "hidpos" else Frame(identified))
        assert heard.empty()


@pytest.mark.parametrize(("aim", "sent", "told"), [
    (True, f"]E0{CODE}", Frame(f"]E0{CODE}")),
    (True, CODE, Frame("", "cut_short")),
    (False, ";4532015112830366=3012", Frame("", "cut_short")),
])  # fmt: skip
async def test_a_code_that_silence_ends_is_not_lost_at_the_moment_of_opening(aim: bool, sent: str, told: Frame, tmp_path: Path):
    wire = Wire("serial", tmp_path / "scanner")
    scanner = driver("serial", wire.path, QUICK.model_copy(update={"framing": "idle", "aim": aim}))
    async with opened_late(scanner, wire, [sent.encode()]) as heard:
        assert await next_code(heard) == told
        wire.put(b"]E0" + NEXT.encode() if aim else NEXT.encode())
        assert bare(await next_code(heard)) == NEXT
        assert heard.empty()


async def test_a_line_that_does_not_rest_while_it_is_opened_makes_no_code_of_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("panier_device.driver.plugged._SETTLED_BY", 0.005)
    wire = Wire("serial", tmp_path / "scanner")
    scanner = driver("serial", wire.path, QUICK.model_copy(update={"framing": "idle", "aim": True}))
    async with opened_late(scanner, wire, [b"]E0400638"]) as heard:
        wire.put(b"]E0" + NEXT.encode())
        assert bare(await next_code(heard)) == NEXT
        assert heard.empty()


async def test_a_framed_code_at_the_moment_of_opening_is_whole(tmp_path: Path):
    wire = Wire("serial", tmp_path / "scanner")
    scanner = driver("serial", wire.path, QUICK.model_copy(update={"framing": "stx"}))
    async with opened_late(scanner, wire, [b"3931\x03\x02" + CODE.encode() + b"\x03"]) as heard:
        assert await next_code(heard) == Frame(CODE)
        assert heard.empty()


async def test_a_scanner_is_back_within_two_seconds_of_its_plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    from panier_device.driver import plugged

    # Not measured, for a busy machine measures itself: the longest that the driver can sleep before it looks.
    assert plugged._AGAIN + plugged._SETTLE < 2
    assert plugged._AGAIN + plugged._SETTLED_BY < 2


async def test_three_scanners_of_three_kinds_serve_one_terminal_and_each_comes_and_goes_alone(tmp_path: Path):
    wires = [Wire(kind, tmp_path / kind) for kind in KINDS]
    scanners = [driver(wire.kind, wire.path) for wire in wires]
    async with running(*scanners) as heard:
        for wire in wires:
            wire.say(CODE)
        # Three readers, three items: what one has read, another may read as well.
        assert [bare(await next_code(heard)) for _ in wires] == [CODE] * 3
        for away, wire in enumerate(wires):
            wire.unplug()
            await until(
                lambda away=away: [scanner.present for scanner in scanners].count(False) == 1 and not scanners[away].present
            )
            others = [other for other in wires if other is not wire]
            for number, other in enumerate(others):
                other.say(f"{NEXT}{away}{number}")
            assert {bare(await next_code(heard)) for _ in others} == {f"{NEXT}{away}{number}" for number in range(2)}
            wire.plug()
            await until(lambda away=away: scanners[away].present)
    for wire in wires:
        wire.unplug()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_held_trigger_is_one_item_and_a_scan_after_it_is_the_next(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    now = time.monotonic_ns()
    stopped = SimpleNamespace(monotonic=time.monotonic, monotonic_ns=lambda: now)
    monkeypatch.setattr("panier_device.driver.plugged.time", stopped)
    wire = Wire(kind, tmp_path / "scanner")
    scanner = driver(kind, wire.path, QUICK.model_copy(update={"repeat_ms": 400}))
    async with running(scanner) as heard:
        for _ in range(4):
            wire.say(CODE)
        await until(lambda: scanner.repeats == 3)
        assert bare(await next_code(heard)) == CODE
        assert heard.empty()
        now += 400_000_000  # the trigger is let go
        wire.say(CODE)
        assert bare(await next_code(heard)) == CODE
    wire.unplug()


@pytest.mark.parametrize("heard_at", [4800, 19200, 115200])
async def test_a_scanner_at_another_speed_is_told_to_shopper_and_staff_until_it_is_set_right(tmp_path: Path, heard_at: int):
    with SimulatedScanner(tmp_path / "scanner", Programming(baud=9600)) as simulated:
        scanner = SerialScanner(
            str(simulated.link), ScannerProfile.model_validate({"title": "x", "baud": heard_at, "idle_ms": 40})
        )
        async with running(scanner) as heard:
            await asyncio.to_thread(simulated.send, Programming().frame(CODE))
            # Longer apart than what counts as one pull of the trigger.
            while not await holds_within(0.35, lambda: scanner.trouble):
                await asyncio.to_thread(simulated.send, Programming().frame(CODE))
            assert scanner.trouble == "garbled"
            told = [heard.get_nowait().frame.flaw for _ in range(heard.qsize())]
            assert None not in told
            assert told[-1] == "wrong_speed"
            assert amiss([scanner]) == "scanner garbled: is it set to another speed or layout?"
            simulated.programming = Programming(baud=heard_at)
            await asyncio.to_thread(simulated.send, Programming().frame(NEXT))
            while (frame := await next_code(heard)).flaw:
                pass
            assert frame == Frame(NEXT)
            assert scanner.trouble == ""


async def test_a_missing_scanner_is_staffs_business_after_a_moment_and_the_shoppers_when_it_was_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    wires = [Wire("serial", tmp_path / "left"), Wire("wedge", tmp_path / "right")]
    scanners = [driver(wire.kind, wire.path) for wire in wires]
    async with running(*scanners):
        wires[0].unplug()
        await until(lambda: not scanners[0].present)
        assert (amiss(scanners), scanner_trouble(scanners)) == ("", "")
        monkeypatch.setattr("panier_device.driver.plugged._AWAY", 0.0)
        assert (amiss(scanners), scanner_trouble(scanners)) == ("scanner away (left)", "")
        wires[1].unplug()
        await until(lambda: not scanners[1].present)
        assert (amiss(scanners), scanner_trouble(scanners)) == ("scanner away (left); scanner away (right)", "away")
        assert amiss(scanners[:1]) == "scanner away"
    assert (amiss([]), scanner_trouble([])) == ("", "")


FEEDBACK = Feedback(accepted="\x1b7,", refused="\x07")


async def test_a_serial_scanner_beeps_for_what_the_shop_could_not_use(tmp_path: Path):
    with SimulatedScanner(tmp_path / "scanner") as simulated:
        scanner = SerialScanner(str(simulated.link), QUICK.model_copy(update={"feedback": FEEDBACK}))
        async with running(scanner):
            scanner.tell(accepted=False)
            assert sounds(simulated.told()) == "beep"
            scanner.tell(accepted=True)
            assert sounds(simulated.told()) == "good read tone"


async def test_a_hidpos_scanner_gets_an_output_report(tmp_path: Path):
    with SimulatedHidPos(tmp_path / "scanner") as simulated:
        scanner = HidPosScanner(str(simulated.path), HIDPOS.model_copy(update={"feedback": Feedback(refused="\x04\x07\xff")}))
        async with running(scanner):
            scanner.tell(accepted=False)
            scanner.tell(accepted=True)
            assert simulated.told() == [b"\x04\x07\xff"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_line_that_takes_no_writes_hurts_nothing(kind: Kind, tmp_path: Path):
    wire = Wire(kind, tmp_path / "scanner")
    scanner = driver(kind, wire.path, QUICK.model_copy(update={"feedback": Feedback(refused="\x07" * 64)}))
    async with running(scanner) as heard:
        for _ in range(3000):
            scanner.tell(accepted=False)
        wire.say(CODE)
        assert bare(await next_code(heard)) == CODE
        wire.unplug()
        scanner.tell(accepted=False)
        await until(lambda: not scanner.present)
        scanner.tell(accepted=False)


# -- journeys over bad lines -------------------------------------------------------------------------------------------

MANNERS = ("whole", "bytes", "delayed", "lossy", "duplicated")
BASKET = [CODE, NEXT, "5901234123457", CODE, "012345678905", "4012345123456"]


def spoil(manner: str, kind: Kind, pieces: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """The pieces of one code as a line of this manner carries them."""
    if manner == "whole" and kind == "serial":
        yield b"".join(pieces)
        return
    for piece in pieces:
        if manner == "delayed":
            time.sleep(chance.random() * 0.004)
        if manner == "lossy" and chance.random() < 0.04:
            continue
        yield piece
        if manner == "duplicated" and kind != "serial":
            yield piece


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_basket_comes_through_a_bad_line_with_each_item_once(kind: Kind, manner: str, tmp_path: Path):
    """Who sees that a scan did not count scans again; a line that doubles everything doubles whole codes, too."""
    chance, wire = random.Random(11), Wire(kind, tmp_path / "scanner")
    scanner = driver(kind, wire.path, QUICK.model_copy(update={"repeat_ms": 60_000}))
    basket: list[str] = []
    async with running(scanner) as heard:
        for code in BASKET:
            for attempt in range(12):
                pieces = wire.pieces(code)
                # A doubled serial byte is another code; what lines double there is the whole.
                for _ in range(2 if manner == "duplicated" and kind == "serial" else 1):
                    await asyncio.to_thread(lambda pieces=pieces: [wire.put(one) for one in spoil(manner, kind, pieces, chance)])
                taken = await _heard_until_silent(heard, 0.5 if manner == "lossy" else 20)
                good = [bare(frame) for frame in taken if frame.flaw is None]
                assert len(good) <= 1
                if code in good:
                    basket.append(code)
                    break
                assert manner == "lossy", (attempt, taken)
            else:
                pytest.fail(f"{code} never came through")
    assert basket == BASKET
    wire.unplug()


async def _heard_until_silent(heard: asyncio.Queue[Reading], patience: float) -> list[Frame]:
    """After a whole code little silence is enough: a flawed one may be all that came of it so far."""
    frames: list[Frame] = []
    while True:
        try:
            async with asyncio.timeout(0.05 if frames and frames[-1].flaw is None else patience):
                frames.append((await heard.get()).frame)
        except TimeoutError:
            return frames
