"""The running state of a basket while promotions apply to it, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from panier.definition import WHOLE
from panier.mechanic import Pick
from panier.pricing.basket import BasketLine, Settings
from panier.pricing.spread import spread

# Orders units by value without fractions: exact for up to a million units a slice.
_FINE = 10**12

TAKEN, USED = 1, 2
"""Marks of units: picked by some promotion; used by a buy_x_get_y, so that no other one may count them."""
Slice = tuple[int, int, int]
"""Units of a line that cost the same: (count, amount of all of them, marks)."""
Chosen = dict[tuple[int, int], int]
"""How many units of which line and slice."""


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
    times: int = 0
    """How often a mechanic that picks units was applied."""
    gift: tuple[str, int, int] | None = None
    """SKU, unit price and count of a gift."""
    points: int = 0
    """Points that are burned."""
    is_earning: bool = False
    """Whether points are earned, on what the basket comes to in the end."""

    @property
    def saving(self) -> int:
        """What it takes off the basket."""
        return sum(self.takes.values()) + (self.gift[1] * self.gift[2] if self.gift else 0)


def tax_on(amount: int, rate: int) -> int:
    """Tax on an amount before tax, rounded half up; `rate` in millionths of a percent."""
    return (2 * amount * rate + WHOLE) // (2 * WHOLE)


class Ledger:
    """Running amounts of a basket's lines, in the basket's canonical order."""

    __slots__ = (
        "_slices",
        "catalogue",
        "floor",
        "gross",
        "is_taxed",
        "lines",
        "payable",
        "points",
        "quantity",
        "running",
        "settings",
    )

    def __init__(
        self, lines: Sequence[BasketLine], settings: Settings, points: int, quantities: Sequence[int] | None = None
    ) -> None:
        self.lines = lines
        self.settings = settings
        self.points = points
        # Equal lines are one here, so that their quantity is said apart.
        self.quantity = list(quantities) if quantities is not None else [line.quantity for line in lines]
        self.gross = [line.unit_price * units for line, units in zip(lines, self.quantity, strict=True)]
        self.running = self.gross.copy()
        self.floor = [line.min_price * units for line, units in zip(lines, self.quantity, strict=True)]
        self.catalogue: set[int] = set()
        """Lines that a shelf-price reduction touched."""
        self._slices: dict[int, list[Slice]] = {}
        self.is_taxed = any(line.tax_rate for line in lines)
        self.payable = 0
        """What the lines come to, with the tax that is added to them."""
        self.add_up()

    def fork(self) -> Ledger:
        """The same state, to go on from separately."""
        fork = object.__new__(Ledger)
        fork.lines, fork.settings, fork.points = self.lines, self.settings, self.points
        fork.quantity, fork.gross, fork.floor = self.quantity, self.gross, self.floor
        fork.is_taxed, fork.payable = self.is_taxed, self.payable
        fork.running, fork.catalogue, fork._slices = self.running.copy(), self.catalogue, self._slices.copy()
        return fork

    def take_over(self, other: Ledger, places: Sequence[int]) -> None:
        """Adopts the state of `other`, whose lines stand at `places` in this one; the others stay."""
        for line, place in enumerate(places):
            self.running[place] = other.running[line]
            if line in other._slices:
                self._slices[place] = other._slices[line]
        if other.catalogue:
            self.catalogue = self.catalogue | {places[line] for line in other.catalogue}

    def add_up(self) -> None:
        """Reckons `payable` anew from the lines."""
        self.payable = sum(self.running) + (sum(map(self.tax, range(len(self.lines)))) if self.is_taxed else 0)

    def tax(self, line: int) -> int:
        """The tax to be added to what a line comes to now; 0 where it states no rate."""
        return tax_on(self.running[line], self.lines[line].tax_rate or 0)

    def state(self) -> tuple[object, ...]:
        """All that further effects depend on, as a value to compare."""
        split = tuple((line, tuple(slices)) for line, slices in sorted(self._slices.items()))
        return (tuple(self.running), split, frozenset(self.catalogue), self.points)

    def has_taken(self, lines: Iterable[int]) -> bool:
        """Whether some promotion has picked units of these lines."""
        slices = self._slices
        return bool(slices) and any(line in slices and any(mark & TAKEN for _, _, mark in slices[line]) for line in lines)

    def is_whole(self, line: int) -> bool:
        """Whether all units of a line are still alike."""
        return line not in self._slices

    def room(self, line: int) -> int:
        """What may still be taken off a line."""
        return max(0, self.running[line] - self.floor[line])

    def slices(self, line: int) -> list[Slice]:
        """A line's units by what they cost; most lines have one slice."""
        return self._slices.get(line) or [(self.quantity[line], self.running[line], 0)]

    def piles(self, lines: Iterable[int], pick: Pick, *, without: int = 0) -> list[Pile]:
        """The units of `lines` that still cost something, in order of what one costs; equal ones in the basket's order.

        Units with one of the marks `without` are left out.
        """
        piles: list[Pile] = []
        for line in lines:
            if line not in self._slices:
                if self.running[line]:
                    piles.append(Pile(line, 0, self.quantity[line], self.running[line]))
                continue
            for index, (count, amount, mark) in enumerate(self._slices[line]):
                if amount and not mark & without:
                    piles.append(Pile(line, index, count, amount))
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

    def commit(self, effect: Effect, *, is_catalogue: bool = False) -> None:
        """Lets an effect happen; `is_catalogue` where it is a reduction of the shelf's price."""
        split = {picked.line for picked in effect.picked} if effect.picked else ()
        for line in split:
            self._split(line, [picked for picked in effect.picked if picked.line == line], effect.takes.get(line, 0))
        for line, amount in effect.takes.items():
            if self.is_taxed:
                self.payable -= self.tax(line)
            self.running[line] -= amount
            self.payable -= amount
            if self.is_taxed:
                self.payable += self.tax(line)
            if line in self._slices and line not in split:
                self._reduce(line, amount)
        self.points -= effect.points
        if is_catalogue:
            self.catalogue = self.catalogue | effect.takes.keys()

    def _reduce(self, line: int, amount: int) -> None:
        """Takes `amount` off all slices of a line, by what they cost."""
        costs = [cost for _, cost, _ in self._slices[line]]
        shares = spread(amount, costs, costs)
        self._slices[line] = [
            (count, cost - share, mark) for (count, cost, mark), share in zip(self._slices[line], shares, strict=True)
        ]

    def _split(self, line: int, picked: list[Picked], amount: int) -> None:
        """Takes `amount` off the picked units of a line and keeps them apart from the others."""
        costs = [units.amount if units.is_reduced else 0 for units in picked]
        shares = spread(amount, costs, costs)
        slices = self.slices(line).copy()
        parts: list[Slice] = []
        for units, share in zip(picked, shares, strict=True):
            count, cost, mark = slices[units.slice]
            slices[units.slice] = (count - units.count, cost - units.amount, mark)
            parts.append((units.count, units.amount - share, mark | TAKEN | (USED if units.is_used else 0)))
        self._slices[line] = [part for part in (*slices, *parts) if part[0]]
