"""What of the journal is to be sent, and when to send it again. Plain decisions: time comes in, messages come out."""

from __future__ import annotations

import json
import random
from itertools import accumulate

from panier.error import PanierError
from panier.message import MAX_BATCH, Acknowledgement, EventBatch
from panier_io.journal import Journal

IN_FLIGHT = 3 * MAX_BATCH
"""Events sent and not acknowledged, at the most: enough to fill the line, few enough to send again."""
_BYTES = 800_000
"""Bytes of events in one message at the most, below MAX_PAYLOAD; a single event, of a thousand leases, is within it."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0


class WrongAcknowledgement(PanierError):
    """An acknowledgement that cannot be ours."""

    code = "wrong_acknowledgement"


class Outbox:
    """Reads ahead of the acknowledgements, and goes back to them when they stay away. Times are seconds of a steady clock."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._sent = journal.acknowledged
        self._wait = FIRST_WAIT
        self.again_at: float | None = None
        """When to call `overdue`, unless an acknowledgement comes first; None while nothing is in flight."""

    def next_batch(self, now: float, at: int | None = None) -> EventBatch | None:
        """The next events to publish, or None where all are sent or enough are in flight; `at` is the wall clock, in ms."""
        if self._sent >= self._journal.last or self._sent - self._journal.acknowledged >= IN_FLIGHT:
            return None
        before, records = self._sent, self._journal.records(self._sent, MAX_BATCH)
        if not records:  # the rest was lost with a damaged disk; what comes next must not count as in flight with it
            return None
        sizes = accumulate(len(text.encode()) for _, text in records)
        records = records[: max(1, sum(size <= _BYTES for size in sizes))]
        self._sent = records[-1][0]
        self._set_alarm(now)
        return EventBatch(
            journal=self._journal.id, events=[json.loads(text) for _, text in records],
            follows=None if records[0][0] == before + 1 else before, at=at,
        )  # fmt: skip

    def start_over(self) -> bool:
        """The line is new, or the gateway is: sends from the last acknowledgement. True where that repeats something."""
        repeats = self._sent > self._journal.acknowledged
        self._sent = self._journal.acknowledged
        self._wait = FIRST_WAIT
        self.again_at = None
        return repeats

    def overdue(self, now: float) -> bool:
        """Where the acknowledgement is late: goes back to the last one, doubles the patience, and gives True."""
        if self.again_at is None or now < self.again_at:
            return False
        self._sent = self._journal.acknowledged
        self._wait = min(self._wait * 2, LONGEST_WAIT)
        self.again_at = None
        return True

    def acknowledged(self, answer: Acknowledgement, now: float) -> None:
        """Notes what the gateway has on its disk. Raises WrongAcknowledgement, and changes nothing then."""
        journal = self._journal
        if answer.journal != journal.id:
            raise WrongAcknowledgement(f"for journal {answer.journal}; ours is {journal.id}")
        if answer.upto > journal.last:
            raise WrongAcknowledgement(f"up to {answer.upto}; journal {journal.id} ends at {journal.last}")
        if answer.upto < journal.acknowledged:
            # Late, or of a gateway that was put back to an older backup: what we still hold of its gap, it gets again.
            self._sent = answer.upto
            raise WrongAcknowledgement(f"up to {answer.upto} after {journal.acknowledged}: late, or the gateway lost its disk")
        self._wait = FIRST_WAIT
        journal.acknowledge(answer.upto)
        self._sent = max(self._sent, answer.upto)
        if self._sent > answer.upto:
            self._set_alarm(now)
        else:
            self.again_at = None

    def _set_alarm(self, now: float) -> None:
        # Jitter, so that a store's devices do not all repeat themselves in the same instant.
        self.again_at = now + self._wait * random.uniform(0.8, 1.2)  # noqa: S311  (no secret rests on it)
