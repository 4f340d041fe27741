"""What a promotion takes off each line by itself: the same share or amount, whatever other lines cost and whoever came before.

Such cuts can be reckoned line by line, without the basket: what a line comes to at the least after some of them, and whether the
order of two of them means anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from panier.definition import WHOLE
from panier.mechanic import AmountPerLine, AmountPerUnit, Basis, FirstAdditional, Percent, PerCompleteGroup, Tiered
from panier.pricing.basket import Settings
from panier.pricing.effect import grouped
from panier.pricing.ledger import Ledger
from panier.pricing.reach import Reach

_NO_LIMIT = 1 << 62


class Cut(NamedTuple):
    """What comes off a line by its cost: `over` / `under` of it, `add` / `under` to round, and `fixed`; no more than `most`.

    A line that cost more before a cut costs no less after it, and the difference does not grow.
    """

    over: int
    under: int
    add: int
    fixed: int
    most: int = _NO_LIMIT

    def off(self, amount: int, floor: int) -> int:
        """What comes off a line at `amount`, never below its floor."""
        return max(0, min((amount * self.over + self.add) // self.under + self.fixed, self.most, amount - floor))


def fixed(amount: int) -> Cut:
    """The same amount whatever the line costs."""
    return Cut(0, 1, 0, amount)


def share(percent: int, units: int, quantity: int, settings: Settings) -> Cut:
    """A percentage of so many of a line's units, rounded as the store does."""
    if units == quantity:
        units = quantity = 1  # equal for all lines
    over, under = percent * units, WHOLE * quantity
    return Cut(over, under, 0, 0) if settings.rounding == "down" else Cut(2 * over, 2 * under, under, 0)


Cuts = dict[int, Cut]
"""By line."""


def cuts_of(reach: Reach, ledger: Ledger) -> Cuts | None:
    """The promotion's cuts, by line, where it makes such and no others; conditions, budgets and groups are not looked at."""
    cutter = _CUTTERS.get(type(reach.rule.promotion.mechanic))
    return None if cutter is None else cutter(reach.rule.promotion.mechanic, reach, ledger)


def percent_cuts(percent: int, reach: Reach, ledger: Ledger, base: Basis | None = None, most: int | None = None) -> Cuts:
    """A percentage of each line, or of `most` units of each."""
    settings, quantity = ledger.settings, ledger.quantity
    cuts = {line: share(percent, min(most or quantity[line], quantity[line]), quantity[line], settings) for line in reach.lines}
    if (base or settings.percent_base) == "original":
        cuts = {line: fixed(cut.off(ledger.gross[line], 0)) for line, cut in cuts.items()}
    return cuts


def group_cuts(mechanic: PerCompleteGroup, percent: int, reach: Reach, ledger: Ledger) -> Cuts:
    """What comes off each line where as many of its units as possible stand in whole groups."""
    most = grouped(mechanic, reach, ledger, reach.lines)
    cuts: Cuts = {}
    for line in reach.lines:
        quantity = ledger.quantity[line]
        units = min(most, quantity)
        if mechanic.amount:
            cuts[line] = fixed(min(mechanic.amount, ledger.lines[line].unit_price) * units)
        else:
            cut = share(percent, units, quantity, ledger.settings)
            is_original = ledger.settings.percent_base == "original"
            cuts[line] = fixed(cut.off(ledger.gross[line], 0)) if is_original else cut
    return cuts


def _percent(mechanic: Percent, reach: Reach, ledger: Ledger) -> Cuts | None:
    if mechanic.max_units is not None or ledger.settings.round_at == "order":
        return None
    return percent_cuts(mechanic.percent, reach, ledger, mechanic.base, mechanic.max_units_per_line)


def _amount_per_unit(mechanic: AmountPerUnit, reach: Reach, ledger: Ledger) -> Cuts:
    most = mechanic.max_units_per_line
    return {
        line: fixed(min(mechanic.amount, ledger.lines[line].unit_price) * min(most or units, units))
        for line in reach.lines
        for units in (ledger.quantity[line],)
    }


def _amount_per_line(mechanic: AmountPerLine, reach: Reach, ledger: Ledger) -> Cuts:
    most = mechanic.max_units_per_line
    return {
        line: fixed(mechanic.amount if most is None else min(mechanic.amount, ledger.lines[line].unit_price * most))
        for line in reach.lines
    }


def _first_additional(mechanic: FirstAdditional, reach: Reach, ledger: Ledger) -> Cuts:
    cuts: Cuts = {}
    for line in reach.lines:
        price, units = ledger.lines[line].unit_price, ledger.quantity[line]
        further = min(units, mechanic.max_units or units) - 1
        cuts[line] = fixed(min(mechanic.first, price) + min(mechanic.additional, price) * further)
    return cuts


def _per_complete_group(mechanic: PerCompleteGroup, reach: Reach, ledger: Ledger) -> Cuts | None:
    if mechanic.tiers or reach.rule.promotion.only_undiscounted or ledger.settings.round_at == "order":
        return None
    if grouped(mechanic, reach, ledger, reach.lines) < sum(ledger.quantity[line] for line in reach.lines):
        return None  # which units stand in groups is to be chosen
    return group_cuts(mechanic, mechanic.percent, reach, ledger)


def _tiered(mechanic: Tiered, reach: Reach, ledger: Ledger) -> Cuts | None:
    is_bare = mechanic.is_percent and mechanic.by_quantity and not reach.rule.promotion.only_undiscounted
    if not is_bare or ledger.settings.round_at == "order":
        return None
    quantity = sum(ledger.quantity[line] for line in reach.lines)
    return percent_cuts(next((value for start, value in mechanic.tiers if quantity >= start), mechanic.base), reach, ledger)


_CUTTERS: dict[type, Callable[[Any, Reach, Ledger], Cuts | None]] = {
    Percent: _percent,
    AmountPerUnit: _amount_per_unit,
    AmountPerLine: _amount_per_line,
    FirstAdditional: _first_additional,
    PerCompleteGroup: _per_complete_group,
    Tiered: _tiered,
}
