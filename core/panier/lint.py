"""What an author should know of promotions before they go out: each finding with a basket that shows what happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from itertools import combinations, islice, pairwise
from typing import Any

from panier.definition import PromotionInvalid, Steps
from panier.finding import Finding, receipt_of
from panier.mechanic import BuyXGetY, CheapestFree, FreeGift, Mechanic, PerCompleteGroup, PointsBurn, PointsEarn, Target, Tiered
from panier.money import format_minor
from panier.opening import next_opening
from panier.pricing import BasketLine, PricedBasket, PricedLine, Shopper, compile_promotions, price
from panier.pricing.gate import admits, read_clock
from panier.promotion import Promotion, parse_listed
from panier.sense import Sense, check_sold, targets
from panier.specimen import MANY, Article, Assortment, Rank
from panier.till import RECKONING

_STACK = 3
"""Promotions that reduce one product together before it is worth a finding."""
_RIVALS = 12
"""Promotions on the same products that one is tried with, so that the effort grows with their number only."""
_LOOKED_AT = 64
"""Promotions on one product or category that are looked at for these."""
_THIN: tuple[Rank, ...] = ("thinnest", "closest")


def lint(
    definitions: Iterable[Any], articles: Sequence[Article], currency: str, now: datetime, *, about: str | None = None
) -> list[Finding]:
    """Every finding on the promotions from `now` on, which carries the store's time zone; in order of the definitions.

    With `about` only what concerns the promotion of that id. Each promotion is tried on a basket of its own, together with up to
    a dozen that mean the same products at the same time, for a shopper who has every coupon and is in every segment. Takes time
    in proportion to the number of promotions.
    """
    assortment = Assortment(articles)
    promotions: list[Promotion] = []
    invalid: list[Finding] = []
    sense = Sense()
    for number, definition in enumerate(definitions, 1):
        try:
            promotion = parse_listed(definition, number, currency)
            check_sold(promotion, assortment.by_sku)
            sense.take_named(promotion)
        except PromotionInvalid as error:
            invalid.append(
                Finding(rule="invalid", promotions=(error.promotion,), field=error.field, text=error.reason, currency=currency)
            )
        else:
            promotions.append(promotion)
    if about is not None:
        invalid = [finding for finding in invalid if about in finding.promotions]
    return [*invalid, *_Author(promotions, assortment, currency, now).findings(about)]


@dataclass(frozen=True, slots=True)
class _Trial:
    """A promotion for a shopper who has all that it asks for, at a time when it runs, with the basket that sets it off."""

    promotion: Promotion
    at: datetime
    basket: list[BasketLine]


@dataclass(slots=True)
class _Neighbours:
    """Promotions by what they mean, those that go first at the front."""

    by_sku: dict[str, list[Promotion]] = field(default_factory=dict[str, list[Promotion]])
    by_category: dict[str, list[Promotion]] = field(default_factory=dict[str, list[Promotion]])
    by_any: list[Promotion] = field(default_factory=list[Promotion])

    def add(self, promotion: Promotion) -> None:
        for path, target in targets(promotion):
            if path.startswith("when.") or (path == "target" and isinstance(promotion.mechanic, BuyXGetY | FreeGift)):
                continue
            if target.skus is not None:
                for sku in target.skus:
                    self.by_sku.setdefault(sku, []).append(promotion)
            elif target.categories is not None:
                for category in target.categories:
                    self.by_category.setdefault(category, []).append(promotion)
            else:
                self.by_any.append(promotion)

    def of(self, trial: _Trial) -> list[Promotion]:
        """Others that run at the same time and may mean a line of the basket, in the order of their turn."""
        shopper = Shopper(now=trial.at)
        clock = read_clock(shopper)
        found: dict[str, Promotion] = {}
        for line in trial.basket:
            for listed in (self.by_sku.get(line.sku), self.by_category.get(line.category), self.by_any):
                for other in islice(listed or (), _LOOKED_AT):
                    if other.id != trial.promotion.id and admits(other, shopper, clock):
                        found[other.id] = other
        return sorted(found.values(), key=_turn)[:_RIVALS]


def _turn(promotion: Promotion) -> tuple[bool, int]:
    return not promotion.is_catalogue, -promotion.priority


class _Author:
    def __init__(self, promotions: Sequence[Promotion], assortment: Assortment, currency: str, now: datetime) -> None:
        self.promotions = promotions
        self.by_id = {promotion.id: promotion for promotion in promotions}
        self.assortment = assortment
        self.currency = currency
        self.now = now
        self.place = {promotion.id: number for number, promotion in enumerate(promotions)}

    def findings(self, about: str | None) -> Iterator[Finding]:
        # For a shopper who has all that is asked for; points take nothing off a product.
        open_to_all = [
            replace(promotion, coupon=None, segment=None, nth_order=None, per_member_limit=None)
            for promotion in self.promotions
            if not isinstance(promotion.mechanic, PointsEarn | PointsBurn) and _used_up(promotion) is None
        ]
        neighbours = _Neighbours()
        for promotion in sorted(open_to_all, key=_turn):
            neighbours.add(promotion)
        named: set[frozenset[str]] = set()
        for promotion in self.promotions:
            if about is not None and promotion.id != about:
                continue
            found = self.tried(promotion)
            if isinstance(found, _Trial):
                yield from self.strange(promotion)
                yield from self.together(found, neighbours.of(found), named)
            elif found is not None:
                yield found

    def tried(self, promotion: Promotion) -> _Trial | Finding | None:
        """How it may be tried, or why it cannot act; None where it only gives or takes points."""
        open_to_all = replace(promotion, coupon=None, segment=None, nth_order=None, per_member_limit=None)
        at = next_opening(open_to_all, self.now)
        if at is None:
            return self.finding("dead", [promotion], "valid_to", "its window is over")
        if (used_up := _used_up(promotion)) is not None:
            return self.finding("dead", [promotion], *used_up)
        if isinstance(promotion.mechanic, PointsBurn):
            dearest = self.assortment.choose(promotion.target)
            if dearest and promotion.mechanic.value * promotion.mechanic.multiple_of > MANY * dearest.unit_price:
                text = f"so many points are worth more than {MANY} units of the dearest product"
                return self.finding("unreachable", [promotion], "multiple_of", text)
            return None
        if isinstance(promotion.mechanic, PointsEarn):
            return None
        trial = _Trial(open_to_all, at, self.assortment.specimen(promotion))
        return self.out_of_reach(trial) or trial

    def out_of_reach(self, trial: _Trial) -> Finding | None:
        promotion, basket = trial.promotion, trial.basket
        if not basket:
            return self.finding("dead", [promotion], *self.not_sold(promotion))
        alone = self.priced([promotion], trial)
        if max(line.quantity for line in basket) > MANY:
            text = f"the smallest basket that it asks for holds more than {MANY} units"
            return self.finding("unreachable", [promotion], "when", text, alone)
        if not alone.savings:
            return self.finding("unreachable", [promotion], *self.held_back(trial), alone)
        mechanic = promotion.mechanic
        tiers = mechanic.tiers if isinstance(mechanic, Tiered | PerCompleteGroup) else ()
        if tiers and (step := self.step_out_of_reach(mechanic, tiers, basket)) is not None:
            text = f"its highest step, from {step}, takes more than {MANY} units"
            return self.finding("unreachable", [promotion], "tiers", text, alone)
        if any(higher < lower for (_, higher), (_, lower) in pairwise(tiers)):
            return self.finding("falling", [promotion], "tiers", "a shopper who buys more gets less", alone)
        return None

    def not_sold(self, promotion: Promotion) -> tuple[str, str]:
        """The field that means nothing that is sold, and what is wrong with it."""
        empty = [path for path, target in targets(promotion) if self.assortment.choose(target) is None]
        if isinstance(promotion.mechanic, BuyXGetY):
            empty = [path for path in empty if path != "target"]
        path = empty[0] if empty else "target"
        return path, "no product that is sold here is meant" + self.likeness(promotion, path)

    def likeness(self, promotion: Promotion, path: str) -> str:
        """A category that may have been meant."""
        target = dict(targets(promotion))[path]
        strange = sorted((target.categories or frozenset()) - self.assortment.categories)
        close = get_close_matches(strange[0], self.assortment.categories, n=1) if strange else []
        return f"; did you mean {close[0]!r}?" if close else ""

    def strange(self, promotion: Promotion) -> Iterator[Finding]:
        """Categories that nothing is sold in, beside others that are, and gifts that cost another price than on the shelf."""
        for path, target in targets(promotion):
            strange = sorted((target.categories or frozenset()) - self.assortment.categories)
            if strange and self.assortment.choose(target) is not None:
                text = f"nothing is sold in {_listed([repr(one) for one in strange])}{self.likeness(promotion, path)}"
                yield self.finding("strange", [promotion], f"{path}.categories", text)
        gift = promotion.mechanic
        if isinstance(gift, FreeGift) and (sold := self.assortment.by_sku.get(gift.sku)) and sold.unit_price != gift.unit_price:
            given, shelf = format_minor(gift.unit_price, self.currency), format_minor(sold.unit_price, self.currency)
            text = f"{self.name(gift.sku)} is a gift at {given}, and costs {shelf} on the shelf"
            yield self.finding("strange", [promotion], "gift.unit_price", text)

    def held_back(self, trial: _Trial) -> tuple[str, str]:
        """The field for which a promotion saves nothing on the basket that it asks for, and why."""
        promotion = trial.promotion
        if promotion.budget is not None and self.priced([replace(promotion, budget=None)], trial).savings:
            return (
                "budget",
                f"what is left of it, {format_minor(promotion.budget.left, self.currency)}, is too little for one use",
            )
        unheld = replace(trial, basket=[replace(line, min_price=0) for line in trial.basket])
        if self.priced([promotion], unheld).savings:
            return "min_price", "the products that it means cost no more than their floor"
        return "kind", "saves nothing, even on the basket that it asks for"

    def step_out_of_reach(self, mechanic: Mechanic, tiers: Steps, basket: Sequence[BasketLine]) -> str | None:
        """The highest step, where it is."""
        highest = tiers[0][0]
        if isinstance(mechanic, Tiered) and mechanic.by_quantity:
            return str(highest) if highest > MANY else None
        return format_minor(highest, self.currency) if highest > MANY * max(line.unit_price for line in basket) else None

    def together(self, trial: _Trial, neighbours: Sequence[Promotion], named: set[frozenset[str]]) -> Iterator[Finding]:
        """Each with the others on its own basket, as a store would price it."""
        promotion = trial.promotion
        # In one order, whichever it is tried for: it decides how promotions share a line whose total is the same.
        everything = sorted([promotion, *neighbours], key=lambda one: self.place[one.id])
        priced = self.priced(everything, trial)
        by_id = {one.id: one for one in everything}
        yield from self.shadowed(trial, neighbours, priced)
        yield from self.stacked(priced, by_id, named)
        yield from self.overlap(trial, neighbours, priced, named)
        yield from self.at_floor(trial, priced, by_id)
        low = self.below_cost(trial, priced, by_id)
        tried = [trial.basket]
        for rank in _THIN:
            basket = self.assortment.specimen(promotion, rank)
            if low is None and basket not in tried and 0 < max((line.quantity for line in basket), default=0) <= MANY:
                tried.append(basket)
                low = self.below_cost(trial, self.priced(everything, replace(trial, basket=basket)), by_id)
        if low is not None:
            yield low

    def shadowed(self, trial: _Trial, neighbours: Sequence[Promotion], priced: PricedBasket) -> Iterator[Finding]:
        """Where another that keeps it out acts on all that it means, for as long and for every shopper."""
        promotion = trial.promotion
        if promotion.id in priced.applied:
            return
        for other in neighbours:
            keeps_out = not _meet_by_chance(promotion, other) and other.id in priced.applied
            if keeps_out and _lasts_as_long(self.by_id[other.id], promotion) and _covers(other.target, promotion.target):
                text = f"{_called(other)} acts in its place, and only one of the two may"
                yield self.finding("shadowed", [promotion, other], "exclusive_group", text, priced)
                return

    def overlap(
        self, trial: _Trial, neighbours: Sequence[Promotion], priced: PricedBasket, named: set[frozenset[str]]
    ) -> Iterator[Finding]:
        promotion = trial.promotion
        acting = {saved.promotion for saved in priced.savings}
        about = [promotion]
        for other in neighbours:
            # One on the whole basket meets every other: that is said once.
            is_said = any(frozenset({one.id}) in named for one in (promotion, other) if _is_broad(one))
            is_news = not is_said and _meet_by_chance(promotion, other)
            if not is_news or frozenset({promotion.id, other.id}) in named:
                continue
            if other.id in acting or self.priced([other], trial).savings:
                about.append(other)
        if len(about) == 1:
            return
        ids = [one.id for one in about]
        is_stack = frozenset(ids) in named and len(ids) >= _STACK
        named.update(frozenset(group) for size in (1, 2) for group in combinations(ids, size))
        if is_stack:
            return
        act = [_called(one) for one in about if one.id in acting]
        silent = [_called(one) for one in about if one.id not in acting]
        if not silent:
            how = "both act" if len(about) == 2 else f"all {len(about)} act"
        elif act:
            how = f"only {_listed(act)} {'acts' if len(act) == 1 else 'act'}; nothing comes of {_listed(silent)}"
        else:
            how = "others act instead"
        yield self.finding("overlap", about, "target", f"in the example {how}", priced)

    def at_floor(self, trial: _Trial, priced: PricedBasket, by_id: Mapping[str, Promotion]) -> Iterator[Finding]:
        floors = {line.sku: line.min_price for line in trial.basket}
        for line in priced.lines:
            acting = [by_id[saved.promotion] for saved in line.explanations]
            floor = floors.get(line.sku, 0)
            if floor and trial.promotion in acting and line.gross - line.discount == floor * line.quantity:
                text = f"{self.name(line.sku)} is held at its floor of {format_minor(floor, self.currency)}; a part is not given"
                yield self.finding("at_floor", acting, "min_price", text, priced)

    def stacked(self, priced: PricedBasket, by_id: Mapping[str, Promotion], named: set[frozenset[str]]) -> Iterator[Finding]:
        for line in priced.lines:
            stack = frozenset(saved.promotion for saved in line.explanations)
            if len(stack) >= _STACK and stack not in named:
                named.add(stack)
                text = f"{len(stack)} reduce {self.name(line.sku)} together, and nothing limits it"
                acting = [by_id[saved.promotion] for saved in line.explanations]
                yield self.finding("stacking", acting, "exclusive_group", text, priced)

    def below_cost(self, trial: _Trial, priced: PricedBasket, by_id: Mapping[str, Promotion]) -> Finding | None:
        reduced = [line for line in priced.lines if any(one.promotion == trial.promotion.id for one in line.explanations)]
        if not reduced:
            return None
        if isinstance(trial.promotion.mechanic, BuyXGetY | FreeGift | CheapestFree):
            # What is free is below its cost by intent; what counts is what all of it together brings.
            text = self.basket_below_cost(priced)
        else:
            text = next((said for line in reduced if (said := self.line_below_cost(line))), None)
        if text is None:
            return None
        acting = dict.fromkeys(saved.promotion for line in reduced for saved in line.explanations)
        return self.finding("below_cost", [by_id[name] for name in acting], trial.promotion.kind, text, priced)

    def line_below_cost(self, line: PricedLine) -> str | None:
        article = self.assortment.by_sku.get(line.sku)
        net = line.gross - line.discount
        if article is None or article.cost is None or net >= article.cost * line.quantity:
            return None
        each, cost = format_minor(net // line.quantity, self.currency), format_minor(article.cost, self.currency)
        return f"{self.name(line.sku)} is sold at {each}, below its cost of {cost}"

    def basket_below_cost(self, priced: PricedBasket) -> str | None:
        costs = [(self.assortment.by_sku.get(line.sku), line) for line in priced.lines]
        known = [(one.cost * line.quantity) for one, line in costs if one is not None and one.cost is not None]
        if len(known) < sum(not line.is_gift for line in priced.lines) or priced.total >= sum(known):
            return None
        paid, cost = format_minor(priced.total, self.currency), format_minor(sum(known), self.currency)
        return f"all of it together is sold at {paid}, below its cost of {cost}"

    def priced(self, promotions: Iterable[Promotion], trial: _Trial) -> PricedBasket:
        """As a store prices it, with every coupon and segment that is asked for."""
        compiled = compile_promotions(promotions, currency=self.currency, settings=RECKONING)
        return price(trial.basket, compiled, Shopper(now=trial.at))

    def name(self, sku: str) -> str:
        article = self.assortment.by_sku.get(sku)
        return article.name if article and article.name else sku

    def finding(
        self, rule: str, about: Sequence[Promotion], field: str, text: str, priced: PricedBasket | None = None
    ) -> Finding:
        return Finding(
            rule=rule, promotions=tuple(one.id for one in about), field=field, text=text, currency=self.currency,
            example=None if priced is None else receipt_of(priced),
        )  # fmt: skip


def _used_up(promotion: Promotion) -> tuple[str, str] | None:
    """The limit for which a promotion never acts, and why."""
    if promotion.uses_left is not None and promotion.uses_left <= 0:
        return "usage_limit", "its limit is used up"
    if promotion.budget is not None and promotion.budget.left <= 0:
        return "budget", "its budget is used up"
    if promotion.per_member_limit == 0:
        return "per_member_limit", "nobody may use it even once"
    return None


def _meet_by_chance(one: Promotion, other: Promotion) -> bool:
    """Whether their author said nothing yet of how the two go together."""
    if one.is_catalogue == other.is_catalogue and (one.exclusive or other.exclusive):
        return False
    return one.exclusive_group is None or one.exclusive_group != other.exclusive_group


def _lasts_as_long(other: Promotion, promotion: Promotion) -> bool:
    """Whether `other` is for everyone, without a limit, and runs for as long as `promotion` does."""
    narrow = (other.coupon, other.segment, other.nth_order, other.per_member_limit, other.uses_left, other.budget)
    lasts = other.valid_to in (None, promotion.valid_to) and other.schedule in (None, promotion.schedule)
    return lasts and all(limit is None for limit in narrow)


def _covers(wide: Target, narrow: Target) -> bool:
    """Whether every line that `narrow` means is meant by `wide`."""
    return (
        (wide.skus is None or (narrow.skus is not None and narrow.skus <= wide.skus))
        and (wide.categories is None or (narrow.categories is not None and narrow.categories <= wide.categories))
        and wide.price_min in (None, narrow.price_min)
        and wide.price_max in (None, narrow.price_max)
    )


def _called(promotion: Promotion) -> str:
    return promotion.id if promotion.title == promotion.id else f"{promotion.title} ({promotion.id})"


def _is_broad(promotion: Promotion) -> bool:
    return all(target.is_broad for path, target in targets(promotion) if not path.startswith("when."))


def _listed(titles: Sequence[str]) -> str:
    if len(titles) > 3:
        return f"{', '.join(titles[:2])} and {len(titles) - 2} more"
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if len(titles) > 1 else titles)
