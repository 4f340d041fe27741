"""A disk that refuses: every part waits and tries again, staff see why, and an incident tells of it once it can be written."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

from panier_gateway import patience
from panier_gateway.clerk import Clerk
from panier_gateway.floor import Floor
from panier_gateway.patience import Patience
from panier_gateway.trouble import in_words
from panier_io.log import logger

REFUSALS = (sqlite3.Error, OSError)
"""How a disk that is full, read-only or worn out shows."""


class Disk:
    """Keeps parts at work while the disk refuses. `changed` is told when that begins and ends, `back` when it ends."""

    def __init__(self, floor: Floor, clerk: Clerk, changed: Callable[[], None], back: Callable[[], None]) -> None:
        self._floor = floor
        self._clerk = clerk
        self._changed = changed
        self._back = back
        self._trouble = asyncio.Event()
        self._pauses: list[Patience] = []
        """Of the parts, which need not wait any longer once the disk is back."""
        self._log = logger("disk")
        self.refusals = 0

    async def keep_at(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Runs a part; begins it again, after growing pauses, as often as the disk ends it."""
        between = Patience()
        self._pauses.append(between)
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                return await work()
            except REFUSALS as error:
                if clock() - began > patience.LONGEST:
                    between.restart()
                self.refused(name, error, between.next_pause)
            await between.pause()

    def refused(self, part: str, error: Exception, again_in: float | None = None) -> None:
        """Notes that the disk refused something; whoever tells this keeps what it has and tries again."""
        self.refusals += 1
        self._log.error("disk_refused", part=part, reason=str(error), again_in=again_in)
        self._floor.say_of_disk(in_words(error))
        self._trouble.set()
        self._changed()

    async def run(self) -> None:
        """Looks whether the disk takes something again, reports what happened, and takes the sign down; until cancelled."""
        between, clock, ended = Patience(), asyncio.get_running_loop().time, 0.0
        while True:
            await self._trouble.wait()
            if clock() - ended > patience.LONGEST:
                between.restart()
            await between.pause()
            reason = self._floor.disk or ""
            try:
                await self._clerk.report_disk(reason)
            except sqlite3.Error:
                continue
            # What is tried again now may be refused at once, as by the disk of another file: the next look then takes longer.
            ended = clock()
            self._trouble.clear()
            self._floor.say_of_disk(None)
            self._log.info("disk_takes_it_again")
            for pause in self._pauses:
                pause.cut_short()
            self._changed()
            self._back()
