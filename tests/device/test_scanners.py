"""The drivers over real descriptors: a pty for a serial line, a SOCK_SEQPACKET socket and a FIFO for a wedge."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.waiting import let_others_run, until

from panier_device.driver.layout import load_layout
from panier_device.driver.port import DeviceGone, Frame, Reading, Scanner
from panier_device.driver.profile import ScannerProfile
from panier_device.driver.serial_scanner import SerialScanner, SerialSource
from panier_device.driver.stream_source import StreamSource
from panier_device.driver.wedge import WedgeDecoder
from panier_device.driver.wedge_scanner import WedgeScanner
from panier_io.firmware import firmware_config
from panier_simulators.cable import SerialCable

FAST = ScannerProfile(title="test", idle_ms=50)


class Line(SerialCable):
    """The scanner's end of a serial line, behind a link that stays when it is plugged in again."""

    def __init__(self, link: Path) -> None:
        super().__init__(link)
        self.plug()

    def say(self, data: bytes) -> None:
        os.write(self.end, data)


@asynccontextmanager
async def running(scanner: Scanner) -> AsyncIterator[asyncio.Queue[Reading]]:
    heard: asyncio.Queue[Reading] = asyncio.Queue()
    task = asyncio.create_task(scanner.run(heard.put_nowait))
    await until(lambda: scanner.present)
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def frame(heard: asyncio.Queue[Reading]) -> Frame:
    async with asyncio.timeout(10):
        return (await heard.get()).frame


async def test_a_serial_scanner_delivers_codes_with_the_time_of_their_last_byte(tmp_path: Path):
    line = Line(tmp_path / "scanner")
    async with running(SerialScanner(str(line.link), FAST)) as heard:
        line.say(b"4006381333931\r96385074\r")
        first, second = await heard.get(), await heard.get()
    assert [first.frame, second.frame] == [Frame("4006381333931"), Frame("96385074")]
    assert first.entry == "scan"
    assert 0 < first.read_at <= second.read_at


async def test_a_code_whose_rest_never_comes_is_delivered_as_cut_short(tmp_path: Path):
    line = Line(tmp_path / "scanner")
    async with running(SerialScanner(str(line.link), FAST)) as heard:
        line.say(b"4006381")
        assert await frame(heard) == Frame("4006381", "cut_short")


async def test_an_unplugged_serial_scanner_comes_back_and_delivers_no_half_code(tmp_path: Path):
    line = Line(tmp_path / "scanner")
    scanner = SerialScanner(str(line.link), ScannerProfile(title="slow", idle_ms=10_000))
    async with running(scanner) as heard:
        line.say(b"40063")
        await until(lambda: scanner.decoder.pending)
        line.pull()
        await until(lambda: not scanner.present)
        line.plug()
        await until(lambda: scanner.present)
        line.say(b"96385074\r")
        assert await frame(heard) == Frame("96385074")
        assert heard.empty()


async def test_a_scanner_that_is_not_there_yet_is_waited_for(tmp_path: Path):
    scanner = SerialScanner(str(tmp_path / "scanner"), FAST)
    heard: asyncio.Queue[Reading] = asyncio.Queue()
    task = asyncio.create_task(scanner.run(heard.put_nowait))
    await let_others_run()
    assert not scanner.present
    line = Line(tmp_path / "scanner")
    await until(lambda: scanner.present)
    line.say(b"96385074\r")
    assert await frame(heard) == Frame("96385074")
    task.cancel()


RECORD = struct.Struct("llHHi")
US = load_layout("us", firmware_config() / "layouts")


def report(code: int, value: int) -> bytes:
    return RECORD.pack(0, 0, 1, code, value) + RECORD.pack(0, 0, 0, 0, 0)


def keys(*codes: int) -> list[bytes]:
    return [report(code, value) for code in codes for value in (1, 0)]


def listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    path.unlink(missing_ok=True)
    listener.bind(str(path))
    listener.listen(1)
    return listener


def wedge(path: Path) -> WedgeScanner:
    return WedgeScanner(str(path), WedgeDecoder(US), lambda: StreamSource(path))


async def test_a_wedge_over_a_socket_delivers_codes_and_comes_back_after_it_was_unplugged(tmp_path: Path):
    path = tmp_path / "wedge"
    listener = listen(path)
    scanner = wedge(path)
    async with running(scanner) as heard:
        end, _ = listener.accept()
        for packet in keys(5, 11, 28):
            end.send(packet)
        assert await frame(heard) == Frame("40")
        end.send(report(5, 1))
        await until(lambda: scanner.decoder.pending)
        end.close()
        listener.close()
        await until(lambda: not scanner.present)
        listener = listen(path)
        await until(lambda: scanner.present)
        end, _ = listener.accept()
        for packet in keys(2, 3, 28):
            end.send(packet)
        assert await frame(heard) == Frame("12")
        end.close()
    listener.close()


async def test_a_fifo_may_cut_records_anywhere(tmp_path: Path):
    path = tmp_path / "wedge"
    os.mkfifo(path)
    async with running(wedge(path)) as heard:
        writer = os.open(path, os.O_WRONLY)
        for byte in b"".join(keys(5, 11, 28)):
            os.write(writer, bytes([byte]))
        assert await frame(heard) == Frame("40")
        os.close(writer)


async def test_keys_that_never_end_are_told_as_cut_short(tmp_path: Path):
    path = tmp_path / "wedge"
    listener = listen(path)
    async with running(wedge(path)) as heard:
        end, _ = listener.accept()
        for packet in keys(5, 11):
            end.send(packet)
        assert await frame(heard) == Frame("40", "cut_short")
        end.close()
    listener.close()


def test_a_missing_stream_says_which(tmp_path: Path):
    with pytest.raises(DeviceGone, match="wedge"):
        StreamSource(tmp_path / "wedge")


def test_why_a_port_does_not_open_is_said_in_plain_words(tmp_path: Path):
    line = Line(tmp_path / "scanner")
    (tmp_path / "notes.txt").touch()
    for port, why in [
        (tmp_path / "scanner9", "is not there: plug it in, or correct the port"),
        (tmp_path / "notes.txt", "is no serial port: name the scanner's, such as /dev/retail/scanner0"),
        (tmp_path, "is no serial port: name the scanner's, such as /dev/retail/scanner0"),
        (Path("/dev/null"), "is no serial port: name the scanner's, such as /dev/retail/scanner0"),
    ]:
        with pytest.raises(DeviceGone) as caught:
            SerialSource(str(port), FAST)
        assert str(caught.value) == f"{port} {why}"
    first = SerialSource(str(line.link), FAST)
    with pytest.raises(DeviceGone, match="is held by another program: end it"):
        SerialSource(str(line.link), FAST)
    first.close()
