"""The device paints first, and writes its journal half a second later."""

import asyncio

from graft import graft


class LateJournal:
    def __init__(self, journal, agent):
        self._journal, self._agent, self._promised = journal, agent, 0

    def __getattr__(self, name):
        return getattr(self._journal, name)

    def append(self, trip, at, *happenings, **more):
        from panier.trip import Event

        first = max(self._journal.last, self._promised) + 1
        name = trip or f"{self._journal.device}.{self._journal.id}.{first}"
        self._promised = first + len(happenings) - 1
        asyncio.get_running_loop().call_later(0.5, self._write, trip, at, happenings, more)
        return [Event(sequence=first + place, at=at, trip=name, what=what) for place, what in enumerate(happenings)]

    def _write(self, trip, at, happenings, more):
        self._journal.append(trip, at, *happenings, **more)
        self._agent.poke()


def patch(agent):
    honest = agent.Agent.__init__

    def begin(self, **parts):
        honest(self, **{**parts, "journal": LateJournal(parts["journal"], self)})

    agent.Agent.__init__ = begin


graft("panier_device.agent", patch)
