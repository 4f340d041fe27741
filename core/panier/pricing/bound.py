"""How much a promotion can save at the most, whatever happens before its turn: what lets the search leave out branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from panier.definition import WHOLE
from panier.mechanic import (
    Amount,
    AmountPerLine,
    AmountPerUnit,
    BuyXGetY,
    CheapestFree,
    FirstAdditional,
    NForPrice,
    Percent,
    PercentOrder,
    PerCompleteGroup,
    PointsBurn,
    Tiered,
)  # fmt: skip
from panier.pricing.ledger import Ledger
from panier.pricing.reach import Reach

# Amounts only fall while promotions act, so that what holds for the amounts of now holds for all later ones. A unit may come to
# cost more than its share (odd cents), but never more than it did in the beginning.


def most_saved(reach: Reach, ledger: Ledger) -> int:
    """No effect of this promotion, from this state on, takes more than this off its lines."""
    lines = reach.get or reach.lines
    room = sum(ledger.room(i) for i in lines)
    mechanic = reach.rule.promotion.mechanic
    return min(room, _MOST[type(mechanic)](mechanic, reach, ledger)) if room else 0


def _percent_of(amount: int, percent: int, lines: int) -> int:
    """A percentage, with a cent for each line that may be rounded up."""
    return amount * percent // WHOLE + 1 + lines


def _amounts(is_original: bool, ledger: Ledger) -> list[int]:
    return ledger.gross if is_original else ledger.running


def _applications(reach: Reach) -> int:
    return reach.rule.promotion.max_applications or 1


def _dearest(reach: Reach, ledger: Ledger) -> int:
    return max(ledger.lines[i].unit_price for i in reach.get or reach.lines)


def _percent(mechanic: Percent, reach: Reach, ledger: Ledger) -> int:
    amounts = _amounts((mechanic.base or ledger.settings.percent_base) == "original", ledger)
    amount = sum(amounts[i] for i in reach.lines)
    if mechanic.max_units is not None:
        amount = min(amount, mechanic.max_units * _dearest(reach, ledger))
    return _percent_of(amount, mechanic.percent, len(reach.lines))


def _amount_per_unit(mechanic: AmountPerUnit, reach: Reach, ledger: Ledger) -> int:
    return mechanic.amount * sum(ledger.quantity[i] for i in reach.lines)


def _amount_per_line(mechanic: AmountPerLine, reach: Reach, ledger: Ledger) -> int:
    del ledger
    return mechanic.amount * len(reach.lines)


def _amount(mechanic: Amount, reach: Reach, ledger: Ledger) -> int:
    del ledger
    return mechanic.amount * _applications(reach)


def _percent_order(mechanic: PercentOrder, reach: Reach, ledger: Ledger) -> int:
    amounts = _amounts((mechanic.base or ledger.settings.percent_base) == "original", ledger)
    most = _percent_of(sum(amounts[i] for i in reach.lines), mechanic.percent, 0)
    return most if mechanic.max_discount is None else min(most, mechanic.max_discount)


def _cheapest_free(mechanic: CheapestFree, reach: Reach, ledger: Ledger) -> int:
    del mechanic
    return _applications(reach) * _dearest(reach, ledger)


def _n_for_price(mechanic: NForPrice, reach: Reach, ledger: Ledger) -> int:
    times = min(_applications(reach), sum(ledger.quantity[i] for i in reach.lines) // mechanic.n)
    return times * max(0, mechanic.n * _dearest(reach, ledger) - mechanic.price)


def _per_complete_group(mechanic: PerCompleteGroup, reach: Reach, ledger: Ledger) -> int:
    if mechanic.amount:
        return mechanic.amount * sum(ledger.quantity[i] for i in reach.lines)
    percent = max((value for _, value in mechanic.tiers), default=0)
    return _percent_of(sum(ledger.running[i] for i in reach.lines), max(percent, mechanic.percent), len(reach.lines))


def _tiered(mechanic: Tiered, reach: Reach, ledger: Ledger) -> int:
    value = max(mechanic.base, *(value for _, value in mechanic.tiers), 0)
    if not mechanic.is_percent:
        return value
    amounts = _amounts(ledger.settings.percent_base == "original", ledger)
    return _percent_of(sum(amounts[i] for i in reach.lines), value, len(reach.lines))


def _first_additional(mechanic: FirstAdditional, reach: Reach, ledger: Ledger) -> int:
    return max(mechanic.first, mechanic.additional) * sum(ledger.quantity[i] for i in reach.lines)


def _buy_x_get_y(mechanic: BuyXGetY, reach: Reach, ledger: Ledger) -> int:
    units = _applications(reach) * mechanic.get_quantity
    amount = min(units * _dearest(reach, ledger), sum(ledger.running[i] for i in reach.get))
    return _percent_of(amount, mechanic.percent, len(reach.get))


def _points_burn(mechanic: PointsBurn, reach: Reach, ledger: Ledger) -> int:
    del reach
    return int(mechanic.value * ledger.points) + 1


_MOST: dict[type, Callable[[Any, Reach, Ledger], int]] = {
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
    PointsBurn: _points_burn,
}
