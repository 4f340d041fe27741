"""What promotions make of a basket: components put together, gifts and points beside them, and the two plain selections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from panier.pricing.basket import Settings
from panier.pricing.component import Component, new_ledger
from panier.pricing.effect import propose
from panier.pricing.ledger import Effect, Ledger
from panier.pricing.search import act
from panier.pricing.seat import Seat, Slot

Action = tuple[Seat, Effect, Sequence[Slot]]
"""Who acted, what it did, and the slots that its line numbers mean."""


@dataclass(slots=True)
class Outcome:
    """Who acted, in order, and what each slot that was acted upon comes to."""

    actions: list[Action]
    earning: list[Seat]
    net: dict[Slot, int]
    saved: int
    """What is paid less than without promotions, tax included."""
    saved_by_priority: int
    is_proven: bool
    components: Sequence[Component] = ()
    """The components that it was put together from, in the order in which they acted."""
    top: Sequence[Action] = ()
    """The last of `actions`: those that acted on top of the components."""
    gifts: list[Action] = field(default_factory=list[Action])


def put_together(components: Sequence[Component]) -> Outcome:
    """Components share nothing, so that the best of all is the best of each."""
    acting = sorted((component for component in components if component.acted or component.earning), key=lambda one: one.turn)
    saved = sum(component.saved for component in acting)
    return Outcome(
        actions=[(seat, effect, component.slots) for component in acting for seat, effect in component.acted],
        earning=[seat for component in acting for seat in component.earning],
        net={slot: amount for one in acting for slot, amount in zip(one.slots, one.ledger.running, strict=True)},
        saved=saved,
        saved_by_priority=sum(component.saved_by_priority for component in components),
        is_proven=all(component.is_proven for component in components),
        components=acting,
    )


def groups_of(components: Iterable[Component]) -> set[str | None]:
    """The exclusive groups that components have used up."""
    return groups(seat for one in components for seat, _ in one.acted)


def groups(acted: Iterable[Seat]) -> set[str | None]:
    """The exclusive groups that are used up."""
    return {seat.rule.promotion.exclusive_group for seat in acted} - {None}


def add_benefits(outcome: Outcome, bare: Sequence[Seat]) -> None:
    """Gifts and points cost the basket nothing: they join wherever those who lower the total leave room for them."""
    acted = [seat.rule.promotion for seat, _, _ in outcome.actions]
    shut = {promotion.exclusive_group for promotion in acted} - {None}
    taken = {promotion.is_catalogue: promotion.exclusive for promotion in acted}
    for seat in bare:
        promotion = seat.rule.promotion
        layer = promotion.is_catalogue
        is_alone = taken.get(layer, False) or (promotion.exclusive and layer in taken)
        if is_alone or promotion.exclusive_group in shut:
            continue
        effect = propose(seat.reach({}), _NOWHERE)
        if effect is None:
            continue
        if effect.is_earning:
            outcome.earning.append(seat)
        else:
            outcome.gifts.append((seat, effect, ()))
        taken[layer] = promotion.exclusive
        if promotion.exclusive_group is not None:
            shut.add(promotion.exclusive_group)


_NOWHERE = Ledger((), Settings(), 0)


def by_turn(seats: Sequence[Seat], slots: Sequence[Slot], settings: Settings, points: int) -> Outcome:
    """All in turn, layer by layer; of a layer with exclusive ones only the first of these that has something to give."""
    ledger = new_ledger(slots, settings, points)
    index = {slot: number for number, slot in enumerate(slots)}
    before = ledger.payable
    acted: list[tuple[Seat, Effect]] = []
    shut: set[str | None] = set()
    for is_catalogue in (True, False):
        layer = [seat for seat in seats if seat.rule.promotion.is_catalogue is is_catalogue]
        for seat in (seat for seat in layer if seat.rule.promotion.exclusive):
            alone = act([seat.reach(index)], ledger, shut)
            if alone.steps:
                acted.append((seat, alone.steps[0][1]))
                break
        else:
            others = [seat for seat in layer if not seat.rule.promotion.exclusive]
            found = act([seat.reach(index) for seat in others], ledger, shut)
            acted += [(others[number], effect) for number, effect in found.steps]
        shut = groups(seat for seat, _ in acted)
    return _in_turn(acted, slots, ledger, before)


def best_single(seats: Sequence[Seat], slots: Sequence[Slot], settings: Settings, points: int) -> Outcome:
    """Only the one that saves most; the first of equals."""
    ledger = new_ledger(slots, settings, points)
    index = {slot: number for number, slot in enumerate(slots)}
    before = ledger.payable
    best: tuple[Seat, Effect] | None = None
    for seat in seats:
        effect = propose(seat.reach(index), ledger)
        if effect is not None and effect.saving > (best[1].saving if best else 0):
            best = (seat, effect)
    if best is not None:
        ledger.commit(best[1])
    return _in_turn([best] if best else [], slots, ledger, before)


def _in_turn(acted: Sequence[tuple[Seat, Effect]], slots: Sequence[Slot], ledger: Ledger, before: int) -> Outcome:
    earning = [seat for seat, effect in acted if effect.is_earning]
    saved = before - ledger.payable
    actions = [(seat, effect, slots) for seat, effect in acted if not effect.is_earning]
    return Outcome(actions, earning, dict(zip(slots, ledger.running, strict=True)), saved, saved, is_proven=False)
