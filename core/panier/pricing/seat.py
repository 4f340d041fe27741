"""A basket as promotions see it: its lines as slots, and the promotions that they bring into play as seats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from panier.mechanic import BuyXGetY, FreeGift, NForPrice, PointsBurn, PointsEarn
from panier.pricing.basket import BasketLine, PricedLine
from panier.pricing.reach import Reach
from panier.pricing.rule import Rule

if TYPE_CHECKING:
    from panier.pricing.component import Component

Place = tuple[int, str, int, str, int, int, bool]
Aim = tuple[int, int]
"""A target by its book and its number there."""
Turn = tuple[bool, int, int, int]
"""When a promotion has its turn: shelf prices first, then by priority, then by book and position there."""


def place_of(line: BasketLine) -> Place:
    """A line's place in the engine's own order; equal lines have the same."""
    tax_rate = -1 if line.tax_rate is None else line.tax_rate
    return (line.position, line.sku, line.unit_price, line.category, line.min_price, tax_rate, line.outside)


@dataclass(slots=True, eq=False)
class Slot:
    """Equal units in the basket."""

    line: BasketLine
    place: Place
    aims: tuple[Aim, ...]
    quantity: int = 0
    gross: int = 0
    """Original amount of all units."""
    component: Component | None = None
    priced: PricedLine | None = None
    """As its component priced it last, while that still holds."""
    topped: PricedLine | None = None
    """The same with what promotions on the whole basket took off."""


@dataclass(slots=True, eq=False)
class Seat:
    """A promotion that this basket may meet. Lists of slots are shared by all who mean the same target, and kept in order."""

    rule: Rule
    turn: Turn
    aims: frozenset[Aim]
    lines: list[Slot]
    buy: list[Slot]
    get: list[Slot]
    counted: list[Slot]
    contained: list[Slot] | None
    anchors: tuple[list[Slot], ...]
    is_open: bool
    is_bare: bool
    """Whether only original amounts count: under best_basket, for what costs the basket nothing."""
    may_act: bool = False
    quantity: int = 0
    gross: int = 0
    units: int = 0
    component: Component | None = None
    tokens: list[object] = field(default_factory=list[object])

    @property
    def is_present(self) -> bool:
        """Whether the basket still holds what brought it into play."""
        return not self.anchors or any(self.anchors)

    @property
    def reads_running(self) -> bool:
        """Whether its condition depends on what others take off."""
        when = self.rule.promotion.when
        return when.min_amount is not None and when.basis == "running" and not self.is_bare

    def refresh(self) -> bool:
        """Looks at what does not depend on other promotions; true where anything changed that its effect depends on."""
        before = (self.may_act, self.quantity, self.gross, self.units)
        promotion = self.rule.promotion
        when = promotion.when
        most = promotion.max_applications or 1
        self.may_act = self.is_open and self._has_lines() and (self.contained is None or bool(self.contained))
        self.quantity = self.gross = 0
        if self.may_act and when.min_qty is not None:
            units = sum(slot.quantity for slot in self.counted)
            self.may_act = units >= when.min_qty
            # Beyond the condition, more units matter only for one more application.
            self.quantity = units if most > 1 else 0
        if self.may_act and when.min_amount is not None:
            gross = sum(slot.gross for slot in self.counted)
            self.may_act = gross >= when.min_amount
            self.gross = gross if most > 1 else 0
        return before != (self.may_act, self.quantity, self.gross, self.units)

    def _has_lines(self) -> bool:
        match self.rule.promotion.mechanic:
            case FreeGift():
                self.units = sum(slot.quantity for slot in self.buy)
                return self.units > 0
            case BuyXGetY(buy_quantity=needed):
                return bool(self.get) and sum(slot.quantity for slot in self.buy) >= needed
            case NForPrice(n=needed):
                return sum(slot.quantity for slot in self.lines) >= needed
            case _:
                return bool(self.lines)

    def couple(self) -> None:
        """Notes in `tokens` what it shares with others: slots, an exclusive group, the member's points."""
        promotion = self.rule.promotion
        tokens: list[object] = []
        match promotion.mechanic:
            case FreeGift() | PointsEarn():
                pass
            case BuyXGetY():
                tokens += self.buy
                tokens += self.get
            case PointsBurn():
                tokens += self.lines
                tokens.append(PointsBurn)
            case _:
                tokens += self.lines
        if self.reads_running:
            tokens += self.counted
        if promotion.exclusive_group is not None:
            tokens.append(promotion.exclusive_group)
        self.tokens = tokens

    def reach(self, index: dict[Slot, int]) -> Reach:
        """The same by indices."""
        is_pair = isinstance(self.rule.promotion.mechanic, BuyXGetY)
        bare = isinstance(self.rule.promotion.mechanic, FreeGift | PointsEarn)
        return Reach(
            self.rule,
            [] if is_pair or bare else [index[slot] for slot in self.lines],
            [index[slot] for slot in self.buy] if is_pair else [],
            [index[slot] for slot in self.get] if is_pair else [],
            [index[slot] for slot in self.counted] if self.reads_running else None,
            self.quantity, self.gross, self.may_act, self.units,
        )  # fmt: skip


def slots_of(seats: Iterable[Seat]) -> list[Slot]:
    """The slots that the seats share, in the engine's order."""
    slots = {token for seat in seats for token in seat.tokens if isinstance(token, Slot)}
    return sorted(slots, key=lambda slot: slot.place)
