"""The socket of a simulated payment terminal: one connection at a time, as terminals have it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Literal, Protocol

from panier_simulators.payment.book import Book
from panier_simulators.payment.line import LineTerminal
from panier_simulators.payment.manner import Manners
from panier_simulators.payment.wire import Cut, Transport
from panier_simulators.payment.zvt import ZvtTerminal

Spoken = Literal["tcp", "zvt"]


class Speaker(Protocol):
    """What serves one connection."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None: ...


class SimulatedPaymentTerminal:
    """A payment terminal on 127.0.0.1 that speaks `protocol`; its book outlives it. Use as an async context manager.

    `pause_s` passes between two signs of life while somebody pays.
    """

    def __init__(
        self,
        protocol: Spoken,
        *,
        port: int = 0,
        book: Book | Path | None = None,
        manners: Manners | None = None,
        transport: Transport | None = None,
        pause_s: float = 0.05,
    ) -> None:
        self.port = port
        self.book = book if isinstance(book, Book) else Book.open(book) if book else Book()
        self.manners = manners or Manners()
        self.served = 0
        kind = LineTerminal if protocol == "tcp" else ZvtTerminal
        self._kind = lambda: kind(self.book, self.manners, transport or Transport(), pause_s=pause_s)
        self._speaker: Speaker = self._kind()
        self._server: asyncio.Server | None = None
        self._turn = asyncio.Lock()
        self._lines: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> SimulatedPaymentTerminal:
        await self.switch_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.switch_off()

    async def switch_on(self) -> None:
        """Starts to listen; what it remembers is in the book."""
        self._speaker = self._kind()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def switch_off(self) -> None:
        """Cuts its lines and stops listening."""
        if self._server is not None:
            self._server.close()
            for line in list(self._lines):
                line.cancel()
            await asyncio.gather(*self._lines, return_exceptions=True)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        try:
            async with self._turn:
                self.served += 1
                with contextlib.suppress(Cut, OSError, asyncio.IncompleteReadError):
                    await self._speaker.serve(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self._lines.discard(task)
            writer.close()
