"""What a basket lacks for a promotion that it nearly meets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from panier.mechanic import BuyXGetY, CheapestFree, FreeGift, NForPrice, PerCompleteGroup, Target, Tiered
from panier.pricing.basket import BasketLine
from panier.pricing.seat import Seat, Slot

# Near enough to be worth a shopper's glance: one unit, or half of what is asked for, or the last quarter of an amount.
_UNITS_OF = 2
_AMOUNT_OF = 4


@dataclass(frozen=True, slots=True)
class Lack:
    """So many units, or goods for so much, in `target`; `slots` are those of the basket that are in it."""

    target: Target
    slots: Sequence[Slot]
    quantity: int = 0
    amount: int = 0

    def line(self, basket: Iterable[Slot]) -> BasketLine:
        """What would be added to the basket.

        Units are those of the cheapest line that counts, so that the saving is not promised too high; a product that the basket
        does not hold yet is reckoned at no price at all, because its price is not known here.
        """
        if self.quantity and self.slots:
            cheapest = min((slot.line for slot in self.slots), key=lambda line: (line.unit_price, line.sku, line.position))
            return replace(cheapest, quantity=self.quantity)
        return BasketLine(
            sku=min(self.target.skus or {""}),
            unit_price=self.amount or self.target.price_min or 0,
            quantity=self.quantity or 1,
            category=min(self.target.categories or {""}),
            position=max((slot.line.position for slot in basket), default=0) + 1,
        )


def lack(seat: Seat, net: Mapping[Slot, int]) -> Lack | None:
    """What is missing for the promotion's next application: one thing, and not much of it; else None.

    `net` says what slots come to that cost less than in the beginning.
    """
    promotion, when = seat.rule.promotion, seat.rule.promotion.when
    found: list[Lack | None] = []
    if when.contains is not None and not seat.contained:
        found.append(Lack(when.contains, (), 1))
    counted = when.target or promotion.target
    if when.min_qty is not None:
        have = sum(slot.quantity for slot in seat.counted)
        if have < when.min_qty:
            found.append(_units(counted, seat.counted, when.min_qty - have, when.min_qty))
    if when.min_amount is not None:
        is_original = when.basis == "original"
        have = sum(slot.gross if is_original else net.get(slot, slot.gross) for slot in seat.counted)
        if have < when.min_amount:
            found.append(_amount(counted, seat.counted, when.min_amount - have, when.min_amount))
    if found:
        return found[0] if len(found) == 1 else None
    return _next(seat, net)


def _next(seat: Seat, net: Mapping[Slot, int]) -> Lack | None:
    """What is missing for the mechanic itself."""
    promotion, mechanic = seat.rule.promotion, seat.rule.promotion.mechanic
    most = promotion.max_applications
    match mechanic:
        case NForPrice(n=n):
            return _round_up(promotion.target, seat.lines, n, most or 1)
        case CheapestFree() if promotion.when.target is None:
            return _round_up(promotion.target, seat.lines, promotion.when.min_qty or 1, most or 1)
        case PerCompleteGroup(group_size=size):
            return _round_up(promotion.target, seat.lines, size, most)
        case FreeGift(per=Target() as per, per_quantity=size):
            return _round_up(per, seat.buy, size, most)
        case BuyXGetY(buy=buy, get=get):
            size = mechanic.buy_quantity + (mechanic.get_quantity if buy == get else 0)
            return _round_up(buy, seat.buy, size, most or 1)
        case Tiered(tiers=tiers, by_quantity=by_quantity):
            reached = sum(slot.quantity if by_quantity else net.get(slot, slot.gross) for slot in seat.lines)
            start = next((start for start, _ in reversed(tiers) if start > reached), None)
            if start is None:
                return None
            return (_units if by_quantity else _amount)(promotion.target, seat.lines, start - reached, start)
        case _:
            return None


def _round_up(target: Target, lines: Sequence[Slot], size: int, most: int | None) -> Lack | None:
    """The units that make one more whole group of `size`, where the limit allows another."""
    have = sum(slot.quantity for slot in lines)
    if not have % size or (most is not None and have // size >= most):
        return None
    return _units(target, lines, size - have % size, size)


def _units(target: Target, lines: Sequence[Slot], missing: int, asked: int) -> Lack | None:
    return Lack(target, lines, quantity=missing) if missing == 1 or missing * _UNITS_OF <= asked else None


def _amount(target: Target, lines: Sequence[Slot], missing: int, asked: int) -> Lack | None:
    return Lack(target, lines, amount=missing) if missing * _AMOUNT_OF <= asked else None
