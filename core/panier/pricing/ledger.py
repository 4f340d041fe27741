"""The running state of a basket while promotions apply to it, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from panier.mechanic import Pick
from panier.pricing.basket import BasketLine, Settings
from panier.pricing.spread import spread

# Orders units by value without fractions: exact for up to a million units a slice.
_FINE = 10**12

Slice = tuple[int, int, bool]
"""Units of a line that cost the same: (count, amount of all of them, whether a buy_x_get_y has used them)."""


@dataclass(slots=True)
class Pile:
    """Units of one slice that a mechanic may pick from; shrinks as it does."""

    line: int
    slice: int
    count: int
    amount: int

    def unit_cost(self) -> int:
        """What one unit costs, as a whole number to order by."""
        return self.amount * _FINE // self.count

    def take(self, wanted: int) -> Picked:
        """At most `wanted` units off the pile, with what they cost."""
        count = min(wanted, self.count)
        amount = self.amount if count == self.count else self.amount * count // self.count
        self.count -= count
        self.amount -= amount
        return Picked(self.line, self.slice, count, amount)


@dataclass(slots=True)
class Picked:
    """Units that a mechanic picked.

    `is_reduced` where the discount falls on them, `is_used` where no other buy_x_get_y may count them.
    """

    line: int
    slice: int
    count: int
    amount: int
    is_reduced: bool = True
    is_used: bool = False


@dataclass(slots=True)
class Effect:
    """What a promotion would do: reduce lines, by index; `picked` says which of their units, where not all alike."""

    takes: dict[int, int] = field(default_factory=dict[int, int])
    picked: list[Picked] = field(default_factory=list[Picked])
    gift: tuple[str, int, int] | None = None
    """SKU, unit price and count of a gift."""
    points: int = 0
    """Points that are burned."""

    @property
    def saving(self) -> int:
        """What it takes off the basket."""
        return sum(self.takes.values()) + (self.gift[1] * self.gift[2] if self.gift else 0)


class Ledger:
    """Running amounts of a basket's lines, in the basket's canonical order."""

    __slots__ = ("_slices", "catalogue", "floor", "gross", "lines", "points", "quantity", "running", "settings")

    def __init__(self, lines: Sequence[BasketLine], settings: Settings, points: int) -> None:
        self.lines = lines
        self.settings = settings
        self.points = points
        self.quantity = [line.quantity for line in lines]
        self.gross = [line.unit_price * line.quantity for line in lines]
        self.running = self.gross.copy()
        self.floor = [line.min_price * line.quantity for line in lines]
        self.catalogue: set[int] = set()
        """Lines that a shelf-price reduction touched."""
        self._slices: dict[int, list[Slice]] = {}

    def room(self, line: int) -> int:
        """What may still be taken off a line."""
        return max(0, self.running[line] - self.floor[line])

    def slices(self, line: int) -> list[Slice]:
        """A line's units by what they cost; most lines have one slice."""
        return self._slices.get(line) or [(self.quantity[line], self.running[line], False)]

    def piles(self, lines: Iterable[int], pick: Pick, *, unused: bool = False) -> list[Pile]:
        """The units of `lines` that still cost something, in order of what one costs; equal ones in the basket's order.

        `unused` leaves out what a buy_x_get_y has used.
        """
        piles = [
            Pile(line, index, count, amount)
            for line in lines
            for index, (count, amount, used) in enumerate(self.slices(line))
            if amount and not (unused and used)
        ]
        if len(piles) > 1:
            # reverse keeps equal ones in their order too
            piles.sort(key=Pile.unit_cost, reverse=pick == "dearest")
        return piles

    def spread(self, amount: int, lines: Sequence[int]) -> dict[int, int]:
        """Shares of an amount over lines by what they cost now, within their floors."""
        running, room = self.running, self.room
        shares = spread(
            amount, [running[i] for i in lines], [room(i) for i in lines], from_first=self.settings.remainder == "first"
        )
        return {line: share for line, share in zip(lines, shares, strict=True) if share}

    def commit(self, effect: Effect) -> None:
        """Lets an effect happen."""
        for line in {picked.line for picked in effect.picked}:
            self._split(line, [picked for picked in effect.picked if picked.line == line], effect.takes.get(line, 0))
        split = {picked.line for picked in effect.picked}
        for line, amount in effect.takes.items():
            self.running[line] -= amount
            if line in self._slices and line not in split:
                self._reduce(line, amount)
        self.points -= effect.points

    def _reduce(self, line: int, amount: int) -> None:
        """Takes `amount` off all slices of a line, by what they cost."""
        costs = [cost for _, cost, _ in self._slices[line]]
        shares = spread(amount, costs, costs)
        self._slices[line] = [
            (count, cost - share, used) for (count, cost, used), share in zip(self._slices[line], shares, strict=True)
        ]

    def _split(self, line: int, picked: list[Picked], amount: int) -> None:
        """Takes `amount` off the picked units of a line and keeps them apart from the others."""
        costs = [units.amount if units.is_reduced else 0 for units in picked]
        shares = spread(amount, costs, costs)
        slices = self.slices(line)
        parts: list[Slice] = []
        for units, share in zip(picked, shares, strict=True):
            count, cost, used = slices[units.slice]
            slices[units.slice] = (count - units.count, cost - units.amount, used)
            parts.append((units.count, units.amount - share, used or units.is_used))
        self._slices[line] = [part for part in (*slices, *parts) if part[0]]
