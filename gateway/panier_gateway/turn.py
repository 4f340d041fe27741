"""Whose batch is next: what waits to be taken in, so that no live trip waits behind an old backlog."""

from __future__ import annotations

from collections import deque

from panier_gateway.batch import Batch

_GROUP = 200
"""Batches that share one commit at the most."""
_LIVE = 20
"""Events of a batch up to which it is a trip that goes on now; a backlog comes in batches of two hundred."""
_BACKLOG = 1_000
"""Events of backlog that share one commit at the most: some tens of milliseconds, which live trips wait for."""
_MOST = 600
"""Batches of one device that wait at the most: as many as it sends without an answer. It sends the others again."""


class Turns:
    """Batches by device, each device's in their order: live ones of everybody first, then backlogs in turn."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Batch]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, batch: Batch) -> bool:
        """Puts a batch at the end of its device's; False where the device has sent more than it may.

        One that waits already is not put there twice: who sends again because we are slow must not make us slower.
        """
        held = self._waiting.setdefault(batch.device, deque())
        if any(one.says_the_same_as(batch) for one in held):
            return True
        if len(held) >= _MOST:
            return False
        held.append(batch)
        return True

    def next_group(self) -> list[Batch]:
        """Takes out what shares the next commit."""
        group: list[Batch] = []
        for device in list(self._waiting):
            held = self._waiting[device]
            while held and len(group) < _GROUP and len(held[0].message.events) <= _LIVE:
                group.append(held.popleft())
        room, served = _BACKLOG, list[str]()
        for device, held in self._waiting.items():
            if held and room > 0 and len(group) < _GROUP:
                room -= len(held[0].message.events)
                group.append(held.popleft())
                served.append(device)
        for device in served:
            # At the end, so that every backlog has its turn.
            self._waiting[device] = self._waiting.pop(device)
        self._waiting = {device: held for device, held in self._waiting.items() if held}
        return group
