"""What one promotion reaches in one basket: which lines, and what its conditions count there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from panier.pricing.ledger import Chosen
from panier.pricing.rule import Rule


@dataclass(slots=True)
class Reach:
    """A rule's lines by their role, as indices into a ledger, and how it is to act.

    `counted` are the lines whose running amounts `when` adds up, or None; `quantity` and `gross` are the units and the original
    amount of what it counts, and `is_met` says that everything holds that does not depend on running amounts.
    """

    rule: Rule
    lines: Sequence[int]
    buy: Sequence[int]
    get: Sequence[int]
    counted: Sequence[int] | None
    quantity: int
    gross: int
    is_met: bool
    units: int
    """What earns a gift."""
    times: int | None = None
    """Applications at the most, below what the promotion itself allows."""
    is_apart: bool = False
    """Whether it leaves alone what other promotions have picked."""
    chosen: Chosen | None = None
    """The units that it takes, or buys with; None for those that its kind names."""
