"""A scanner on a serial line: RS-232, or USB that poses as one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time

import serial

from panier.trip import Entry
from panier_device.driver.frame import FrameDecoder
from panier_device.driver.port import Deliver, Frame, Reading
from panier_device.driver.profile import ScannerProfile
from panier_io.log import logger

_AGAIN = 0.5
"""Seconds between attempts to open the port: a scanner that was plugged in again serves within two."""
_PARITY = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}


class SerialScanner:
    """Reads frames from a serial port on the event loop; opens the port again whenever it comes back."""

    entry: Entry = "scan"

    def __init__(self, port: str, profile: ScannerProfile) -> None:
        self.name = port
        self.decoder = FrameDecoder(profile)
        self._port: serial.Serial | None = None
        self._log = logger("scanner").bind(port=port)
        self._complained = ""

    @property
    def present(self) -> bool:
        return self._port is not None

    @property
    def noise(self) -> int:
        return self.decoder.noise

    async def run(self, deliver: Deliver) -> None:
        while True:
            try:
                port = self._open()
            except (OSError, ValueError) as error:
                self._complain(str(error))
            else:
                self._complained = ""
                self._log.info("scanner_open")
                try:
                    await self._read_until_gone(port, deliver)
                finally:
                    self._port = None
                    with contextlib.suppress(OSError):
                        port.close()
                self._log.warning("scanner_gone")
            await asyncio.sleep(_AGAIN)

    def _open(self) -> serial.Serial:
        profile = self.decoder.profile
        # Exclusive, so that a second process cannot take every other byte of a code.
        port = serial.Serial(
            self.name,
            profile.baud,
            bytesize=profile.data_bits,
            parity=_PARITY[profile.parity],
            stopbits=profile.stop_bits,
            timeout=0,
            exclusive=True,
        )
        self._port = port
        return port

    async def _read_until_gone(self, port: serial.Serial, deliver: Deliver) -> None:
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()
        silence: asyncio.TimerHandle | None = None
        idle = self.decoder.profile.idle_ms / 1000

        def hand_on(frames: list[Frame], read_at: int) -> None:
            for frame in frames:
                deliver(Reading(frame, self.entry, read_at))

        def readable() -> None:
            nonlocal silence
            try:
                data = os.read(descriptor, 4096)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EINTR):
                    return
                data = b""
            read_at = time.monotonic_ns()
            if silence is not None:
                silence.cancel()
                silence = None
            if not data:
                loop.remove_reader(descriptor)
                self.decoder.reset()
                if not gone.done():
                    gone.set_result(None)
                return
            frames = self.decoder.feed(data)
            if self.decoder.pending:
                silence = loop.call_later(idle, lambda: hand_on(self.decoder.flush(), time.monotonic_ns()))
            hand_on(frames, read_at)

        descriptor = port.fileno()
        loop.add_reader(descriptor, readable)
        try:
            await gone
        finally:
            loop.remove_reader(descriptor)
            if silence is not None:
                silence.cancel()
            self.decoder.reset()

    def _complain(self, reason: str) -> None:
        # Once a reason, not twice a second for as long as the scanner lies in the drawer.
        if reason != self._complained:
            self._complained = reason
            self._log.warning("scanner_missing", reason=reason)
