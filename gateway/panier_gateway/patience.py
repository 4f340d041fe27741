"""Patience: growing pauses between attempts, cut short when another attempt got through."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

FIRST = 0.5
LONGEST = 30.0


class Patience:
    """Pauses of 0.5 s doubling to 30 s, with jitter so that a chain's stores do not all knock in the same instant."""

    def __init__(self) -> None:
        self._wait = FIRST
        self._called = asyncio.Event()

    @property
    def next_pause(self) -> float:
        """Seconds of the next pause at the most."""
        return self._wait

    async def pause(self) -> None:
        """Waits, longer each time."""
        self._called.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait * random.uniform(0.5, 1.0)):  # noqa: S311  (no secret rests on it)
                await self._called.wait()
        self._wait = min(self._wait * 2, LONGEST)

    def restart(self) -> None:
        """An attempt worked: the next pause is short again."""
        self._wait = FIRST

    def cut_short(self) -> None:
        """Whoever pauses tries now: the other side was heard."""
        self._called.set()
