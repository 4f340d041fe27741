"""One MQTT 3.1.1 connection, so light that one process can hold three thousand (OASIS MQTT 3.1.1, section 3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from panier.error import PanierError
from panier_simulators.chaos.mqtt import PacketSplitter, Publish, identifier, is_publish, published

_CONNACK, _PUBACK, _SUBACK = 2, 4, 9
_KEEPALIVE = 5
"""Seconds, as a device says them."""
_LATEST = 60.0


class LineRefused(PanierError):
    """The broker does not want this client, or does not answer it."""

    code = "line_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who connects, where to, what it listens to, and its last will as (topic, payload)."""

    port: int
    name: str
    password: str
    listens: Sequence[str]
    will: tuple[str, bytes] | None = None


class Line(asyncio.Protocol):
    """Connects and subscribes with `open`; publishes at quality of service 1, as devices do. Once cut, it stays so."""

    def __init__(self, received: Callable[[Publish], None], confirmed: Callable[[], None]) -> None:
        self._received = received
        self._confirmed = confirmed
        self._splitter = PacketSplitter()
        self._transport: asyncio.Transport | None = None
        self._answers: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._identifier = 0
        self._said_at = 0.0
        self.is_cut = False
        self.was_open = False

    async def open(self, caller: Caller) -> None:
        """Returns when the subscriptions stand. Raises LineRefused, OSError."""
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", caller.port)
        self._write(_connect(caller))
        await self._answer(_CONNACK, caller.name)
        topics = b"".join(_text(topic.encode()) + b"\x00" for topic in caller.listens)
        self._write(_packet(0x82, self._next_identifier() + topics))
        await self._answer(_SUBACK, caller.name)
        self.was_open = True

    def publish(self, topic: bytes, payload: bytes, *, retain: bool = False) -> None:
        """Hands a message to the broker, which confirms it later."""
        self._write(_packet(0x33 if retain else 0x32, _text(topic) + self._next_identifier() + payload))

    def beat(self, now: float) -> None:
        """Says that we are here where nothing was said for a while; call it every second or so."""
        if now - self._said_at >= _KEEPALIVE - 1:
            self._write(b"\xc0\x00")

    def close(self) -> None:
        """Leaves in order."""
        if self._transport is not None and not self.is_cut:
            self._write(b"\xe0\x00")
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_cut = True
        self._answers.put_nowait((0, b""))

    def data_received(self, data: bytes) -> None:
        for packet in self._splitter.feed(data):
            kind = packet[0] >> 4
            if is_publish(packet):
                if number := identifier(packet):
                    self._write(b"\x40\x02" + number)
                self._received(published(packet))
            elif kind == _PUBACK:
                self._confirmed()
            elif kind in (_CONNACK, _SUBACK):
                self._answers.put_nowait((kind, packet))

    async def _answer(self, wanted: int, name: str) -> None:
        try:
            async with asyncio.timeout(_LATEST):
                kind, packet = await self._answers.get()
        except TimeoutError:
            raise LineRefused(f"{name}: the broker does not answer within {_LATEST:.0f} s") from None
        # A CONNACK ends with its return code, a SUBACK with what was granted: 0x80 is nothing.
        refused = packet[3:4] != b"\x00" if kind == _CONNACK else 0x80 in packet[4:]
        if kind != wanted or refused:
            raise LineRefused(f"{name}: wanted packet {wanted} of the broker, it said {packet.hex() or 'nothing and hung up'}")

    def _next_identifier(self) -> bytes:
        self._identifier = self._identifier % 65_535 + 1
        return self._identifier.to_bytes(2, "big")

    def _write(self, packet: bytes) -> None:
        if self._transport is not None and not self.is_cut:
            self._said_at = time.monotonic()
            self._transport.write(packet)


def _connect(caller: Caller) -> bytes:
    flags, will = 0xC2, b""  # user name, password, clean session
    if caller.will:
        flags |= 0x2C  # a will, at quality of service 1, retained
        will = _text(caller.will[0].encode()) + _text(caller.will[1])
    name = _text(caller.name.encode())
    head = _text(b"MQTT") + bytes((4, flags)) + _KEEPALIVE.to_bytes(2, "big")
    return _packet(0x10, head + name + will + name + _text(caller.password.encode()))


def _packet(first: int, body: bytes) -> bytes:
    size, length = len(body), bytearray()
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (0x80 if size else 0))
        if not size:
            return bytes((first,)) + bytes(length) + body


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text
