"""Pricing one basket again and again: after a scan only what that scan can change is priced anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from panier.mechanic import FreeGift, PointsEarn
from panier.money import exponent
from panier.pricing.basket import BasketLine, Explanation, NearMiss, PricedBasket, PricedLine, Shopper
from panier.pricing.component import Component, explain, partition, solve
from panier.pricing.gate import admits, read_clock
from panier.pricing.ledger import tax_on
from panier.pricing.near import Lack, lack
from panier.pricing.outcome import Outcome, add_benefits, best_single, by_turn, on_top, put_together, with_exclusives
from panier.pricing.rule import PromotionSet, Rule
from panier.pricing.seat import Aim, Place, Seat, Slot, place_of

# Near misses that are priced through, in the order of their turns; more would cost more time than a shopper's glance is worth.
_TRIED = 6
_BY_PLACE = attrgetter("place")
_BY_TURN = attrgetter("turn")


class Pricer:
    """Prices one basket with one set of promotions.

    Each call of `price` says what the basket now holds; the result is that of pricing it from nothing, and costs what changed
    since the call before. Not for several threads.
    """

    def __init__(self, promotions: PromotionSet) -> None:
        self.promotions = promotions
        self._settings = promotions.settings
        self._is_best = promotions.settings.selection == "best_basket"
        self._clear()

    def _clear(self) -> None:
        self._shopper: Shopper | None = None
        self._lines: list[BasketLine] = []
        self._given: list[Slot] = []
        self._slots: dict[Place, Slot] = {}
        self._aimed: defaultdict[Aim, list[Slot]] = defaultdict(list)
        self._users: defaultdict[Aim, list[Seat]] = defaultdict(list)
        self._seats: dict[Aim, Seat] = {}
        self._timed: list[Seat] = []
        self._uncommon: list[Seat] = []
        self._owner: dict[object, Component] = {}
        self._components: set[Component] = set()
        self._changed: set[Slot] = set()
        self._moved: set[Slot] = set()
        self._stale: set[Seat] = set()

    def price(self, lines: Sequence[BasketLine], shopper: Shopper, *, prompts: int = 0) -> PricedBasket:
        """Prices a basket, and names up to `prompts` promotions that it nearly meets.

        The result depends on what the basket holds, never on the order of `lines`, coupons or segments: equal lines are merged,
        and the engine works in an order of its own (position, then SKU, then price).
        """
        self._meet(shopper)
        self._fill(lines)
        outcome = self._outcome()
        priced = self._priced(outcome)
        if prompts:
            priced = replace(priced, near_misses=self._near_misses(outcome, priced, prompts))
        return priced

    @property
    def components(self) -> list[Component]:
        """The parts of the basket that were last priced by themselves, in order of turns."""
        return self._in_order()

    # -- who, and when -------------------------------------------------------------------------------------------------

    def _meet(self, shopper: Shopper) -> None:
        known = self._shopper
        if known is shopper:
            return
        if known is not None and replace(known, now=shopper.now) == shopper:
            if shopper.now != known.now:
                self._shopper = shopper
                self._look_at_clock()
            return
        if known is not None:
            self._clear()
        self._shopper = shopper
        for number, book in enumerate(self.promotions.books):
            for rule in sorted(book.standing(shopper.segments, shopper.coupons)):
                self._join(number, rule)

    def _look_at_clock(self) -> None:
        assert self._shopper is not None
        clock = read_clock(self._shopper)
        for seat in self._timed:
            is_open = admits(seat.rule.promotion, self._shopper, clock)
            if is_open is not seat.is_open:
                seat.is_open = is_open
                self._stale.add(seat)

    # -- what is in the basket -----------------------------------------------------------------------------------------

    def _fill(self, lines: Sequence[BasketLine]) -> None:
        """Notes which slots differ from those of the last call."""
        held, given = self._lines, self._given
        if len(lines) < len(held):
            for line, slot in zip(held[len(lines) :], given[len(lines) :], strict=True):
                self._put(slot, -line.quantity)
            del held[len(lines) :], given[len(lines) :]
        for number, line in enumerate(held):
            new = lines[number]
            if new is not line and new != line:
                self._put(given[number], -line.quantity)
                given[number] = self._slot(new)
                self._put(given[number], new.quantity)
            held[number] = new
        for line in lines[len(held) :]:
            slot = self._slot(line)
            held.append(line)
            given.append(slot)
            self._put(slot, line.quantity)
        for slot in self._moved:
            if not slot.quantity and slot.place in self._slots:
                self._drop(slot)

    def _slot(self, line: BasketLine) -> Slot:
        place = place_of(line)
        slot = self._slots.get(place)
        if slot is None:
            books = () if line.outside else self.promotions.books
            aims = tuple((number, target) for number, book in enumerate(books) for target in book.targets_of(line))
            slot = self._slots[place] = Slot(line, place, aims)
            self._moved.add(slot)
            for aim in aims:
                aimed = self._aimed[aim]
                aimed.append(slot)
                aimed.sort(key=_BY_PLACE)
                for rule in self.promotions.books[aim[0]].anchored.get(aim[1], ()) if len(aimed) == 1 else ():
                    self._join(aim[0], rule)
        return slot

    def _put(self, slot: Slot, quantity: int) -> None:
        slot.quantity += quantity
        slot.gross = slot.line.unit_price * slot.quantity
        slot.priced = None
        self._changed.add(slot)
        if not slot.quantity:
            self._moved.add(slot)

    def _drop(self, slot: Slot) -> None:
        del self._slots[slot.place]
        for aim in slot.aims:
            self._aimed[aim].remove(slot)

    def _join(self, book: int, number: int) -> None:
        """A promotion comes into play; it stays, though it may have nothing to act upon any more."""
        if (book, number) in self._seats:
            return
        assert self._shopper is not None
        rule = self.promotions.books[book].rules[number]
        is_open = not rule.is_gated or admits(rule.promotion, self._shopper, read_clock(self._shopper))
        if not is_open and not rule.is_timed:
            return
        seat = self._seats[book, number] = self._seat(book, rule, is_open=is_open)
        for aim in seat.aims:
            self._users[aim].append(seat)
        if rule.is_timed:
            self._timed.append(seat)
        if not self._is_common(seat):
            self._uncommon.append(seat)
        self._stale.add(seat)

    def _seat(self, book: int, rule: Rule, *, is_open: bool) -> Seat:
        aimed = self._aimed
        numbers = {rule.target, rule.when_target, rule.buy, rule.get}
        if rule.contains is not None:
            numbers.add(rule.contains)
        is_basket, rank, position = rule.order
        return Seat(
            rule=rule, turn=(is_basket, rank, book, position), aims=frozenset((book, number) for number in numbers),
            lines=aimed[book, rule.target], buy=aimed[book, rule.buy], get=aimed[book, rule.get],
            counted=aimed[book, rule.when_target],
            contained=None if rule.contains is None else aimed[book, rule.contains],
            anchors=tuple(aimed[book, number] for number in rule.anchors),
            is_open=is_open,
            is_bare=self._is_best and isinstance(rule.promotion.mechanic, FreeGift | PointsEarn),
        )  # fmt: skip

    # -- what competes with what ---------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Prices the components that what changed belongs to."""
        users, stale = self._users_of(self._changed | self._moved) | self._stale, self._stale.copy()
        moved = self._users_of(self._moved)
        for seat in users:
            if seat.refresh() or (seat.may_act and seat in moved):
                stale.add(seat)
        released = [slot.component for slot in self._changed if slot.component] + [
            seat.component for seat in stale if seat.component
        ]
        for slot in self._moved:
            slot.component = None
        pool: set[Seat] = set()
        for seat in stale:
            seat.couple()
        waiting = [seat for seat in stale if seat.may_act and self._is_common(seat)]
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
        assert self._shopper is not None
        for seats in partition(pool):
            self._own(solve(seats, self._settings, self._shopper.points))
        self._changed.clear()
        self._moved.clear()
        self._stale.clear()

    def _users_of(self, slots: set[Slot]) -> set[Seat]:
        """The promotions that mean one of these slots."""
        return {seat for slot in slots for aim in slot.aims for seat in self._users[aim]}

    def _is_common(self, seat: Seat) -> bool:
        """Whether it is priced within a component."""
        return not (self._is_best and (seat.rule.is_wide or seat.is_bare or seat.rule.promotion.exclusive))

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
        assert self._shopper is not None
        points, settings = self._shopper.points, self._settings
        self._settle()
        if settings.selection == "best_single":
            return best_single(self._able(), self._sorted(), settings, points)
        if not self._is_best:
            if any(seat.rule.promotion.exclusive for component in self._components for seat in component.seats):
                return by_turn(self._able(), self._sorted(), settings, points)
            outcome = put_together(self._in_order())
            outcome.actions.sort(key=lambda action: action[0].turn)
            outcome.earning.sort(key=_BY_TURN)
            return outcome
        apart = sorted((seat for seat in self._uncommon if seat.may_act), key=_BY_TURN)
        bare = [seat for seat in apart if seat.is_bare]
        exclusive = [seat for seat in apart if seat.rule.promotion.exclusive and not seat.is_bare]
        wide = [seat for seat in apart if seat.rule.is_wide and not seat.rule.promotion.exclusive]
        components = self._in_order()
        outcome = on_top(components, wide, self._sorted(), settings, points) if wide else put_together(components)
        if exclusive:
            common = [seat for seat in self._able() if not seat.rule.promotion.exclusive and not seat.is_bare]
            outcome = with_exclusives(outcome, common, exclusive, self._sorted(), settings, points)
        add_benefits(outcome, bare)
        if exclusive or any(seat.rule.promotion.exclusive or seat.rule.promotion.exclusive_group for seat in bare):
            outcome.saved_by_priority = self._saved_by_priority()
        return outcome

    def _able(self) -> list[Seat]:
        return sorted((seat for seat in self._seats.values() if seat.may_act), key=_BY_TURN)

    def _in_order(self) -> list[Component]:
        return sorted(self._components, key=lambda component: component.seats[0].turn)

    def _sorted(self) -> list[Slot]:
        return sorted(self._slots.values(), key=_BY_PLACE)

    def _saved_by_priority(self) -> int:
        assert self._shopper is not None
        plain = replace(self.promotions, settings=replace(self._settings, selection="priority"))
        other = Pricer(plain)
        other._meet(self._shopper)
        other._fill(self._lines)
        return other._outcome().saved

    # -- what it comes to ----------------------------------------------------------------------------------------------

    def _priced(self, outcome: Outcome) -> PricedBasket:
        actions = [*outcome.actions, *outcome.gifts]
        known = [saving for component in outcome.components for saving in component.savings] if self._is_best else []
        savings = [*known, *(explain(seat, effect.saving) for seat, effect, _ in actions[len(known) :])]
        lines = self._priced_lines(outcome)
        free_units: dict[str, int] = {}
        for (_, effect, _), saving in zip(actions, savings, strict=True):
            if effect.gift is not None:
                sku, unit_price, count = effect.gift
                free_units[sku] = free_units.get(sku, 0) + count
                lines.append(PricedLine(sku, unit_price, count, effect.saving, effect.saving, (saving,), is_gift=True))
        gross, discount = sum(line.gross for line in lines), sum(line.discount for line in lines)
        tax = self._tax(outcome.net)
        return PricedBasket(
            currency=self.promotions.currency, lines=tuple(lines), units=sum(line.quantity for line in lines),
            gross=gross, discount=discount, total=gross - discount + (tax or 0), tax=tax, savings=tuple(savings),
            applied=(*(saving.promotion for saving in savings), *(seat.rule.promotion.id for seat in outcome.earning)),
            points_earned=self._points(outcome), points_burned=sum(effect.points for _, effect, _ in actions),
            free_units=free_units, proven=self._is_best and outcome.is_proven,
            gained=outcome.saved - outcome.saved_by_priority if self._is_best else 0,
        )  # fmt: skip

    def _priced_lines(self, outcome: Outcome) -> list[PricedLine]:
        """The lines in the order they were given in; those of components that stayed as they were are kept."""
        given = self._given if len(self._given) == len(self._slots) else list(dict.fromkeys(self._given))
        is_kept = bool(outcome.components) or not outcome.actions
        explained: dict[Slot, list[Explanation]] = {}
        if is_kept:
            for component in outcome.components:
                if any(slot.priced is None for slot in component.slots):
                    explained |= component.explanations()
        else:
            for seat, effect, slots in outcome.actions:
                for line, amount in effect.takes.items():
                    explained.setdefault(slots[line], []).append(explain(seat, amount))
        lines: list[PricedLine] = []
        for slot in given:
            priced = slot.priced if is_kept else None
            if priced is None:
                line, gross = slot.line, slot.gross
                off = gross - outcome.net.get(slot, gross)
                priced = PricedLine(line.sku, line.unit_price, slot.quantity, gross, off, tuple(explained.get(slot, ())))
            slot.priced = priced if is_kept else None
            lines.append(priced)
        return lines

    def _points(self, outcome: Outcome) -> int:
        """Points on what the basket comes to in the end, whenever their promotions had their turn."""
        points = 0
        for seat in outcome.earning:
            mechanic = seat.rule.promotion.mechanic
            assert isinstance(mechanic, PointsEarn)
            net = outcome.net if mechanic.after_discount else {}
            minor = sum(net.get(slot, slot.gross) for slot in seat.lines)
            points += minor * mechanic.rate.numerator // (mechanic.rate.denominator * 10 ** exponent(self.promotions.currency))
        return points

    def _tax(self, net: dict[Slot, int]) -> int | None:
        """Tax by line on what the line comes to, rounded half up; None where no line states a rate."""
        taxed = [slot for slot in self._slots.values() if slot.line.tax_rate is not None]
        return sum(tax_on(net.get(slot, slot.gross), slot.line.tax_rate or 0) for slot in taxed) if taxed else None

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
            line = missing.line(self._slots.values())
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
        for seat in sorted((seat for seat in self._seats.values() if seat.is_open and seat.is_present), key=_BY_TURN):
            # What acted saw the amounts before it; for what did not, those that are left count.
            missing = lack(seat, {} if seat in acted else outcome.net)
            if missing is not None:
                found.append((seat, missing))
                if len(found) == _TRIED:
                    break
        return found

    def _if_added(self, line: BasketLine, promotion: str) -> tuple[int, int]:
        """What this promotion, and all of them, would save with one line more."""
        slot = self._slot(line)
        self._put(slot, line.quantity)
        outcome = self._outcome()
        actions = (*outcome.actions, *outcome.gifts)
        own = sum(effect.saving for seat, effect, _ in actions if seat.rule.promotion.id == promotion)
        saved = sum(effect.saving for _, effect, _ in actions)
        self._put(slot, -line.quantity)
        if not slot.quantity:
            self._drop(slot)
        return own, saved
