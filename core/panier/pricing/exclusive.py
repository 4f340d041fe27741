"""Exclusive promotions under best_basket: each alone in its layer, against all others together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product

from panier.pricing.basket import Settings
from panier.pricing.component import partition, solve
from panier.pricing.outcome import Outcome, put_together
from panier.pricing.seat import Seat, Slot
from panier.pricing.top import on_top


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
        tried = _optimum([*alone, *others], slots, settings, points)
        is_proven = is_proven and tried.is_proven
        if tried.saved > best.saved:
            best = replace(tried, components=(), top=())
    best.is_proven = is_proven
    return best


def _optimum(seats: Iterable[Seat], slots: Sequence[Slot], settings: Settings, points: int) -> Outcome:
    """The lowest total of seats none of which is exclusive, from the beginning."""
    listed = list(seats)
    components = [solve(group, settings, points) for group in partition(seat for seat in listed if not seat.rule.is_wide)]
    wide = sorted((seat for seat in listed if seat.rule.is_wide), key=lambda seat: seat.turn)
    return on_top(components, wide, slots, settings, points) if wide else put_together(components)
