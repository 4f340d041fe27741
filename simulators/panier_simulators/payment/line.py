"""A terminal that speaks our own line protocol, from its definition in docs/hardware/payment.md."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from panier_simulators.payment.book import Book
from panier_simulators.payment.manner import Manner, Manners
from panier_simulators.payment.wire import Cut, Transport

TERMINAL = "SIM-1"


class LineTerminal:
    """One answer to each reference, for ever: what was never heard of when it is enquired for is void from then on."""

    def __init__(self, book: Book, manners: Manners, transport: Transport, *, pause_s: float = 0.05) -> None:
        self.book, self.manners, self.transport = book, manners, transport
        self._pause_s = pause_s
        self._pending: dict[str, int] = {}
        """References whose shopper is still paying: enquiries until they are done."""
        self._wanted: dict[str, tuple[int, str]] = {}
        self._cancelled: set[str] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection. Raises Cut where it is to be cut."""
        while line := await reader.readline():
            message = json.loads(line)
            await self._answer(message, reader, writer)

    async def _answer(self, message: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match message["say"]:
            case "hello":
                is_busy = self.manners.peek() == "busy"
                if is_busy:
                    self.manners.next()
                await self._say(writer, {"say": "busy" if is_busy else "ready", "terminal": TERMINAL})
            case "authorise":
                await self._authorise(message["reference"], message["amount"], message["currency"], reader, writer)
            case "enquire":
                await self._enquire(message["reference"], writer)
            case "cancel":
                self._cancelled.add(message["reference"])
            case said:
                raise AssertionError(f"a device never says {said!r}")

    async def _authorise(
        self, reference: str, amount: int, currency: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if reference in self.book.answers:
            await self._say(writer, self.book.answers[reference])
            return
        manner = self.manners.next()
        if manner == "lost_before":
            raise Cut
        if manner == "lost_after":
            self._pending[reference] = 2
            self._wanted[reference] = (amount, currency)
            raise Cut
        if manner == "slow":
            for _ in range(3):
                await self._say(writer, {"say": "working", "reference": reference})
                if await self._is_called_off(reference, reader):
                    await self._say(writer, self._decline(reference, "cancelled"))
                    return
        if manner in ("decline", "busy"):
            await self._say(writer, self._decline(reference, "declined" if manner == "decline" else "busy"))
            return
        await self._tell(manner, self._approve(reference, amount, currency), reader, writer)

    async def _tell(
        self, manner: Manner, answer: dict[str, object], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        encoded = json.dumps(answer).encode() + b"\n"
        match manner:
            case "answer_lost" | "ack_lost":
                raise Cut
            case "garbage":
                await self.transport.send(writer, b"\x00\xff{]nonsense\n" + encoded)
            case "half":
                await self.transport.send(writer, encoded[: len(encoded) // 2])
                raise Cut
            case "silent":
                await self.transport.fall_silent(reader)
            case _:
                await self.transport.send(writer, encoded)

    async def _is_called_off(self, reference: str, reader: asyncio.StreamReader) -> bool:
        try:
            async with asyncio.timeout(self._pause_s):
                line = await reader.readline()
        except TimeoutError:
            return reference in self._cancelled
        return bool(line) and json.loads(line) == {"say": "cancel", "reference": reference}

    async def _enquire(self, reference: str, writer: asyncio.StreamWriter) -> None:
        if self._pending.get(reference, 0) > 0:
            self._pending[reference] -= 1
            if self._pending[reference]:
                await self._say(writer, {"say": "pending", "reference": reference})
                return
            self._approve(reference, *self._wanted[reference])
        await self._say(writer, self.book.answers.get(reference) or self._decline(reference, "void"))

    def _approve(self, reference: str, amount: int, currency: str) -> dict[str, object]:
        booking = self.book.charge(amount, currency, reference)
        said: dict[str, object] = {"say": "approved", "reference": reference, "amount": amount, "currency": currency}
        return self.book.answer(reference, said | {"trace": f"{booking.number:06d}", "terminal": TERMINAL})

    def _decline(self, reference: str, reason: str) -> dict[str, object]:
        return self.book.answer(reference, {"say": "declined", "reference": reference, "reason": reason, "terminal": TERMINAL})

    async def _say(self, writer: asyncio.StreamWriter, message: dict[str, object]) -> None:
        await self.transport.send(writer, json.dumps(message).encode() + b"\n")
