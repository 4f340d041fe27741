"""Key events of an input device of the kernel. The one file that imports evdev, which not every machine can install."""

from __future__ import annotations

import contextlib
import fcntl
import struct
import time
from pathlib import Path
from typing import Any

import evdev

from panier_device.driver.node import unfit
from panier_device.driver.port import DeviceGone, KeyEvent, NoSuchDevice

_EVIOCSCLOCKID = 0x400445A0
"""_IOW('E', 0xa0, int), linux/input.h: which clock stamps the events that this reader gets."""


class EvdevSource:
    """Reads /dev/input/event* (or a link to one). Raises DeviceGone."""

    def __init__(self, path: str) -> None:
        try:
            if why_not := unfit(Path(path), "input"):
                raise NoSuchDevice(f"{why_not}: name the scanner's own")
            self._device: Any = evdev.InputDevice(path)
            # Left to itself the kernel stamps events with the time of day, which is set while somebody scans.
            fcntl.ioctl(self._device.fd, _EVIOCSCLOCKID, struct.pack("i", time.CLOCK_MONOTONIC))
        except OSError as error:
            raise DeviceGone(f"{path}: {error.strerror or error}") from error

    @property
    def identity(self) -> str:
        info = self._device.info
        return f"{self._device.name} ({info.vendor:04x}:{info.product:04x}) at {self._device.path}"

    def fileno(self) -> int:
        return self._device.fd

    def read(self) -> list[KeyEvent]:
        try:
            return [
                KeyEvent(event.sec * 1000 + event.usec // 1000, event.type, event.code, event.value)
                for event in self._device.read()
            ]
        except BlockingIOError:
            return []
        except OSError as error:
            raise DeviceGone(f"{self._device.path}: {error.strerror or error}") from error

    def grab(self) -> None:
        try:
            self._device.grab()
        except OSError as error:
            raise DeviceGone(
                f"{self._device.path} cannot be taken: {error.strerror or error}; does another program hold it?"
            ) from error

    def write(self, data: bytes) -> None:
        """A keyboard takes no bytes."""

    def close(self) -> None:
        # Closing lets go of the grab, too.
        with contextlib.suppress(OSError):
            self._device.close()
