"""Promotions compiled for pricing: indexed so that a basket meets only those that concern it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from panier.mechanic import BuyXGetY, FreeGift, PointsEarn, Target
from panier.pricing.basket import BasketLine, Settings
from panier.promotion import Promotion

_K = TypeVar("_K")


@dataclass(frozen=True, slots=True)
class Rule:
    """A promotion with its targets as numbers within its book. `buy` is also what a gift is for; `order` is its turn."""

    promotion: Promotion
    order: tuple[bool, int, int]
    target: int
    when_target: int
    contains: int | None
    buy: int
    get: int
    aims: frozenset[int]
    """The targets that its effect depends on."""
    anchors: tuple[int, ...]
    """The targets that bring it into play; none where the shopper does."""
    is_gated: bool
    """True where the time, the member or a coupon decides whether it may act at all."""
    is_timed: bool
    """True where the time does."""
    is_wide: bool
    """True where what it changes, or the running amounts that it reads, may be those of any line."""


@dataclass(frozen=True, slots=True)
class Book:
    """Promotions that were compiled together.

    A promotion is looked at when the basket holds a line of one of its anchors: targets without which it does nothing. What may
    apply to any basket waits for its coupon or its segment where it has one, and is looked at always where it has neither.
    """

    rules: tuple[Rule, ...]
    targets: tuple[Target, ...]
    by_sku: Mapping[str, tuple[int, ...]]
    by_category: Mapping[str, tuple[int, ...]]
    by_any: tuple[int, ...]
    anchored: Mapping[int, tuple[int, ...]]
    """Target → the rules that it brings into play."""
    by_coupon: Mapping[str, tuple[int, ...]]
    by_segment: Mapping[str, tuple[int, ...]]
    always: tuple[int, ...]

    def targets_of(self, line: BasketLine) -> list[int]:
        """The targets that mean this line."""
        targets = self.targets
        return [
            number
            for numbers in (self.by_sku.get(line.sku), self.by_category.get(line.category), self.by_any)
            for number in numbers or ()
            if targets[number].accepts(line.sku, line.category, line.unit_price)
        ]

    def standing(self, segments: Iterable[str], coupons: Iterable[str]) -> set[int]:
        """The rules that such a shopper may meet whatever the basket holds."""
        numbers = set(self.always)
        for segment in segments:
            numbers.update(self.by_segment.get(segment, ()))
        for coupon in coupons:
            numbers.update(self.by_coupon.get(coupon, ()))
        return numbers


@dataclass(frozen=True, slots=True)
class PromotionSet:
    """Compiled promotions of a store, with how the store reckons; made once, used for every basket.

    `limited` are promotions with a limit over all shoppers, not compiled: each trip's leases say what may be used of them.
    """

    currency: str
    settings: Settings
    books: tuple[Book, ...]
    limited: tuple[Promotion, ...] = ()

    def __len__(self) -> int:
        return sum(len(book.rules) for book in self.books)

    def with_more(self, other: PromotionSet | None) -> PromotionSet:
        """These and, after them at equal priority, the `other` ones; costs the same however many there are."""
        if other is None:
            return self
        return PromotionSet(self.currency, self.settings, self.books + other.books, self.limited + other.limited)


@dataclass(slots=True)
class _Index:
    """A book in the making."""

    targets: dict[Target, int] = field(default_factory=dict[Target, int])
    by_sku: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    by_category: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    by_any: list[int] = field(default_factory=list[int])
    anchored: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    by_coupon: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    by_segment: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    always: list[int] = field(default_factory=list[int])

    def number(self, target: Target) -> int:
        """The target's number; equal targets share one."""
        known = self.targets.get(target)
        if known is not None:
            return known
        number = self.targets[target] = len(self.targets)
        if target.skus is not None:
            for sku in target.skus:
                self.by_sku.setdefault(sku, []).append(number)
        elif target.categories is not None:
            for category in target.categories:
                self.by_category.setdefault(category, []).append(number)
        else:
            self.by_any.append(number)
        return number

    def anchor(self, number: int, promotion: Promotion) -> None:
        """Notes which targets, or else which coupon or segment, bring this promotion into play."""
        anchors = _anchors(promotion)
        for target in anchors:
            self.anchored.setdefault(self.number(target), []).append(number)
        if anchors:
            return
        if promotion.coupon is not None:
            self.by_coupon.setdefault(promotion.coupon, []).append(number)
        elif promotion.segment is not None:
            self.by_segment.setdefault(promotion.segment, []).append(number)
        else:
            self.always.append(number)


def _anchors(promotion: Promotion) -> list[Target]:
    match promotion.mechanic:
        case BuyXGetY(buy=buy, get=get):
            own = [buy, get]
        case FreeGift(per=per):
            own = [per or promotion.target]
        case _:
            own = [promotion.target]
    when = promotion.when
    named = [target for target in own if not target.is_broad]
    counted = when.target if when.min_qty or when.min_amount else None
    return named or [target for target in (counted, when.contains) if target is not None and not target.is_broad][:1]


def _is_wide(promotion: Promotion) -> bool:
    mechanic, when = promotion.mechanic, promotion.when
    match mechanic:
        case FreeGift() | PointsEarn():
            coupled: list[Target] = []
        case BuyXGetY(buy=buy, get=get):
            coupled = [buy, get]
        case _:
            coupled = [promotion.target]
    if when.min_amount is not None and when.basis == "running":
        coupled.append(when.target or promotion.target)
    return any(target.is_broad for target in coupled)


def _rule(promotion: Promotion, position: int, index: _Index) -> Rule:
    when, mechanic = promotion.when, promotion.mechanic
    target = index.number(promotion.target)
    buy = get = target
    if isinstance(mechanic, BuyXGetY):
        buy, get = index.number(mechanic.buy), index.number(mechanic.get)
    elif isinstance(mechanic, FreeGift) and mechanic.per is not None:
        buy = index.number(mechanic.per)
    when_target = target if when.target is None else index.number(when.target)
    contains = None if when.contains is None else index.number(when.contains)
    # What is bought and got is named by itself; the target is then nobody's.
    aims = {buy, get} if isinstance(mechanic, BuyXGetY) else {buy} if isinstance(mechanic, FreeGift) else {target}
    if when.min_qty is not None or when.min_amount is not None:
        aims.add(when_target)
    if contains is not None:
        aims.add(contains)
    times = (promotion.schedule, promotion.valid_from, promotion.valid_to)
    gates = (*times, promotion.coupon, promotion.segment)
    return Rule(
        promotion=promotion,
        # Shelf-price reductions come first, whatever their priority: the shelf comes before the basket.
        order=(not promotion.is_catalogue, -promotion.priority, position),
        target=target,
        when_target=when_target, contains=contains, buy=buy, get=get, aims=frozenset(aims),
        anchors=tuple(index.number(anchor) for anchor in _anchors(promotion)),
        is_gated=any(gate is not None for gate in (*gates, promotion.nth_order, promotion.per_member_limit)),
        is_timed=any(gate is not None for gate in times),
        is_wide=_is_wide(promotion),
    )  # fmt: skip


def _tuples(lists: Mapping[_K, list[int]]) -> dict[_K, tuple[int, ...]]:
    return {key: tuple(numbers) for key, numbers in lists.items()}


def compile_promotions(promotions: Iterable[Promotion], *, currency: str, settings: Settings | None = None) -> PromotionSet:
    """Indexes promotions for pricing. At equal priority they act in the order given, for the best basket in order of their ids.

    What a definition itself rules out, by limits that are used up, is left out.
    """
    index = _Index()
    rules: list[Rule] = []
    if settings is not None and settings.selection == "best_basket":
        # There the order of equal ones is nobody's wish, so that the list it comes from must change nothing.
        promotions = sorted(promotions, key=lambda promotion: promotion.id)
    for promotion in promotions:
        budget = promotion.budget
        if (promotion.uses_left is None or promotion.uses_left > 0) and (budget is None or budget.left > 0):
            index.anchor(len(rules), promotion)
            rules.append(_rule(promotion, len(rules), index))
    book = Book(
        tuple(rules), tuple(index.targets), _tuples(index.by_sku), _tuples(index.by_category), tuple(index.by_any),
        _tuples(index.anchored), _tuples(index.by_coupon), _tuples(index.by_segment), tuple(index.always),
    )  # fmt: skip
    return PromotionSet(currency, settings or Settings(), (book,))
