"""What each kind of promotion does to a basket, as an effect that has not happened yet.

Every function takes a mechanic, its reach (which lines it means) and the ledger, and answers an Effect; nothing is changed, so
that effects can be compared, refused for a budget, or tried out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import lcm
from typing import Any

from panier.definition import WHOLE, Steps
from panier.mechanic import (
    Amount,
    AmountPerLine,
    AmountPerUnit,
    Basis,
    BuyXGetY,
    CheapestFree,
    FirstAdditional,
    FreeGift,
    Mechanic,
    NForPrice,
    Percent,
    PercentOrder,
    PerCompleteGroup,
    PointsBurn,
    PointsEarn,
    Tiered,
)  # fmt: skip
from panier.pricing.ledger import TAKEN, USED, Chosen, Effect, Ledger, Picked, Pile
from panier.pricing.reach import Reach
from panier.pricing.spread import spread

Exact = tuple[int, int, int]
"""A line and what comes off it, as numerator and denominator of minor units."""


PICKING = (NForPrice, CheapestFree, BuyXGetY)
"""Mechanics that pick units, application by application; and Amount where it has `max_units`."""


def propose(reach: Reach, ledger: Ledger) -> Effect | None:
    """What the promotion would do now; None where its conditions fail, nothing is left to reduce, or its budget is too small."""
    if not holds(reach, ledger):
        return None
    effect = propose_regardless(reach, ledger)
    if not effect.takes and effect.gift is None and not effect.is_earning:
        return None
    budget = reach.rule.promotion.budget
    if budget is not None and budget.is_spend and effect.saving > budget.left:
        return None
    return effect


def propose_regardless(reach: Reach, ledger: Ledger) -> Effect:
    """The effect as if the promotion's conditions were met and its budget large."""
    return _ACTS[type(reach.rule.promotion.mechanic)](reach.rule.promotion.mechanic, reach, ledger)


def holds(reach: Reach, ledger: Ledger) -> bool:
    """Whether the basket meets the promotion's `when`."""
    when = reach.rule.promotion.when
    if when.min_amount is not None and when.basis == "running" and reach.counted is not None:
        running = ledger.running
        if sum(running[i] for i in reach.counted) < when.min_amount:
            return False
    return reach.is_met


def picks_units(mechanic: Mechanic) -> bool:
    """Whether the mechanic picks single units, so that it competes for them with others."""
    return isinstance(mechanic, PICKING) or (isinstance(mechanic, Amount | Percent) and mechanic.max_units is not None)


def reducible(reach: Reach, ledger: Ledger, lines: Sequence[int]) -> Sequence[int]:
    """The lines that the promotion may reduce."""
    if reach.rule.promotion.only_undiscounted and ledger.catalogue:
        return [i for i in lines if i not in ledger.catalogue]
    return lines


def repeats(reach: Reach, ledger: Ledger) -> int:
    """How often a mechanic that acts once a basket acts: again for each time that its `when` is met by further units."""
    promotion = reach.rule.promotion
    most = promotion.max_applications or 1
    if reach.times is not None:
        most = min(most, reach.times)
    when = promotion.when
    if most > 1 and when.min_qty:
        most = min(most, reach.quantity // when.min_qty)
    if most > 1 and when.min_amount:
        is_original = when.basis == "original" or reach.counted is None
        amount = reach.gross if is_original else sum(ledger.running[i] for i in reach.counted or ())
        most = min(most, amount // when.min_amount)
    return most


def apart(reach: Reach) -> int:
    """The marks of units that are left alone."""
    return TAKEN if reach.is_apart else 0


def rounded(ledger: Ledger, numerator: int, denominator: int) -> int:
    """Whole minor units, by the store's rule."""
    if ledger.settings.rounding == "down":
        return numerator // denominator
    return (2 * numerator + denominator) // (2 * denominator)


def _settle(ledger: Ledger, exact: Sequence[Exact], most: dict[int, int] | None = None) -> Effect:
    """Rounds percentages, a line at a time or once for all; no line goes below its floor or gives more than `most`."""
    exact = [part for part in exact if part[1]]  # a line that gets nothing takes no odd cent either
    caps = [ledger.room(line) if most is None else min(ledger.room(line), most[line]) for line, _, _ in exact]
    if ledger.settings.round_at == "line":
        shares = [min(cap, rounded(ledger, over, under)) for cap, (_, over, under) in zip(caps, exact, strict=True)]
    else:
        fine = lcm(*(under for _, _, under in exact))
        weights = [min(over * (fine // under), cap * fine) for cap, (_, over, under) in zip(caps, exact, strict=True)]
        total = rounded(ledger, sum(weights), fine)
        shares = spread(total, weights, caps, from_first=ledger.settings.remainder == "first")
    return Effect({line: share for (line, _, _), share in zip(exact, shares, strict=True) if share})


def _is_original(base: Basis | None, ledger: Ledger) -> bool:
    return (base or ledger.settings.percent_base) == "original"


def _take(piles: Iterable[Pile], wanted: int) -> list[Picked]:
    """The first `wanted` units off the piles."""
    picked: list[Picked] = []
    for pile in piles:
        if wanted and pile.count:
            picked.append(pile.take(wanted))
            wanted -= picked[-1].count
    return picked


def _set_apart(piles: Iterable[Pile], chosen: Chosen) -> list[Pile]:
    """The chosen units, which the piles then lack."""
    found: list[Pile] = []
    for pile in piles:
        if count := chosen.get((pile.line, pile.slice)):
            units = pile.take(count)
            found.append(Pile(units.line, units.slice, units.count, units.amount))
    return found


def _costs(picked: Iterable[Picked]) -> dict[int, int]:
    """What the picked units cost, by line, in the basket's order."""
    costs: dict[int, int] = {}
    for units in picked:
        costs[units.line] = costs.get(units.line, 0) + units.amount
    return dict(sorted(costs.items()))


def _merged(picked: Iterable[Picked]) -> list[Picked]:
    """The same units with one entry a slice and use."""
    whole: dict[tuple[int, int, bool], Picked] = {}
    for units in picked:
        key = (units.line, units.slice, units.is_reduced)
        known = whole.setdefault(key, units)
        if known is not units:
            known.count += units.count
            known.amount += units.amount
    return list(whole.values())


def _off_picked(ledger: Ledger, amount: int, picked: Sequence[Picked], taken: dict[int, int]) -> None:
    """Adds to `taken` an amount off the picked units, spread over their lines by what the units cost."""
    costs = _costs(picked)
    caps = [min(cost, ledger.room(line) - taken.get(line, 0)) for line, cost in costs.items()]
    shares = spread(amount, list(costs.values()), caps, from_first=ledger.settings.remainder == "first")
    for line, share in zip(costs, shares, strict=True):
        if share:
            taken[line] = taken.get(line, 0) + share


def _percent(mechanic: Percent, reach: Reach, ledger: Ledger) -> Effect:
    lines = reducible(reach, ledger, reach.lines)
    original = _is_original(mechanic.base, ledger)
    amounts = ledger.gross if original else ledger.running
    per_line = mechanic.max_units_per_line
    if mechanic.max_units is None:
        exact: list[Exact] = []
        for line in lines:
            units = ledger.quantity[line]
            counted = units if per_line is None else min(per_line, units)
            exact.append((line, amounts[line] * mechanic.percent * counted, WHOLE * units))
        return _settle(ledger, exact)
    picked: list[Picked] = []
    most = left = mechanic.max_units * repeats(reach, ledger)
    left_of = dict.fromkeys(lines, most if per_line is None else per_line)
    for pile in ledger.piles(lines, mechanic.pick, without=apart(reach)):
        units = pile.take(min(left, left_of[pile.line]))
        if units.count:
            picked.append(units)
            left -= units.count
            left_of[pile.line] -= units.count
    costs = _costs(picked)
    bases = costs
    if original:
        bases = _costs(Picked(p.line, 0, 0, ledger.lines[p.line].unit_price * p.count) for p in picked)
    effect = _settle(ledger, [(line, base * mechanic.percent, WHOLE) for line, base in bases.items()], costs)
    effect.picked, effect.times = picked, -((left - most) // mechanic.max_units)
    return effect


def _amount_per_unit(mechanic: AmountPerUnit, reach: Reach, ledger: Ledger) -> Effect:
    takes: dict[int, int] = {}
    for line in reducible(reach, ledger, reach.lines):
        units = ledger.quantity[line]
        if mechanic.max_units_per_line is not None:
            units = min(units, mechanic.max_units_per_line)
        take = min(min(mechanic.amount, ledger.lines[line].unit_price) * units, ledger.room(line))
        if take:
            takes[line] = take
    return Effect(takes)


def _amount_per_line(mechanic: AmountPerLine, reach: Reach, ledger: Ledger) -> Effect:
    takes: dict[int, int] = {}
    for line in reducible(reach, ledger, reach.lines):
        take = min(mechanic.amount, ledger.room(line))
        if mechanic.max_units_per_line is not None:
            take = min(take, ledger.lines[line].unit_price * mechanic.max_units_per_line)
        if take:
            takes[line] = take
    return Effect(takes)


def _amount(mechanic: Amount, reach: Reach, ledger: Ledger) -> Effect:
    lines = reducible(reach, ledger, reach.lines)
    if mechanic.max_units is None:
        # All units are used by the first application, unless `when` says how many it needs.
        when = reach.rule.promotion.when
        times = repeats(reach, ledger) if when.min_qty or when.min_amount else 1
        return Effect(ledger.spread(mechanic.amount * times, lines))
    effect = Effect()
    piles = ledger.piles(lines, mechanic.pick, without=apart(reach))
    for _ in range(repeats(reach, ledger)):
        picked = _take(piles, mechanic.max_units)
        if not picked:
            break
        _off_picked(ledger, mechanic.amount, picked, effect.takes)
        effect.picked.extend(picked)
        effect.times += 1
    effect.picked = _merged(effect.picked)
    return effect


def _percent_order(mechanic: PercentOrder, reach: Reach, ledger: Ledger) -> Effect:
    lines = reducible(reach, ledger, reach.lines)
    amounts = ledger.gross if _is_original(mechanic.base, ledger) else ledger.running
    amount = rounded(ledger, sum(amounts[i] for i in lines) * mechanic.percent, WHOLE)
    if mechanic.max_discount is not None:
        amount = min(amount, mechanic.max_discount)
    return Effect(ledger.spread(amount, lines))


def _cheapest_free(mechanic: CheapestFree, reach: Reach, ledger: Ledger) -> Effect:
    del mechanic  # says no more than its kind
    lines = reducible(reach, ledger, reach.lines)
    picked = _take(ledger.piles(lines, "cheapest", without=apart(reach)), repeats(reach, ledger))
    effect = Effect(picked=picked, times=sum(units.count for units in picked))
    _off_picked(ledger, sum(units.amount for units in picked), picked, effect.takes)
    return effect


def _n_for_price(mechanic: NForPrice, reach: Reach, ledger: Ledger) -> Effect:
    lines = reducible(reach, ledger, reach.lines)
    # Of units that were chosen, those go together whose saving is greatest.
    piles = ledger.piles(lines, "cheapest" if reach.chosen is None else "dearest", without=apart(reach))
    if reach.chosen is not None:
        piles = _set_apart(piles, reach.chosen)
    effect = Effect()
    for _ in range(repeats(reach, ledger)):
        if sum(pile.count for pile in piles) < mechanic.n:
            break
        picked = _take(piles, mechanic.n)
        saving = sum(units.amount for units in picked) - mechanic.price
        if saving <= 0:
            break
        _off_picked(ledger, saving, picked, effect.takes)
        effect.picked.extend(picked)
        effect.times += 1
    effect.picked = _merged(effect.picked)
    return effect


def _step(steps: Steps, base: int, reached: int) -> int:
    """The value of the highest step that is reached."""
    return next((value for start, value in steps if reached >= start), base)


def grouped(mechanic: PerCompleteGroup, reach: Reach, ledger: Ledger, lines: Sequence[int]) -> int:
    """How many units stand in whole groups that count."""
    groups = sum(ledger.quantity[i] for i in lines) // mechanic.group_size
    return min(groups, reach.rule.promotion.max_applications or groups) * mechanic.group_size


def group_offs(mechanic: PerCompleteGroup, ledger: Ledger, lines: Sequence[int]) -> list[Exact]:
    """What comes off one unit of each line that stands in a group."""
    if mechanic.amount:
        return [(line, min(mechanic.amount, ledger.lines[line].unit_price), 1) for line in lines]
    percent = _step(mechanic.tiers, mechanic.percent, sum(ledger.running[i] for i in lines))
    amounts = ledger.gross if _is_original(None, ledger) else ledger.running
    return [(line, amounts[line] * percent, WHOLE * ledger.quantity[line]) for line in lines]


def _per_complete_group(mechanic: PerCompleteGroup, reach: Reach, ledger: Ledger) -> Effect:
    lines = reducible(reach, ledger, reach.lines)
    left = grouped(mechanic, reach, ledger, lines)
    exact: list[Exact] = []
    for line, over, under in group_offs(mechanic, ledger, lines):
        units = min(left, ledger.quantity[line]) if reach.chosen is None else reach.chosen.get((line, 0), 0)
        left -= units
        exact.append((line, over * units, under))
    return _settle(ledger, exact)


def _tiered(mechanic: Tiered, reach: Reach, ledger: Ledger) -> Effect:
    lines = reducible(reach, ledger, reach.lines)
    reached = sum((ledger.quantity if mechanic.by_quantity else ledger.running)[i] for i in lines)
    value = _step(mechanic.tiers, mechanic.base, reached)
    if not mechanic.is_percent:
        return Effect(ledger.spread(value, lines))
    amounts = ledger.gross if _is_original(None, ledger) else ledger.running
    return _settle(ledger, [(line, amounts[line] * value, WHOLE) for line in lines])


def _first_additional(mechanic: FirstAdditional, reach: Reach, ledger: Ledger) -> Effect:
    takes: dict[int, int] = {}
    for line in reducible(reach, ledger, reach.lines):
        units, price = ledger.quantity[line], ledger.lines[line].unit_price
        if mechanic.max_units is not None:
            units = min(units, mechanic.max_units)
        take = min(mechanic.first, price) + min(mechanic.additional, price) * (units - 1)
        if take := min(take, ledger.room(line)):
            takes[line] = take
    return Effect(takes)


def _buy_x_get_y(mechanic: BuyXGetY, reach: Reach, ledger: Ledger) -> Effect:
    buy = set(reducible(reach, ledger, reach.buy))
    get = set(reducible(reach, ledger, reach.get))
    piles = ledger.piles(sorted(buy | get), "dearest", without=USED | apart(reach))
    buyable = [pile for pile in piles if pile.line in buy] if reach.chosen is None else _set_apart(piles, reach.chosen)
    gettable = [pile for pile in piles if pile.line in get and pile.count]
    if mechanic.pick == "cheapest":
        gettable.sort(key=Pile.unit_cost)
    bought: list[Picked] = []
    got: list[Picked] = []
    times = 0
    for _ in range(repeats(reach, ledger)):
        if sum(pile.count for pile in buyable) < mechanic.buy_quantity:
            break
        paid = _take(buyable, mechanic.buy_quantity)
        free = _take(gettable, mechanic.get_quantity)
        if not free or (mechanic.all_or_nothing and sum(units.count for units in free) < mechanic.get_quantity):
            break
        bought += paid
        got += free
        times += 1
    costs = _costs(got)
    effect = _settle(ledger, [(line, cost * mechanic.percent, WHOLE) for line, cost in costs.items()], costs)
    for units in bought:
        units.is_reduced = False
    effect.picked, effect.times = _merged(bought + got), times
    for units in effect.picked:
        units.is_used = True
    return effect


def _free_gift(mechanic: FreeGift, reach: Reach, ledger: Ledger) -> Effect:
    del ledger  # a gift leaves the lines as they are
    count = reach.units // mechanic.per_quantity if mechanic.per else min(1, reach.units)
    count = min(count, reach.rule.promotion.max_applications or count)
    return Effect(gift=(mechanic.sku, mechanic.unit_price, count) if count else None)


def _points_earn(mechanic: PointsEarn, reach: Reach, ledger: Ledger) -> Effect:
    del mechanic, reach, ledger  # points are reckoned on what the basket comes to in the end
    return Effect(is_earning=True)


def _points_burn(mechanic: PointsBurn, reach: Reach, ledger: Ledger) -> Effect:
    lines = reducible(reach, ledger, reach.lines)
    worth = mechanic.value * mechanic.multiple_of
    # Only as many multiples as the basket can turn into money: a point that buys nothing is not burned.
    multiples = min(ledger.points // mechanic.multiple_of, Fraction(sum(ledger.room(i) for i in lines)) // worth)
    value = worth * multiples
    effect = Effect(ledger.spread(rounded(ledger, value.numerator, value.denominator), lines))
    effect.points = multiples * mechanic.multiple_of
    return effect


# The mechanic's type picks the function, so each is called with its own; the table itself cannot say so.
_ACTS: dict[type, Callable[[Any, Reach, Ledger], Effect]] = {
    Percent: _percent,
    AmountPerUnit: _amount_per_unit,
    AmountPerLine: _amount_per_line,
    Amount: _amount,
    PercentOrder: _percent_order,
    CheapestFree: _cheapest_free,
    NForPrice: _n_for_price,
    PerCompleteGroup: _per_complete_group,
    Tiered: _tiered,
    FirstAdditional: _first_additional,
    BuyXGetY: _buy_x_get_y,
    FreeGift: _free_gift,
    PointsBurn: _points_burn,
    PointsEarn: _points_earn,
}
