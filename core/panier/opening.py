"""When a promotion is open next: its window and its hours on the store's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from panier.definition import Moment
from panier.pricing import Shopper
from panier.pricing.gate import admits, read_clock
from panier.promotion import Promotion

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = 8
"""Within so many days each weekday comes, and today comes again."""


def next_opening(promotion: Promotion, now: datetime) -> datetime | None:
    """The first moment from `now` on when `promotion`, which asks nothing of the shopper, is open; None where it never is again.

    `now` carries the store's time zone, and so does the answer.
    """
    start = now
    clock = read_clock(Shopper(now=now))
    assert clock is not None
    if promotion.valid_from is not None and not clock.has_reached(promotion.valid_from):
        start = _in_zone(promotion.valid_from, now)
    if _is_open(promotion, start):
        return start
    if promotion.schedule is None:
        return None
    # On the wall clock, which is what the hours are written in.
    opens = start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=promotion.schedule.start)
    days = (opens + timedelta(days=number) for number in range(_DAYS))
    return next((day for day in days if day >= start and _is_open(promotion, day)), None)


def _is_open(promotion: Promotion, at: datetime) -> bool:
    shopper = Shopper(now=at)
    return admits(promotion, shopper, read_clock(shopper))


def _in_zone(moment: Moment, now: datetime) -> datetime:
    at = _EPOCH + timedelta(milliseconds=moment.at)
    return at.replace(tzinfo=now.tzinfo) if moment.local else at.astimezone(now.tzinfo)
