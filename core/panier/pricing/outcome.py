"""What promotions make of a basket: components put together, promotions on the whole basket on top, exclusive ones apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from panier.mechanic import Amount, AmountPerLine, AmountPerUnit, FirstAdditional, PerCompleteGroup, PointsBurn, Tiered
from panier.pricing.basket import Settings
from panier.pricing.component import Component, new_ledger, partition, solve
from panier.pricing.effect import propose
from panier.pricing.ledger import Effect, Ledger
from panier.pricing.reach import Reach
from panier.pricing.search import Found, act, find_best
from panier.pricing.seat import Seat, Slot

JOINT = 4
"""Promotions, with one among them on the whole basket, that are searched together; more are searched in stages."""

Action = tuple[Seat, Effect, Sequence[Slot]]
"""Who acted, what it did, and the slots that its line numbers mean."""
_FIXED = (Amount, AmountPerLine, AmountPerUnit, FirstAdditional, PerCompleteGroup, PointsBurn, Tiered)
"""Kinds that may take off the same amount after a promotion on the whole basket as before it."""


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
    """The components it was put together from, where nothing acted on top of them."""
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


def on_top(
    components: Sequence[Component], wide: Sequence[Seat], slots: Sequence[Slot], settings: Settings, points: int
) -> Outcome:
    """Promotions on the whole basket with those on goods.

    Few of them are searched together, and exactly. More are tried in stages, the best of which stays: goods first, all in order
    of priority, and the whole basket first where amounts might come off afterwards.
    """
    stage = _Stage(slots, settings, points, components)
    seats = sorted((*(seat for component in components for seat in component.seats), *wide), key=lambda seat: seat.turn)
    if len(seats) <= JOINT:
        stage.consider([(seats, find_best(stage.reaches(seats), stage.start.fork()))], is_exact=True)
        return stage.best()
    found = find_best(stage.reaches(wide), stage.after_components(), _groups(seat for one in components for seat, _ in one.acted))
    stage.consider([(wide, found)], after=components)
    if all(one.seats[-1].turn < wide[0].turn for one in components) and not any(
        seat.rule.promotion.exclusive_group for seat in wide
    ):
        goods_are_plain = all(component.ledger is component.plain for component in components)
        in_turn = found if goods_are_plain else act(stage.reaches(wide), stage.after_components(is_plain=True))
        stage.by_priority = in_turn.plain.payable
    else:
        in_turn = act(stage.reaches(seats), stage.start.fork())
        stage.by_priority = in_turn.plain.payable
        stage.consider([(seats, in_turn)])
    if found.steps and any(isinstance(seat.rule.promotion.mechanic, _FIXED) for one in components for seat, _ in one.acted):
        first = find_best(stage.reaches(wide), stage.start.fork())
        parts: list[tuple[Sequence[Seat], Found]] = [(wide, first)]
        shut = _groups(wide[number] for number, _ in first.steps)
        goods = [seat for component in components for seat, _ in component.acted]
        parts.append((goods, act(stage.reaches(goods), first.ledger, shut)))
        stage.consider(parts)
    return stage.best()


def _groups(acted: Iterable[Seat]) -> set[str | None]:
    """The exclusive groups that are used up."""
    return {seat.rule.promotion.exclusive_group for seat in acted} - {None}


@dataclass(slots=True)
class _Stage:
    """The whole basket, and the best that was made of it so far."""

    slots: Sequence[Slot]
    settings: Settings
    points: int
    components: Sequence[Component]
    index: dict[Slot, int] = field(init=False)
    start: Ledger = field(init=False)
    ledger: Ledger | None = None
    actions: list[Action] = field(default_factory=list[Action])
    by_priority: int = 0
    is_proven: bool = False

    def __post_init__(self) -> None:
        self.index = {slot: number for number, slot in enumerate(self.slots)}
        self.start = new_ledger(self.slots, self.settings, self.points)

    def reaches(self, seats: Sequence[Seat]) -> list[Reach]:
        return [seat.reach(self.index) for seat in seats]

    def after_components(self, *, is_plain: bool = False) -> Ledger:
        """The basket once the components have had their best, or what they have by priority."""
        ledger = self.start.fork()
        for component in self.components:
            after = component.plain if is_plain else component.ledger
            ledger.take_over(after, [self.index[slot] for slot in component.slots])
            ledger.points += after.points - self.points
        ledger.add_up()
        return ledger

    def consider(
        self,
        parts: Sequence[tuple[Sequence[Seat], Found]],
        *,
        after: Sequence[Component] = (),
        is_exact: bool = False,
    ) -> None:
        """Takes the parts, one after the other, where they come to less than what is known."""
        ledger = parts[-1][1].ledger
        if is_exact:
            self.by_priority, self.is_proven = parts[0][1].plain.payable, parts[0][1].is_proven
        if self.ledger is not None and ledger.payable >= self.ledger.payable:
            return
        self.ledger = ledger
        self.actions = [
            (seat, effect, one.slots) for one in sorted(after, key=lambda one: one.turn) for seat, effect in one.acted
        ]
        self.actions += [(seats[number], effect, self.slots) for seats, found in parts for number, effect in found.steps]

    def best(self) -> Outcome:
        assert self.ledger is not None
        return Outcome(
            actions=self.actions, earning=[], net=dict(zip(self.slots, self.ledger.running, strict=True)),
            saved=self.start.payable - self.ledger.payable, saved_by_priority=self.start.payable - self.by_priority,
            is_proven=self.is_proven,
        )  # fmt: skip


def optimum(seats: Iterable[Seat], slots: Sequence[Slot], settings: Settings, points: int) -> Outcome:
    """The lowest total of seats none of which is exclusive, from the beginning."""
    listed = list(seats)
    components = [solve(group, settings, points) for group in partition(seat for seat in listed if not seat.rule.is_wide)]
    wide = sorted((seat for seat in listed if seat.rule.is_wide), key=lambda seat: seat.turn)
    return on_top(components, wide, slots, settings, points) if wide else put_together(components)


def with_exclusives(
    common: Outcome, seats: Sequence[Seat], exclusive: Sequence[Seat], slots: Sequence[Slot], settings: Settings, points: int
) -> Outcome:
    """The best of all common ones together and of each exclusive one alone in its layer."""
    best = common
    is_proven = common.is_proven
    shelf = [None, *(seat for seat in exclusive if seat.rule.promotion.is_catalogue)]
    basket = [None, *(seat for seat in exclusive if not seat.rule.promotion.is_catalogue)]
    for on_shelf, on_basket in list(product(shelf, basket))[1:]:
        alone = [seat for seat in (on_shelf, on_basket) if seat is not None]
        others = [seat for seat in seats if (on_shelf if seat.rule.promotion.is_catalogue else on_basket) is None]
        tried = optimum([*alone, *others], slots, settings, points)
        is_proven = is_proven and tried.is_proven
        if tried.saved > best.saved:
            best = replace(tried, components=())
    best.is_proven = is_proven
    return best


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
        shut = _groups(seat for seat, _ in acted)
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
