"""Whom a promotion is for, when, and how often, in the words of the shop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel.dates import get_day_names

from panier.definition import Moment
from panier.member import EVERY_MEMBER
from panier.promotion import Promotion, Schedule
from panier_backoffice.words import Words

_WEEK = 7


def whom(promotion: Promotion) -> str:
    """For example "for members of regulars who show the coupon TEA"."""
    if promotion.segment == EVERY_MEMBER:
        said = "every member"
    elif promotion.segment is not None:
        said = f"members of {promotion.segment}"
    else:
        said = "every member" if promotion.nth_order is not None else "every shopper"
    if promotion.coupon is not None:
        said += f" with the coupon {promotion.coupon}"
    return f"for {said}"


def terms(promotion: Promotion, words: Words) -> list[str]:
    """Every further condition and limit, one a sentence, the basket's first."""
    return [*_basket(promotion, words), *_times(promotion, words), *_limits(promotion, words), *_company(promotion)]


def _basket(promotion: Promotion, words: Words) -> Iterator[str]:
    when = promotion.when
    what = "of what it means" if when.target is None else "of the products that its condition names"
    if when.min_qty:
        yield f"from {words.number(when.min_qty)} {'unit' if when.min_qty == 1 else 'units'} {what}"
    if when.min_amount:
        yield f"from {words.money(when.min_amount)} {what}"
    if when.contains is not None:
        yield "only beside a product that its condition names"
    if promotion.only_undiscounted:
        yield "not on what a lower shelf price reduced already"
    if promotion.nth_order is not None:
        yield f"on a member's order number {words.number(promotion.nth_order)}"


def _times(promotion: Promotion, words: Words) -> Iterator[str]:
    if promotion.valid_from is not None:
        yield f"from {_moment(promotion.valid_from, words)}"
    if promotion.valid_to is not None:
        yield f"until {_moment(promotion.valid_to, words)}"
    if promotion.schedule is not None:
        yield _hours(promotion.schedule, words)


def _limits(promotion: Promotion, words: Words) -> Iterator[str]:
    if promotion.max_applications is not None:
        yield f"{_times_over(promotion.max_applications, words)} at most on one receipt"
    if promotion.per_member_limit is not None:
        yield f"{_times_over(promotion.per_member_limit, words)} at most for one member"
    if promotion.uses_left is not None:
        yield f"{_times_over(promotion.uses_left, words)} at most in each store"
    if promotion.budget is not None:
        left = promotion.budget.left
        yield f"{words.money(left) if promotion.budget.is_spend else _times_over(left, words)} at most in each store"


def _company(promotion: Promotion) -> Iterator[str]:
    if promotion.exclusive:
        yield "alone: no other promotion beside it"
    if promotion.exclusive_group is not None:
        yield f"not together with others of the group {promotion.exclusive_group}"


def _times_over(count: int, words: Words) -> str:
    return "once" if count == 1 else f"{words.number(count)} times"


def _moment(moment: Moment, words: Words) -> str:
    if not moment.local:
        return words.moment(moment.at)
    wall = datetime.fromtimestamp(moment.at / 1000, UTC).replace(tzinfo=ZoneInfo(words.timezone))
    return words.moment(int(wall.timestamp() * 1000))


def _hours(schedule: Schedule, words: Words) -> str:
    names = get_day_names("abbreviated", locale=words.locale)
    days = "every day" if len(schedule.weekdays) == _WEEK else ", ".join(names[day - 1] for day in sorted(schedule.weekdays))
    if (schedule.start, schedule.end) == (0, 24 * 60):
        return f"on {days}"
    start, end = (f"{minute // 60}:{minute % 60:02}" for minute in (schedule.start, schedule.end))
    return f"{days} from {start} to {end}"
