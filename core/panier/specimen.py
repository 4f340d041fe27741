"""The basket that should set a promotion off, made of what the shop sells; an author's check prices it to show what happens."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, cast

from panier.definition import Fields, quoted
from panier.error import PanierError
from panier.mechanic import BuyXGetY, FreeGift, Mechanic, NForPrice, PerCompleteGroup, Target, Tiered
from panier.pricing import BasketLine
from panier.promotion import Promotion

MANY = 100
"""Units that no shopper buys; a threshold beyond them is not reached."""
_LOOKED_AT = 2_000
"""Products of a category that are tried, best first, where a price range leaves out many."""

Rank = Literal["dearest", "thinnest", "closest"]
"""Which product stands for a target: the dearest; or the one with least margin, in percent or in money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A product as far as an author's check sees it; `cost` in minor units where it is known."""

    sku: str
    unit_price: int
    category: str = ""
    cost: int | None = None
    min_price: int = 0
    name: str = ""

    def line(self, quantity: int) -> BasketLine:
        """So many units."""
        return BasketLine(self.sku, self.unit_price, quantity, self.category, self.min_price)


_KEYS: dict[Rank, Callable[[Article], tuple[float, str]]] = {
    "dearest": lambda one: (one.unit_price, one.sku),
    "thinnest": lambda one: ((one.cost or 0) / max(one.unit_price, 1), one.sku),
    "closest": lambda one: ((one.cost or 0) - one.unit_price, one.sku),
}


class ArticleInvalid(PanierError):
    """A product that cannot be used: `product` is its place and SKU, `field` and `reason` what is wrong with it."""

    code = "article_invalid"

    def __init__(self, product: str, field: str, reason: str) -> None:
        super().__init__(f"{product}: {field}: {reason}")
        self.product = product
        self.field = field
        self.reason = reason


def read_articles(products: Iterable[object], currency: str) -> tuple[list[Article], list[ArticleInvalid]]:
    """Products as JSON `{"sku", "unit_price", "name"?, "category"?, "cost"?, "min_price"?}`, amounts as text.

    Beside them, why each of those that are left out is: one that does not fit, or whose SKU an earlier one has.
    """
    articles: dict[str, Article] = {}
    refused: list[ArticleInvalid] = []
    for number, product in enumerate(products, 1):
        try:
            article = _read_article(product, number, currency)
            if article.sku in articles:
                raise ArticleInvalid(f"product #{number} {article.sku}", "sku", "is used twice, and the first one stands")
            articles[article.sku] = article
        except ArticleInvalid as error:
            refused.append(error)
    return list(articles.values()), refused


def _read_article(product: object, number: int, currency: str) -> Article:
    if not isinstance(product, Mapping):
        raise ArticleInvalid(f"product #{number}", "product", f"{quoted(product)} is not an object")
    values = cast("Mapping[str, Any]", product)
    sku = values.get("sku")
    owner = f"product #{number} {sku[:64]}" if isinstance(sku, str) else f"product #{number}"
    fields = Fields(owner, values, currency, error=ArticleInvalid)
    article = Article(
        sku=fields.text("sku", longest=64), unit_price=fields.amount("unit_price"),
        category=fields.text("category", longest=80) if fields.has("category") and values["category"] != "" else "",
        cost=fields.amount("cost") if fields.has("cost") else None,
        min_price=fields.amount("min_price") if fields.has("min_price") else 0,
        name=fields.optional_text("name", longest=120) or "",
    )  # fmt: skip
    fields.has("note")
    fields.finish()
    if article.min_price > article.unit_price:
        raise fields.refuse("min_price", "is above unit_price, so that no promotion could act on it; lower it")
    return article


class _Rack:
    """Articles by each rank, best last; sorted when they are asked for."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self._articles = articles
        self._ranked: dict[Rank, list[Article]] = {}

    def best(self, rank: Rank, target: Target) -> Article | None:
        ranked = self._ranked.get(rank)
        if ranked is None:
            held = (one for one in self._articles if rank == "dearest" or one.cost is not None)
            ranked = self._ranked[rank] = sorted(held, key=_KEYS[rank])
        end = len(ranked)
        if rank == "dearest" and target.price_max is not None:
            end = bisect_right(ranked, target.price_max, key=lambda one: one.unit_price)
        upwards = (ranked[place] for place in range(end - 1, -1, -1))
        return next((one for one in islice(upwards, _LOOKED_AT) if _is_meant(one, target)), None)


class Assortment:
    """What the shop sells, found by target without looking through everything."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self.by_sku = {article.sku: article for article in articles}
        by_category: dict[str, list[Article]] = {}
        for article in articles:
            by_category.setdefault(article.category, []).append(article)
        self.categories = frozenset(by_category)
        self._racks = {category: _Rack(held) for category, held in by_category.items()}
        self._everything = _Rack(articles)

    def choose(self, target: Target, rank: Rank = "dearest") -> Article | None:
        """The product that stands for a target; None where none is sold, or none of known cost where that decides."""
        if target.skus is not None:
            held = (self.by_sku.get(sku) for sku in target.skus)
            found = [one for one in held if one and _is_meant(one, target) and (rank == "dearest" or one.cost is not None)]
        else:
            racks = (
                [self._everything]
                if target.categories is None
                else [self._racks[category] for category in target.categories if category in self._racks]
            )
            found = [one for rack in racks if (one := rack.best(rank, target)) is not None]
        return max(found, key=_KEYS[rank], default=None)

    def specimen(self, promotion: Promotion, rank: Rank = "dearest") -> list[BasketLine]:
        """The smallest basket of one product a target that should set the promotion off; empty where nothing is sold for it."""
        when = promotion.when
        wanted = _wanted(promotion)
        if when.contains is not None:
            wanted.append((when.contains, 1))
        basket: dict[str, BasketLine] = {}
        for target, units in wanted:
            article = self.choose(target, rank)
            if article is None:
                return []
            _put(basket, article, units)
        self._fill(basket, when.target or promotion.target, rank, when.min_qty or 0, when.min_amount or 0)
        self._fill(basket, promotion.target, rank, *_step(promotion.mechanic, basket))
        return list(basket.values())

    def _fill(self, basket: dict[str, BasketLine], target: Target, rank: Rank, units: int, amount: int) -> None:
        """Puts in so much that what the target means is so many units and comes to such an amount."""
        article = self.choose(target, rank)
        if article is None:
            return
        held = [line for line in basket.values() if target.accepts(line.sku, line.category, line.unit_price)]
        missing = units - sum(line.quantity for line in held)
        if article.unit_price:
            cost = amount - sum(line.unit_price * line.quantity for line in held)
            missing = max(missing, -(-cost // article.unit_price))
        _put(basket, article, missing)


def _is_meant(article: Article, target: Target) -> bool:
    return target.accepts(article.sku, article.category, article.unit_price)


def _wanted(promotion: Promotion) -> list[tuple[Target, int]]:
    match promotion.mechanic:
        case BuyXGetY(buy=buy, buy_quantity=bought, get=get, get_quantity=got):
            return [(buy, bought), (get, got)]
        case NForPrice(n=n):
            return [(promotion.target, n)]
        case PerCompleteGroup(group_size=size):
            return [(promotion.target, size)]
        case FreeGift(per=per, per_quantity=size):
            return [(per or promotion.target, size)]
        case _:
            return [(promotion.target, 1)]


def _step(mechanic: Mechanic, basket: Mapping[str, BasketLine]) -> tuple[int, int]:
    """Units and amount of the highest step that a shopper may reach, else of the lowest."""
    if not isinstance(mechanic, Tiered | PerCompleteGroup) or not mechanic.tiers:
        return 0, 0
    dearest = max(line.unit_price for line in basket.values())
    by_quantity = isinstance(mechanic, Tiered) and mechanic.by_quantity
    most = MANY if by_quantity else MANY * dearest
    start = next((start for start, _ in mechanic.tiers if start <= most), mechanic.tiers[-1][0])
    return (start, 0) if by_quantity else (0, start)


def _put(basket: dict[str, BasketLine], article: Article, units: int) -> None:
    if units > 0:
        known = basket.get(article.sku)
        basket[article.sku] = article.line(units + (known.quantity if known else 0))
