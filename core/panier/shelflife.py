"""What a product's label must say before a piece is sold at its price: recalls by lot, and mark-downs by date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len, Predicate


def is_day(text: str) -> bool:
    """True for an ISO date such as 2026-11-28, and for nothing at all."""
    try:
        return not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


Day = Annotated[str, Predicate(is_day)]
Mark = Annotated[str, Len(1, 20)]
"""A lot or a serial number, as AI 10 and 21 hold them."""
Verdict = Literal["clear", "look", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Which pieces of a product are called back: all, or those of these lots, of these serials, or with a date of these days.

    Where several of them are given, a piece is recalled that fits all. `reason` is told to the shopper.
    """

    reason: Annotated[str, Len(1, 80)]
    lots: Annotated[tuple[Mark, ...], Len(0, 100)] = ()
    serials: Annotated[tuple[Mark, ...], Len(0, 1000)] = ()
    first_day: Day = ""
    last_day: Day = ""

    def judge(self, lot: str = "", serial: str = "", day: str = "") -> Verdict:
        """Of a piece whose label says this (day ISO, "" where it says nothing): `look` where only a person can tell."""
        tests = [(said, said in wanted) for wanted, said in ((self.lots, lot), (self.serials, serial)) if wanted]
        if self.first_day or self.last_day:
            tests.append((day, self.first_day <= day and (not self.last_day or day <= self.last_day)))
        if any(said and not fits for said, fits in tests):
            return "clear"
        return "stop" if all(said for said, _ in tests) else "look"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkDown:
    """`percent` less for a piece that has `days` or fewer left; 0 is its last day."""

    days: Annotated[int, Ge(0), Le(365)]
    percent: Annotated[int, Ge(1), Le(99)]


def due(steps: Iterable[MarkDown], day: str, today: str) -> int:
    """Percent off a piece whose label says `day`, on `today`, both ISO; 0 where none of the `steps` is reached.

    The greatest counts; a day that has passed is below every step.
    """
    if not day:
        return 0
    left = (date.fromisoformat(day) - date.fromisoformat(today)).days
    return max((step.percent for step in steps if left <= step.days), default=0)


def reduced(unit_price: int, percent: int) -> int:
    """A price less `percent`, rounded half up to the minor unit."""
    return (2 * unit_price * (100 - percent) + 100) // 200
