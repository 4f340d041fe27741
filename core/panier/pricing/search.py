"""The search for the lowest total: which promotions act, in which order, how often, and on which units.

A solution is a sequence of actions. An action is a promotion with the number of its applications and, for one that picks units,
whether it leaves alone what others have picked; which units it then takes is what its kind says, or another way (assign.py).
Shelf prices come before all others; of an exclusive group one acts at the most. Every such sequence is a candidate.

The search is depth first with an upper bound for what is still to be saved (bound.py). Of two neighbours whose order means
nothing only one order is tried. It is deterministic: the same lines and promotions give the same result wherever they are priced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import chain

from panier.definition import WHOLE
from panier.mechanic import PointsBurn
from panier.pricing.assign import assignments, has_ways
from panier.pricing.cut import Cuts
from panier.pricing.effect import picks_units, propose, repeats
from panier.pricing.hope import Hope, is_plain
from panier.pricing.ledger import Effect, Ledger
from panier.pricing.reach import Reach

BOUND = 1000
"""Actions that are tried for promotions that compete with each other, before the best found has to do."""

_NONE: AbstractSet[str | None] = frozenset()
Step = tuple[int, Effect]
"""Which of the promotions acted, and what it did."""


@dataclass(slots=True)
class Found:
    """The best sequence of actions, the ledgers after it and after priority alone, and whether no sequence is better."""

    steps: tuple[Step, ...]
    ledger: Ledger
    plain: Ledger
    is_proven: bool
    tried: int


def act(reaches: Sequence[Reach], ledger: Ledger, shut: AbstractSet[str | None] = _NONE) -> Found:
    """Lets the promotions act in the order given, on a ledger that is changed; none of the groups that are `shut`."""
    steps: list[Step] = []
    for number, reach in enumerate(reaches):
        group = reach.rule.promotion.exclusive_group
        if group is not None and group in shut:
            continue
        effect = propose(reach, ledger)
        if effect is not None:
            ledger.commit(effect, is_catalogue=reach.rule.promotion.is_catalogue)
            steps.append((number, effect))
            if group is not None:
                shut = shut | {group}
    return Found(tuple(steps), ledger, ledger, is_proven=False, tried=len(reaches))


def find_best(reaches: Sequence[Reach], ledger: Ledger, shut: AbstractSet[str | None] = _NONE) -> Found:
    """The lowest total that `reaches`, given by priority, can come to from this state; never more than by priority.

    `ledger` is changed.
    """
    start = ledger.fork()
    found = act(reaches, ledger, shut)
    if len(reaches) == 1 and not _has_choice(reaches[0], start):
        return replace(found, is_proven=True)
    search = _Search(reaches, start, found, shut)
    if search.may_improve(start, search.open(0)):
        search.compare()
        if len(reaches) > 2:
            search.try_steepest(start.fork())
        search.explore(start, 0, -1, ())
        if search.tried > BOUND:
            for number in range(len(reaches)):
                search.try_steepest(start.fork(), without=number)
    best = search.best
    best.is_proven, best.tried = search.tried <= BOUND, search.tried
    return best


@dataclass(slots=True)
class _Search:
    reaches: Sequence[Reach]
    start: Ledger
    best: Found
    shut: AbstractSet[str | None]
    tried: int = 0
    hope: Hope = field(init=False)
    apart: list[list[bool]] = field(default_factory=list[list[bool]])
    """Whether the order of two promotions means nothing."""
    tax: int = field(init=False)
    seen: set[tuple[object, ...]] = field(default_factory=set[tuple[object, ...]])

    def __post_init__(self) -> None:
        self.hope = Hope(self.reaches, self.start)
        self.tax = max((line.tax_rate or 0 for line in self.start.lines), default=0)

    def compare(self) -> None:
        """Finds out which promotions share nothing, or cut each line that they share in ways that commute."""
        settled = self.hope.settled()
        touched = [_touched(reach) - settled for reach in self.reaches]
        plain = [is_plain(reach) for reach in self.reaches]
        cuts = self.hope.cuts
        self.apart = [
            [
                not (shared := touched[one] & touched[other])
                or (plain[one] and plain[other] and _commute(cuts[one], cuts[other], shared))
                for other in range(len(touched))
            ]
            for one in range(len(touched))
        ]

    def take(self, steps: tuple[Step, ...], ledger: Ledger) -> bool:
        """Notes a candidate, and says whether it is a better one; the first of equals stays."""
        is_better = ledger.payable < self.best.ledger.payable
        if is_better:
            self.best = replace(self.best, steps=steps, ledger=ledger)
        return is_better

    def try_steepest(self, ledger: Ledger, without: int | None = None) -> None:
        """Another good candidate: always what saves most at once, `without` one that may stand in the way of better ones."""
        steps: tuple[Step, ...] = ()
        used = 0
        while True:
            choices = [
                (number, effect)
                for number in self.open(used)
                if number != without and (effect := propose(self.reaches[number], ledger))
            ]
            if not choices:
                break
            number, effect = max(choices, key=lambda choice: (choice[1].saving, -choice[0]))
            ledger.commit(effect, is_catalogue=self.reaches[number].rule.promotion.is_catalogue)
            steps, used = (*steps, (number, effect)), used | 1 << number
        self.take(steps, ledger)

    def open(self, used: int) -> list[int]:
        """The promotions that may still act: shelf prices until another has acted, none of a group that one has acted of."""
        acted = [self.reaches[number].rule.promotion for number in range(len(self.reaches)) if used >> number & 1]
        groups = self.shut | ({promotion.exclusive_group for promotion in acted} - {None})
        is_basket = any(not promotion.is_catalogue for promotion in acted)
        return [
            number
            for number, reach in enumerate(self.reaches)
            if not used >> number & 1
            and not (is_basket and reach.rule.promotion.is_catalogue)
            and reach.rule.promotion.exclusive_group not in groups
        ]

    def may_improve(self, ledger: Ledger, left: Sequence[int]) -> bool:
        """Whether the promotions that are `left` might lead from this state to less than the best that is known."""
        hope = self.hope.most_saved(left, ledger)
        if self.tax:
            hope += hope * self.tax // WHOLE + 2 * len(ledger.lines)
        return ledger.payable - hope < self.best.ledger.payable

    def explore(self, ledger: Ledger, used: int, last: int, steps: tuple[Step, ...]) -> None:
        """Tries all that may follow."""
        left = self.open(used)
        if not self.may_improve(ledger, left):
            return
        if len(steps) > 1:
            # What follows depends on where we are, and on the last one, before which some neighbours are not tried.
            state = (used, last, *ledger.state())
            if state in self.seen:
                return
            self.seen.add(state)
        for number in left:
            if number < last and self.apart[number][last]:
                continue
            reach = self.reaches[number]
            for effect in _choices(reach, ledger):
                self.tried += 1
                if self.tried > BOUND:
                    return
                after = ledger.fork()
                after.commit(effect, is_catalogue=reach.rule.promotion.is_catalogue)
                further = (*steps, (number, effect))
                if self.take(further, after) and not self.may_improve(ledger, left):
                    return
                if len(left) > 1:
                    self.explore(after, used | 1 << number, number, further)


def _commute(one: Cuts | None, other: Cuts | None, shared: AbstractSet[object]) -> bool:
    """Equal cuts do, and fixed amounts; what is shared beside lines does not."""
    if one is None or other is None:
        return False
    for line in shared:
        if not isinstance(line, int) or (one[line] != other[line] and (one[line].over or other[line].over)):
            return False
    return True


def _touched(reach: Reach) -> set[object]:
    """What a promotion changes or depends on."""
    promotion = reach.rule.promotion
    touched: set[object] = {*reach.lines, *reach.buy, *reach.get, *(reach.counted or ())}
    if promotion.exclusive_group is not None:
        touched.add(promotion.exclusive_group)
    if isinstance(promotion.mechanic, PointsBurn):
        touched.add(PointsBurn)
    return touched


def _has_choice(reach: Reach, ledger: Ledger) -> bool:
    """Whether a promotion that is alone could save more than it does by priority.

    Alone, more applications never save less, and there is nobody to keep apart from; only a budget may want fewer.
    """
    if reach.rule.promotion.budget is not None:
        return True
    return any(True for times in range(1, repeats(reach, ledger) + 1) for _ in assignments(reach, ledger, times))


def _choices(reach: Reach, ledger: Ledger) -> Iterator[Effect]:
    """All that one promotion may do now."""
    whole = propose(reach, ledger)
    if whole is not None:
        yield whole
    mechanic = reach.rule.promotion.mechanic
    if not has_ways(mechanic):
        return
    tried = [whole]
    lines = (*reach.lines, *reach.buy, *reach.get)
    is_picking = picks_units(mechanic)
    for is_apart in (False, True) if is_picking and ledger.has_taken(lines) else (False,):
        # Refused as a whole, by its budget or because the first units save nothing, it may still do less or elsewhere.
        for times in range(repeats(reach, ledger) if is_picking else 1, 0, -1):
            reach.is_apart = is_apart
            ways = assignments(reach, ledger, times)
            reach.is_apart = False
            for chosen in chain((None,), ways):
                reach.times, reach.is_apart, reach.chosen = times if is_picking else None, is_apart, chosen
                effect = propose(reach, ledger)
                reach.times, reach.is_apart, reach.chosen = None, False, None
                if effect is not None and effect not in tried:
                    tried.append(effect)
                    yield effect
