"""How a simulated terminal's bytes travel: whole or in pieces, late, cut off in the middle."""

from __future__ import annotations

import asyncio
import random
from typing import Literal

Split = Literal["whole", "bytes", "random"]


class Cut(Exception):
    """The line is to be cut now."""


class Transport:
    """`cut` is the chance that the line is cut within a message, `repeat` that a message is sent twice.

    `delay_s` is waited before each piece.
    """

    def __init__(
        self, split: Split = "whole", *, delay_s: float = 0.0, cut: float = 0.0, repeat: float = 0.0, seed: int = 0
    ) -> None:
        self._split, self._delay_s, self._cut, self._repeat = split, delay_s, cut, repeat
        self._dice = random.Random(seed)  # noqa: S311  (repeatable on purpose)
        self.is_silent = False
        """Whether the terminal has done its part and does not answer."""

    async def send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Sends one message. Raises Cut, and OSError where nobody is there any more."""
        if self._dice.random() < self._repeat:
            data += data
        end = self._dice.randrange(len(data)) if self._dice.random() < self._cut else len(data)
        place = 0
        while place < end:
            size = {"whole": len(data), "bytes": 1}.get(self._split) or self._dice.randint(1, 7)
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            writer.write(data[place : min(place + size, end)])
            await writer.drain()
            place += size
        if end < len(data):
            raise Cut

    async def fall_silent(self, reader: asyncio.StreamReader) -> None:
        """Says nothing until the other side has hung up. Raises Cut."""
        self.is_silent = True
        while await reader.read(100):
            pass
        raise Cut
