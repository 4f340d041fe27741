"""Reports of a HID-POS scanner: /dev/hidraw*, or a socket that keeps one report a packet, for scanners that are no devices."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from panier_device.driver.node import unfit
from panier_device.driver.port import DeviceGone, NoSuchDevice
from panier_device.driver.stream_source import connect

_REPORT = 64
_AT_ONCE = 64
"""Reports that the kernel holds for a reader at the most (HIDRAW_BUFFER_SIZE)."""


class ReportSource:
    """Reads input reports, and writes output reports, each with its number as the first byte. Raises DeviceGone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            if why_not := unfit(path, "hidraw"):
                raise NoSuchDevice(f"{why_not}: name the scanner's own")
            self._descriptor = connect(path) if stat.S_ISSOCK(path.stat().st_mode) else _open(path)
        except OSError as error:
            raise DeviceGone(f"{path}: {error.strerror or error}") from error

    @property
    def identity(self) -> str:
        return f"reports of {self._path}"

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> list[bytes]:
        reports: list[bytes] = []
        try:
            while len(reports) < _AT_ONCE:
                report = os.read(self._descriptor, _REPORT)
                if not report:
                    break
                reports.append(report)
        except BlockingIOError:
            return reports
        except OSError as error:
            if not reports:
                raise DeviceGone(f"{self._path}: {error.strerror or error}") from error
        if not reports:
            raise DeviceGone(f"{self._path}: the other end is closed")
        return reports

    def write(self, data: bytes) -> None:
        try:
            os.write(self._descriptor, data)
        except BlockingIOError:
            return
        except OSError as error:
            raise DeviceGone(f"{self._path}: {error.strerror or error}") from error

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except PermissionError:
        # Enough to scan with; only the beeps for what was taken stay out.
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK)
