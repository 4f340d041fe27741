"""The MQTT session: one connection to the store's broker that comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from panier_io.connection import Connection, NotConnected, Refused, Will
from panier_io.log import logger

__all__ = ["Address", "NotConnected", "Refused", "Session", "Will"]

_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0
_KEEPALIVE = 5


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


class Session:
    """Keeps one MQTT 3.1.1 connection (clean session) and hands on what arrives, one message after the other.

    `on_connect` runs after each (re)connection once the subscriptions stand; publish the birth message there. `on_message` gets
    topic and payload. An exception in either is logged and the session goes on: neither a payload nor what a process does when
    it is back may cut it off.
    `on_failure` hears why an attempt or a connection ended.

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
        on_failure: Callable[[Exception], None] = lambda _: None,
        will: Will | None = None,
    ) -> None:
        self._address = address
        self._subscriptions = list(subscriptions)
        self._on_connect = on_connect
        self._on_message = on_message
        self._on_disconnect = on_disconnect
        self._on_failure = on_failure
        self._will = will
        self._connection: Connection | None = None
        self._log = logger("session").bind(client=address.username, broker=f"{address.host}:{address.port}")

    @property
    def connected(self) -> bool:
        """True while the broker answers."""
        return self._connection is not None

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Hands one message to the broker and, but for `qos` 0, waits for its PUBACK. Raises NotConnected.

        A PUBACK proves nothing about the receiver, and brokers send it for refused topics too: only the gateway's own
        acknowledgement counts.
        """
        if self._connection is None:
            raise NotConnected(f"no connection to {self._address.host}:{self._address.port}")
        await self._connection.publish(topic, payload, retain=retain, qos=qos)

    async def run(self) -> None:
        """Connects and stays connected until cancelled; waits 0.2 to 5 s with jitter between attempts."""
        wait = _FIRST_WAIT
        while True:
            connection = Connection(_KEEPALIVE)
            try:
                await self._open(connection)
                self._connection = connection
                self._log.info("connected")
                wait = _FIRST_WAIT
                await self._survived(self._on_connect(), "on_connect_failed")
                await self._hand_on_from(connection)
            except (NotConnected, OSError, UnicodeError) as error:
                # UnicodeError: a host that is no name at all.
                self._log.info("disconnected", reason=str(error), again_in=round(wait, 1))
                self._on_failure(error)
            except asyncio.CancelledError:
                await self._say_goodbye()
                raise
            finally:
                connection.close()
                if self._connection is not None:
                    self._connection = None
                    self._on_disconnect()
            # Jitter, so that a store's devices do not all knock in the same instant after the broker came back.
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311  (no secret rests on it)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _open(self, connection: Connection) -> None:
        at = self._address
        await connection.open(
            at.host, at.port, client_id=at.client_id or at.username, username=at.username, password=at.password, will=self._will
        )  # fmt: skip
        await connection.subscribe(self._subscriptions)

    async def _say_goodbye(self) -> None:
        # A broker keeps the last will to itself when a client leaves in order.
        if self._will and self._connection:
            with contextlib.suppress(NotConnected):
                await self._connection.publish(self._will.topic, self._will.payload, qos=1, retain=True, within=1)

    async def _hand_on_from(self, connection: Connection) -> None:
        while True:
            for message in await connection.next_messages():
                what = {"topic": message.topic, "size": len(message.payload)}
                await self._survived(self._on_message(message.topic, message.payload), "message_failed", **what)
            # What was said meanwhile leaves now, however much has arrived.
            await asyncio.sleep(0)

    async def _survived(self, work: Awaitable[None], failure: str, **what: object) -> None:
        try:
            await work
        except NotConnected:
            raise
        except Exception:
            self._log.exception(failure, **what)
