"""Which promotions a basket brings into play: slots for its lines, seats for its promotions, and what changed of them."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter

from panier.mechanic import FreeGift, PointsEarn
from panier.pricing.basket import BasketLine, Shopper
from panier.pricing.gate import admits, read_clock
from panier.pricing.rule import PromotionSet, Rule
from panier.pricing.seat import Aim, Place, Seat, Slot, place_of

BY_PLACE = attrgetter("place")


class Seating:
    """Keeps slots and seats as lines and shopper change; `changed`, `moved` and `stale` say what must be looked at anew.

    A promotion that came into play stays, though it may have nothing to act upon any more.
    """

    def __init__(self, promotions: PromotionSet) -> None:
        self.promotions = promotions
        self.is_best = promotions.settings.selection == "best_basket"
        self.shopper = Shopper()
        self.lines: list[BasketLine] = []
        self.given: list[Slot] = []
        """The slot of each of `lines`."""
        self.slots: dict[Place, Slot] = {}
        self.in_order: list[Slot] = []
        self.seats: dict[Aim, Seat] = {}
        self.uncommon: list[Seat] = []
        """Seats that are not priced within a component."""
        self.users: defaultdict[Aim, list[Seat]] = defaultdict(list)
        """The promotions that mean a target."""
        self._aimed: defaultdict[Aim, list[Slot]] = defaultdict(list)
        self._timed: list[Seat] = []
        self.changed: set[Slot] = set()
        """Slots with another quantity."""
        self.moved: set[Slot] = set()
        """Slots that came or went."""
        self.stale: set[Seat] = set()
        """Promotions that came into play, opened or shut."""

    def welcome(self, shopper: Shopper) -> None:
        """Seats what this shopper may meet whatever the basket holds; only the first time."""
        self.shopper = shopper
        for number, book in enumerate(self.promotions.books):
            for rule in sorted(book.standing(shopper.segments, shopper.coupons)):
                self._join(number, rule)

    def look_at_clock(self, shopper: Shopper) -> None:
        """Opens and shuts what has a window; `shopper` differs from the one before by the time alone."""
        self.shopper = shopper
        clock = read_clock(shopper)
        for seat in self._timed:
            is_open = admits(seat.rule.promotion, shopper, clock)
            if is_open is not seat.is_open:
                seat.is_open = is_open
                self.stale.add(seat)

    def fill(self, lines: Sequence[BasketLine]) -> None:
        """Notes what the basket holds now; the slots that differ from the last call are `changed`."""
        held, given = self.lines, self.given
        if len(lines) < len(held):
            for line, slot in zip(held[len(lines) :], given[len(lines) :], strict=True):
                self.put(slot, -line.quantity)
            del held[len(lines) :], given[len(lines) :]
        for number, line in enumerate(held):
            new = lines[number]
            if new is not line and new != line:
                self.put(given[number], -line.quantity)
                given[number] = self.slot(new)
                self.put(given[number], new.quantity)
            held[number] = new
        for line in lines[len(held) :]:
            slot = self.slot(line)
            held.append(line)
            given.append(slot)
            self.put(slot, line.quantity)
        for slot in self.moved:
            if not slot.quantity and slot.place in self.slots:
                self.drop(slot)

    def slot(self, line: BasketLine) -> Slot:
        """The slot of such a line, made where the basket has none."""
        place = place_of(line)
        slot = self.slots.get(place)
        if slot is None:
            books = () if line.outside else self.promotions.books
            aims = tuple((number, target) for number, book in enumerate(books) for target in book.targets_of(line))
            slot = self.slots[place] = Slot(line, place, aims)
            insort(self.in_order, slot, key=BY_PLACE)
            self.moved.add(slot)
            for aim in aims:
                aimed = self._aimed[aim]
                insort(aimed, slot, key=BY_PLACE)
                for rule in self.promotions.books[aim[0]].anchored.get(aim[1], ()) if len(aimed) == 1 else ():
                    self._join(aim[0], rule)
        return slot

    def put(self, slot: Slot, quantity: int) -> None:
        """Adds units to a slot, or takes them away."""
        slot.quantity += quantity
        slot.gross = slot.line.unit_price * slot.quantity
        slot.priced = None
        self.changed.add(slot)
        if not slot.quantity:
            self.moved.add(slot)

    def drop(self, slot: Slot) -> None:
        """Takes away a slot without units."""
        del self.slots[slot.place]
        self.in_order.remove(slot)
        for aim in slot.aims:
            self._aimed[aim].remove(slot)

    def _join(self, book: int, number: int) -> None:
        if (book, number) in self.seats:
            return
        rule = self.promotions.books[book].rules[number]
        is_open = not rule.is_gated or admits(rule.promotion, self.shopper, read_clock(self.shopper))
        if not is_open and not rule.is_timed:
            return
        seat = self.seats[book, number] = self._seat(book, rule, is_open=is_open)
        for aim in seat.aims:
            self.users[aim].append(seat)
        if rule.is_timed:
            self._timed.append(seat)
        if not self.is_common(seat):
            self.uncommon.append(seat)
        self.stale.add(seat)

    def _seat(self, book: int, rule: Rule, *, is_open: bool) -> Seat:
        aimed = self._aimed
        is_basket, rank, position = rule.order
        return Seat(
            rule=rule, turn=(is_basket, rank, book, position), aims=frozenset((book, number) for number in rule.aims),
            lines=aimed[book, rule.target], buy=aimed[book, rule.buy], get=aimed[book, rule.get],
            counted=aimed[book, rule.when_target],
            contained=None if rule.contains is None else aimed[book, rule.contains],
            anchors=tuple(aimed[book, number] for number in rule.anchors),
            is_open=is_open,
            is_bare=self.is_best and isinstance(rule.promotion.mechanic, FreeGift | PointsEarn),
        )  # fmt: skip

    def users_of(self, slots: set[Slot]) -> set[Seat]:
        """The promotions that mean one of these slots."""
        return {seat for slot in slots for aim in slot.aims for seat in self.users[aim]}

    def is_common(self, seat: Seat) -> bool:
        """Whether it is priced within a component."""
        return not (self.is_best and (seat.rule.is_wide or seat.is_bare or seat.rule.promotion.exclusive))
