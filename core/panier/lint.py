"""What an author should know of promotions before they go out: each warning with a basket that shows what happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from panier.definition import Fields, PromotionInvalid
from panier.mechanic import EVERYTHING, BuyXGetY, FreeGift, NForPrice, PerCompleteGroup, PointsBurn, PointsEarn, Target, Tiered
from panier.money import format_minor
from panier.pricing import BasketLine, PricedBasket, Settings, Shopper, compile_promotions, price
from panier.pricing.gate import read_clock
from panier.promotion import Promotion, parse_promotion
from panier.sense import Sense, check_sold

_MANY = 100
"""Units that no shopper buys; a threshold beyond them is not reached."""
_STACK = 3
"""Promotions that reduce one product together before it is worth a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A product as far as an author's check sees it; `cost` in minor units where it is known."""

    sku: str
    unit_price: int
    category: str = ""
    cost: int | None = None
    min_price: int = 0

    def line(self, quantity: int) -> BasketLine:
        """So many units."""
        return BasketLine(self.sku, self.unit_price, quantity, self.category, self.min_price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`rule` is one of invalid, dead, unreachable, overlap, below_cost, at_floor, stacking; `example` a basket in words."""

    rule: str
    promotions: tuple[str, ...]
    text: str
    example: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {"rule": self.rule, "promotions": list(self.promotions), "text": self.text, "example": self.example}


def lint(definitions: Iterable[Mapping[str, Any]], articles: Sequence[Article], currency: str, now: datetime) -> list[Finding]:
    """Every warning, in order of the definitions."""
    known = frozenset(article.sku for article in articles)
    promotions: list[Promotion] = []
    warnings: list[Finding] = []
    sense = Sense()
    for number, definition in enumerate(definitions, 1):
        try:
            promotion = parse_promotion(definition, currency, name=None if definition.get("id") else f"#{number}")
            check_sold(promotion, known)
            sense.take(promotion)
        except PromotionInvalid as error:
            warnings.append(Finding(rule="invalid", promotions=(error.promotion,), text=f"{error.field}: {error.reason}"))
        else:
            promotions.append(promotion)
    return [*warnings, *_Author(promotions, articles, currency, now).warnings()]


def read_articles(products: Iterable[Mapping[str, Any]], currency: str) -> list[Article]:
    """Products as JSON `{"sku", "unit_price", "category"?, "cost"?, "min_price"?}`, amounts as text. Raises PromotionInvalid."""
    articles: list[Article] = []
    for product in products:
        fields = Fields(f"product {product.get('sku')}", product, currency)
        articles.append(
            Article(
                sku=fields.text("sku", longest=64), unit_price=fields.amount("unit_price"),
                category=fields.optional_text("category", longest=80) or "",
                cost=fields.amount("cost") if fields.has("cost") else None,
                min_price=fields.amount("min_price") if fields.has("min_price") else 0,
            )
        )  # fmt: skip
    return articles


class _Author:
    def __init__(self, promotions: Sequence[Promotion], articles: Sequence[Article], currency: str, now: datetime) -> None:
        self.promotions = promotions
        self.articles = articles
        self.currency = currency
        self.now = now
        self.cost = {article.sku: article.cost for article in articles}

    def warnings(self) -> Iterator[Finding]:
        clock = read_clock(Shopper(now=self.now))
        alive: list[tuple[Promotion, list[BasketLine]]] = []
        for promotion in self.promotions:
            if promotion.valid_to is not None and clock is not None and clock.has_passed(promotion.valid_to):
                yield self.warn("dead", [promotion], "its window is over")
            elif promotion.uses_left == 0 or (promotion.budget is not None and promotion.budget.left <= 0):
                yield self.warn("dead", [promotion], "its limit is used up")
            elif isinstance(promotion.mechanic, PointsEarn | PointsBurn):
                continue
            else:
                basket = self.basket(promotion)
                found = self.dead_or_unreachable(promotion, basket)
                if found is not None:
                    yield found
                else:
                    alive.append((promotion, basket))
        yield from self.together(alive)

    def dead_or_unreachable(self, promotion: Promotion, basket: list[BasketLine]) -> Finding | None:
        if not basket:
            return self.warn("dead", [promotion], "no product that is sold here is meant")
        if max(line.quantity for line in basket) > _MANY:
            return self.warn("unreachable", [promotion], f"asks for more than {_MANY} units of one product", basket)
        if not self.priced([promotion], basket).savings:
            return self.warn("unreachable", [promotion], "saves nothing, even on the basket that it asks for", basket)
        mechanic = promotion.mechanic
        if isinstance(mechanic, Tiered) and not mechanic.by_quantity:
            dearest = max(line.unit_price for line in basket)
            if mechanic.tiers[0][0] > _MANY * dearest:
                step = format_minor(mechanic.tiers[0][0], self.currency)
                return self.warn("unreachable", [promotion], f"its step from {step} takes more than {_MANY} units", basket)
        return None

    def together(self, alive: Sequence[tuple[Promotion, list[BasketLine]]]) -> Iterator[Finding]:
        """Each with the others on its own basket, as a store would price it."""
        named: set[frozenset[str]] = set()
        everything = [promotion for promotion, _ in alive]
        by_id = {promotion.id: promotion for promotion in everything}
        for promotion, basket in alive:
            priced = self.priced(everything, basket)
            others = {name for line in priced.lines for name in (saved.promotion for saved in line.explanations)}
            rivals = [one for one, own in alive if one is not promotion and self.meet(promotion, one, own, basket)]
            for rival in rivals:
                pair = frozenset({promotion.id, rival.id})
                if pair not in named:
                    named.add(pair)
                    how = "both act" if pair <= others else f"only {', '.join(sorted(pair & others)) or 'others'} acts"
                    yield self.warn("overlap", [promotion, rival], f"mean the same products; {how}", basket, everything)
            yield from self.too_low(promotion, basket, priced, by_id)

    def too_low(
        self, promotion: Promotion, basket: list[BasketLine], priced: PricedBasket, by_id: Mapping[str, Promotion]
    ) -> Iterator[Finding]:
        for line in priced.lines:
            if line.is_gift or not line.explanations:
                continue
            acting = [by_id[saved.promotion] for saved in line.explanations]
            cost, net = self.cost.get(line.sku), line.gross - line.discount
            if promotion in acting and cost is not None and net < cost * line.quantity:
                each = format_minor(net // line.quantity, self.currency)
                text = f"{line.sku} is sold at {each}, below its cost of {format_minor(cost, self.currency)}"
                yield self.warn("below_cost", acting, text, basket, by_id.values())
            floor = next((one.min_price for one in basket if one.sku == line.sku), 0)
            if promotion in acting and floor and net == floor * line.quantity:
                yield self.warn(
                    "at_floor", acting, f"{line.sku} is held at its floor; a part is not given", basket, by_id.values()
                )
            if promotion is acting[0] and len(acting) >= _STACK:
                yield self.warn(
                    "stacking", acting, f"{len(acting)} reduce {line.sku} together without a limit", basket, by_id.values()
                )

    def meet(self, one: Promotion, other: Promotion, own: list[BasketLine], basket: list[BasketLine]) -> bool:
        """Whether the other one would act on this basket too, by itself."""
        del one, own
        return bool(self.priced([other], basket).savings)

    def basket(self, promotion: Promotion) -> list[BasketLine]:
        """The smallest basket of one product a target that should set the promotion off; empty where nothing is sold for it."""
        mechanic, when = promotion.mechanic, promotion.when
        wanted: list[tuple[Target, int]] = []
        match mechanic:
            case BuyXGetY(buy=buy, buy_quantity=bought, get=get, get_quantity=got):
                wanted += [(buy, bought), (get, got)]
            case NForPrice(n=n):
                wanted.append((promotion.target, n))
            case PerCompleteGroup(group_size=size):
                wanted.append((promotion.target, size))
            case FreeGift(per=per, per_quantity=size):
                wanted.append((per or promotion.target, size))
            case _:
                wanted.append((promotion.target, 1))
        if when.contains is not None:
            wanted.append((when.contains, 1))
        counted = when.target or promotion.target
        basket: dict[str, BasketLine] = {}
        for target, units in wanted:
            self.put(basket, target, units)
        if when.min_qty:
            self.put(basket, counted, max(0, when.min_qty - sum(line.quantity for line in basket.values())))
        if when.min_amount:
            missing = when.min_amount - sum(line.unit_price * line.quantity for line in basket.values())
            article = self.article(counted)
            if article is not None and missing > 0 and article.unit_price:
                self.put(basket, counted, -(-missing // article.unit_price))
        needed = [target for target, _ in wanted]
        return list(basket.values()) if all(self.article(target) is not None for target in needed) else []

    def article(self, target: Target) -> Article | None:
        meant = [one for one in self.articles if target == EVERYTHING or target.accepts(one.sku, one.category, one.unit_price)]
        return max(meant, key=lambda one: (one.unit_price, one.sku), default=None)

    def put(self, basket: dict[str, BasketLine], target: Target, units: int) -> None:
        article = self.article(target)
        if article is not None and units:
            known = basket.get(article.sku)
            basket[article.sku] = article.line(units + (known.quantity if known else 0))

    def priced(self, promotions: Iterable[Promotion], basket: Sequence[BasketLine]) -> PricedBasket:
        """As a store prices it, with every coupon, segment and hour that is asked for."""
        free = [
            replace(
                one,
                valid_from=None,
                schedule=None,
                valid_to=None,
                coupon=None,
                segment=None,
                nth_order=None,
                per_member_limit=None,
            )
            for one in promotions
        ]
        return price(
            basket, compile_promotions(free, currency=self.currency, settings=Settings(selection="best_basket")), Shopper()
        )

    def warn(
        self, rule: str, about: Sequence[Promotion], text: str, basket: Sequence[BasketLine] = (), among: Iterable[Promotion] = ()
    ) -> Finding:
        return Finding(
            rule=rule, promotions=tuple(one.id for one in about), text=text,
            example=self.show(self.priced(list(among) or about, basket)) if basket else "",
        )  # fmt: skip

    def show(self, priced: PricedBasket) -> str:
        """A priced basket in one line of words."""
        lines = ", ".join(
            f"{line.quantity} {line.sku} at {format_minor(line.unit_price, self.currency)}" for line in priced.lines
        )
        saved = ", ".join(f"{saved.promotion} -{format_minor(saved.amount, self.currency)}" for saved in priced.savings)
        return f"{lines}: {saved or 'nothing off'}, to pay {format_minor(priced.total, self.currency)}"
