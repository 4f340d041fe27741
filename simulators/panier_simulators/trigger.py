"""The finger on a scanner's trigger."""

from __future__ import annotations

import time

NEXT_OF_A_KIND_S = 0.7
"""Nobody puts one tin down, takes its like and aims in less; scanners refuse the same symbol for about as long."""


class Trigger:
    """Keeps a simulated scanner from reading two equal items faster than a person scans them."""

    def __init__(self) -> None:
        self._code = ""
        self._read_at = 0.0

    def pull(self, code: str) -> None:
        """Waits until the next of a kind can be in the beam; another kind can be at once."""
        remaining = self._read_at + NEXT_OF_A_KIND_S - time.monotonic()
        if code == self._code and remaining > 0:
            time.sleep(remaining)

    def read(self, code: str) -> None:
        """The code has been sent."""
        self._code, self._read_at = code, time.monotonic()
