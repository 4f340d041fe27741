"""A second reading while the trigger is held is not a second item."""

from __future__ import annotations

from panier_device.driver.port import Reading


class RepeatGuard:
    """Tells a scanner's repeats from its readings. One a scanner: two scanners may well read two equal items at once.

    Scanners that read on while the trigger is held, or while a label lies before the glass, send the same code again and again;
    so does a line that doubles what it carries. Each repeat holds the guard for another `repeat_ms`, as a scanner's own timeout
    for the same symbol does. A garbled reading between two is no other item.
    """

    def __init__(self, repeat_ms: int) -> None:
        self.count = 0
        self._within = repeat_ms * 1_000_000
        self._code = 0
        """Its hash: a bank card may be swiped here, and stays nowhere."""
        self._at: int | None = None

    def is_repeat(self, reading: Reading) -> bool:
        """True where the code came less than `repeat_ms` after itself, by the times of the readings."""
        if reading.frame.flaw is not None or reading.reads != "codes":
            # What a card reader delivers is told apart by the card slot.
            return False
        before, self._at = self._at, reading.read_at
        code = hash(reading.frame.text)
        again = code == self._code and before is not None and reading.read_at - before < self._within
        self._code = code
        self.count += again
        return again
