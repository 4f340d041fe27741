"""Pricing a basket: which promotions act, in which order, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from panier.definition import WHOLE
from panier.mechanic import PointsEarn
from panier.money import exponent
from panier.pricing.basket import BasketLine, Explanation, NearMiss, PricedBasket, PricedLine, Shopper
from panier.pricing.effect import holds, propose
from panier.pricing.gate import admits, read_clock
from panier.pricing.ledger import Effect, Ledger
from panier.pricing.near import Lack, lack
from panier.pricing.rule import Match, PromotionSet, Rule
from panier.promotion import Promotion

Turn = tuple[Rule, Match]
"""A rule with the match of the book it stands in."""
# Near misses that are priced through, in the order of their turns; more would cost more time than a shopper's glance is worth.
_TRIED = 6


def price(lines: Sequence[BasketLine], promotions: PromotionSet, shopper: Shopper, *, prompts: int = 0) -> PricedBasket:
    """Prices a basket, and names up to `prompts` promotions that it nearly meets.

    The result depends on what the basket holds, never on the order of `lines`, coupons or segments: equal lines are merged, and
    the engine works in an order of its own (position, then SKU, then price). Promotions take turns by layer (shelf prices first),
    then priority, then the order in which they were compiled.
    """
    given = _merged(lines)
    outcome = _Evaluation(sorted(given, key=_place), promotions, shopper, wants_lacks=prompts > 0).run()
    priced = outcome.priced(given)
    if prompts:
        priced = replace(priced, near_misses=_near_misses(outcome, priced, prompts))
    return priced


def _near_misses(outcome: _Evaluation, priced: PricedBasket, most: int) -> tuple[NearMiss, ...]:
    """The most valuable of the first few near misses, each confirmed by pricing the basket as it would be."""
    found: list[NearMiss] = []
    before = {saving.promotion: saving.amount for saving in priced.savings}
    for promotion, missing in outcome.lacks[:_TRIED]:
        line, basket = missing.filled(outcome.lines)
        after = price(basket, outcome.promotions, outcome.shopper)
        own = sum(saving.amount for saving in after.savings if saving.promotion == promotion.id) - before.get(promotion.id, 0)
        saving = min(own, after.discount - priced.discount)
        if saving > 0:
            found.append(
                NearMiss(
                    promotion=promotion.id, title=promotion.title, saving=saving, quantity=missing.quantity,
                    sku=line.sku or None, category=line.category or None, amount=missing.amount,
                )
            )  # fmt: skip
    found.sort(key=lambda miss: (-miss.saving, miss.promotion))
    return tuple(found[:most])


def _merged(lines: Sequence[BasketLine]) -> list[BasketLine]:
    """Equal lines as one, in the order of their first appearance."""
    whole: dict[tuple[object, ...], BasketLine] = {}
    for line in lines:
        key = (line.position, line.sku, line.unit_price, line.category, line.min_price, line.tax_rate)
        known = whole.get(key)
        whole[key] = line if known is None else replace(known, quantity=known.quantity + line.quantity)
    return list(whole.values())


def _place(line: BasketLine) -> tuple[int, str, int, str, int, int]:
    """A line's place in the engine's own order."""
    return (
        line.position,
        line.sku,
        line.unit_price,
        line.category,
        line.min_price,
        -1 if line.tax_rate is None else line.tax_rate,
    )


@dataclass(slots=True)
class _Evaluation:
    """One basket while it is priced."""

    lines: list[BasketLine]
    promotions: PromotionSet
    shopper: Shopper
    wants_lacks: bool
    ledger: Ledger = field(init=False)
    turns: list[Turn] = field(init=False)
    acted: list[tuple[Rule, Effect]] = field(default_factory=list[tuple[Rule, Effect]])
    earning: list[Turn] = field(default_factory=list[Turn])
    shut: set[str] = field(default_factory=set[str])
    lacks: list[tuple[Promotion, Lack]] = field(default_factory=list[tuple[Promotion, Lack]])
    """What each promotion lacked when it had its turn."""

    def __post_init__(self) -> None:
        shopper = self.shopper
        self.ledger = Ledger(self.lines, self.promotions.settings, shopper.points)
        clock = read_clock(shopper)
        queue: list[tuple[bool, int, int, int, Turn]] = []
        for number, book in enumerate(self.promotions.books):
            match = book.match(self.lines)
            for rule in book.concerned(match, shopper.segments, shopper.coupons):
                if not rule.is_gated or admits(rule.promotion, shopper, clock):
                    is_basket, rank, position = rule.order
                    queue.append((is_basket, rank, number, position, (rule, match)))
        queue.sort()  # book and position make every turn unique
        self.turns = [entry[-1] for entry in queue]

    def run(self) -> _Evaluation:
        """Lets the promotions act."""
        if self.promotions.settings.selection == "best_single":
            self._run_best()
            return self
        for is_catalogue in (True, False):
            self._run_layer([turn for turn in self.turns if turn[0].promotion.is_catalogue is is_catalogue])
        return self

    def _run_layer(self, turns: Sequence[Turn]) -> None:
        """All in turn, or only the first exclusive one that has something to give."""
        for turn in turns:
            if turn[0].promotion.exclusive:
                self._note_lack(turn)
                if self._act(turn):
                    return
        for turn in turns:
            if not turn[0].promotion.exclusive:
                self._note_lack(turn)
                self._act(turn)

    def _run_best(self) -> None:
        """Only the one that saves most; the first of equals."""
        best: Turn | None = None
        most = 0
        for turn in self.turns:
            self._note_lack(turn)
            if isinstance(turn[0].promotion.mechanic, PointsEarn):
                continue
            effect = propose(turn[0], self.ledger, turn[1])
            if effect is not None and effect.saving > most:
                best, most = turn, effect.saving
        if best is not None:
            self._act(best)

    def _note_lack(self, turn: Turn) -> None:
        if self.wants_lacks:
            missing = lack(turn[0], self.ledger, turn[1])
            if missing is not None:
                self.lacks.append((turn[0].promotion, missing))

    def _act(self, turn: Turn) -> bool:
        """Lets one promotion act; false where it has nothing to give."""
        rule, match = turn
        group = rule.promotion.exclusive_group
        if group is not None and group in self.shut:
            return False
        if isinstance(rule.promotion.mechanic, PointsEarn):
            if not match.get(rule.target) or not holds(rule, self.ledger, match):
                return False
            self.earning.append(turn)
        else:
            effect = propose(rule, self.ledger, match)
            if effect is None:
                return False
            self.ledger.commit(effect)
            self.acted.append((rule, effect))
            if rule.promotion.is_catalogue:
                self.ledger.catalogue.update(effect.takes)
        if group is not None:
            self.shut.add(group)
        return True

    def priced(self, given: Sequence[BasketLine]) -> PricedBasket:
        """The basket as it now stands, with its lines in the order of `given`."""
        explained: dict[int, list[Explanation]] = {}
        savings: list[Explanation] = []
        gifts: list[PricedLine] = []
        free_units: dict[str, int] = {}
        for rule, effect in self.acted:
            promotion = rule.promotion
            savings.append(Explanation(promotion.id, promotion.title, effect.saving))
            for line, amount in effect.takes.items():
                explained.setdefault(line, []).append(Explanation(promotion.id, promotion.title, amount))
            if effect.gift is not None:
                sku, unit_price, count = effect.gift
                free_units[sku] = free_units.get(sku, 0) + count
                gifts.append(PricedLine(sku, unit_price, count, effect.saving, effect.saving, (savings[-1],), is_gift=True))
        index = {id(line): number for number, line in enumerate(self.lines)}
        lines = [self._priced_line(index[id(line)], explained) for line in given] + gifts
        gross, discount = sum(line.gross for line in lines), sum(line.discount for line in lines)
        tax = self._tax()
        return PricedBasket(
            currency=self.promotions.currency, lines=tuple(lines), units=sum(line.quantity for line in lines),
            gross=gross, discount=discount, total=gross - discount + (tax or 0), tax=tax, savings=tuple(savings),
            applied=tuple(rule.promotion.id for rule, _ in self.acted) + tuple(rule.promotion.id for rule, _ in self.earning),
            points_earned=self._points(), points_burned=sum(effect.points for _, effect in self.acted), free_units=free_units,
        )  # fmt: skip

    def _priced_line(self, number: int, explained: dict[int, list[Explanation]]) -> PricedLine:
        line, gross = self.lines[number], self.ledger.gross[number]
        return PricedLine(
            line.sku, line.unit_price, line.quantity, gross, gross - self.ledger.running[number], tuple(explained.get(number, ()))
        )

    def _points(self) -> int:
        """Points on what the basket comes to in the end, whenever their promotions had their turn."""
        points = 0
        for rule, match in self.earning:
            mechanic = rule.promotion.mechanic
            assert isinstance(mechanic, PointsEarn)
            amounts = self.ledger.running if mechanic.after_discount else self.ledger.gross
            minor = sum(amounts[i] for i in match.get(rule.target, ()))
            points += minor * mechanic.rate.numerator // (mechanic.rate.denominator * 10 ** exponent(self.promotions.currency))
        return points

    def _tax(self) -> int | None:
        """Tax by line on what the line comes to, rounded half up; None where no line states a rate."""
        taxes = [
            (2 * amount * line.tax_rate + WHOLE) // (2 * WHOLE)
            for line, amount in zip(self.lines, self.ledger.running, strict=True)
            if line.tax_rate is not None
        ]
        return sum(taxes) if taxes else None
