"""What a promotion aims at and what it does: the target, and one type for each kind of mechanic, read from a definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from panier.definition import WHOLE, Fields, Steps
from panier.money import exponent

Basis = Literal["running", "original"]
Pick = Literal["cheapest", "dearest"]


@dataclass(frozen=True, slots=True)
class Target:
    """Which lines: every condition that is set must hold; prices are of one unit before promotions, in minor units."""

    skus: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    price_min: int | None = None
    price_max: int | None = None

    @property
    def is_broad(self) -> bool:
        """True where neither SKUs nor categories are named, so that any basket may hold such lines."""
        return self.skus is None and self.categories is None

    def accepts(self, sku: str, category: str, unit_price: int) -> bool:
        """Whether a line of this kind is meant."""
        return (
            (self.skus is None or sku in self.skus)
            and (self.categories is None or category in self.categories)
            and (self.price_min is None or unit_price >= self.price_min)
            and (self.price_max is None or unit_price <= self.price_max)
        )


EVERYTHING = Target()


@dataclass(frozen=True, slots=True)
class Percent:
    """Percent off each line, or off the `max_units` units that come first in `pick` order."""

    percent: int
    base: Basis | None
    max_units: int | None
    max_units_per_line: int | None
    pick: Pick


@dataclass(frozen=True, slots=True)
class AmountPerUnit:
    """An amount off each unit."""

    amount: int
    max_units_per_line: int | None


@dataclass(frozen=True, slots=True)
class AmountPerLine:
    """An amount off each line."""

    amount: int
    max_units_per_line: int | None


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount off the basket, spread over the target, or over its `max_units` first units in `pick` order."""

    amount: int
    max_units: int | None
    pick: Pick


@dataclass(frozen=True, slots=True)
class PercentOrder:
    """Percent off the target as a whole, at most `max_discount`, spread over it."""

    percent: int
    base: Basis | None
    max_discount: int | None


@dataclass(frozen=True, slots=True)
class CheapestFree:
    """The cheapest unit for nothing."""


@dataclass(frozen=True, slots=True)
class NForPrice:
    """The n cheapest units together for a price."""

    n: int
    price: int


@dataclass(frozen=True, slots=True)
class PerCompleteGroup:
    """Off the units in whole groups: an amount each, or percent by the value of the target (`tiers`, highest first)."""

    group_size: int
    amount: int
    percent: int
    tiers: Steps


@dataclass(frozen=True, slots=True)
class Tiered:
    """`base` below the first step, else the value of the highest step reached: percent a line, or an amount off the basket."""

    is_percent: bool
    base: int
    tiers: Steps
    by_quantity: bool


@dataclass(frozen=True, slots=True)
class FirstAdditional:
    """One amount off a line's first unit, another off each further one, on at most `max_units` units a line."""

    first: int
    additional: int
    max_units: int | None


@dataclass(frozen=True, slots=True)
class BuyXGetY:
    """Who buys so many of one target gets so many of another at percent off."""

    buy: Target
    buy_quantity: int
    get: Target
    get_quantity: int
    percent: int
    pick: Pick
    all_or_nothing: bool


@dataclass(frozen=True, slots=True)
class FreeGift:
    """A gift for every `per_quantity` units of `per`; without `per` one a basket."""

    sku: str
    unit_price: int
    per: Target | None
    per_quantity: int


@dataclass(frozen=True, slots=True)
class PointsEarn:
    """Points for each whole unit of the currency that the target costs, after or before discounts."""

    rate: Fraction
    after_discount: bool


@dataclass(frozen=True, slots=True)
class PointsBurn:
    """The member's points as money off, in multiples; `value` is exact minor units a point."""

    value: Fraction
    multiple_of: int


Mechanic = (
    Percent | AmountPerUnit | AmountPerLine | Amount | PercentOrder | CheapestFree | NForPrice | PerCompleteGroup
    | Tiered | FirstAdditional | BuyXGetY | FreeGift | PointsEarn | PointsBurn
)  # fmt: skip


def read_target(fields: Fields, name: str) -> Target:
    inner = fields.inner(name)
    if inner.has("all") and not inner.flag("all"):
        raise inner.refuse("all", "can only be true; leave it out to name lines")
    named = [name for name in ("skus", "categories") if inner.has(name)]
    if inner.has("all") and named:
        raise inner.refuse("all", f"contradicts {named[0]}: write one of them, all lines or those that are named")
    target = Target(
        skus=inner.words("skus"),
        categories=inner.words("categories"),
        price_min=inner.amount("price_min") if inner.has("price_min") else None,
        price_max=inner.amount("price_max") if inner.has("price_max") else None,
    )
    inner.finish()
    if target == EVERYTHING and not inner.has("all"):
        raise fields.refuse(name, 'names no lines; write {"all": true} for all of them')
    if target.price_min is not None and target.price_max is not None and target.price_min > target.price_max:
        raise inner.refuse("price_max", "is below price_min, so that no line can be meant")
    return target


def read_count(fields: Fields, name: str) -> int:
    return fields.count(name, least=0)


BASES = {"running": "running", "original": "original"}
# Peers' words for the two orders of picking units are all read; the meaning is ours.
_ORDERS = {
    "cheapest": "cheapest", "cheapest_first": "cheapest", "least_expensive": "cheapest", "least_expensive_first": "cheapest",
    "price_asc": "cheapest", "asc": "cheapest",
    "dearest": "dearest", "dearest_first": "dearest", "most_expensive": "dearest", "most_expensive_first": "dearest",
    "price_desc": "dearest", "desc": "dearest",
}  # fmt: skip


def _pick(fields: Fields, name: str, default: Pick) -> Pick:
    return "cheapest" if fields.choice(name, _ORDERS, default) == "cheapest" else "dearest"


def _base(fields: Fields) -> Basis | None:
    if not fields.has("base"):
        return None
    return "original" if fields.choice("base", BASES, "running") == "original" else "running"


def _read_percent(fields: Fields) -> Percent:
    return Percent(
        percent=fields.percent("percent"),
        base=_base(fields),
        max_units=fields.optional_count("max_units"),
        max_units_per_line=fields.optional_count("max_units_per_line"),
        pick=_pick(fields, "unit_order", "cheapest"),
    )


def _read_amount_per_unit(fields: Fields) -> AmountPerUnit:
    return AmountPerUnit(fields.amount("amount"), fields.optional_count("max_units_per_line"))


def _read_amount_per_line(fields: Fields) -> AmountPerLine:
    return AmountPerLine(fields.amount("amount"), fields.optional_count("max_units_per_line"))


def _read_amount(fields: Fields) -> Amount:
    return Amount(fields.amount("amount"), fields.optional_count("max_units"), _pick(fields, "unit_order", "cheapest"))


def _read_percent_order(fields: Fields) -> PercentOrder:
    most = fields.amount("max_discount") if fields.has("max_discount") else None
    return PercentOrder(fields.percent("percent"), _base(fields), most)


def _read_cheapest_free(fields: Fields) -> CheapestFree:
    del fields  # has none of its own
    return CheapestFree()


def _read_n_for_price(fields: Fields) -> NForPrice:
    return NForPrice(fields.count("n"), fields.amount("price"))


def _read_per_complete_group(fields: Fields) -> PerCompleteGroup:
    given = [name for name in ("amount", "percent", "base_percent") if fields.has(name)]
    if len(given) != 1:
        seen = " and ".join(given) or "none"
        raise fields.refuse(
            "amount",
            f"a group needs exactly one of amount, percent and base_percent; {seen} {'are' if len(given) > 1 else 'is'} given",
        )
    tiers: Steps = ()
    if fields.has("tiers"):
        if given != ["base_percent"]:
            raise fields.refuse("tiers", f"go with base_percent, not with {given[0]}")
        tiers = fields.steps("tiers", Fields.amount, Fields.percent)
    return PerCompleteGroup(
        group_size=fields.count("group_size"),
        amount=fields.amount("amount") if given == ["amount"] else 0,
        percent=0 if given == ["amount"] else fields.percent(given[0]),
        tiers=tiers,
    )


def _read_tiered(fields: Fields, base: str, value: Callable[[Fields, str], int]) -> Tiered:
    by_quantity = fields.choice("tier_basis", {"amount": "amount", "qty": "qty"}, "amount") == "qty"
    return Tiered(
        is_percent=base == "base_percent",
        base=value(fields, base) if fields.has(base) else 0,
        tiers=fields.steps("tiers", read_count if by_quantity else Fields.amount, value),
        by_quantity=by_quantity,
    )


def _read_tiered_percent(fields: Fields) -> Tiered:
    return _read_tiered(fields, "base_percent", Fields.percent)


def _read_tiered_amount(fields: Fields) -> Tiered:
    return _read_tiered(fields, "base_amount", Fields.amount)


def _read_first_additional(fields: Fields) -> FirstAdditional:
    # Either alone will do: so much off the first unit only, or off the further ones only.
    first = fields.amount("first") if fields.has("first") or not fields.has("additional") else 0
    additional = fields.amount("additional") if fields.has("additional") else 0
    return FirstAdditional(first, additional, fields.optional_count("max_units"))


def _read_buy_x_get_y(fields: Fields) -> BuyXGetY:
    buy, get = fields.inner("buy"), fields.inner("get")
    mechanic = BuyXGetY(
        buy=read_target(buy, "target"),
        buy_quantity=buy.count("qty"),
        get=read_target(get, "target"),
        get_quantity=get.count("qty"),
        percent=get.percent("percent") if get.has("percent") else WHOLE,
        pick=_pick(get, "pick", "dearest"),
        all_or_nothing=get.flag("all_or_nothing"),
    )
    buy.finish()
    get.finish()
    return mechanic


def _read_free_gift(fields: Fields) -> FreeGift:
    gift = fields.inner("gift")
    sku, unit_price = gift.text("sku", longest=64), gift.amount("unit_price")
    gift.finish()
    if not fields.has("per"):
        return FreeGift(sku, unit_price, None, 1)
    per = fields.inner("per")
    skus = per.words("skus")
    quantity = per.count("qty") if per.has("qty") else 1
    per.finish()
    # Without SKUs it is the promotion's own target that earns the gift.
    target = Target(skus=skus) if skus else read_target(fields, "target") if fields.has("target") else EVERYTHING
    return FreeGift(sku, unit_price, target, quantity)


def _read_points_earn(fields: Fields) -> PointsEarn:
    basis = fields.choice("basis", {"after_discount": "after", "before_discount": "before"}, "after")
    return PointsEarn(fields.ratio("points_per_currency"), basis == "after")


def _read_points_burn(fields: Fields) -> PointsBurn:
    value = fields.ratio("value_per_point") * 10 ** exponent(fields.currency)
    return PointsBurn(value, fields.count("multiple_of") if fields.has("multiple_of") else 1)


MECHANICS: dict[str, Callable[[Fields], Mechanic]] = {
    "percent": _read_percent,
    "amount_per_unit": _read_amount_per_unit,
    "amount_per_line": _read_amount_per_line,
    "amount": _read_amount,
    "percent_order": _read_percent_order,
    "cheapest_free": _read_cheapest_free,
    "n_for_price": _read_n_for_price,
    "per_complete_group": _read_per_complete_group,
    "tiered_percent": _read_tiered_percent,
    "tiered_amount": _read_tiered_amount,
    "first_additional": _read_first_additional,
    "buy_x_get_y": _read_buy_x_get_y,
    "free_gift": _read_free_gift,
    "points_earn": _read_points_earn,
    "points_burn": _read_points_burn,
}
