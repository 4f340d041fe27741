"""How much one promotion can save at the most, whatever happens before its turn.

Amounts only fall while promotions act, so that what holds for the amounts of now holds for all later ones. A unit may come to
cost more than its share (odd cents), but never more than it did in the beginning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from panier.definition import WHOLE, Steps
from panier.mechanic import (
    Amount,
    BuyXGetY,
    CheapestFree,
    NForPrice,
    Percent,
    PercentOrder,
    PerCompleteGroup,
    PointsBurn,
    Tiered,
)  # fmt: skip
from panier.pricing.cut import Cut, Cuts, cuts_of, fixed, group_cuts, percent_cuts, share
from panier.pricing.effect import picks_units, propose_regardless, repeats, rounded
from panier.pricing.ledger import Ledger
from panier.pricing.reach import Reach


def most_saved(reach: Reach, ledger: Ledger) -> int:
    """No effect of this promotion, from this state on, takes more than this off its lines."""
    cuts = cuts_of(reach, ledger)
    if cuts is not None:
        return sum(cut.off(ledger.running[line], ledger.floor[line]) for line, cut in cuts.items())
    room = sum(ledger.room(line) for line in reach.get or reach.lines)
    mechanic = reach.rule.promotion.mechanic
    return min(room, _MOST[type(mechanic)](mechanic, reach, ledger)) if room else 0


def _percent_of(amount: int, percent: int, lines: int) -> int:
    """A percentage of an amount on so many lines, each of which may round up half a cent."""
    return (2 * amount * percent + lines * WHOLE) // (2 * WHOLE)


def _sum(reach: Reach, ledger: Ledger, *, is_original: bool = False) -> int:
    amounts = ledger.gross if is_original else ledger.running
    return sum(amounts[line] for line in reach.lines)


def _dearest(lines: Sequence[int], ledger: Ledger, units: int) -> int:
    """What so many of the dearest units cost in the beginning."""
    cost = 0
    for price, line in sorted(((ledger.lines[line].unit_price, line) for line in lines), reverse=True):
        count = ledger.quantity[line]
        taken = min(units, count)
        units -= taken
        cost += taken * price
    return cost


def _best_step(steps: Steps, base: int, reach: Reach, ledger: Ledger) -> int:
    """The highest value of the steps that amounts reach now, or later when they have fallen."""
    reached = _sum(reach, ledger)
    return max(base, *(value for start, value in steps if start <= reached), 0)


def _percent(mechanic: Percent, reach: Reach, ledger: Ledger) -> int:
    amount = _sum(reach, ledger, is_original=(mechanic.base or ledger.settings.percent_base) == "original")
    lines = len(reach.lines)
    if mechanic.max_units is not None:
        units = mechanic.max_units * repeats(reach, ledger)
        amount = min(amount, _dearest(reach.lines, ledger, units))
        lines = min(lines, units)
    return _percent_of(amount, mechanic.percent, lines)


def _amount(mechanic: Amount, reach: Reach, ledger: Ledger) -> int:
    return mechanic.amount * repeats(reach, ledger)


def _percent_order(mechanic: PercentOrder, reach: Reach, ledger: Ledger) -> int:
    amount = _sum(reach, ledger, is_original=(mechanic.base or ledger.settings.percent_base) == "original")
    most = rounded(ledger, amount * mechanic.percent, WHOLE)
    return most if mechanic.max_discount is None else min(most, mechanic.max_discount)


def _cheapest_free(mechanic: CheapestFree, reach: Reach, ledger: Ledger) -> int:
    del mechanic  # says no more than its kind
    return _dearest(reach.lines, ledger, repeats(reach, ledger))


def _n_for_price(mechanic: NForPrice, reach: Reach, ledger: Ledger) -> int:
    times = repeats(reach, ledger)
    return max(_dearest(reach.lines, ledger, mechanic.n * count) - mechanic.price * count for count in range(times + 1))


def _per_complete_group(mechanic: PerCompleteGroup, reach: Reach, ledger: Ledger) -> int:
    if mechanic.amount:
        return mechanic.amount * sum(ledger.quantity[i] for i in reach.lines)
    amount = _sum(reach, ledger, is_original=ledger.settings.percent_base == "original")
    return _percent_of(amount, _best_step(mechanic.tiers, mechanic.percent, reach, ledger), len(reach.lines))


def _tiered(mechanic: Tiered, reach: Reach, ledger: Ledger) -> int:
    value = _tier(mechanic, reach, ledger)
    if not mechanic.is_percent:
        return value
    is_original = ledger.settings.percent_base == "original"
    return _percent_of(_sum(reach, ledger, is_original=is_original), value, len(reach.lines))


def _tier(mechanic: Tiered, reach: Reach, ledger: Ledger) -> int:
    if not mechanic.by_quantity:
        return _best_step(mechanic.tiers, mechanic.base, reach, ledger)
    quantity = sum(ledger.quantity[i] for i in reach.lines)
    # What only_undiscounted leaves out is counted neither.
    return max(mechanic.base, *(value for start, value in mechanic.tiers if start <= quantity), 0)


def _buy_x_get_y(mechanic: BuyXGetY, reach: Reach, ledger: Ledger) -> int:
    times, get = repeats(reach, ledger), mechanic.get_quantity
    # Where only units that may be got can buy, those that buy are not got; which they are may be chosen.
    quantity, needed = sum(ledger.quantity[line] for line in reach.get), mechanic.buy_quantity
    if set(reach.buy) <= set(reach.get):
        most = max(min(get * count, quantity - needed * count) for count in range(times + 1))
    else:
        most = get * times
    amount = _dearest(reach.get, ledger, most)
    return _percent_of(amount, mechanic.percent, min(get * times, len(reach.get)) if mechanic.percent < WHOLE else 0)


def _points_burn(mechanic: PointsBurn, reach: Reach, ledger: Ledger) -> int:
    del reach
    return int(mechanic.value * ledger.points) + 1


_MOST: dict[type, Callable[[Any, Reach, Ledger], int]] = {
    Percent: _percent,
    Amount: _amount,
    PercentOrder: _percent_order,
    CheapestFree: _cheapest_free,
    NForPrice: _n_for_price,
    PerCompleteGroup: _per_complete_group,
    Tiered: _tiered,
    BuyXGetY: _buy_x_get_y,
    PointsBurn: _points_burn,
}


# -- line by line ------------------------------------------------------------------------------------------------------


def envelope(reach: Reach, ledger: Ledger, picking: Counter[int]) -> Cuts | None:
    """Cuts that take at least as much off each line as the promotion does, in any state; None where they are not known.

    `picking` says how many promotions pick units of a line: only one that is alone finds them all alike.
    """
    promotion = reach.rule.promotion
    mechanic = promotion.mechanic
    if isinstance(mechanic, Tiered | PerCompleteGroup):
        if ledger.settings.round_at == "order" or promotion.only_undiscounted:
            return None
        if isinstance(mechanic, PerCompleteGroup):
            return group_cuts(mechanic, _best_step(mechanic.tiers, mechanic.percent, reach, ledger), reach, ledger)
        if mechanic.is_percent:
            return percent_cuts(_tier(mechanic, reach, ledger), reach, ledger)
    lines = {*reach.lines, *reach.buy, *reach.get}
    of_one_line = _OF_ONE_LINE.get(type(mechanic))
    if len(lines) != 1 or of_one_line is None:
        return None
    (line,) = lines
    if picks_units(mechanic) and (picking[line] > 1 or not ledger.is_whole(line)):
        return None
    return {line: of_one_line(mechanic, reach, ledger, line)}


def _line_percent(mechanic: Percent, reach: Reach, ledger: Ledger, line: int) -> Cut:
    quantity = ledger.quantity[line]
    most = quantity if mechanic.max_units is None else mechanic.max_units * repeats(reach, ledger)
    units = min(quantity, most, mechanic.max_units_per_line or quantity)
    cut = share(mechanic.percent, units, quantity, ledger.settings)
    if (mechanic.base or ledger.settings.percent_base) == "original":
        return fixed(cut.off(ledger.gross[line], 0))
    return cut


def _line_amount(mechanic: Amount, reach: Reach, ledger: Ledger, line: int) -> Cut:
    del line
    return fixed(mechanic.amount * repeats(reach, ledger))


def _line_percent_order(mechanic: PercentOrder, reach: Reach, ledger: Ledger, line: int) -> Cut:
    del reach
    cut = share(mechanic.percent, 1, 1, ledger.settings)
    if (mechanic.base or ledger.settings.percent_base) == "original":
        cut = fixed(cut.off(ledger.gross[line], 0))
    return cut if mechanic.max_discount is None else cut._replace(most=mechanic.max_discount)


def _line_cheapest_free(mechanic: CheapestFree, reach: Reach, ledger: Ledger, line: int) -> Cut:
    del mechanic
    quantity = ledger.quantity[line]
    return Cut(min(repeats(reach, ledger), quantity), quantity, 0, 0)


def _line_n_for_price(mechanic: NForPrice, reach: Reach, ledger: Ledger, line: int) -> Cut:
    quantity = ledger.quantity[line]
    times = min(repeats(reach, ledger), quantity // mechanic.n)
    return Cut(mechanic.n * times, quantity, 0, -mechanic.price * times)


def _line_buy_x_get_y(mechanic: BuyXGetY, reach: Reach, ledger: Ledger, line: int) -> Cut:
    quantity = ledger.quantity[line]
    now = propose_regardless(reach, ledger)
    got = sum(units.count for units in now.picked if units.is_reduced)
    # Odd cents stay with the units that are left, where each application may find so many more of them.
    odd = quantity - 1 if now.times <= 1 else quantity * now.times**2
    over, under, add = got * mechanic.percent, quantity * WHOLE, odd * mechanic.percent
    if mechanic.percent < WHOLE and ledger.settings.rounding == "half_up":
        over, under, add = 2 * over, 2 * under, 2 * add + under
    return Cut(over, under, add, 0, now.saving)


_OF_ONE_LINE: dict[type, Callable[[Any, Reach, Ledger, int], Cut]] = {
    Percent: _line_percent,
    Amount: _line_amount,
    PercentOrder: _line_percent_order,
    CheapestFree: _line_cheapest_free,
    NForPrice: _line_n_for_price,
    BuyXGetY: _line_buy_x_get_y,
}
