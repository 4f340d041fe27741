"""The bell: tells waiting streams of this process at once that something was saved."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy.orm import Session

_NEWS = "news"

Topic = Literal["feed", "live", "intake", "campaign"]


@dataclass(eq=False, slots=True)
class Listener:
    """One waiting stream: `rung` is set when one of `topics` was rung; the stream clears it before it looks."""

    topics: frozenset[Topic]
    loop: asyncio.AbstractEventLoop
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, seconds: float) -> bool:
        """Waits for the bell, at most `seconds`; True where it rang. Clears it."""
        try:
            await asyncio.wait_for(self.rung.wait(), seconds)
        except TimeoutError:
            return False
        self.rung.clear()
        return True


class Bell:
    """Rung from any thread, heard in event loops; says that something changed, never what: the listener looks for itself."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()

    def ring(self, *topics: Topic) -> None:
        """Wakes every listener to one of `topics`."""
        with self._lock:
            woken = [listener for listener in self._listeners if listener.topics.intersection(topics)]
        for listener in woken:
            if not listener.loop.is_closed():
                listener.loop.call_soon_threadsafe(listener.rung.set)

    @contextmanager
    def listen(self, *topics: Topic) -> Generator[Listener]:
        """Registers the running loop's coroutine for `topics` while the block lasts."""
        listener = Listener(frozenset(topics), asyncio.get_running_loop())
        with self._lock:
            self._listeners.add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)


def announce(session: Session, topic: Topic) -> None:
    """Has the bell rung for `topic` when this transaction is on the disk."""
    session.info.setdefault(_NEWS, set()).add(topic)


def announced(session: Session) -> set[Topic]:
    """What a transaction that is on the disk wants rung."""
    return session.info.get(_NEWS, set())
