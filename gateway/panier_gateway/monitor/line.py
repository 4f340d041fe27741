"""The monitor's line to the store: live rows and counters in, acts out."""

from __future__ import annotations

from typing import Protocol

from panier.message import Act, Counters, LiveRow, Malformed, decode
from panier.topic import StoreTopics
from panier_gateway.settings import MonitorSettings
from panier_io.log import logger
from panier_io.session import Address, Refused, Session


class Line(Protocol):
    """What a screen needs of the store."""

    async def run(self, picture: Picture) -> None:
        """Keeps the picture current until cancelled."""
        ...

    async def act(self, act: Act) -> None:
        """Tells the gateway what staff did. Raises NotConnected."""
        ...


class Picture(Protocol):
    """Where the news goes."""

    def show_row(self, row: LiveRow) -> None:
        """One terminal as it is now."""
        ...

    def show_counters(self, counters: Counters) -> None:
        """The shift so far."""
        ...

    def show_connection(self, connected: bool) -> None:
        """Whether what is on the screen is of now."""
        ...

    def show_refusal(self, reason: str) -> None:
        """In which words the broker refused us at the last attempt; empty where it did not."""
        ...


class BrokerLine:
    """The line over MQTT."""

    def __init__(self, settings: MonitorSettings) -> None:
        self._topics = StoreTopics(settings.store)
        at = settings.broker
        self._address = Address(
            host=at.host, port=at.port, username=settings.username, password=at.password.get_secret_value()
        )  # fmt: skip
        self._session: Session | None = None
        self._log = logger("monitor")

    async def run(self, picture: Picture) -> None:
        """Keeps the picture current until cancelled."""

        async def connected() -> None:
            picture.show_connection(True)

        self._session = Session(
            self._address,
            subscriptions=[self._topics.live, self._topics.counters],
            on_connect=connected,
            on_message=lambda topic, payload: self._receive(picture, topic, payload),
            on_disconnect=lambda: picture.show_connection(False),
            on_failure=lambda error: picture.show_refusal(error.reason if isinstance(error, Refused) else ""),
        )
        await self._session.run()

    async def act(self, act: Act) -> None:
        """Tells the gateway what staff did. Raises NotConnected."""
        assert self._session is not None
        if act.price is not None:
            act = act.model_copy(update={"price": act.price.model_copy(update={"by": self._address.username})})
        await self._session.publish(self._topics.act, act.encode())

    async def _receive(self, picture: Picture, topic: str, payload: bytes) -> None:
        try:
            if topic == self._topics.counters:
                picture.show_counters(decode(Counters, payload))
            else:
                picture.show_row(decode(LiveRow, payload))
        except Malformed as error:
            self._log.warning("message_set_aside", topic=topic, reason=str(error))
