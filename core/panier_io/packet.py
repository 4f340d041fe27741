"""The packets that an MQTT 3.1.1 client says and hears (OASIS MQTT 3.1.1, chapters 2 and 3). Pure: bytes in, values out.

Subscriptions of ours are of quality of service 0 and publications of at most 1, so that the packets of quality of service 2 are
not here: whoever sends one has another protocol in mind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from panier.error import PanierError

PINGREQ, DISCONNECT = b"\xc0\x00", b"\xe0\x00"
LARGEST = 2 * 2**20
"""Bytes of a packet at the most: twice what our messages may take. Garbage could ask for 256 MiB."""
_LENGTH_BYTES = 4
_HEARD = frozenset((0x20, 0x40, 0x90, 0xD0, *range(0x30, 0x40)))
"""First bytes of CONNACK, PUBACK, SUBACK, PINGRESP and PUBLISH."""


class PacketBroken(PanierError):
    """What arrived is not what an MQTT broker may say; the connection is of no use any more."""

    code = "packet_broken"


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says, retained and at quality of service 1, when the connection dies."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class ConnAck:
    """The broker's answer to CONNECT; 0 is yes (table 3.1)."""

    code: int


@dataclass(frozen=True, slots=True)
class Published:
    """A message for us; with an `identifier` it wants a PUBACK."""

    topic: str
    payload: bytes
    identifier: int | None = None


@dataclass(frozen=True, slots=True)
class PubAck:
    """The broker has a message of ours."""

    identifier: int


@dataclass(frozen=True, slots=True)
class SubAck:
    """What became of our subscriptions: the quality of service granted to each, or 0x80 for none."""

    identifier: int
    granted: bytes


@dataclass(frozen=True, slots=True)
class PingResp:
    """The broker is there."""


Packet = ConnAck | Published | PubAck | SubAck | PingResp


class PacketDecoder:
    """Cuts a broker's stream into packets; keeps an unfinished one for next time."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that `data` completes, in order. Raises PacketBroken: then nothing after it can be read."""
        held = self._held
        held += data
        packets: list[Packet] = []
        at = 0
        while (span := _span(held, at)) is not None:
            body, end = span
            packets.append(_read(held[at], bytes(held[body:end])))
            at = end
        del held[:at]
        return packets


def connect(*, client_id: str, username: str, password: str, keepalive: int, will: Will | None = None) -> bytes:
    """CONNECT with a clean session; `keepalive` in seconds."""
    flags = 0xC2 | (0x2C if will else 0)
    parts = [client_id.encode(), *((will.topic.encode(), will.payload) if will else ()), username.encode(), password.encode()]
    head = _text(b"MQTT") + bytes((4, flags)) + keepalive.to_bytes(2, "big")
    return _packet(0x10, head + b"".join(map(_text, parts)))


def subscribe(identifier: int, topics: Sequence[str]) -> bytes:
    """SUBSCRIBE to filters, each at quality of service 0."""
    return _packet(0x82, identifier.to_bytes(2, "big") + b"".join(_text(topic.encode()) + b"\x00" for topic in topics))


def publish(topic: str, payload: bytes, *, retain: bool = False, identifier: int | None = None) -> bytes:
    """PUBLISH at quality of service 0, or at 1 with an identifier."""
    first = 0x30 | retain
    if identifier is None:
        return _packet(first, _text(topic.encode()) + payload)
    return _packet(first | 0x02, _text(topic.encode()) + identifier.to_bytes(2, "big") + payload)


def puback(identifier: int) -> bytes:
    """PUBACK to a message of quality of service 1."""
    return _packet(0x40, identifier.to_bytes(2, "big"))


def _packet(first: int, body: bytes) -> bytes:
    size, length = len(body), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return b"%c%b%b" % (first, length, body)


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text


def _span(held: bytearray, at: int) -> tuple[int, int] | None:
    """Where the body of the packet that begins at `at` begins and ends; None while it is not whole."""
    if at < len(held) and held[at] not in _HEARD:
        raise PacketBroken(f"no packet that a broker says: {held[at : at + 8].hex(' ')}")
    size = 0
    for place in range(_LENGTH_BYTES):
        if at + 1 + place >= len(held):
            return None
        digit = held[at + 1 + place]
        size |= (digit & 0x7F) << 7 * place
        if digit < 0x80:
            if size > LARGEST:
                raise PacketBroken(f"a packet of {size} bytes; the most is {LARGEST}")
            body = at + 2 + place
            return (body, body + size) if body + size <= len(held) else None
    raise PacketBroken(f"a length of more than {_LENGTH_BYTES} bytes: {held[at : at + 6].hex(' ')}")


def _read(first: int, body: bytes) -> Packet:
    match first >> 4, len(body):
        case 3, _:
            return _published(first, body)
        case 4, 2:
            return PubAck(int.from_bytes(body, "big"))
        case 13, 0:
            return PingResp()
        case 2, 2:
            return ConnAck(body[1])
        case 9, size if size > 2:
            return SubAck(int.from_bytes(body[:2], "big"), body[2:])
        case _:
            raise PacketBroken(f"a packet {first:#04x} of {len(body)} bytes: {body[:8].hex(' ')}")


def _published(first: int, body: bytes) -> Published:
    quality = first >> 1 & 0x03
    topic_end = 2 + int.from_bytes(body[:2], "big")
    begin = topic_end + 2 * quality
    if quality > 1 or len(body) < max(2, begin):
        raise PacketBroken(f"a PUBLISH that does not fit: {first:#04x}, {len(body)} bytes, then {body[:8].hex(' ')}")
    try:
        topic = body[2:topic_end].decode()
    except UnicodeDecodeError as error:
        raise PacketBroken(f"a topic that is not UTF-8: {body[2:topic_end][:40]!r}") from error
    return Published(topic, body[begin:], int.from_bytes(body[topic_end:begin], "big") if quality else None)
