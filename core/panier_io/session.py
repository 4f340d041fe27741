"""The MQTT session: one connection to the store's broker that comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import aiomqtt

from panier.error import PanierError
from panier_io.log import logger

_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0
_KEEPALIVE = 5
_REFUSED = 0x80
"""What a SUBACK says of a subscription that the broker does not take (MQTT 3.1.1, section 3.9.3)."""


class NotConnected(PanierError):
    """Nothing can be published now; keep it and publish when the session is connected again."""

    code = "not_connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the broker is, and who we are there.

    The user name is the client id unless another is stated: one identity, one connection. But brokers need not bind client ids to
    users, and whoever connects with another's id cuts that one off: state an id that nobody can guess where that matters.
    """

    host: str
    port: int
    username: str
    password: str
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says, retained, when this session dies."""

    topic: str
    payload: bytes


class Session:
    """Keeps one MQTT 3.1.1 connection (clean session) and hands on what arrives, one message after the other.

    `on_connect` runs after each (re)connection once the subscriptions stand; publish the birth message there. `on_message` gets
    topic and payload; an exception in it is logged and the session goes on: no payload may stop a process.

    Subscriptions are of quality of service 0, which a broker passes on as it comes: TCP loses nothing while a connection stands,
    a clean session gets nothing after it, and senders repeat what is not answered. With nats-server, each one of quality of
    service 1 would be a consumer on its disk: half as many messages a second, and no room for three thousand devices.
    """

    def __init__(
        self,
        address: Address,
        *,
        subscriptions: Sequence[str],
        on_connect: Callable[[], Awaitable[None]],
        on_message: Callable[[str, bytes], Awaitable[None]],
        on_disconnect: Callable[[], None] = lambda: None,
        will: Will | None = None,
    ) -> None:
        self._address = address
        self._subscriptions = list(subscriptions)
        self._on_connect = on_connect
        self._on_message = on_message
        self._on_disconnect = on_disconnect
        self._will = will
        self._client: aiomqtt.Client | None = None
        self._log = logger("session").bind(client=address.username, broker=f"{address.host}:{address.port}")

    @property
    def connected(self) -> bool:
        """True while the broker answers."""
        return self._client is not None

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Hands one message to the broker and waits for its PUBACK. Raises NotConnected.

        A PUBACK proves nothing about the receiver, and brokers send it for refused topics too: only the gateway's own
        acknowledgement counts.
        """
        client = self._client
        if client is None:
            raise NotConnected(f"no connection to {self._address.host}:{self._address.port}")
        try:
            await client.publish(topic, payload, qos=qos, retain=retain, timeout=10)
        except aiomqtt.MqttError as error:
            raise NotConnected(str(error)) from error
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # aiomqtt waits with asyncio.wait_for, which before Python 3.12 swallows a cancellation that comes together with the
            # answer: the task would run on for ever.
            raise asyncio.CancelledError

    async def run(self) -> None:
        """Connects and stays connected until cancelled; waits 0.2 to 5 s with jitter between attempts."""
        wait = _FIRST_WAIT
        while True:
            try:
                async with self._new_client() as client:
                    await self._subscribe(client)
                    self._client = client
                    self._log.info("connected")
                    wait = _FIRST_WAIT
                    try:
                        await self._on_connect()
                        async for message in client.messages:
                            await self._hand_on(message)
                    except asyncio.CancelledError:
                        await self._say_goodbye(client)
                        raise
            except (aiomqtt.MqttError, NotConnected, OSError) as error:
                self._log.info("disconnected", reason=str(error), again_in=round(wait, 1))
            finally:
                if self._client is not None:
                    self._client = None
                    self._on_disconnect()
            # Jitter, so that a store's devices do not all knock in the same instant after the broker came back.
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311  (no secret rests on it)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        for subscription in self._subscriptions:
            # A broker in distress refuses: who went on all the same would be deaf for as long as the connection stands.
            if _REFUSED in await client.subscribe(subscription, qos=0):
                raise NotConnected(f"the broker refuses the subscription to {subscription}")

    async def _say_goodbye(self, client: aiomqtt.Client) -> None:
        # A broker keeps the last will to itself when a client leaves in order.
        if self._will:
            with contextlib.suppress(aiomqtt.MqttError):
                await client.publish(self._will.topic, self._will.payload, qos=1, retain=True, timeout=1)

    async def _hand_on(self, message: aiomqtt.Message) -> None:
        try:
            await self._on_message(message.topic.value, message.payload)
        except NotConnected:
            raise
        except Exception:
            self._log.exception("message_failed", topic=message.topic.value, size=len(message.payload))

    def _new_client(self) -> aiomqtt.Client:
        at = self._address
        will = aiomqtt.Will(self._will.topic, self._will.payload, qos=1, retain=True) if self._will else None
        return aiomqtt.Client(
            at.host,
            at.port,
            username=at.username,
            password=at.password,
            identifier=at.client_id or at.username,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            keepalive=_KEEPALIVE,
            timeout=10,
            will=will,
            # Otherwise an acknowledgement that follows a PUBACK waits 40 ms for the broker's kernel to confirm that one.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
