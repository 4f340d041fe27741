"""A link between two processes, and what can befall it: a TCP proxy that holds up, swallows, cuts, repeats and disorders."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, cast

from panier_simulators.chaos.mqtt import PacketSplitter, Publish, is_publish, published

Mood = Literal["well", "cut", "blackhole", "lost_reply"]
Meddling = Literal["duplicate", "reorder", "lose"]
Hear = Callable[[bool, Publish], None]
"""Told of each PUBLISH that came by: True where the client sent it, and what it says."""

_RESET = struct.pack("ii", 1, 0)
_HELD_BACK = 0.25
"""Seconds that a packet which lost its place in the order waits for another to overtake it, at the most."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens."""

    host: str
    port: int


@dataclass(slots=True)
class _Weather:
    """What befalls the link now."""

    mood: Mood = "well"
    delay: float = 0.0
    meddling: Meddling | None = None
    chance: float = 0.0


class Link:
    """Listens at `here` and passes on to `there`, in both directions.

    `hear` makes it an MQTT link: packets are told apart, seen, and can be meddled with, each PUBLISH as a whole; a stream's bytes
    can only be late, or missing to the end of the connection. `seed` decides which packets.
    """

    def __init__(self, name: str, here: Address, there: Address, *, hear: Hear | None = None, seed: int = 0) -> None:
        self.name = name
        self.here = here
        self.there = there
        self.hear = hear
        self.weather = _Weather()
        self.dice = random.Random(f"{name} {seed}")  # noqa: S311 (weather, not secrets)
        self.ends: set[_End] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begins to listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _End(self, is_client=True), self.here.host, self.here.port)

    async def close(self) -> None:
        """Stops listening and drops what is connected."""
        if self._server:
            self._server.close()
        self.drop()
        for task in self._tasks:
            task.cancel()

    async def suffer(self, mood: Mood, seconds: float) -> None:
        """Cut: connections are reset and new ones too. Blackhole: what is sent vanishes. Lost reply: what is answered vanishes.

        What lost bytes cannot go on: it is reset at the end.
        """
        self.weather.mood = mood
        if mood == "cut":
            self.drop()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.weather.mood = "well"
            for end in [end for end in self.ends if end.has_lost]:
                end.drop()

    async def lag(self, delay: float, seconds: float) -> None:
        """Everything takes `delay` seconds longer, for a while."""
        self.weather.delay = delay
        try:
            await asyncio.sleep(seconds)
        finally:
            self.weather.delay = 0.0

    async def meddle(self, how: Meddling, chance: float, seconds: float) -> None:
        """Each PUBLISH is sent twice, held back until another overtook it, or lost, by `chance`, for a while."""
        self.weather.meddling, self.weather.chance = how, chance
        try:
            await asyncio.sleep(seconds)
        finally:
            self.weather.meddling = None

    async def half_close(self, seconds: float) -> None:
        """One side of each connection hears that the other has said its last, while the other goes on; then it is reset."""
        halved = [end for end in self.ends if self.dice.random() < 0.5 or end.peer not in self.ends]
        for end in halved:
            end.say_last()
        try:
            await asyncio.sleep(seconds)
        finally:
            for end in halved:
                end.drop()

    def drop(self) -> None:
        """Resets every connection."""
        for end in list(self.ends):
            end.drop()

    def connect(self, client: _End) -> None:
        """Goes on to the other side for somebody who came."""
        task = asyncio.ensure_future(self._connect(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, client: _End) -> None:
        if self.weather.mood == "cut":
            client.drop()
            return
        server = _End(self, is_client=False)
        server.peer, client.peer = client, server
        try:
            await asyncio.get_running_loop().create_connection(lambda: server, self.there.host, self.there.port)
        except OSError:
            client.drop()


@dataclass(slots=True, eq=False)
class _End(asyncio.Protocol):
    """One end of a connection: what it reads goes to its peer, when and as the weather lets it."""

    link: Link
    is_client: bool
    peer: _End | None = None
    has_lost: bool = False
    transport: asyncio.Transport | None = None
    _early: list[bytes] = field(default_factory=list[bytes])
    _due: deque[tuple[float, bytes]] = field(default_factory=deque[tuple[float, bytes]])
    _timer: asyncio.TimerHandle | None = None
    _packets: PacketSplitter = field(default_factory=PacketSplitter)
    _overtaken: bytes | None = None
    _is_mute: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.link.ends.add(self)
        if self.is_client:
            self.link.connect(self)
        elif self.peer:
            if self.peer.transport is None or self.peer.transport.is_closing():
                self.drop()
                return
            early, self.peer._early = self.peer._early, []
            for data in early:
                self.peer.data_received(data)

    def data_received(self, data: bytes) -> None:
        if self.peer is None or self.peer.transport is None:
            self._early.append(data)
            return
        mood = self.link.weather.mood
        if mood == "blackhole" or (mood == "lost_reply" and not self.is_client) or self.has_lost:
            self.has_lost = True
            return
        if self.link.hear is None:
            self._pass_on(data)
            return
        for packet in self._packets.feed(data):
            self._meddle(packet)

    def eof_received(self) -> bool:
        if self.peer:
            self.peer.say_last()
        # Where both have said their last, it is over.
        return not self._is_mute

    def connection_lost(self, exc: Exception | None) -> None:
        self.link.ends.discard(self)
        if self._timer:
            self._timer.cancel()
        if self.peer and self.peer.transport:
            self.peer.transport.abort() if exc else self.peer.transport.close()

    def pause_writing(self) -> None:
        if self.peer and self.peer.transport:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer and self.peer.transport:
            self.peer.transport.resume_reading()

    def say_last(self) -> None:
        """Tells whoever is connected here that nothing more will come."""
        if self.transport and not self.transport.is_closing() and not self._is_mute:
            self._is_mute = True
            with contextlib.suppress(OSError):
                self.transport.write_eof()

    def drop(self) -> None:
        """Resets this connection, on both sides."""
        for end in (self, self.peer):
            # One whose connection is over already has no socket any more.
            if end in self.link.ends and end.transport:
                # Without lingering, closing is a reset and not an end.
                end.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.transport.abort()

    def _meddle(self, packet: bytes) -> None:
        weather, dice = self.link.weather, self.link.dice
        if not is_publish(packet):
            self._pass_on(packet)
            return
        lot = weather.meddling if weather.meddling and dice.random() < weather.chance else None
        if lot == "lose":
            return
        if self.link.hear:
            self.link.hear(self.is_client, published(packet))
        if lot == "reorder" and self._overtaken is None:
            self._overtaken = packet
            asyncio.get_running_loop().call_later(_HELD_BACK, self._let_go)
            return
        self._pass_on(packet)
        if lot == "duplicate":
            self._pass_on(packet)
        self._let_go()

    def _let_go(self) -> None:
        if self._overtaken is not None:
            packet, self._overtaken = self._overtaken, None
            self._pass_on(packet)

    def _pass_on(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        if not self._due and not self.link.weather.delay:
            self._write(data)
            return
        # In order, even where the delay has ended meanwhile.
        self._due.append((now + self.link.weather.delay, data))
        self._wait(now)

    def _wait(self, now: float) -> None:
        if self._due and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, self._due[0][0] - now), self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._due and self._due[0][0] <= now + 0.001:
            self._write(self._due.popleft()[1])
        self._wait(now)

    def _write(self, data: bytes) -> None:
        peer = self.peer
        if peer and peer.transport and not peer.transport.is_closing() and not peer._is_mute:
            peer.transport.write(data)
