"""What goes into pricing and what comes out: lines and shopper, priced basket with its explanations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class BasketLine:
    """Equal units of one product. Amounts of one unit, in minor units; `min_price` is the floor that no promotion goes below.

    `tax_rate` is in millionths of a percent, to be added to the price; None where the price is all there is to pay. `position` is
    for a basket that is itself an ordered document; it decides which line takes an odd cent. In a store it stays 0: there the
    order of lines is the order of scans, and must mean nothing. A line `outside` is paid as it stands, such as a deposit: no
    promotion sees it.
    """

    sku: str
    unit_price: int
    quantity: int = 1
    category: str = ""
    min_price: int = 0
    tax_rate: int | None = None
    position: int = 0
    outside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper:
    """Who pays, and when. `now` carries the store's time zone; None leaves out every promotion that has a window.

    `prior_orders` is None for a guest. `uses` counts earlier uses by coupon or, for a promotion without one, by promotion id.
    """

    now: datetime | None = None
    segments: frozenset[str] = frozenset()
    coupons: frozenset[str] = frozenset()
    points: int = 0
    prior_orders: int | None = None
    uses: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Settings:
    """How a store reckons, as in promotions.md."""

    rounding: Literal["half_up", "down"] = "half_up"
    round_at: Literal["line", "order"] = "line"
    remainder: Literal["last", "first"] = "last"
    percent_base: Literal["running", "original"] = "running"
    selection: Literal["priority", "best_single", "best_basket"] = "priority"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one promotion took off: a line, or the whole basket."""

    promotion: str
    title: str
    amount: int


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line after promotions; `discount` is the sum of its explanations. A gift is a line of its own."""

    sku: str
    unit_price: int
    quantity: int
    gross: int
    discount: int
    explanations: tuple[Explanation, ...] = ()
    is_gift: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A promotion that the basket nearly meets, and what the shopper saves who adds what is missing.

    Either `quantity` units are missing, of `sku` or of `category` where the promotion names them, or goods for `amount`.
    """

    promotion: str
    title: str
    saving: int
    quantity: int = 0
    sku: str | None = None
    category: str | None = None
    amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedBasket:
    """What a basket comes to; amounts in minor units.

    `lines` keep the order they were given in (equal ones merged), gifts follow. `total` is what is paid: gross less discount,
    plus `tax` where lines state a rate, plus the `deposit` that a till adds, which no line holds. `savings` are by promotion, in
    the order they applied. `units` counts gifts too. Under best_basket, `gained` is what is paid less than by priority, and
    `proven` says that no choice of promotions, of their order and of the units they take makes the basket cheaper.
    """

    currency: str
    lines: tuple[PricedLine, ...]
    units: int
    gross: int
    discount: int
    total: int
    tax: int | None
    savings: tuple[Explanation, ...]
    applied: tuple[str, ...]
    points_earned: int = 0
    points_burned: int = 0
    free_units: Mapping[str, int] = field(default_factory=dict[str, int])
    near_misses: tuple[NearMiss, ...] = ()
    proven: bool = False
    gained: int = 0
    deposit: int = 0
