"""Whether what a scanner sends can be understood at all."""

from __future__ import annotations

from panier_device.driver.port import Frame

_BURST_NS = 300_000_000
"""Garbage within this time of the last belongs to the same pull of the trigger, or to the same plug being pushed in."""
_CHANCE = 3
"""So many garbled bursts in a row, with no whole code between, are no accident: a torn label or a motor does not do that."""


class Health:
    """Counts garbled bursts in a row. A scanner at another speed, or a keyboard of another kind, sends nothing else."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._last_at: int | None = None

    @property
    def is_garbled(self) -> bool:
        """True until the next whole code."""
        return self._in_a_row >= _CHANCE

    def hear(self, frames: list[Frame], noise: int, read_at: int) -> bool:
        """Takes note of what was read at `read_at` (nanoseconds), `noise` bytes of it for nothing. True for a new burst."""
        if any(frame.flaw is None for frame in frames):
            self.reset()
            return False
        if not frames and not noise:
            return False
        is_new = self._last_at is None or read_at - self._last_at > _BURST_NS
        self._last_at = read_at
        self._in_a_row += is_new
        return is_new

    def reset(self) -> None:
        """A whole code came, or another device may be at the other end now."""
        self._in_a_row, self._last_at = 0, None
