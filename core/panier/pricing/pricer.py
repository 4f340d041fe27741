"""Pricing one basket again and again: after a scan only what that scan can change is priced anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from panier.pricing.basket import BasketLine, NearMiss, PricedBasket, Shopper
from panier.pricing.bill import write_bill
from panier.pricing.component import Component, partition, solve
from panier.pricing.exclusive import with_exclusives
from panier.pricing.near import Lack, lack
from panier.pricing.outcome import Outcome, add_benefits, best_single, by_turn, put_together
from panier.pricing.rule import PromotionSet
from panier.pricing.seat import Seat
from panier.pricing.seating import Seating
from panier.pricing.top import on_top

# Near misses that are priced through, in the order of their turns; more would cost more time than a shopper's glance is worth.
_TRIED = 6
_BY_TURN = attrgetter("turn")


class Pricer:
    """Prices one basket with one set of promotions.

    Each call of `price` says what the basket now holds; the result is that of pricing it from nothing, and costs what changed
    since the call before. Not for several threads.
    """

    def __init__(self, promotions: PromotionSet) -> None:
        self.promotions = promotions
        self._settings = promotions.settings
        self._shopper: Shopper | None = None
        self._clear()

    def _clear(self) -> None:
        self._seating = Seating(self.promotions)
        self._owner: dict[object, Component] = {}
        self._components: set[Component] = set()

    def price(self, lines: Sequence[BasketLine], shopper: Shopper, *, prompts: int = 0) -> PricedBasket:
        """Prices a basket, and names up to `prompts` promotions that it nearly meets.

        The result depends on what the basket holds, never on the order of `lines`, coupons or segments: equal lines are merged,
        and the engine works in an order of its own (position, then SKU, then price).
        """
        self._meet(shopper)
        self._seating.fill(lines)
        outcome = self._outcome()
        priced = write_bill(outcome, self._seating)
        if prompts:
            priced = replace(priced, near_misses=self._near_misses(outcome, priced, prompts))
        return priced

    def _meet(self, shopper: Shopper) -> None:
        known = self._shopper
        self._shopper = shopper
        if known is shopper:
            return
        if known is not None and replace(known, now=shopper.now) == shopper:
            if shopper.now != known.now:
                self._seating.look_at_clock(shopper)
            return
        if known is not None:
            self._clear()
        self._seating.welcome(shopper)

    # -- what competes with what ---------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Prices the components that what changed belongs to."""
        seating = self._seating
        users, stale = seating.users_of(seating.changed | seating.moved) | seating.stale, seating.stale.copy()
        moved = seating.users_of(seating.moved)
        for seat in users:
            if seat.refresh() or (seat.may_act and seat in moved):
                stale.add(seat)
        released = [slot.component for slot in seating.changed if slot.component] + [
            seat.component for seat in stale if seat.component
        ]
        for slot in seating.moved:
            slot.component = None
        pool: set[Seat] = set()
        for seat in stale:
            seat.couple()
        waiting = [seat for seat in stale if seat.may_act and seating.is_common(seat)]
        while released or waiting:
            for component in released:
                if component in self._components:
                    self._components.remove(component)
                    self._release(component)
                    waiting += component.seats
            released.clear()
            for seat in waiting:
                if seat.may_act and seat not in pool:
                    pool.add(seat)
                    released += [owner for token in seat.tokens if (owner := self._owner.get(token)) is not None]
            waiting = []
        for seats in partition(pool):
            self._own(solve(seats, self._settings, self._seating.shopper.points))
        seating.changed.clear()
        seating.moved.clear()
        seating.stale.clear()

    def _release(self, component: Component) -> None:
        for seat in component.seats:
            seat.component = None
        for token in component.tokens:
            self._owner.pop(token, None)
        for slot in component.slots:
            slot.component = slot.priced = None

    def _own(self, component: Component) -> None:
        self._components.add(component)
        for seat in component.seats:
            seat.component = component
        for token in component.tokens:
            self._owner[token] = component
        for slot in component.slots:
            slot.component = component
            slot.priced = None

    def _outcome(self) -> Outcome:
        """What promotions make of the basket as it now is."""
        points, settings = self._seating.shopper.points, self._settings
        self._settle()
        if settings.selection == "best_single":
            return best_single(self._able(), self._seating.in_order, settings, points)
        if not self._seating.is_best:
            if any(seat.rule.promotion.exclusive for component in self._components for seat in component.seats):
                return by_turn(self._able(), self._seating.in_order, settings, points)
            outcome = put_together(self._in_order())
            outcome.actions.sort(key=lambda action: action[0].turn)
            outcome.earning.sort(key=_BY_TURN)
            return outcome
        apart = sorted((seat for seat in self._seating.uncommon if seat.may_act), key=_BY_TURN)
        bare = [seat for seat in apart if seat.is_bare]
        exclusive = [seat for seat in apart if seat.rule.promotion.exclusive and not seat.is_bare]
        wide = [seat for seat in apart if seat.rule.is_wide and not seat.rule.promotion.exclusive]
        components = self._in_order()
        outcome = on_top(components, wide, self._seating.in_order, settings, points) if wide else put_together(components)
        if exclusive:
            common = [seat for seat in self._able() if not seat.rule.promotion.exclusive and not seat.is_bare]
            outcome = with_exclusives(outcome, common, exclusive, self._seating.in_order, settings, points)
        add_benefits(outcome, bare)
        if exclusive or any(seat.rule.promotion.exclusive or seat.rule.promotion.exclusive_group for seat in bare):
            outcome.saved_by_priority = self._saved_by_priority()
        return outcome

    def _able(self) -> list[Seat]:
        return sorted((seat for seat in self._seating.seats.values() if seat.may_act), key=_BY_TURN)

    def _in_order(self) -> list[Component]:
        return sorted(self._components, key=lambda component: component.seats[0].turn)

    def _saved_by_priority(self) -> int:
        plain = replace(self.promotions, settings=replace(self._settings, selection="priority"))
        other = Pricer(plain)
        other._meet(self._seating.shopper)
        other._seating.fill(self._seating.lines)
        return other._outcome().saved

    # -- what it nearly meets ------------------------------------------------------------------------------------------

    def _near_misses(self, outcome: Outcome, priced: PricedBasket, most: int) -> tuple[NearMiss, ...]:
        """The most valuable of the first few near misses, each confirmed by pricing the basket as it would be."""
        before: dict[str, int] = {}
        for saving in priced.savings:
            before[saving.promotion] = before.get(saving.promotion, 0) + saving.amount
        acted = {seat for seat, _, _ in (*outcome.actions, *outcome.gifts)}
        found: list[NearMiss] = []
        for seat, missing in self._lacks(outcome, acted):
            promotion = seat.rule.promotion
            line = missing.line(self._seating.slots.values())
            own, saved = self._if_added(line, promotion.id)
            saving = min(own - before.get(promotion.id, 0), saved - priced.discount)
            if saving > 0:
                found.append(
                    NearMiss(
                        promotion=promotion.id, title=promotion.title, saving=saving, quantity=missing.quantity,
                        sku=line.sku or None, category=line.category or None, amount=missing.amount,
                    )
                )  # fmt: skip
        found.sort(key=lambda miss: (-miss.saving, miss.promotion))
        return tuple(found[:most])

    def _lacks(self, outcome: Outcome, acted: set[Seat]) -> list[tuple[Seat, Lack]]:
        found: list[tuple[Seat, Lack]] = []
        for seat in sorted((seat for seat in self._seating.seats.values() if seat.is_open and seat.is_present), key=_BY_TURN):
            # What acted saw the amounts before it; for what did not, those that are left count.
            missing = lack(seat, {} if seat in acted else outcome.net)
            if missing is not None:
                found.append((seat, missing))
                if len(found) == _TRIED:
                    break
        return found

    def _if_added(self, line: BasketLine, promotion: str) -> tuple[int, int]:
        """What this promotion, and all of them, would save with one line more."""
        slot = self._seating.slot(line)
        self._seating.put(slot, line.quantity)
        outcome = self._outcome()
        actions = (*outcome.actions, *outcome.gifts)
        own = sum(effect.saving for seat, effect, _ in actions if seat.rule.promotion.id == promotion)
        saved = sum(effect.saving for _, effect, _ in actions)
        self._seating.put(slot, -line.quantity)
        if not slot.quantity:
            self._seating.drop(slot)
        return own, saved
