"""One MQTT 3.1.1 connection over TCP: what one turn of the event loop says leaves in one piece, what comes waits in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from panier.error import PanierError
from panier_io.packet import (
    DISCONNECT,
    PINGREQ,
    ConnAck,
    Packet,
    PacketBroken,
    PacketDecoder,
    PubAck,
    Published,
    SubAck,
    Will,
    connect,
    puback,
    publish,
    subscribe,
)

_LATEST = 10.0
"""Seconds within which a broker answers."""
_LOOK = 1.0
_WAITING, _AT_ONCE = 2_000, 100
"""Messages that wait here before the broker is made to wait, and those that are taken in one go."""
_REFUSED = 0x80
"""What a SUBACK says of a subscription that the broker does not take (MQTT 3.1.1, section 3.9.3)."""
_REASONS = {
    1: "it speaks another version",
    2: "it refuses the client id",
    4: "user name or password is wrong",
    5: "not authorized",
}


class NotConnected(PanierError):
    """Nothing can be published now; keep it and publish when the session is connected again."""

    code = "not_connected"


class Connection(asyncio.Protocol):
    """Opened once by `open`; once lost, it stays lost, and everything that waits on it raises NotConnected."""

    def __init__(self, keepalive: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._keepalive = keepalive
        self._decoder = PacketDecoder()
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._arrived: deque[Published] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._answers: dict[int, asyncio.Future[Packet]] = {}
        self._identifier = 0
        self._said_at = self._heard_at = self._loop.time()
        self._pinged_at: float | None = None
        self._look: asyncio.TimerHandle | None = None
        self._lost: str | None = None
        self._is_deaf = False

    async def open(self, host: str, port: int, *, client_id: str, username: str, password: str, will: Will | None) -> None:
        """Returns when the broker has taken us in. Raises NotConnected, OSError."""
        try:
            async with asyncio.timeout(_LATEST):
                await self._loop.create_connection(lambda: self, host, port)
                hello = connect(
                    client_id=client_id, username=username, password=password, keepalive=self._keepalive, will=will
                )  # fmt: skip
                answer = await self._ask(0, hello)
        except TimeoutError:
            raise NotConnected(f"no answer from {host}:{port} within {_LATEST:.0f} s") from None
        if not isinstance(answer, ConnAck) or answer.code:
            why = _REASONS.get(answer.code, f"code {answer.code}") if isinstance(answer, ConnAck) else "it answers something else"
            raise NotConnected(f"the broker at {host}:{port} refuses us: {why}")

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Returns when all subscriptions stand. Raises NotConnected where one is refused."""
        identifier = self._next_identifier()
        answer = await self._answer(identifier, subscribe(identifier, topics))
        granted = answer.granted if isinstance(answer, SubAck) else b""
        # A broker in distress refuses: who went on all the same would be deaf for as long as the connection stands.
        refused = [topic for topic, one in zip(topics, granted, strict=False) if one == _REFUSED] or topics[len(granted) :]
        if refused:
            raise NotConnected(f"the broker refuses the subscription to {', '.join(refused)}")

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 0, within: float = _LATEST) -> None:
        """Says it; of quality of service 1, returns when the broker has it. Raises NotConnected."""
        if qos:
            identifier = self._next_identifier()
            await self._answer(identifier, publish(topic, payload, retain=retain, identifier=identifier), within)
            return
        self._say(publish(topic, payload, retain=retain))
        if not self._room.is_set():
            await self._have_room(within)

    async def next_messages(self) -> list[Published]:
        """What arrived and was not taken yet, in order; waits for it. Raises NotConnected where nothing more comes."""
        while not self._arrived:
            if self._lost is not None:
                raise NotConnected(self._lost)
            self._news.clear()
            await self._news.wait()
        taken = [self._arrived.popleft() for _ in range(min(_AT_ONCE, len(self._arrived)))]
        if self._is_deaf and len(self._arrived) < _WAITING and self._transport and not self._transport.is_closing():
            self._is_deaf = False
            self._transport.resume_reading()
        return taken

    def close(self) -> None:
        """Leaves in order: the broker keeps the last will to itself."""
        if self._lost is None and self._transport:
            self._say(DISCONNECT)
            self._flush()
            self._transport.close()
        self._end("closed here")

    # -- asyncio.Protocol --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._look = self._loop.call_later(_LOOK, self._look_after)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the broker hung up{f': {exc}' if exc else ''}")

    def data_received(self, data: bytes) -> None:
        self._heard_at, self._pinged_at = self._loop.time(), None
        try:
            packets = self._decoder.feed(data)
        except PacketBroken as error:
            self._end(str(error))
            return
        for packet in packets:
            match packet:
                case Published():
                    self._take(packet)
                case ConnAck():
                    self._settle(0, packet)
                case PubAck() | SubAck():
                    self._settle(packet.identifier, packet)
                case _:
                    pass  # a PINGRESP; that it came is what counts

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _take(self, message: Published) -> None:
        if message.identifier is not None:
            self._say(puback(message.identifier))
        self._arrived.append(message)
        self._news.set()
        if self._transport and len(self._arrived) >= _WAITING and not self._is_deaf:
            self._is_deaf = True
            self._transport.pause_reading()

    def _settle(self, identifier: int, packet: Packet) -> None:
        if (waiting := self._answers.get(identifier)) and not waiting.done():
            waiting.set_result(packet)

    async def _answer(self, identifier: int, packet: bytes, within: float = _LATEST) -> Packet:
        try:
            async with asyncio.timeout(within):
                return await self._ask(identifier, packet)
        except TimeoutError:
            raise NotConnected(f"the broker does not answer within {within:.0f} s") from None

    async def _ask(self, identifier: int, packet: bytes) -> Packet:
        self._say(packet)
        answer = self._answers[identifier] = self._loop.create_future()
        try:
            return await answer
        finally:
            del self._answers[identifier]

    async def _have_room(self, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                await self._room.wait()
        except TimeoutError:
            raise NotConnected(f"the broker takes nothing for {within:.0f} s") from None

    def _next_identifier(self) -> int:
        self._identifier = self._identifier % 65_535 + 1
        if self._identifier in self._answers:
            raise NotConnected("65,535 messages wait for the broker's answer")
        return self._identifier

    def _say(self, packet: bytes) -> None:
        if self._lost is not None:
            raise NotConnected(self._lost)
        if not self._out:
            # One call of the system for whatever is said until then: it costs more than all the rest of a message.
            self._loop.call_soon(self._flush)
        self._out.append(packet)

    def _flush(self) -> None:
        if self._out and self._transport and not self._transport.is_closing():
            self._said_at = self._loop.time()
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _look_after(self) -> None:
        """Pings where nothing was said or heard for a while, and gives up on a broker that does not even answer that."""
        now = self._loop.time()
        if self._is_deaf:
            self._heard_at, self._pinged_at = now, None
        if self._pinged_at is not None and now - self._pinged_at >= self._keepalive:
            self._end(f"the broker is silent for {now - self._heard_at:.0f} s")
            return
        if self._pinged_at is None and now - min(self._said_at, self._heard_at) >= self._keepalive - _LOOK:
            self._pinged_at = now
            self._say(PINGREQ)
        self._look = self._loop.call_later(_LOOK, self._look_after)

    def _end(self, why: str) -> None:
        if self._lost is not None:
            return
        self._lost = why
        if self._look:
            self._look.cancel()
        if self._transport and not self._transport.is_closing():
            self._transport.abort()
        self._room.set()
        self._news.set()
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(NotConnected(why))
