"""ZVT's bytes: APDUs of control field, length and data, and the fields (bitmaps) in that data. Pure.

Source: "ECR-Interface ZVT-Protocol", PA00P015 revision 13.08 (commands, bitmaps, TLV), and PA00P016 edition 3 (transport and
application protocol, 5.2.1 to 5.2.8), Verband der Terminalhersteller in Deutschland e.V.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from panier_device.payment.port import BrokenAnswer

LONGEST = 8192
"""Bytes of data in one APDU at the most. The length field allows 65,535; no answer to what is asked here comes near."""
_CLASSES = frozenset({0x04, 0x06, 0x08, 0x80, 0x84})
_EXTENDED = 0xFF
_TLV, _LONG_TRACE = 0x06, 0x1F2B

_FIXED = {
    0x01: 1, 0x02: 1, 0x03: 1, 0x04: 6, 0x05: 1, 0x0B: 3, 0x0C: 3, 0x0D: 2, 0x0E: 2, 0x17: 2, 0x19: 1, 0x27: 1, 0x29: 4,
    0x2A: 15, 0x37: 3, 0x3A: 2, 0x3B: 8, 0x3D: 3, 0x49: 2, 0x87: 2, 0x88: 3, 0x8A: 1, 0x8C: 1, 0xA0: 1, 0xAA: 3, 0xBA: 5,
    0xD0: 1, 0xD2: 1,
}  # fmt: skip
_COUNTED = {
    0x22: 2, 0x23: 2, 0x24: 3, 0x2D: 2, 0x2E: 3, 0x3C: 3, 0x4C: 2, 0x60: 3, 0x8B: 2, 0x9A: 3, 0xA7: 2, 0xAF: 3, 0xD1: 2,
}  # fmt: skip
"""Bitmaps with a counter of that many bytes before them, each of which is `F` and one digit (LL-Var, LLL-Var)."""
_KEPT = frozenset({0x04, 0x0B, 0x0C, 0x0D, 0x27, 0x29, 0x37, 0x49, 0x87})
"""All that is ever taken out of an answer. Card number, tracks, expiry, chip data and texts are passed over unread."""


@dataclass(frozen=True, slots=True)
class Apdu:
    """One command or reply: `control` is class and instruction as one number, such as 0x040F."""

    control: int
    data: bytes = b""


def encode(apdu: Apdu) -> bytes:
    """The APDU on the wire; more than 254 bytes of data take the extended length, low byte first."""
    size = len(apdu.data)
    length = bytes([size]) if size < _EXTENDED else bytes([_EXTENDED]) + size.to_bytes(2, "little")
    return apdu.control.to_bytes(2, "big") + length + apdu.data


class ApduDecoder:
    """Cuts bytes into APDUs; keeps an unfinished one for next time."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Apdu]:
        """The APDUs that are whole now. Raises BrokenAnswer where bytes come first that cannot be one: nothing follows then."""
        self._rest += data
        whole: list[Apdu] = []
        try:
            while (found := self._first()) is not None:
                whole.append(found)
        except BrokenAnswer:
            # What came before the flaw counts; the next call meets the flaw again.
            if not whole:
                raise
        return whole

    def _first(self) -> Apdu | None:
        rest = self._rest
        if rest and rest[0] not in _CLASSES:
            # What follows may be anything, a card number too: it is not quoted.
            raise BrokenAnswer(f"{rest[0]:02X} begins no command and no reply of ZVT")
        if len(rest) < 3:
            return None
        start, size = 3, rest[2]
        if size == _EXTENDED:
            if len(rest) < 5:
                return None
            start, size = 5, int.from_bytes(rest[3:5], "little")
        if size > LONGEST:
            raise BrokenAnswer(f"an APDU of {size} bytes; the most is {LONGEST}")
        if len(rest) < start + size:
            return None
        self._rest = rest[start + size :]
        return Apdu(int.from_bytes(rest[:2], "big"), rest[start : start + size])


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusInformation:
    """What a payment came to (04 0F), as far as anybody here may know it; "" or None where the terminal does not say.

    `result` 0 is success. `original_trace` stands where the booking takes back another one. Numbers are texts of digits.
    """

    result: int | None = None
    amount: int | None = None
    currency: str = ""
    trace: str = ""
    original_trace: str = ""
    receipt: str = ""
    terminal: str = ""
    moment: str = ""

    @property
    def identity(self) -> str:
        """What tells this booking from any other of the terminal; nothing where it gives no number."""
        return ".".join((self.receipt, self.trace, self.moment)) if self.receipt or self.trace else ""


def status_information(data: bytes) -> StatusInformation:
    """Reads the data of a status information. Raises BrokenAnswer where a field is cut short or no digits."""
    fields: dict[int, bytes] = {}
    long_trace = ""
    for bitmap, value in _fields(data):
        if bitmap == _TLV:
            long_trace = long_trace or _long_trace(value)
        else:
            fields.setdefault(bitmap, value)
    held = {bitmap: digits(value) for bitmap, value in fields.items() if bitmap != 0x27}
    return StatusInformation(
        result=fields[0x27][0] if 0x27 in fields else None,
        amount=int(held[0x04]) if 0x04 in held else None,
        currency=held.get(0x49, "")[1:],
        trace=long_trace or held.get(0x0B, ""),
        original_trace=held.get(0x37, ""),
        receipt=held.get(0x87, ""),
        terminal=held.get(0x29, ""),
        moment=held.get(0x0D, "") + held.get(0x0C, ""),
    )


def digits(packed: bytes) -> str:
    """The digits of packed BCD. Raises BrokenAnswer for what is none."""
    text = packed.hex()
    if not text.isdigit():
        raise BrokenAnswer("a number that is no BCD")
    return text


def pack(number: int, size: int) -> bytes:
    """A number in packed BCD of `size` bytes. Raises ValueError where it is too long."""
    text = f"{number:0{2 * size}d}"
    if len(text) > 2 * size or number < 0:
        raise ValueError(f"{number} does not fit into {2 * size} digits")
    return bytes.fromhex(text)


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Fields that are kept, and TLV containers, in order.

    A bitmap whose length nobody has told us ends the reading: where the next one begins cannot be known.
    """
    place = 0
    while place < len(data):
        bitmap, place = data[place], place + 1
        if bitmap == _TLV:
            place, size = _tlv_length(data, place)
        elif bitmap in _FIXED:
            size = _FIXED[bitmap]
        elif bitmap in _COUNTED:
            counter = data[place : place + _COUNTED[bitmap]]
            place += _COUNTED[bitmap]
            size = _counted(counter)
        else:
            return
        if place + size > len(data):
            raise BrokenAnswer(f"field {bitmap:02X} is cut short")
        if bitmap in _KEPT or bitmap == _TLV:
            yield bitmap, data[place : place + size]
        place += size


def _counted(counter: bytes) -> int:
    text = counter.hex()
    if not text or text[::2].strip("f") or not text[1::2].isdigit():
        raise BrokenAnswer("a counter that is not F and a digit, as often as it should be")
    return int(text[1::2])


def _long_trace(container: bytes) -> str:
    """The trace number of more than six digits (tag 1F2B); everything else in the container is passed over."""
    place = 0
    while place < len(container):
        tag, place = container[place], place + 1
        more = tag & 0x1F == 0x1F
        while more:
            if place >= len(container):
                raise BrokenAnswer("a tag is cut short")
            tag, more, place = tag << 8 | container[place], bool(container[place] & 0x80), place + 1
        place, size = _tlv_length(container, place)
        if place + size > len(container):
            raise BrokenAnswer(f"tag {tag:X} is cut short")
        if tag == _LONG_TRACE and size:
            return digits(container[place : place + size])[:32]
        place += size
    return ""


def _tlv_length(data: bytes, place: int) -> tuple[int, int]:
    """Where the contents begin, and how long they are."""
    first = data[place : place + 1]
    more = {b"\x81": 1, b"\x82": 2}.get(first, 0)
    stated = data[place + 1 : place + 1 + more] if more else first
    if len(stated) < max(more, 1) or (not more and first[0] > 0x7F):
        raise BrokenAnswer("a length of TLV that is none")
    return place + 1 + more, int.from_bytes(stated, "big")
