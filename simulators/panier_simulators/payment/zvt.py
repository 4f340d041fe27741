"""A terminal that speaks ZVT, from PA00P015 revision 13.08 and PA00P016 edition 3, card data and all."""

from __future__ import annotations

import asyncio

from panier_simulators.payment.book import Book, Booking
from panier_simulators.payment.manner import Manner, Manners
from panier_simulators.payment.wire import Cut, Transport

TERMINAL = "52000001"
CARD = "5413330089010640"
"""A number of the card schemes' own test range: no device may ever hold it."""
_NUMBERS = {"EUR": "0978", "CHF": "0756", "SEK": "0752", "USD": "0840"}
_ACK = bytes.fromhex("800000")


class ZvtTerminal:
    """A payment is booked when its status information was acknowledged, and taken back where that does not come (2.2.8)."""

    def __init__(self, book: Book, manners: Manners, transport: Transport, *, pause_s: float = 0.05) -> None:
        self.book, self.manners, self.transport = book, manners, transport
        self._pause_s = pause_s
        self.last: bytes | None = None
        """The data of the last status information, for a repeat; kept by the book's last booking over a restart."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection. Raises Cut where it is to be cut."""
        currency = ""
        while command := await _apdu(reader):
            control, data = command
            match control:
                case "0600":
                    currency = next(name for name, number in _NUMBERS.items() if number == data[4:6].hex())
                    await self._send(writer, "8000")
                    await self._send(writer, "060f", bytes.fromhex(f"190029{TERMINAL}49{_NUMBERS[currency]}"))
                    await _acknowledged(reader)
                case "0601":
                    assert (data[0], data[7]) == (0x04, 0x49), data.hex()
                    await self._pay(int(data[1:7].hex()), currency, reader, writer)
                case "0620":
                    assert data[3:] == b"\x03\x03", data.hex()
                    await self._repeat(reader, writer)
                case "06b0":
                    await self._send(writer, "8000")
                case _:
                    raise AssertionError(f"a device never sends {control}")

    async def _pay(self, amount: int, currency: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        manner = self.manners.next()
        if manner == "lost_before":
            raise Cut
        if manner == "busy":
            await self._send(writer, "84a0")
            return
        await self._send(writer, "8000")
        if manner == "lost_after":
            raise Cut
        for _ in range(3 if manner == "slow" else 1):
            await self._send(writer, "04ff", bytes.fromhex("0a01"))
            if await self._is_called_off(reader):
                await self._send(writer, "8000")
                await self._fail(0x6C, amount, currency, reader, writer)
                return
        if manner == "decline":
            await self._fail(0x05, amount, currency, reader, writer)
            return
        await self._charge(manner, amount, currency, reader, writer)

    async def _charge(
        self, manner: Manner, amount: int, currency: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        booking = self.book.charge(amount, currency)
        status = _status(0, booking.number, amount, currency)
        try:
            await self._send(writer, "040f", status)
            await _acknowledged(reader)
            if manner == "ack_lost":
                raise Cut
        except (Cut, OSError, asyncio.IncompleteReadError):
            back = self.book.take_back(booking)
            self.last = _status(0, back.number, amount, currency, original=booking.number)
            raise Cut from None
        self.last = status
        await self._finish(manner, reader, writer)

    async def _finish(self, manner: Manner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match manner:
            case "answer_lost":
                raise Cut
            case "garbage":
                await self.transport.send(writer, b"\x00\x00\x00\x3eVER|APP")
            case "half":
                await self.transport.send(writer, b"\x06")
                raise Cut
            case "silent":
                await self.transport.fall_silent(reader)
            case _:
                await self._send(writer, "06d3", b"\x06\x03\x25\x01A")
                await _acknowledged(reader)
                await self._send(writer, "060f")
                await _acknowledged(reader)

    async def _fail(
        self, code: int, amount: int, currency: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.last = _status(code, self.book.next_number(), amount, currency)
        await self._send(writer, "040f", self.last)
        await _acknowledged(reader)
        await self._send(writer, "061e", bytes([code]))
        await _acknowledged(reader)

    async def _repeat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status = self.last or self._remembered()
        if status is None:
            await self._send(writer, "8483")
            return
        await self._send(writer, "8000")
        await self._send(writer, "040f", status)
        await _acknowledged(reader)
        await self._send(writer, "060f")
        await _acknowledged(reader)

    def _remembered(self) -> bytes | None:
        last: Booking | None = self.book.bookings[-1] if self.book.bookings else None
        return last and _status(0, last.number, last.amount, last.currency, original=last.takes_back)

    async def _is_called_off(self, reader: asyncio.StreamReader) -> bool:
        """Waits for the acknowledgement of an intermediate status, and a moment longer for a 06 B0."""
        await _acknowledged(reader)
        try:
            async with asyncio.timeout(self._pause_s):
                command = await _apdu(reader)
        except TimeoutError:
            return False
        if command is None:
            raise Cut
        return command[0] == "06b0"

    async def _send(self, writer: asyncio.StreamWriter, control: str, data: bytes = b"") -> None:
        length = bytes([len(data)]) if len(data) < 255 else b"\xff" + len(data).to_bytes(2, "little")
        await self.transport.send(writer, bytes.fromhex(control) + length + data)


def _status(code: int, number: int, amount: int, currency: str, *, original: int = 0) -> bytes:
    """The data of a 04 0F as terminals send it: with the card's number, track 2, expiry and name, which nobody may keep."""
    fields = [
        f"27{code:02x}", f"04{amount:012d}", f"0b{number:06d}", f"37{original:06d}" if original else "", "0c131415", "0d1128",
        "0e3012", "170001", "1970", f"22f0f8{CARD}", f"23f1f6{CARD}d301220112345678"[:38],
        f"29{TERMINAL}", f"49{_NUMBERS[currency]}", f"87{number % 10000:04d}", "8a06", f"8bf0f5{b'VISA '.hex()}",
        f"3cf0f0f4{b'TEXT'.hex()}", f"060f600a4308{CARD}1f2b00",
    ]  # fmt: skip
    return bytes.fromhex("".join(fields))


async def _apdu(reader: asyncio.StreamReader) -> tuple[str, bytes] | None:
    try:
        control = (await reader.readexactly(2)).hex()
        size = (await reader.readexactly(1))[0]
        if size == 255:
            size = int.from_bytes(await reader.readexactly(2), "little")
        return control, await reader.readexactly(size)
    except asyncio.IncompleteReadError:
        return None


async def _acknowledged(reader: asyncio.StreamReader) -> None:
    """Waits for 80 00 or 84 00. Raises Cut where anything else comes, or nothing any more."""
    answer = await _apdu(reader)
    if answer is None or answer[0] not in ("8000", "8400"):
        raise Cut
