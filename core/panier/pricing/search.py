"""The search for the lowest total: which promotions act, in which order, how often, and on which units.

A solution is a sequence of actions. An action is a promotion with the number of its applications and, for one that picks units,
whether it leaves alone what others have picked; which units it then takes is what its kind says (the cheapest, the dearest).
Shelf prices come before all others; of an exclusive group one acts at the most. Every such sequence is a candidate.

The search is depth first with an upper bound for what is still to be saved (bound.py). Of two neighbours whose order means
nothing only one order is tried. It is deterministic: the same lines and promotions give the same result wherever they are priced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from panier.definition import WHOLE
from panier.mechanic import PointsBurn
from panier.pricing.cut import Cuts
from panier.pricing.effect import picks_units, propose
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


def find_best(reaches: Sequence[Reach], ledger: Ledger, shut: AbstractSet[str | None] = _NONE, bound: int = BOUND) -> Found:
    """The lowest total that `reaches`, given by priority, can come to from this state; never more than by priority.

    `ledger` is changed.
    """
    start = ledger.fork()
    found = act(reaches, ledger, shut)
    if len(reaches) == 1 and reaches[0].rule.promotion.budget is None:
        # Alone, more applications never save less, and there is nobody to keep apart from; only a budget may want fewer.
        return replace(found, is_proven=True)
    search = _Search(reaches, start, found, bound, shut)
    if search.may_improve(start, search.open(0)):
        search.compare()
        if len(reaches) > 2:
            search.try_steepest(start.fork())
        search.explore(start, 0, -1, ())
    best = search.best
    best.is_proven, best.tried = search.tried <= bound, search.tried
    return best


@dataclass(slots=True)
class _Search:
    reaches: Sequence[Reach]
    start: Ledger
    best: Found
    bound: int
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

    def take(self, steps: tuple[Step, ...], ledger: Ledger) -> None:
        """Notes a candidate; the first of equals stays."""
        if ledger.payable < self.best.ledger.payable:
            self.best = replace(self.best, steps=steps, ledger=ledger)

    def try_steepest(self, ledger: Ledger) -> None:
        """A second good candidate to begin with: always what saves most at once."""
        steps: tuple[Step, ...] = ()
        used = 0
        while True:
            choices = [(number, effect) for number in self.open(used) if (effect := propose(self.reaches[number], ledger))]
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
                if self.tried > self.bound:
                    return
                after = ledger.fork()
                after.commit(effect, is_catalogue=reach.rule.promotion.is_catalogue)
                further = (*steps, (number, effect))
                self.take(further, after)
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


def _choices(reach: Reach, ledger: Ledger) -> Iterator[Effect]:
    """All that one promotion may do now."""
    whole = propose(reach, ledger)
    if whole is not None:
        yield whole
    promotion = reach.rule.promotion
    if not picks_units(promotion.mechanic):
        return
    lines = (*reach.lines, *reach.buy, *reach.get)
    for is_apart in (False, True) if ledger.has_taken(lines) else (False,):
        # Refused as a whole, by its budget or because the first units save nothing, it may still do less or elsewhere.
        most = promotion.max_applications or 1
        if whole is not None and not is_apart:
            most = whole.times - 1
        for times in range(most, 0, -1):
            reach.times, reach.is_apart = times, is_apart
            effect = propose(reach, ledger)
            reach.times, reach.is_apart = None, False
            if effect is not None:
                yield effect
