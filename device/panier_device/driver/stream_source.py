"""Key events over a socket or a FIFO: records of the kernel's input_event, for wedges that are not input devices."""

from __future__ import annotations

import os
import socket
import stat
import struct
from pathlib import Path

from panier_device.driver.port import DeviceGone, KeyEvent

RECORD = struct.Struct("llHHi")
"""input_event of a 64-bit kernel: seconds, microseconds, type, code, value."""


class StreamSource:
    """Reads records from an AF_UNIX SOCK_SEQPACKET socket, which keeps one report a packet, or from a FIFO. Raises DeviceGone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = b""
        try:
            self._descriptor = connect(path) if stat.S_ISSOCK(path.stat().st_mode) else _open_fifo(path)
        except OSError as error:
            raise DeviceGone(f"{path}: {error.strerror or error}") from error

    @property
    def identity(self) -> str:
        return f"key stream {self._path}"

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> list[KeyEvent]:
        try:
            data = os.read(self._descriptor, 64 * RECORD.size)
        except BlockingIOError:
            return []
        except OSError as error:
            raise DeviceGone(f"{self._path}: {error.strerror}") from error
        if not data:
            raise DeviceGone(f"{self._path}: the other end is closed")
        data = self._held + data
        whole = len(data) - len(data) % RECORD.size
        self._held = data[whole:]
        return [
            KeyEvent(seconds * 1000 + micros // 1000, kind, code, value)
            for seconds, micros, kind, code, value in RECORD.iter_unpack(data[:whole])
        ]

    def grab(self) -> None:
        """Nobody else reads this stream."""

    def write(self, data: bytes) -> None:
        """A keyboard takes no bytes."""

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def connect(path: Path) -> int:
    """A descriptor of the AF_UNIX SOCK_SEQPACKET socket at `path`, which never waits. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(str(path))
        connection.setblocking(False)
    except OSError:
        connection.close()
        raise
    return connection.detach()


def _open_fifo(path: Path) -> int:
    # For writing too, so that a writer that comes and goes does not look like an unplugged device.
    return os.open(path, os.O_RDWR | os.O_NONBLOCK)
