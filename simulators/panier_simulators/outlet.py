"""Where a device plugs in that is no device of the kernel: an AF_UNIX SOCK_SEQPACKET socket, which keeps one report a packet."""

from __future__ import annotations

import socket
from pathlib import Path

from panier_simulators.place import clear_for_device

_MOST = 4096


class Outlet:
    """Listens at `path`. The newest reader counts: a device that was killed leaves its old connection behind."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener: socket.socket | None = None
        self._reader: socket.socket | None = None
        self.plug()

    def plug(self) -> None:
        """Plugs the cable in: a device can connect. Raises PlaceTaken."""
        if self._listener:
            return
        clear_for_device(self.path)
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(self.path))
        self._listener.listen(4)
        self._listener.setblocking(False)

    def unplug(self) -> None:
        """Pulls the cable: the reader finds the other end closed, the path is gone."""
        if self._listener and self.path.is_socket():
            self.path.unlink()
        for end in (self._reader, self._listener):
            if end:
                end.close()
        self._reader = self._listener = None

    @property
    def is_plugged(self) -> bool:
        """True while a device can connect."""
        return self._listener is not None

    @property
    def has_reader(self) -> bool:
        """True while a device is connected."""
        return self._reader is not None

    def welcome(self) -> bool:
        """Takes in whoever has connected; True where that is somebody new."""
        before = self._reader
        while self._listener:
            try:
                reader, _ = self._listener.accept()
            except BlockingIOError:
                break
            if self._reader:
                self._reader.close()
            reader.setblocking(False)
            self._reader = reader
        return self._reader is not before

    def put(self, packet: bytes) -> bool:
        """Sends one packet; False where the reader's buffer is full. What nobody hears is sent all the same."""
        if not self._reader:
            return True
        try:
            self._reader.send(packet)
        except BlockingIOError:
            return False
        except OSError:
            self._reader.close()
            self._reader = None
        return True

    def heard(self) -> list[bytes]:
        """The packets that the reader has sent since the last look."""
        packets: list[bytes] = []
        while self._reader:
            try:
                packet = self._reader.recv(_MOST)
            except BlockingIOError:
                break
            except OSError:
                packet = b""
            if not packet:
                self._reader.close()
                self._reader = None
                break
            packets.append(packet)
        return packets
