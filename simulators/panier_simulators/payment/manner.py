"""How a simulated terminal behaves at its next payments."""

from __future__ import annotations

import random
from collections import deque
from typing import Literal, get_args

Manner = Literal[
    "approve", "decline", "busy", "slow", "lost_before", "lost_after", "answer_lost", "ack_lost", "garbage", "half", "silent"
]
"""
lost_before: the line is cut when the amount has arrived, before anything is done with it.
lost_after: it is cut while the shopper pays, who goes on paying where the protocol allows it.
answer_lost: the money is booked, and the line cut instead of the answer.
ack_lost: ZVT only: the acknowledgement does not arrive, and the terminal takes the payment back.
garbage, half: the money is booked, and what is answered is no answer, or half of one.
silent: the money is booked, and nothing more is said.
"""
MANNERS: tuple[Manner, ...] = get_args(Manner)


class Manners:
    """The next manners in order; then what `otherwise` says, or dice where a chance of trouble is given."""

    def __init__(self, trouble: float = 0.0, seed: int = 0) -> None:
        self.queue: deque[Manner] = deque()
        self._trouble = trouble
        self._dice = random.Random(seed)  # noqa: S311  (repeatable on purpose)

    def next(self) -> Manner:
        """How the payment that has just arrived is treated."""
        if self.queue:
            return self.queue.popleft()
        return self._dice.choice(MANNERS[1:]) if self._dice.random() < self._trouble else "approve"

    def peek(self) -> Manner | None:
        """The next one that was ordered, left in its place."""
        return self.queue[0] if self.queue else None
