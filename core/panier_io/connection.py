"""One MQTT 3.1.1 connection: paho-mqtt makes and reads the packets, asyncio moves the bytes.

paho on a socket of its own reads and writes each packet in several calls of the system, which cost a gateway four times as much
as all the rest of a message. So it gets a `_Pipe` for a socket: what comes is read in one piece, what one turn of the event loop
says leaves in one piece.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from panier.error import PanierError

_LATEST = 10.0
"""Seconds within which a broker answers."""
_LOOK = 1.0
_WAITING, _AT_ONCE = 2_000, 100
"""Messages that wait here before the broker is made to wait, and those that are taken in one go."""
_HELLO = 0


class NotConnected(PanierError):
    """Nothing can be published now; keep it and publish when the session is connected again."""

    code = "not_connected"


class Refused(NotConnected):
    """A broker is there and does not let us in: its words, as "Not authorized", are `reason`."""

    code = "refused"

    def __init__(self, broker: str, reason: str) -> None:
        super().__init__(f"the broker at {broker} refuses us: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says, retained, when this session dies."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """A message that arrived."""

    topic: str
    payload: bytes


class Connection(asyncio.Protocol):
    """Opened once by `open`; once lost, it stays lost, and everything that waits on it raises NotConnected."""

    def __init__(self, keepalive: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._keepalive = keepalive
        self._pipe = _Pipe(self._say)
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._arrived: deque[Published] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._look: asyncio.TimerHandle | None = None
        self._lost: str | None = None
        self._is_deaf, self._deaf_at = False, 0.0
        self._client: _Paho | None = None

    async def open(self, host: str, port: int, *, client_id: str, username: str, password: str, will: Will | None) -> None:
        """Returns when the broker has taken us in. Raises NotConnected, Refused, OSError."""
        client = self._client = _Paho(self._pipe, client_id)
        client.username_pw_set(username, password)
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.on_connect = lambda _client, _data, _flags, reason, _properties: self._settle(_HELLO, reason)
        client.on_subscribe = lambda _client, _data, mid, reasons, _properties: self._settle(mid, reasons)
        client.on_publish = lambda _client, _data, mid, _reason, _properties: self._settle(mid, None)
        client.on_message = self._take
        try:
            async with asyncio.timeout(_LATEST):
                await self._loop.create_connection(lambda: self, host, port)
                answer = self._expect(_HELLO)
                client.connect(host, port, self._keepalive)
                reason: ReasonCode = await answer
        except TimeoutError:
            raise NotConnected(f"no answer from {host}:{port} within {_LATEST:.0f} s") from None
        if reason.is_failure:
            raise Refused(f"{host}:{port}", str(reason))

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Returns when all subscriptions stand. Raises NotConnected where one is refused."""
        _, mid = self._open_client().subscribe([(topic, 0) for topic in topics])
        assert mid is not None
        reasons: list[ReasonCode] = await self._answer(mid)
        # A broker in distress refuses: who went on all the same would be deaf for as long as the connection stands.
        taken = [not reason.is_failure for reason in reasons] + [False] * (len(topics) - len(reasons))
        if not all(taken):
            refused = ", ".join(topic for topic, is_taken in zip(topics, taken, strict=False) if not is_taken)
            raise NotConnected(f"the broker refuses the subscription to {refused}")

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 0, within: float = _LATEST) -> None:
        """Says it; of quality of service 1, returns when the broker has it. Raises NotConnected."""
        told = self._open_client().publish(topic, payload, qos, retain)
        if qos:
            await self._answer(told.mid, within)
        elif not self._room.is_set():
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
            self._is_deaf, self._deaf_at = False, self._loop.time()
            self._transport.resume_reading()
        return taken

    def close(self) -> None:
        """Leaves in order: the broker keeps the last will to itself."""
        if self._lost is None and self._client and self._transport:
            self._client.disconnect()
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
        assert self._client is not None
        try:
            if wrong := self._client.read(data):
                self._end(f"the broker sends what is no MQTT: {wrong}")
        except UnicodeDecodeError:
            self._end("the broker sends a topic that is not UTF-8")

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._arrived.append(Published(message.topic, bytes(message.payload)))
        self._news.set()
        if self._transport and len(self._arrived) >= _WAITING and not self._is_deaf:
            self._is_deaf = True
            self._transport.pause_reading()

    def _open_client(self) -> _Paho:
        if self._lost is not None or self._client is None:
            raise NotConnected(self._lost or "not opened")
        return self._client

    def _expect(self, identifier: int) -> asyncio.Future[Any]:
        waiting = self._answers[identifier] = self._loop.create_future()
        waiting.add_done_callback(lambda _: self._answers.pop(identifier, None))
        return waiting

    def _settle(self, identifier: int, answer: object) -> None:
        if (waiting := self._answers.get(identifier)) and not waiting.done():
            waiting.set_result(answer)

    async def _answer(self, identifier: int, within: float = _LATEST) -> Any:
        try:
            async with asyncio.timeout(within):
                return await self._expect(identifier)
        except TimeoutError:
            # Whoever waited says it again, and paho would keep each of them for an answer that may never come.
            self._end(f"the broker does not answer within {within:.0f} s")
            raise NotConnected(self._lost) from None

    async def _have_room(self, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                await self._room.wait()
        except TimeoutError:
            raise NotConnected(f"the broker takes nothing for {within:.0f} s") from None

    def _say(self, data: bytes) -> None:
        if not self._out:
            # One call of the system for whatever is said until then: it costs more than all the rest of a message.
            self._loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        if self._out and self._transport and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _look_after(self) -> None:
        """Pings where nothing was said or heard for a while, and gives up on a broker that does not even answer that."""
        now = self._loop.time()
        # Where we are deaf by choice, or were just now, the answer to a ping may still stand behind what we did not read.
        if self._client and not self._is_deaf and now - self._deaf_at >= self._keepalive:
            self._client.loop_misc()
            if self._pipe.is_closed:
                self._end(f"the broker is silent for more than {self._keepalive} s")
                return
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
        for waiting in list(self._answers.values()):
            if not waiting.done():
                waiting.set_exception(NotConnected(why))


class _Pipe:
    """What paho takes for its socket: bytes that came are put into `unread`, bytes to send go to `say`."""

    def __init__(self, say: Any) -> None:
        self._say = say
        self.unread, self._place = b"", 0
        self.is_closed = False

    def pending(self) -> int:
        return len(self.unread) - self._place

    def recv(self, size: int) -> bytes:
        if self._place >= len(self.unread):
            raise BlockingIOError
        begin, self._place = self._place, self._place + size
        return self.unread[begin : self._place]

    def put(self, data: bytes) -> None:
        self.unread, self._place = data, 0

    def send(self, data: bytes) -> int:
        self._say(bytes(data))
        return len(data)

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        self.is_closed = True


class _Paho(Client):
    """A client whose socket is a pipe; it connects once and never again by itself."""

    def __init__(self, pipe: _Pipe, client_id: str) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True, protocol=MQTTv311, reconnect_on_failure=False
        )
        self._pipe = pipe
        # Who publishes waits for the answer: nothing is to wait in here besides.
        self.max_inflight_messages = 0

    def _create_socket(self) -> Any:
        return self._pipe

    def read(self, data: bytes) -> str:
        """Takes in what came; what is wrong with it, or nothing."""
        self._pipe.put(data)
        while self._pipe.pending() > 0:
            code = self.loop_read()
            if code:
                return str(code.name)
        return ""
