"""Inside the virtual machine: our drivers before the kernel's own devices. One JSON object a check, on standard output."""

# ruff: noqa: ASYNC230, ASYNC240 - one check runs at a time, and nothing else waits for the loop

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
import sys
import time
import traceback
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import evdev
from evdev import ecodes

from panier_device.driver.evdev_source import EvdevSource
from panier_device.driver.hidpos_scanner import HidPosScanner
from panier_device.driver.layout import load_layout
from panier_device.driver.port import DeviceGone, Frame, KeyEvent, Reading, Scanner
from panier_device.driver.profile import ScannerProfile, load_profile
from panier_device.driver.serial_scanner import SerialScanner
from panier_device.driver.wedge import WedgeDecoder
from panier_device.driver.wedge_scanner import WedgeScanner

CODE, OTHER = "5901234123457", "4006381333931"
LAYOUT = load_layout("us", Path("/src/firmware-config/layouts"))
LINK = Path("/tmp/scanner0")
GADGET = Path("/sys/kernel/config/usb_gadget/scanner")
# A boot keyboard, as in the HID specification, appendix B.1, without its LEDs.
KEYBOARD = bytes.fromhex("05010906a101050719e029e71500250175019508810295017508810195067508150025650507190029658100c0")
# A scanner of usage page 0x8C with one input report, number 2 and 63 bytes (HID Point of Sale Usage Tables 1.02).
BARCODE_SCANNER = bytes.fromhex("058c0902a1018502150026ff007508953f09fe8102c0")
PACE = 0.005
"""Seconds between two reports: a scanner leaves 1 to 10 ms, and the kernel keeps few events of a HID keyboard for its reader."""
UHID_DESTROY, UHID_CREATE2, UHID_INPUT2 = 1, 11, 12

checks: list[Callable[[], Awaitable[str | None]]] = []


def check(work: Callable[[], Awaitable[str | None]]) -> Callable[[], Awaitable[str | None]]:
    checks.append(work)
    return work


async def until(claim: Callable[[], bool], what: str, seconds: float = 30) -> float:
    """Waits for a claim to hold; how long that took, in seconds."""
    began = time.monotonic()
    while not claim():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        await asyncio.sleep(0.01)
    return time.monotonic() - began


@contextlib.asynccontextmanager
async def running(scanner: Scanner) -> AsyncIterator[list[Frame]]:
    frames: list[Frame] = []

    def deliver(reading: Reading) -> None:
        frames.append(reading.frame)

    task = asyncio.create_task(scanner.run(deliver))
    try:
        await until(lambda: scanner.present, "the scanner is there")
        yield frames
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def whole(frames: list[Frame]) -> list[str]:
    return [frame.text for frame in frames if frame.flaw is None]


# -- a keyboard of uinput -----------------------------------------------------------------------------------------------


def plug_keyboard() -> evdev.UInput:
    keys = [*range(ecodes.KEY_1, ecodes.KEY_0 + 1), ecodes.KEY_ENTER, ecodes.KEY_LEFTSHIFT]
    made = evdev.UInput({ecodes.EV_KEY: keys}, name="Scanner", vendor=0x0C2E, product=0x0204)
    fresh = LINK.with_suffix(".new")
    fresh.symlink_to(made.device.path)
    fresh.replace(LINK)
    return made


def type_on(keyboard: evdev.UInput, digits: str, *, enter: bool = True) -> None:
    keys = [ecodes.KEY_1 + (int(digit) - 1) % 10 for digit in digits]
    for key in [*keys, *([ecodes.KEY_ENTER] if enter else [])]:
        for value in (1, 0):
            keyboard.write(ecodes.EV_KEY, key, value)
            keyboard.syn()


def wedge(path: str = str(LINK)) -> WedgeScanner:
    return WedgeScanner(path, WedgeDecoder(LAYOUT), lambda: EvdevSource(path))


def drain(source: EvdevSource) -> list[KeyEvent]:
    events: list[KeyEvent] = []
    while more := source.read():
        events += more
    return events


@check
async def keys_of_an_input_device_become_a_code() -> str:
    with plug_keyboard() as keyboard:
        async with running(wedge()) as frames:
            type_on(keyboard, CODE)
            await until(lambda: len(frames) == 1, "a code")
            assert whole(frames) == [CODE], frames
            return EvdevSource(str(LINK)).identity


@check
async def a_grabbed_scan_types_nowhere_else() -> None:
    with plug_keyboard() as keyboard:
        focus = evdev.InputDevice(str(LINK))
        async with running(wedge()) as frames:
            type_on(keyboard, CODE)
            await until(lambda: len(frames) == 1, "a code")
        assert focus.read_one() is None, "the window in focus got keys of the scan"


@check
async def a_second_program_is_told_that_the_scanner_is_taken() -> str:
    with plug_keyboard():
        async with running(wedge()):
            second = EvdevSource(str(LINK))
            try:
                second.grab()
            except DeviceGone as refused:
                return str(refused)
            raise AssertionError("two programs hold one scanner")


@check
async def an_overflow_of_the_kernels_buffer_delivers_no_part() -> str:
    with plug_keyboard() as keyboard:
        source, decoder = EvdevSource(str(LINK)), WedgeDecoder(LAYOUT)
        source.grab()
        for _ in range(20):
            type_on(keyboard, CODE)
        # Nobody read meanwhile: the kernel kept what it has room for.
        kept = drain(source)
        frames = decoder.feed(kept)
        for code in (OTHER, OTHER):
            for digit in code:
                type_on(keyboard, digit, enter=False)
                frames += decoder.feed(drain(source))
            type_on(keyboard, "")
            frames += decoder.feed(drain(source))
        source.close()
        dropped = sum(event.type == ecodes.EV_SYN and event.code == ecodes.SYN_DROPPED for event in kept)
        assert dropped, f"the kernel dropped nothing of {len(kept)}"
        # What was lost may have been the end of a code, so the first one behind it is no code either.
        assert frames[-1] == Frame(OTHER), frames
        assert set(whole(frames)) == {OTHER}, frames
        return f"{len(kept)} events kept of {20 * 14 * 4}, SYN_DROPPED {dropped}, then {frames}"


@check
async def a_clock_that_is_set_in_mid_code_cuts_nothing() -> str:
    with plug_keyboard() as keyboard:
        source, decoder = EvdevSource(str(LINK)), WedgeDecoder(LAYOUT)
        source.grab()
        frames: list[Frame] = []
        for step in (3600.0, -7200.0):
            type_on(keyboard, CODE[:6], enter=False)
            frames += decoder.feed(drain(source))
            time.clock_settime(time.CLOCK_REALTIME, time.time() + step)
            type_on(keyboard, CODE[6:])
            frames += decoder.feed(drain(source))
        source.close()
        assert frames == [Frame(CODE)] * 2, frames
        return f"{len(frames)} codes"


@check
async def a_keyboard_that_is_pulled_in_mid_code_comes_back_without_a_half_one() -> str:
    took: list[float] = []
    keyboard = plug_keyboard()
    scanner = wedge()
    async with running(scanner) as frames:
        for digits in (1, 6, 12):
            type_on(keyboard, CODE[:digits], enter=False)
            keyboard.close()
            await until(lambda: not scanner.present, "the scanner is gone")
            keyboard = plug_keyboard()
            took.append(await until(lambda: scanner.present, "the scanner is back"))
            type_on(keyboard, OTHER)
            await until(lambda: bool(frames) and frames[-1] == Frame(OTHER), "the next code")
        keyboard.close()
        assert set(whole(frames)) == {OTHER}, frames
    assert max(took) < 2, took
    return f"back within {max(took):.2f} s"


# -- HID devices of uhid ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def plug_hid(name: str, product: int, descriptor: bytes) -> Iterator[Callable[[bytes], None]]:
    """A HID device of Honeywell's; what is yielded sends one report."""
    line = os.open("/dev/uhid", os.O_RDWR)
    head = struct.pack("<128s64s64sHHIIII", name.encode(), b"", b"", len(descriptor), 3, 0x0C2E, product, 0, 0)
    os.write(line, struct.pack("<I", UHID_CREATE2) + head + descriptor.ljust(4096, b"\0"))
    try:
        yield lambda report: os.write(line, struct.pack("<IH", UHID_INPUT2, len(report)) + report.ljust(4096, b"\0")) and None
    finally:
        os.write(line, struct.pack("<I", UHID_DESTROY))
        os.close(line)


def reports(digits: str) -> Iterator[bytes]:
    """Each key pressed and let go (HID usage tables: 1 is 0x1E, 0 is 0x27, Enter 0x28)."""
    for usage in [*(0x1E + (int(digit) - 1) % 10 for digit in digits), 0x28]:
        yield bytes([0, 0, usage, 0, 0, 0, 0, 0])
        yield bytes(8)


@check
async def reports_of_a_hid_keyboard_become_a_code() -> str:
    with plug_hid("Voyager", 0x0204, KEYBOARD) as send:
        await until(lambda: any(evdev.InputDevice(path).name == "Voyager" for path in evdev.list_devices()), "an input device")
        path = next(path for path in evdev.list_devices() if evdev.InputDevice(path).name == "Voyager")
        async with running(wedge(path)) as frames:
            for report in reports(CODE):
                send(report)
                await asyncio.sleep(PACE)
            await until(lambda: len(frames) == 1, "a code")
            assert whole(frames) == [CODE], frames
            return EvdevSource(path).identity


def hidpos_reports(code: str) -> Iterator[bytes]:
    """As Honeywell's: number, length, AIM identifier, up to 56 bytes of data, and whether the code goes on."""
    parts = [code[place : place + 56] for place in range(0, len(code), 56)]
    for place, part in enumerate(parts, start=1):
        goes_on = place < len(parts)
        yield bytes([2, len(part)]) + b"]Q1" + part.encode().ljust(58, b"\0") + bytes([goes_on])


async def hidraw(name: str) -> str:
    def find() -> list[Path]:
        return [one for one in Path("/sys/class/hidraw").glob("*") if f"HID_NAME={name}" in (one / "device/uevent").read_text()]

    await until(lambda: bool(find()), "a hidraw device")
    path = Path("/dev") / find()[0].name
    fresh = LINK.with_suffix(".new")
    fresh.symlink_to(path)
    fresh.replace(LINK)
    return str(path)


@check
async def reports_of_a_hidraw_become_codes_and_a_pulled_scanner_no_half_one() -> str:
    long = "https://example.com/01/05901234123457/10/A7/21/" + "0123456789" * 6
    profile = load_profile("honeywell-hidpos", Path("/src/firmware-config/profiles"))
    scanner = HidPosScanner(str(LINK), profile)
    with plug_hid("Genesis", 0x0B81, BARCODE_SCANNER) as send:
        path = await hidraw("Genesis")
        task = asyncio.create_task(collect(scanner, frames := []))
        await until(lambda: scanner.present, "the scanner is there")
        for report in hidpos_reports(long):
            send(report)
        await until(lambda: len(frames) == 1, "a code of two reports")
        send(next(hidpos_reports(long)))
    await until(lambda: not scanner.present, "the scanner is gone")
    with plug_hid("Genesis", 0x0B81, BARCODE_SCANNER) as send:
        await hidraw("Genesis")
        took = await until(lambda: scanner.present, "the scanner is back")
        for report in hidpos_reports(CODE):
            send(report)
        await until(lambda: len(frames) > 1, "the next code")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert frames == [Frame(f"]Q1{long}"), Frame(f"]Q1{CODE}")], frames
    assert took < 2, took
    return f"{path}, {len(long)} characters in two reports, back within {took:.2f} s"


async def collect(scanner: Scanner, frames: list[Frame]) -> None:
    await scanner.run(lambda reading: frames.append(reading.frame))


# -- a USB scanner: a gadget that is serial port and keyboard at once -----------------------------------------------------


def build_gadget() -> None:
    GADGET.mkdir()
    for name, text in (("idVendor", "0x0c2e"), ("idProduct", "0x0720"), ("bcdUSB", "0x0200")):
        (GADGET / name).write_text(text)
    strings = GADGET / "strings" / "0x409"
    strings.mkdir()
    for name, text in (("manufacturer", "Honeywell"), ("product", "Scanner"), ("serialnumber", "S1")):
        (strings / name).write_text(text)
    keyboard = GADGET / "functions" / "hid.usb0"
    serial_port = GADGET / "functions" / "acm.usb0"
    configuration = GADGET / "configs" / "c.1"
    for folder in (serial_port, keyboard, configuration):
        folder.mkdir()
    for name, text in (("protocol", "1"), ("subclass", "1"), ("report_length", "8")):
        (keyboard / name).write_text(text)
    (keyboard / "report_desc").write_bytes(KEYBOARD)
    for function in (serial_port, keyboard):
        (configuration / function.name).symlink_to(function)


def plug_gadget() -> None:
    (GADGET / "UDC").write_text("dummy_udc.0")


def pull_gadget() -> None:
    (GADGET / "UDC").write_text("\n")


def send_serial(data: bytes) -> None:
    line = os.open("/dev/ttyGS0", os.O_RDWR | os.O_NOCTTY)
    tty.setraw(line)
    os.write(line, data)
    os.close(line)


@check
async def a_composite_usb_scanner_is_serial_port_and_keyboard() -> str:
    build_gadget()
    plug_gadget()
    await until(lambda: Path("/dev/ttyACM0").exists() and bool(evdev.list_devices()), "the scanner's two faces")
    ids = {
        (one / "idVendor").read_text().strip() for one in Path("/sys/bus/usb/devices").iterdir() if (one / "idVendor").exists()
    }
    assert "0c2e" in ids, ids
    scanner = SerialScanner("/dev/ttyACM0", ScannerProfile(title="USB", terminator="\r"))
    async with running(scanner) as frames:
        send_serial(f"{CODE}\r".encode())
        await until(lambda: len(frames) == 1, "a code over the serial port")
        assert whole(frames) == [CODE], frames
    path = evdev.list_devices()[0]
    async with running(wedge(path)) as frames:
        with Path("/dev/hidg0").open("wb", buffering=0) as keys:
            for report in reports(OTHER):
                keys.write(report)
                await asyncio.sleep(PACE)
        await until(lambda: len(frames) == 1, "a code over the keyboard")
        assert whole(frames) == [OTHER], frames
    return EvdevSource(path).identity


@check
async def a_usb_scanner_that_is_pulled_in_mid_code_comes_back_without_a_half_one() -> str:
    took: list[float] = []
    scanner = SerialScanner("/dev/ttyACM0", ScannerProfile(title="USB", terminator="\r"))
    async with running(scanner) as frames:
        for digits in (1, 7, 13):
            send_serial(CODE[:digits].encode())
            await asyncio.sleep(0.1)
            pull_gadget()
            await until(lambda: not scanner.present, "the scanner is gone")
            plug_gadget()
            await until(Path("/dev/ttyACM0").exists, "the kernel has found it again")
            took.append(await until(lambda: scanner.present, "the scanner is back"))
            send_serial(f"{OTHER}\r".encode())
            await until(lambda: bool(frames) and frames[-1] == Frame(OTHER), "the next code")
        assert set(whole(frames)) == {OTHER}, frames
    assert max(took) < 2, took
    return f"back within {max(took):.2f} s"


def main() -> None:
    for work in checks:
        began, wrong, seen = time.monotonic(), "", ""
        try:
            seen = asyncio.run(asyncio.wait_for(work(), 120)) or ""
        except Exception:
            wrong = traceback.format_exc()
        told = {"check": work.__name__, "wrong": wrong, "seen": seen, "seconds": round(time.monotonic() - began, 1)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
