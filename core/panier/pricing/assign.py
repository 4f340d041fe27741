"""Which units a promotion may take where its kind leaves more than one way, as the search for the best basket tries them.

By priority alone a kind's definition says which: the cheapest cost a price together, the dearest buy, whole groups stand in the
order of lines. Here the shopper's best counts: every way where there are few, else the one that by itself saves most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from panier.mechanic import BuyXGetY, Mechanic, NForPrice, PerCompleteGroup
from panier.pricing.effect import apart, group_offs, grouped, picks_units, reducible
from panier.pricing.ledger import USED, Chosen, Ledger, Pile
from panier.pricing.reach import Reach

FEW = 5
"""Units that are chosen among in every way; of more, only those are tried that by themselves save most."""


_FINE = 10**6


def has_ways(mechanic: Mechanic) -> bool:
    """Whether the promotion may do anything but what it does by priority: fewer applications, or other units."""
    return picks_units(mechanic) or isinstance(mechanic, PerCompleteGroup)


def assignments(reach: Reach, ledger: Ledger, times: int) -> Iterator[Chosen]:
    """The units to take, or to buy with, in so many applications; empty where there is nothing to choose."""
    match reach.rule.promotion.mechanic:
        case NForPrice(n=n):
            piles = ledger.piles(reducible(reach, ledger, reach.lines), "dearest", without=apart(reach))
            return _ways(piles, n * times, piles)
        case BuyXGetY(buy_quantity=needed):
            piles = ledger.piles(reducible(reach, ledger, reach.buy), "dearest", without=USED | apart(reach))
            # Of units that could be got as well, the dearest buy, as the kind says: nobody gives the dearer of two away.
            return _ways(piles, needed * times, sorted(piles, key=lambda pile: pile.line in reach.get), is_free=False)
        case PerCompleteGroup() as mechanic:
            lines = reducible(reach, ledger, reach.lines)
            piles = [Pile(line, 0, ledger.quantity[line], ledger.running[line]) for line in lines]
            return _ways(piles, grouped(mechanic, reach, ledger, lines), _keen_to_group(mechanic, reach, ledger, lines))
        case _:
            return iter(())


def _keen_to_group(mechanic: PerCompleteGroup, reach: Reach, ledger: Ledger, lines: Sequence[int]) -> list[Pile]:
    """Unit by unit, those that save most first; beyond its floor a line's units save nothing."""
    most = grouped(mechanic, reach, ledger, lines)
    units: list[tuple[int, int]] = []
    for line, over, under in group_offs(mechanic, ledger, lines):
        room = ledger.room(line) * under
        count = min(most, ledger.quantity[line])
        units += [(-max(0, min(over, room - over * number)) * _FINE // under, line) for number in range(count)]
    return [Pile(line, 0, 1, 0) for _, line in sorted(units)]


def _ways(piles: Sequence[Pile], wanted: int, keen: Sequence[Pile], *, is_free: bool = True) -> Iterator[Chosen]:
    """The first so many units off those in `keen`, then, of few units, every other way to take them off the piles."""
    units = sum(pile.count for pile in piles)
    if len(piles) < 2 or wanted >= units:
        return
    first = _first(keen, wanted)
    yield first
    if is_free and units <= FEW:
        yield from (way for way in _all(piles, wanted) if way != first)


def _all(piles: Sequence[Pile], wanted: int) -> Iterator[Chosen]:
    if not wanted:
        yield {}
    elif piles:
        pile, *others = piles
        for count in range(min(wanted, pile.count), -1, -1):
            for rest in _all(others, wanted - count):
                yield {(pile.line, pile.slice): count, **rest} if count else rest


def _first(piles: Sequence[Pile], wanted: int) -> Chosen:
    chosen: Chosen = {}
    for pile in piles:
        if count := min(wanted, pile.count):
            key = (pile.line, pile.slice)
            chosen[key] = chosen.get(key, 0) + count
            wanted -= count
    return chosen
