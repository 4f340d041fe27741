"""A receipt printer that speaks ESC/POS, over any wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from panier.slip import SlipPart
from panier_device.driver.escpos_writer import compose
from panier_device.driver.port import DeviceGone
from panier_device.driver.printer_profile import PrinterProfile
from panier_device.driver.printer_status import (
    DLE_EOT,
    GS_R_PAPER,
    QUESTIONS,
    AnswerDecoder,
    PrinterStatus,
    read_status,
)
from panier_device.driver.printer_wire import Wire

_POLL = 0.3
Opener = Callable[[], Awaitable[Wire]]


class NotConfirmed(DeviceGone):
    """The printer is ready again and says nothing of what it was sent: whether that is on the paper, nobody knows."""

    code = "not_confirmed"


class EscposPrinter:
    """Opens its wire when it is needed and keeps it; a failure closes it, and the next call opens it again.

    Calls come one at a time. `answer_s` is how long an answer to DLE EOT may take, `finish_s` how long a printer without a fault
    may take to finish: both in seconds.
    """

    def __init__(
        self, name: str, profile: PrinterProfile, opener: Opener, *, answer_s: float = 2.0, finish_s: float = 30.0
    ) -> None:
        self.name = name
        self.columns = profile.columns
        self.answers = profile.answers
        self._profile = profile
        self._opener = opener
        self._answer_s = answer_s
        self._finish_s = finish_s
        self._wire: Wire | None = None
        self._decoder = AnswerDecoder()
        self._turn_came = False

    @property
    def noise(self) -> int:
        return self._decoder.noise

    async def status(self) -> PrinterStatus:
        async with self._closing_on_failure():
            wire = await self._open()
            return await self._ask(wire) if self._profile.answers else PrinterStatus()

    async def print(self, parts: Sequence[SlipPart], told: Callable[[PrinterStatus], None]) -> None:
        pieces = await asyncio.to_thread(compose, parts, self._profile)
        async with self._closing_on_failure():
            wire = await self._open()
            self._turn_came = False
            for piece in pieces:
                await self._write(wire, piece, told)
            if not self._profile.answers:
                return
            if self._profile.confirms:
                await self._write(wire, GS_R_PAPER, told)
            await self._until_printed(wire, told)

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    async def _open(self) -> Wire:
        if self._wire is None:
            self._wire = await self._opener()
        return self._wire

    @asynccontextmanager
    async def _closing_on_failure(self) -> AsyncGenerator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    async def _write(self, wire: Wire, piece: bytes, told: Callable[[PrinterStatus], None]) -> None:
        """Writes a piece whole, however long the printer takes no more; that it does not is told."""
        writing = asyncio.create_task(wire.write(piece))
        try:
            done, _ = await asyncio.wait((writing,), timeout=self._answer_s)
            if not done:
                told(PrinterStatus(is_online=False))
            await writing
        finally:
            writing.cancel()

    async def _until_printed(self, wire: Wire, told: Callable[[PrinterStatus], None]) -> None:
        """Until the answer that comes in turn with the paper; a fault is told and waited out: the printer keeps the rest."""
        loop = asyncio.get_running_loop()
        ready_since: float | None = None
        while True:
            status = await self._ask(wire)
            told(status)
            if self._turn_came or (status.fault is None and not self._profile.confirms):
                return
            if status.fault is not None:
                ready_since = None
            else:
                ready_since = ready_since or loop.time()
                if loop.time() - ready_since > self._finish_s:
                    raise NotConfirmed(f"{self.name} is ready and does not say that it has printed")
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL):
                    self._hear(await wire.read())

    async def _ask(self, wire: Wire) -> PrinterStatus:
        self._hear(wire.read_now())
        answers: list[int] = []
        for question in QUESTIONS:
            try:
                async with asyncio.timeout(self._answer_s):
                    await wire.write(DLE_EOT + bytes([question]))
                    answers.append(await self._next(wire))
            except TimeoutError as error:
                raise DeviceGone(f"{self.name} does not answer: is it on, at this speed, and of this profile?") from error
        return read_status(*answers)

    async def _next(self, wire: Wire) -> int:
        while True:
            if found := self._hear(await wire.read()):
                return found[-1]

    def _hear(self, data: bytes) -> list[int]:
        """The answers to DLE EOT in what arrived; one that came in its turn is noted."""
        answers = self._decoder.feed(data)
        self._turn_came = self._turn_came or any(not answer.is_at_once for answer in answers)
        return [answer.byte for answer in answers if answer.is_at_once]
