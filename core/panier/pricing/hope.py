"""What several promotions can save together at the most: the bound that lets the search leave out branches, and proves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from panier.pricing.bound import envelope, most_saved
from panier.pricing.cut import Cut, Cuts, cuts_of
from panier.pricing.effect import picks_units
from panier.pricing.ledger import Ledger
from panier.pricing.reach import Reach

_FOLLOWED = 5
"""Different cuts of one line that are followed through in all their orders; the bound of more is their sum."""
_Key = tuple[int, int, tuple[Cut, ...], bool]


@dataclass(slots=True)
class Hope:
    """The bound for several promotions together, from the state that `ledger` is in at first.

    What they take off single lines is followed through line by line, as if each line had an order of its own; the rest adds up,
    and of an exclusive group the one that saves most counts. It holds as well where others reduce lines in between, as long as
    they pick no units.
    """

    reaches: Sequence[Reach]
    ledger: Ledger
    cuts: list[Cuts | None] = field(init=False)
    """What each of them does line by line, where it does nothing else."""
    by_line: dict[int, list[tuple[int, Cut]]] = field(init=False)
    """For each line the promotions that are followed through on it, with what they take at the most."""
    added: set[int] = field(init=False)
    """The promotions whose bounds add up."""
    known: dict[_Key, int] = field(default_factory=dict[_Key, int])

    def __post_init__(self) -> None:
        ledger = self.ledger
        picking = Counter(
            line
            for reach in self.reaches
            if picks_units(reach.rule.promotion.mechanic)
            for line in {*reach.lines, *reach.buy, *reach.get}
        )
        self.cuts, self.by_line, self.added = [], {}, set()
        for number, reach in enumerate(self.reaches):
            own = cuts_of(reach, ledger)
            self.cuts.append(own)
            if own is None:
                own = envelope(reach, ledger, picking)
            if own is None or reach.rule.promotion.exclusive_group is not None:
                self.added.add(number)
                continue
            for line, cut in own.items():
                self.by_line.setdefault(line, []).append((number, cut))

    def most_saved(self, left: Sequence[int], ledger: Ledger) -> int:
        """What the promotions that are `left` can still take off together at the most."""
        most = 0
        groups: dict[str, int] = {}
        for number in left:
            if number in self.added:
                own = most_saved(self.reaches[number], ledger)
                group = self.reaches[number].rule.promotion.exclusive_group
                if group is None:
                    most += own
                else:
                    groups[group] = max(own, groups.get(group, 0))
        is_left = set(left)
        for line, cuts in self.by_line.items():
            ahead = tuple(sorted(cut for number, cut in cuts if number in is_left))
            if ahead:
                most += self._off_line(line, ledger.running[line], ahead)
        return min(most + sum(groups.values()), sum(ledger.running))

    def settled(self) -> set[int]:
        """The lines that nothing but cuts concerns, and of which all orders of their cuts leave the same."""
        shared: set[int] = set()
        for number, reach in enumerate(self.reaches):
            if number in self.added or self.cuts[number] is None or not is_plain(reach):
                shared.update(reach.lines, reach.buy, reach.get, reach.counted or ())
        settled: set[int] = set()
        for line, cuts in self.by_line.items():
            ahead = tuple(sorted(cut for _, cut in cuts))
            if line not in shared and len(set(ahead)) <= _FOLLOWED:
                amount = self.ledger.running[line]
                if self._off_line(line, amount, ahead) == self._off_line(line, amount, ahead, worst=True):
                    settled.add(line)
        return settled

    def _off_line(self, line: int, amount: int, cuts: tuple[Cut, ...], *, worst: bool = False) -> int:
        """What all of the cuts take off one line, in the order that takes most, or least."""
        key = (line, amount, cuts, worst)
        known = self.known.get(key)
        if known is not None:
            return known
        floor = self.ledger.floor[line]
        if len(set(cuts)) > _FOLLOWED:
            off = sum(cut.off(amount, floor) for cut in cuts)
        else:
            found: list[int] = []
            for number, cut in enumerate(cuts):
                if number and cut == cuts[number - 1]:
                    continue
                own = cut.off(amount, floor)
                rest = cuts[:number] + cuts[number + 1 :]
                found.append(own + self._off_line(line, amount - own, rest, worst=worst) if rest else own)
            off = min(found) if worst else max(found)
        self.known[key] = off
        return off


def is_plain(reach: Reach) -> bool:
    """Whether nothing but its lines decides what the promotion does."""
    promotion = reach.rule.promotion
    return reach.counted is None and promotion.budget is None and not promotion.only_undiscounted
