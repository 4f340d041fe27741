"""Just enough of MQTT 3.1.1 to see where one packet ends and what a PUBLISH says (OASIS MQTT 3.1.1, sections 2.2 and 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

_PUBLISH = 3
_LONGEST = 4
"""Bytes of a remaining length at the most."""


@dataclass(frozen=True, slots=True)
class Publish:
    """A PUBLISH packet's topic and payload."""

    topic: str
    payload: bytes


class PacketSplitter:
    """Cuts a stream into packets; keeps an unfinished one for next time."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that `data` completes, each whole, in order."""
        self._held += data
        packets: list[bytes] = []
        while size := _size(self._held):
            if len(self._held) < size:
                break
            packets.append(bytes(self._held[:size]))
            del self._held[:size]
        return packets


def is_publish(packet: bytes) -> bool:
    """True where the packet is a PUBLISH."""
    return packet[0] >> 4 == _PUBLISH


def published(packet: bytes) -> Publish:
    """What a PUBLISH packet says."""
    begin = 1
    while packet[begin] & 0x80:
        begin += 1
    begin += 1
    length = int.from_bytes(packet[begin : begin + 2], "big")
    topic_end = begin + 2 + length
    has_identifier = packet[0] & 0x06
    return Publish(packet[begin + 2 : topic_end].decode(), packet[topic_end + (2 if has_identifier else 0) :])


def identifier(packet: bytes) -> bytes:
    """The two bytes by which a PUBLISH packet wants to be acknowledged; none at quality of service 0."""
    if not packet[0] & 0x06:
        return b""
    begin = 1
    while packet[begin] & 0x80:
        begin += 1
    after = begin + 3 + int.from_bytes(packet[begin + 1 : begin + 3], "big")
    return packet[after : after + 2]


def _size(held: bytearray) -> int:
    """The size of the packet that `held` begins with, or 0 where that cannot be told yet."""
    size = 0
    for place in range(1, min(len(held), 1 + _LONGEST)):
        size |= (held[place] & 0x7F) << 7 * (place - 1)
        if not held[place] & 0x80:
            return 1 + place + size
    return 0
