"""The bill: what an outcome comes to, line by line and in all."""

from __future__ import annotations

from collections.abc import Sequence

from panier.mechanic import PointsEarn
from panier.money import exponent
from panier.pricing.basket import Explanation, PricedBasket, PricedLine
from panier.pricing.component import explain
from panier.pricing.ledger import tax_on
from panier.pricing.outcome import Action, Outcome
from panier.pricing.seat import Slot
from panier.pricing.seating import Seating


def write_bill(outcome: Outcome, seating: Seating) -> PricedBasket:
    """The basket as `outcome` prices it."""
    is_best, currency = seating.is_best, seating.promotions.currency
    actions = [*outcome.actions, *outcome.gifts]
    known = [saving for component in outcome.components for saving in component.savings] if is_best else []
    savings = [*known, *(explain(seat, effect.saving) for seat, effect, _ in actions[len(known) :])]
    lines = _lines(outcome, seating)
    free_units: dict[str, int] = {}
    for (_, effect, _), saving in zip(actions, savings, strict=True):
        if effect.gift is not None:
            sku, unit_price, count = effect.gift
            free_units[sku] = free_units.get(sku, 0) + count
            lines.append(PricedLine(sku, unit_price, count, effect.saving, effect.saving, (saving,), is_gift=True))
    gross, discount = sum([line.gross for line in lines]), sum([line.discount for line in lines])
    tax = _tax(outcome, seating)
    return PricedBasket(
        currency=currency, lines=tuple(lines), units=sum([line.quantity for line in lines]),
        gross=gross, discount=discount, total=gross - discount + (tax or 0), tax=tax, savings=tuple(savings),
        applied=(*(saving.promotion for saving in savings), *(seat.rule.promotion.id for seat in outcome.earning)),
        points_earned=_points(outcome, currency), points_burned=sum(effect.points for _, effect, _ in actions),
        free_units=free_units, proven=is_best and outcome.is_proven,
        gained=outcome.saved - outcome.saved_by_priority if is_best else 0,
    )  # fmt: skip


def _lines(outcome: Outcome, seating: Seating) -> list[PricedLine]:
    """The lines in the order they were given in; those of components that stayed as they were are kept."""
    given = seating.given if len(seating.given) == len(seating.slots) else list(dict.fromkeys(seating.given))
    if not outcome.components and outcome.actions:
        explained = _explained(outcome.actions)
        return [_line(slot, explained.get(slot, ())) for slot in given]
    fresh: dict[Slot, list[Explanation]] = {}
    for component in outcome.components:
        if any(slot.priced is None for slot in component.slots):
            fresh |= component.explanations()
    top = _explained(outcome.top)
    lines: list[PricedLine] = []
    for slot in given:
        if slot.priced is None:
            slot.priced, slot.topped = _line(slot, fresh.get(slot, ())), None
        over = top.get(slot)
        lines.append(slot.priced if over is None else _topped(slot, slot.priced, over))
    return lines


def _explained(actions: Sequence[Action]) -> dict[Slot, list[Explanation]]:
    """What actions took off each slot, in their order."""
    explained: dict[Slot, list[Explanation]] = {}
    for seat, effect, slots in actions:
        for line, amount in effect.takes.items():
            explained.setdefault(slots[line], []).append(explain(seat, amount))
    return explained


def _line(slot: Slot, explanations: Sequence[Explanation]) -> PricedLine:
    line = slot.line
    discount = sum([explanation.amount for explanation in explanations])
    return PricedLine(line.sku, line.unit_price, slot.quantity, slot.gross, discount, tuple(explanations))


def _topped(slot: Slot, priced: PricedLine, over: Sequence[Explanation]) -> PricedLine:
    """A line with what came off it on top of its component; most often the same as the last time."""
    explanations = (*priced.explanations, *over)
    if slot.topped is None or slot.topped.explanations != explanations:
        slot.topped = _line(slot, explanations)
    return slot.topped


def _points(outcome: Outcome, currency: str) -> int:
    """Points on what the basket comes to in the end, whenever their promotions had their turn."""
    points = 0
    for seat in outcome.earning:
        mechanic = seat.rule.promotion.mechanic
        assert isinstance(mechanic, PointsEarn)
        net = outcome.net if mechanic.after_discount else {}
        minor = sum(net.get(slot, slot.gross) for slot in seat.lines)
        points += minor * mechanic.rate.numerator // (mechanic.rate.denominator * 10 ** exponent(currency))
    return points


def _tax(outcome: Outcome, seating: Seating) -> int | None:
    """Tax by line on what the line comes to, rounded half up; None where no line states a rate."""
    taxed = [slot for slot in seating.in_order if slot.line.tax_rate is not None]
    return sum(tax_on(outcome.net.get(slot, slot.gross), slot.line.tax_rate or 0) for slot in taxed) if taxed else None
