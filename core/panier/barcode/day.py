"""Dates on labels: six digits, YYMMDD, as days of the calendar."""

from __future__ import annotations

from functools import lru_cache

from panier.barcode.ai_table import YEAR

_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TURN = YEAR % 100 + 51
"""From these two digits on, the year is one of the century before (General Specifications, 7.12)."""


@lru_cache(maxsize=1024)
def iso_day(yymmdd: str) -> str:
    """ISO date of six ASCII digits, such as `2026-11-22`, or "" where the calendar has no such day.

    Day 00 is the last of its month (General Specifications, 3.4); who does not allow it must ask before.
    """
    year, month, day = int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:])
    last = last_day(year, month)
    if not day <= last:
        return ""
    return f"{_century(year)}{yymmdd[:2]}-{yymmdd[2:4]}-{day or last:02}"


def iso_moment(digits: str) -> str:
    """ISO date of YYMMDD, with the hours, minutes and seconds that follow it as far as they go; "" for no digits."""
    if len(digits) <= 6:
        return iso_day(digits) if digits else ""
    time = ":".join(digits[place : place + 2] for place in range(6, len(digits), 2))
    return f"{iso_day(digits[:6])}T{time}"


def last_day(year: int, month: int) -> int:
    """How many days this month has, -1 where there is no such month."""
    if not 1 <= month <= 12:
        return -1
    # Every year that labels can mean lies between 1950 and 2099: each fourth is a leap year.
    return 29 if month == 2 and year % 4 == 0 else _DAYS[month]


def _century(year: int) -> int:
    return 19 if year >= _TURN else 20
