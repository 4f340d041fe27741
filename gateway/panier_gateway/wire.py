"""What the gateway says over MQTT."""

from __future__ import annotations

from panier.message import MAX_PAYLOAD, CapsuleMessage, LeaseMessage, Manifest, Message, Notice, PriceMessage
from panier.topic import StoreTopics
from panier_io.log import logger
from panier_io.session import NotConnected, Session


class Wire:
    """Publishes. What cannot go out now is dropped here: all of it is said again when a device or the broker comes back.

    Quality of service 0 but for the manifest: the broker would write each message to its disk, and nothing rests on that.
    """

    def __init__(self, topics: StoreTopics) -> None:
        self._topics = topics
        self._log = logger("wire")
        self.session: Session | None = None
        self._was_there = False

    async def send(self, topic: str, message: Message) -> None:
        """One message to one device."""
        await self._publish(topic, message.encode())

    async def retain(self, topic: str, message: Message) -> None:
        """One message that the broker keeps for whoever comes later."""
        await self._publish(topic, message.encode(), retain=True)

    async def announce(self, manifest: Manifest) -> None:
        """What is newest; returns when the broker has it."""
        await self._publish(self._topics.manifest, manifest.encode(), retain=True, qos=1)

    async def greet(self, device: str, message: Message) -> None:
        """A capsule, leases, a notice or a price to one device."""
        topics = self._topics.device(device)
        assert isinstance(message, CapsuleMessage | LeaseMessage | Notice | PriceMessage)
        where = {
            CapsuleMessage: topics.capsule, LeaseMessage: topics.lease, Notice: topics.notice, PriceMessage: topics.price,
        }  # fmt: skip
        await self.send(where[type(message)], message)

    async def hand_out(self, device: str, part: bytes) -> None:
        """A part of a snapshot to one device."""
        await self._publish(self._topics.device(device).snapshot, part)

    async def _publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 0) -> None:
        if self.session is None:
            return
        if len(payload) > MAX_PAYLOAD:
            # The broker would hang up on the gateway, and so on the whole store, as often as it is said.
            self._log.error("message_too_large", topic=topic, bytes=len(payload), most=MAX_PAYLOAD)
            return
        try:
            await self.session.publish(topic, payload, retain=retain, qos=qos)
            self._was_there = True
        except NotConnected as error:
            # Until the first connection there is nobody to miss it, and the start of a gateway is no fault.
            if self._was_there:
                self._log.info("not_sent", topic=topic, reason=str(error))
