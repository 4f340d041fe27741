"""A reader whose cable comes off in the middle of a code."""

from __future__ import annotations

import time

from panier_simulators.scanner import SimulatedScanner
from panier_simulators.shopper import Delivery, Reader
from panier_simulators.wedge import SimulatedWedge


class ClumsyReader:
    """A reader in the hand of somebody who trips over the cable, once, when told to."""

    def __init__(self, reader: SimulatedScanner | SimulatedWedge) -> None:
        self._reader = reader
        self._unplugged_for: float | None = None

    def unplug_at_next(self, seconds: float) -> None:
        """The next code breaks off half-way, and the cable stays out for so long."""
        self._unplugged_for = seconds

    def scan(self, code: str, symbology: str | None = None) -> Delivery:
        """Sends a code, or half of it; blocks meanwhile."""
        seconds, self._unplugged_for = self._unplugged_for, None
        if seconds is None:
            return self._reader.scan(code, symbology)
        if isinstance(self._reader, SimulatedScanner):
            sent = self._reader.half(code, symbology)
        else:
            sent = self._reader.type(code[: len(code) // 2], terminate=False)
        self._reader.unplug()
        time.sleep(seconds)
        self._reader.plug()
        return sent

    def close(self) -> None:
        """Puts the reader away."""
        self._reader.close()


def clumsy(reader: Reader) -> ClumsyReader:
    """The same reader, in such a hand."""
    assert isinstance(reader, SimulatedScanner | SimulatedWedge)
    return ClumsyReader(reader)
