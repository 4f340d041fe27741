"""What a basket lacks for a promotion that it nearly meets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from panier.mechanic import BuyXGetY, CheapestFree, FreeGift, NForPrice, PerCompleteGroup, Target, Tiered
from panier.pricing.basket import BasketLine
from panier.pricing.ledger import Ledger
from panier.pricing.rule import Match, Rule

# Near enough to be worth a shopper's glance: one unit, or half of what is asked for, or the last quarter of an amount.
_UNITS_OF = 2
_AMOUNT_OF = 4


@dataclass(frozen=True, slots=True)
class Lack:
    """So many units, or goods for so much, in `target`; `lines` are those of the basket that are in it."""

    target: Target
    lines: Sequence[int]
    quantity: int = 0
    amount: int = 0

    def filled(self, basket: Sequence[BasketLine]) -> tuple[BasketLine, list[BasketLine]]:
        """The line that would be added to, and the basket with what is missing.

        Units are added to the cheapest line that counts, so that the saving is not promised too high; a product that the basket
        does not hold yet is reckoned at no price at all, because its price is not known here.
        """
        if self.quantity and self.lines:
            line = min((basket[i] for i in self.lines), key=lambda line: (line.unit_price, line.sku, line.position))
            return line, [*basket, replace(line, quantity=self.quantity)]
        line = BasketLine(
            sku=min(self.target.skus or {""}),
            unit_price=self.amount or self.target.price_min or 0,
            quantity=self.quantity or 1,
            category=min(self.target.categories or {""}),
            position=max((line.position for line in basket), default=0) + 1,
        )
        return line, [*basket, line]


def lack(rule: Rule, ledger: Ledger, match: Match) -> Lack | None:
    """What is missing for the promotion's next application: one thing, and not much of it; else None."""
    promotion, when = rule.promotion, rule.promotion.when
    lines = match.get(rule.when_target, ())
    found: list[Lack | None] = []
    if when.contains is not None and rule.contains is not None and not match.get(rule.contains):
        found.append(Lack(when.contains, (), 1))
    counted = when.target or promotion.target
    if when.min_qty is not None:
        have = sum(ledger.quantity[i] for i in lines)
        if have < when.min_qty:
            found.append(_units(counted, lines, when.min_qty - have, when.min_qty))
    if when.min_amount is not None:
        have = sum((ledger.gross if when.basis == "original" else ledger.running)[i] for i in lines)
        if have < when.min_amount:
            found.append(_amount(counted, lines, when.min_amount - have, when.min_amount))
    if found:
        return found[0] if len(found) == 1 else None
    return _next(rule, ledger, match)


def _next(rule: Rule, ledger: Ledger, meant: Match) -> Lack | None:
    """What is missing for the mechanic itself."""
    promotion, mechanic = rule.promotion, rule.promotion.mechanic
    lines = meant.get(rule.target, ())
    match mechanic:
        case NForPrice(n=n):
            return _round_up(promotion.target, lines, n, promotion.max_applications or 1, ledger)
        case CheapestFree() if promotion.when.target is None:
            return _round_up(promotion.target, lines, promotion.when.min_qty or 1, promotion.max_applications or 1, ledger)
        case PerCompleteGroup(group_size=size):
            return _round_up(promotion.target, lines, size, promotion.max_applications, ledger)
        case FreeGift(per=Target() as per, per_quantity=size):
            return _round_up(per, meant.get(rule.buy, ()), size, promotion.max_applications, ledger)
        case BuyXGetY(buy=buy, get=get):
            size = mechanic.buy_quantity + (mechanic.get_quantity if buy == get else 0)
            return _round_up(buy, meant.get(rule.buy, ()), size, promotion.max_applications or 1, ledger)
        case Tiered(tiers=tiers, by_quantity=by_quantity):
            reached = sum((ledger.quantity if by_quantity else ledger.running)[i] for i in lines)
            start = next((start for start, _ in reversed(tiers) if start > reached), None)
            if start is None:
                return None
            return (_units if by_quantity else _amount)(promotion.target, lines, start - reached, start)
        case _:
            return None


def _round_up(target: Target, lines: Sequence[int], size: int, most: int | None, ledger: Ledger) -> Lack | None:
    """The units that make one more whole group of `size`, where the limit allows another."""
    have = sum(ledger.quantity[i] for i in lines)
    if not have % size or (most is not None and have // size >= most):
        return None
    return _units(target, lines, size - have % size, size)


def _units(target: Target, lines: Sequence[int], missing: int, asked: int) -> Lack | None:
    return Lack(target, lines, quantity=missing) if missing == 1 or missing * _UNITS_OF <= asked else None


def _amount(target: Target, lines: Sequence[int], missing: int, asked: int) -> Lack | None:
    return Lack(target, lines, amount=missing) if missing * _AMOUNT_OF <= asked else None
