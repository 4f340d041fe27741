"""Batches as they arrived, and what order their events claim to be in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from panier.message import EventBatch

_CLOCK_SLACK = 3_000
"""Milliseconds that a device's clock may be wrong by before its times are corrected."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events as they arrived; `device` is who the broker let publish them, `arrived_at` when, by our clock in milliseconds."""

    device: str
    message: EventBatch
    arrived_at: int | None = None

    @property
    def clock_offset(self) -> int:
        """What the device's clock lags behind ours, in milliseconds; 0 where that is no more than a message may take."""
        if self.message.at is None or self.arrived_at is None:
            return 0
        offset = self.arrived_at - self.message.at
        return offset if abs(offset) >= _CLOCK_SLACK else 0

    def says_the_same_as(self, other: Batch) -> bool:
        """True for the same events of the same journal, whenever they were sent."""
        ours, theirs = self.message, other.message
        return (ours.events, ours.follows, ours.journal) == (theirs.events, theirs.follows, theirs.journal)


def _sequence(record: dict[str, Any]) -> int | None:
    found = record.get("sequence")
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 2**62 else None


def first_sequence(records: Sequence[dict[str, Any]]) -> int | None:
    """Sequence of a batch's first event; where that is unreadable, it follows from the next one that is not."""
    for place, record in enumerate(records):
        if (sequence := _sequence(record)) is not None:
            return sequence - place if sequence > place else None
    return None


def without_jump(records: Sequence[dict[str, Any]], first: int) -> Sequence[dict[str, Any]]:
    """The records up to where a sequence is not the one that its place calls for; the device sends the others again."""
    for place, record in enumerate(records):
        if (sequence := _sequence(record)) is not None and sequence != first + place:
            return records[:place]
    return records
