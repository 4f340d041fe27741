"""The wire to a receipt printer: serial, a device file such as /dev/usb/lp0, or TCP. Waits on the event loop, never in it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import select
import socket
import termios
from collections.abc import Callable
from typing import Literal

import serial

from panier_device.driver.port import DeviceGone
from panier_device.driver.serial_port import opened

Flow = Literal["none", "xonxoff", "rtscts", "dsrdtr"]
_CONNECTING = 3.0
_DRAINING = 0.005
_AT_ONCE = 256
"""Bytes a write: a printer that stops in the middle is noticed soon."""


class Wire:
    """An open wire. Methods raise DeviceGone, after which only `close` is of use."""

    def __init__(self, descriptor: int, close: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._close = close

    async def write(self, data: bytes) -> None:
        """Writes all and waits until it left this machine, however long the printer takes nothing: at 9600 baud a question that
        stood behind a receipt would be answered seconds later. Cancelled, a part of it may be written.
        """
        place = 0
        while place < len(data):
            try:
                place += os.write(self._descriptor, data[place : place + _AT_ONCE])
            except BlockingIOError:
                await self._ready(for_writing=True)
            except InterruptedError:
                continue
            except OSError as error:
                raise DeviceGone(f"the printer's line failed: {error.strerror or error}") from error

        while self._unsent():  # noqa: ASYNC110 (nothing tells when it is empty)
            await asyncio.sleep(_DRAINING)

    def _unsent(self) -> bool:
        """True while the kernel holds bytes for the printer; False also where it does not say, as for /dev/usb/lp0."""
        try:
            # A connection that the printer reset counts its bytes for ever, and only here says that it is gone.
            ended = select.poll()
            ended.register(self._descriptor, 0)
            if ended.poll(0):
                raise DeviceGone("the printer's line was cut")
            return fcntl.ioctl(self._descriptor, termios.TIOCOUTQ, b"\0\0\0\0") != b"\0\0\0\0"
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EINVAL):
                return False
            raise DeviceGone(f"the printer's line failed: {error.strerror or error}") from error

    async def read(self) -> bytes:
        """What has arrived; waits until something has."""
        while True:
            if data := self.read_now():
                return data
            await self._ready(for_writing=False)

    def read_now(self) -> bytes:
        """What has arrived, or nothing."""
        try:
            # A serial line reads as empty while nothing comes; only where it is readable is that its end.
            if not select.select((self._descriptor,), (), (), 0)[0]:
                return b""
            data = os.read(self._descriptor, 1024)
        except (OSError, ValueError) as error:
            if isinstance(error, BlockingIOError | InterruptedError):
                return b""
            error = error if isinstance(error, OSError) else OSError(errno.EBADF, "closed")
            raise DeviceGone(f"the printer's line failed: {error.strerror or error}") from error
        if not data:
            raise DeviceGone("the printer's line was closed at its end")
        return data

    async def _ready(self, *, for_writing: bool) -> None:
        loop = asyncio.get_running_loop()
        add, remove = (loop.add_writer, loop.remove_writer) if for_writing else (loop.add_reader, loop.remove_reader)
        ready = asyncio.Event()
        try:
            add(self._descriptor, ready.set)
        except (OSError, ValueError) as error:
            raise DeviceGone(f"the printer's line cannot be waited for: {error}") from error
        try:
            await ready.wait()
        finally:
            remove(self._descriptor)

    def close(self) -> None:
        """Lets go of the printer; safe to repeat."""
        with contextlib.suppress(OSError, serial.SerialException):
            self._close()


def open_serial(port: str, baud: int, flow: Flow) -> Wire:
    """A printer on a serial line. Raises DeviceGone."""
    try:
        line = opened(
            port, baudrate=baud, write_timeout=0, xonxoff=flow == "xonxoff", rtscts=flow == "rtscts", dsrdtr=flow == "dsrdtr"
        )
    except (OSError, ValueError) as error:
        raise DeviceGone(f"{port} cannot be opened: {error}") from error
    os.set_blocking(line.fileno(), False)
    return Wire(line.fileno(), line.close)


def open_file(path: str) -> Wire:
    """A printer behind a device file of its own. Raises DeviceGone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise DeviceGone(f"{path} cannot be opened: {error.strerror}") from error
    return Wire(descriptor, lambda: os.close(descriptor))


async def open_tcp(host: str, port: int) -> Wire:
    """A printer in the network. Raises DeviceGone."""
    try:
        line = await asyncio.to_thread(socket.create_connection, (host, port), _CONNECTING)
    except (OSError, UnicodeError) as error:
        raise DeviceGone(f"{host}:{port} does not answer: {getattr(error, 'strerror', '') or error}") from error
    line.setblocking(False)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return Wire(line.fileno(), line.close)
