"""A scanner on a serial line: RS-232, or USB that poses as one."""

from __future__ import annotations

import contextlib
import errno
import os
import select
from pathlib import Path

import serial

from panier_device.driver.frame import FrameDecoder
from panier_device.driver.plugged import PluggedScanner
from panier_device.driver.port import DeviceGone, NoSuchDevice
from panier_device.driver.profile import ScannerProfile
from panier_device.driver.serial_port import open_port


def _why_not(port: str, error: Exception) -> DeviceGone:
    """Why `port` does not open, without what pyserial wraps around it."""
    if not Path(port).exists():
        return DeviceGone(f"{port} is not there: plug it in, or correct the port")
    cause = error.__context__ if isinstance(error, serial.SerialException) else error
    match cause.args[0] if cause and cause.args else None:
        case errno.EAGAIN | errno.EBUSY:
            return DeviceGone(f"{port} is held by another program: end it")
        case errno.ENOTTY | errno.EISDIR | errno.EINVAL:
            return NoSuchDevice(f"{port} is no serial port: name the scanner's, such as /dev/retail/scanner0")
        case _:
            return DeviceGone(str(error))


class SerialSource:
    """An open serial port, set as the profile says. Raises DeviceGone."""

    def __init__(self, port: str, profile: ScannerProfile) -> None:
        try:
            self._port = open_port(port, profile)
        except (OSError, ValueError) as error:
            raise _why_not(port, error) from error
        self._name = port
        self._announced = select.poll()
        self._announced.register(self._port.fileno(), select.POLLIN)

    @property
    def identity(self) -> str:
        return self._name

    def fileno(self) -> int:
        return self._port.fileno()

    def read(self) -> bytes:
        try:
            # An empty read means that nothing came, or that the line is gone; only in the second case it is announced.
            if not self._announced.poll(0):
                return b""
            data = os.read(self._port.fileno(), 4096)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceGone(f"{self._name}: {error.strerror or error}") from error
        if not data:
            raise DeviceGone(f"{self._name}: the line is gone")
        return data

    def write(self, data: bytes) -> None:
        try:
            os.write(self._port.fileno(), data)
        except BlockingIOError:
            # Nobody at the other end takes it, or flow control holds it back.
            return
        except OSError as error:
            raise DeviceGone(f"{self._name}: {error.strerror or error}") from error

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._port.close()


class SerialScanner(PluggedScanner[bytes]):
    """Reads frames from a serial port; opens the port again whenever it comes back."""

    def __init__(self, port: str, profile: ScannerProfile) -> None:
        self.decoder = FrameDecoder(profile)
        super().__init__(
            port, "scan", self.decoder, lambda: SerialSource(port, profile), profile,
            silence_s=profile.idle_ms / 1000, unreadable="wrong_speed",
            shows_beginning=lambda text: profile.framing == "stx" or profile.is_identified(text),
        )  # fmt: skip
