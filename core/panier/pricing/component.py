"""Promotions that compete with each other, with the lines they share: priced by themselves, because nothing else touches them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from panier.pricing.basket import Explanation, Settings
from panier.pricing.hope import Hope
from panier.pricing.ledger import Effect, Ledger
from panier.pricing.search import act, find_best
from panier.pricing.seat import Seat, Slot, Turn, slots_of


@dataclass(slots=True, eq=False)
class Component:
    """Seats in order of their turns, the slots they share in the engine's order, and what became of them."""

    seats: list[Seat]
    slots: list[Slot]
    tokens: list[object]
    ledger: Ledger
    acted: list[tuple[Seat, Effect]]
    earning: list[Seat]
    saved: int
    """What is paid less than without promotions, tax included."""
    saved_by_priority: int
    """What priority alone would have saved."""
    plain: Ledger
    """The slots as priority alone would have left them."""
    is_proven: bool
    turn: Turn
    """When the first of them acted."""
    savings: list[Explanation]
    """What each of `acted` took off."""
    hope: int | None = None
    """What `most_saved` found."""

    def most_saved(self, settings: Settings, points: int) -> int:
        """What its promotions could save at the most, even where others reduce its lines in between; see hope.py."""
        if self.hope is None:
            index = {slot: number for number, slot in enumerate(self.slots)}
            hope = Hope([seat.reach(index) for seat in self.seats], new_ledger(self.slots, settings, points))
            self.hope = hope.most_saved(range(len(self.seats)), hope.ledger)
        return self.hope

    def explanations(self) -> dict[Slot, list[Explanation]]:
        """What came off each slot, in the order in which it did."""
        found: dict[Slot, list[Explanation]] = {}
        for seat, effect in self.acted:
            for line, amount in effect.takes.items():
                found.setdefault(self.slots[line], []).append(explain(seat, amount))
        return found


def explain(seat: Seat, amount: int) -> Explanation:
    """What the promotion took off, under its name."""
    promotion = seat.rule.promotion
    return Explanation(promotion.id, promotion.title, amount)


def new_ledger(slots: Sequence[Slot], settings: Settings, points: int) -> Ledger:
    """The slots as they stand before promotions."""
    return Ledger([slot.line for slot in slots], settings, points, [slot.quantity for slot in slots])


def solve(seats: list[Seat], settings: Settings, points: int) -> Component:
    """Prices seats that are given in order of their turns."""
    slots = slots_of(seats)
    index = {slot: number for number, slot in enumerate(slots)}
    ledger = new_ledger(slots, settings, points)
    reaches = [seat.reach(index) for seat in seats]
    before = ledger.payable
    found = find_best(reaches, ledger) if settings.selection == "best_basket" else act(reaches, ledger)
    acted = [(seats[number], effect) for number, effect in found.steps if not effect.is_earning]
    earning = [seats[number] for number, effect in found.steps if effect.is_earning]
    return Component(
        seats=seats, slots=slots, tokens=[token for seat in seats for token in seat.tokens], ledger=found.ledger,
        acted=acted, earning=earning,
        saved=before - found.ledger.payable, saved_by_priority=before - found.plain.payable, plain=found.plain,
        is_proven=found.is_proven, turn=acted[0][0].turn if acted else seats[0].turn,
        savings=[explain(seat, effect.saving) for seat, effect in acted],
    )  # fmt: skip


def partition(seats: Iterable[Seat]) -> list[list[Seat]]:
    """The seats in groups that share nothing with each other, each in order of turns."""
    owner: dict[object, list[Seat]] = {}
    groups: dict[int, list[Seat]] = {}
    for seat in sorted(seats, key=lambda seat: seat.turn):
        met = {id(owner[token]): owner[token] for token in seat.tokens if token in owner}
        group = max(met.values(), key=len) if met else []
        for other in met.values():
            if other is not group:
                group += other
                del groups[id(other)]
                owner.update((token, group) for member in other for token in member.tokens)
        group.append(seat)
        groups[id(group)] = group
        owner.update((token, group) for token in seat.tokens)
    for group in groups.values():
        group.sort(key=lambda seat: seat.turn)
    return list(groups.values())
