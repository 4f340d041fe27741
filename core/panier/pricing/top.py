"""Promotions on the whole basket, on top of components or in between: they couple all that is in the basket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from panier.mechanic import (
    EVERYTHING,
    Amount,
    AmountPerLine,
    AmountPerUnit,
    CheapestFree,
    FirstAdditional,
    NForPrice,
    PercentOrder,
    PerCompleteGroup,
    PointsBurn,
    Tiered,
)  # fmt: skip
from panier.pricing.basket import Settings
from panier.pricing.component import Component, new_ledger
from panier.pricing.effect import picks_units
from panier.pricing.hope import Hope
from panier.pricing.ledger import Ledger
from panier.pricing.outcome import Action, Outcome, groups, groups_of
from panier.pricing.reach import Reach
from panier.pricing.search import Found, act, find_best
from panier.pricing.seat import Seat, Slot

JOINT = 6
"""Promotions, with one among them on the whole basket, that are searched together; more are searched in stages."""

_BY_TURN = attrgetter("turn")
_FIXED = (Amount, AmountPerLine, AmountPerUnit, FirstAdditional, PerCompleteGroup, PointsBurn, Tiered)
"""Kinds that may take off the same amount after a promotion on the whole basket as before it."""


def on_top(
    components: Sequence[Component], wide: Sequence[Seat], slots: Sequence[Slot], settings: Settings, points: int
) -> Outcome:
    """Promotions on the whole basket with those on goods.

    Goods first, each component at its best: where that comes to all that they could save together at the most, nothing is better.
    Else few of them are searched together, and exactly; more are tried in other stages, the best of which stays.
    """
    components = sorted(components, key=lambda one: one.turn)
    stage = _Stage(slots, settings, points, components)
    if not components:
        # As in most baskets; nothing could stand before or after what is on the whole of it.
        alone = find_best(stage.reaches(wide), stage.after(()))
        stage.consider([(wide, alone)])
        stage.by_priority, stage.is_proven = alone.plain.payable, alone.is_proven
        return stage.best()
    is_on_shelf = any(seat.rule.promotion.is_catalogue for seat in wide)
    # Shelf prices come before all else, so that on top of goods they are too late.
    over = [seat for seat in wide if not seat.rule.promotion.is_catalogue] if is_on_shelf else wide
    found = find_best(stage.reaches(over), stage.after(components), groups_of(components))
    stage.consider([(over, found)], after=components)
    most = stage.most_saved(wide)
    stage.is_proven = stage.saved == most
    seats = sorted((*(seat for component in components for seat in component.seats), *wide), key=_BY_TURN)
    if not stage.is_proven and len(seats) <= JOINT:
        together = find_best(stage.reaches(seats), stage.new_ledger())
        stage.consider([(seats, together)])
        stage.by_priority, stage.is_proven = together.plain.payable, together.is_proven
        return stage.best()
    if all(one.seats[-1].turn < wide[0].turn for one in components) and not any(
        seat.rule.promotion.exclusive_group for seat in wide
    ):
        goods_are_plain = all(component.ledger is component.plain for component in components)
        in_turn = found if goods_are_plain else act(stage.reaches(wide), stage.after(components, is_plain=True))
    else:
        in_turn = act(stage.reaches(seats), stage.new_ledger())
        stage.consider([(seats, in_turn)])
    stage.by_priority = in_turn.plain.payable
    if not stage.is_proven and not is_on_shelf:
        stage.try_goods_last(wide, found)
        stage.is_proven = stage.saved == most
    return stage.best()


@dataclass(slots=True)
class _Stage:
    """The whole basket, and the best that was made of it so far."""

    slots: Sequence[Slot]
    settings: Settings
    points: int
    components: Sequence[Component]
    index: dict[Slot, int] = field(init=False)
    payable: int = 0
    """What the basket costs without promotions."""
    ledger: Ledger | None = None
    actions: list[Action] = field(default_factory=list[Action])
    top: Sequence[Action] | None = None
    """Those of `actions` that came after the components, where they came first."""
    by_priority: int = 0
    is_proven: bool = False

    def __post_init__(self) -> None:
        self.index = {slot: number for number, slot in enumerate(self.slots)}

    def reaches(self, seats: Sequence[Seat]) -> list[Reach]:
        return [seat.reach(self.index) for seat in seats]

    def new_ledger(self) -> Ledger:
        """The basket as it stands before promotions."""
        return new_ledger(self.slots, self.settings, self.points)

    def after(self, components: Sequence[Component], *, is_plain: bool = False) -> Ledger:
        """The basket once these components have had their best, or what they have by priority."""
        ledger = self.new_ledger()
        self.payable = ledger.payable
        for component in components:
            after = component.plain if is_plain else component.ledger
            ledger.take_over(after, [self.index[slot] for slot in component.slots])
            ledger.points += after.points - self.points
        ledger.add_up()
        return ledger

    def consider(self, parts: Sequence[tuple[Sequence[Seat], Found]], *, after: Sequence[Component] = ()) -> None:
        """Takes the parts, one after the other, where they come to less than what is known."""
        ledger = parts[-1][1].ledger
        if self.ledger is not None and ledger.payable >= self.ledger.payable:
            return
        self.ledger = ledger
        acted: list[Action] = [(seats[number], effect, self.slots) for seats, found in parts for number, effect in found.steps]
        self.actions = [*((seat, effect, one.slots) for one in after for seat, effect in one.acted), *acted]
        self.top = acted if len(after) == len(self.components) else None

    @property
    def saved(self) -> int:
        """What the best so far saves."""
        assert self.ledger is not None
        return self.payable - self.ledger.payable

    def most_saved(self, wide: Sequence[Seat]) -> int | None:
        """What goods and whole basket can save together at the most, each reckoned for itself; None where that says nothing.

        What a component could save holds though others reduce its lines in between, unless they pick units of them. Tax on top
        would make a reduction worth more on one line than on another.
        """
        start = self.new_ledger()
        if start.is_taxed or any(picks_units(seat.rule.promotion.mechanic) for seat in wide):
            return None
        by_wide = Hope(self.reaches(wide), start).most_saved(range(len(wide)), start)
        hopes = [component.most_saved(self.settings, self.points) for component in self.components]
        open_hopes = [one for one, hope in zip(self.components, hopes, strict=True) if hope > one.saved]
        if open_hopes and not _are_only_thinned(open_hopes, wide, sum(hopes) + by_wide):
            return None
        return sum(component.saved for component in self.components) + by_wide

    def try_goods_last(self, wide: Sequence[Seat], found: Found) -> None:
        """The whole basket before goods: all of them where it lacks something after them, else those that may lose nothing."""
        is_whole = len(found.steps) == len(wide)
        last = [one for one in self.components if _may_follow(one) and (not is_whole or _is_fixed(one))]
        first = [one for one in self.components if one.acted and one not in last]
        if last:
            on_basket = find_best(self.reaches(wide), self.after(first), groups_of(first))
            goods = [seat for one in last for seat, _ in one.acted]
            shut = groups_of(first) | groups(wide[number] for number, _ in on_basket.steps)
            self.consider([(wide, on_basket), (goods, act(self.reaches(goods), on_basket.ledger, shut))], after=first)

    def best(self) -> Outcome:
        assert self.ledger is not None
        return Outcome(
            actions=self.actions, earning=[], net=dict(zip(self.slots, self.ledger.running, strict=True)),
            saved=self.saved, saved_by_priority=self.payable - self.by_priority,
            is_proven=self.is_proven, components=() if self.top is None else self.components, top=self.top or (),
        )  # fmt: skip


def _may_follow(component: Component) -> bool:
    """Whether it saves anything, and no shelf price among it."""
    return bool(component.acted) and not any(seat.rule.promotion.is_catalogue for seat, _ in component.acted)


def _is_fixed(component: Component) -> bool:
    """Whether it may save after a promotion on the whole basket what it saves before."""
    return any(isinstance(seat.rule.promotion.mechanic, _FIXED) for seat, _ in component.acted)


def _are_only_thinned(components: Sequence[Component], wide: Sequence[Seat], hoped: int) -> bool:
    """Whether the components save no more than they do alone, because the others reduce all lines in proportion.

    Who picks the cheapest units, alone on its lines, then finds the same ones, and none of them dearer. It would find dearer ones
    only if a line were left with nothing at all: in proportion it keeps what the basket keeps, less a cent for each reduction.
    """
    lines = wide[0].lines
    gross = sum(slot.gross for slot in lines)
    least = min(slot.gross for component in components for slot in component.slots)
    return (
        all(_is_spread(seat) for seat in wide)
        and all(len(one.seats) == 1 and _picks_cheapest(one.seats[0]) for one in components)
        and not any(slot.line.min_price for slot in lines)
        and least * (gross - hoped) >= (len(wide) + 1) * gross
    )


def _is_spread(seat: Seat) -> bool:
    """Whether it takes an amount off all lines in proportion to what they cost."""
    promotion, mechanic = seat.rule.promotion, seat.rule.promotion.mechanic
    is_amount = isinstance(mechanic, Amount | PercentOrder | PointsBurn) or (
        isinstance(mechanic, Tiered) and not mechanic.is_percent
    )
    return is_amount and promotion.target == EVERYTHING and not promotion.only_undiscounted


def _picks_cheapest(seat: Seat) -> bool:
    promotion = seat.rule.promotion
    return isinstance(promotion.mechanic, CheapestFree | NForPrice) and promotion.budget is None
