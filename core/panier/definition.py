"""Reading a definition: typed fields out of parsed JSON, with errors that name the field and the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from reprlib import Repr
from typing import Any, cast

from panier.error import PanierError
from panier.money import CURRENCIES, NotMoney, parse_minor

PERCENT = 1_000_000
"""Percentages are integers: millionths of a percent, so that 12.5 % is 12_500_000 and nothing is rounded before money is."""
WHOLE = 100 * PERCENT
"""100 %."""
Steps = tuple[tuple[int, int], ...]
"""Steps of a scale as (from, value), highest first."""
_MAX_COUNT = 10**9
_LARGEST = 10**9
_LONGEST_REASON = 400
_LONGEST_NUMBER = 40
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\s*")
"""Decimal alone also takes 1_0 and the digits of every script."""
_SEEN = Repr()
_SEEN.maxstring = _SEEN.maxother = 60


class PromotionInvalid(PanierError):
    """A definition that cannot be used: `promotion` is its id, `field` the path to the field, `reason` what is wrong with it."""

    code = "promotion_invalid"

    def __init__(self, promotion: str, field: str, reason: str) -> None:
        super().__init__(f"promotion {promotion}: {field}: {reason}")
        self.promotion = promotion
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time: milliseconds since 1970, UTC, or on the store's own clock where the definition names no offset."""

    at: int
    local: bool


@dataclass(slots=True)
class Fields:
    """The fields of one JSON object at `path` of what is called `owner`: a promotion, by its id, or a case.

    Each reader takes a name and answers a typed value or raises `error`; `finish` refuses names that no reader asked for.
    """

    owner: str
    values: Mapping[str, Any]
    currency: str
    path: str = ""
    error: Callable[[str, str, str], PanierError] = PromotionInvalid
    asked: set[str] = field(default_factory=set[str])

    def refuse(self, name: str, reason: str) -> PanierError:
        """The error for field `name`."""
        return self.error(self.owner, self.path + name, reason[:_LONGEST_REASON])

    def has(self, name: str) -> bool:
        """Whether the field is given; null counts as not given."""
        self.asked.add(name)
        return self.values.get(name) is not None

    def _given(self, name: str) -> Any:
        if not self.has(name):
            raise self.refuse(name, "is missing")
        return self.values[name]

    def decimal(self, name: str) -> Decimal:
        """A decimal string (or a whole number) that is not negative."""
        value: object = self._given(name)
        number = _as_number(value)
        if number is None:
            how = "" if isinstance(value, str) else "as text, "
            raise self.refuse(name, f'{quoted(value)} is not a number; write it {how}like "12.40"')
        if number < 0:
            raise self.refuse(name, f"{_plain(value)} is negative")
        # Bounded, so that the arithmetic that follows is exact.
        if number > _LARGEST or number != round(number, 12):
            raise self.refuse(name, f"{_plain(value)} is larger or finer than anything in a shop")
        return number

    def amount(self, name: str) -> int:
        """An amount of money in minor units."""
        value, number = self.values.get(name), self.decimal(name)
        try:
            # A JSON number may be written as 1e2, money in a text may not.
            return parse_minor(value if isinstance(value, str) else f"{number:f}", self.currency)
        except NotMoney as error:
            raise self.refuse(name, str(error)) from error

    def percent(self, name: str) -> int:
        """A percentage of 0 to 100, in millionths of a percent."""
        number = self.decimal(name)
        if number > 100:
            raise self.refuse(name, f"{number} is more than 100 %")
        fine = number * PERCENT
        if fine != fine.to_integral_value():
            raise self.refuse(name, f"{number} has more than six decimals")
        return int(fine)

    def ratio(self, name: str) -> Fraction:
        """An exact number above 0."""
        number = self.decimal(name)
        if number == 0:
            raise self.refuse(name, "must be above 0")
        return Fraction(number)

    def count(self, name: str, *, least: int = 1) -> int:
        """A whole number of at least `least`."""
        return self._whole(name, least)

    def optional_count(self, name: str, *, least: int = 1) -> int | None:
        """A whole number, or None where the field is not given."""
        return self.count(name, least=least) if self.has(name) else None

    def integer(self, name: str, default: int) -> int:
        """A whole number, also a negative one."""
        return self._whole(name, None) if self.has(name) else default

    def _whole(self, name: str, least: int | None) -> int:
        value: object = self._given(name)
        number = _as_number(value)
        if number is not None and number > _MAX_COUNT:
            raise self.refuse(name, f"{_plain(value)} is larger than anything in a shop; the most is {_MAX_COUNT}")
        lowest = -_MAX_COUNT if least is None else least
        if number is None or number < lowest or number != number.to_integral_value():
            raise self.refuse(name, f"{quoted(value)} is not a whole number{'' if least is None else f' of at least {least}'}")
        return int(number)

    def currency_code(self, name: str, default: str) -> str:
        """A currency of ISO 4217."""
        code = self.optional_text(name, longest=20) or default
        if code not in CURRENCIES:
            raise self.refuse(
                name,
                f"{code!r} is no currency of ISO 4217{did_you_mean(code.upper(), CURRENCIES, said='codes like EUR and USD')}",
            )
        return code

    def text(self, name: str, *, longest: int) -> str:
        """Text of 1 to `longest` characters."""
        value = self._given(name)
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(name, f"{quoted(value)} is not a text")
        if len(value) > longest:
            raise self.refuse(name, f"is {len(value)} characters long; the most is {longest}")
        return value

    def optional_text(self, name: str, *, longest: int = 64) -> str | None:
        """Text, or None where the field is not given."""
        return self.text(name, longest=longest) if self.has(name) else None

    def flag(self, name: str) -> bool:
        """True or false; false where it is not given."""
        if not self.has(name):
            return False
        value = self.values[name]
        if not isinstance(value, bool):
            raise self.refuse(name, f"{quoted(value)} is neither true nor false")
        return value

    def choice(self, name: str, choices: Mapping[str, str], default: str) -> str:
        """The meaning of one of the words in `choices` (word → meaning)."""
        if not self.has(name):
            return default
        value = self.values[name]
        if not isinstance(value, str) or value not in choices:
            raise self.refuse(name, f"{quoted(value)} is unknown{did_you_mean(str(value), choices)}")
        return choices[value]

    def items(self, name: str) -> list[Any]:
        """A list with at least one entry."""
        value = self._given(name)
        if not isinstance(value, list) or not value:
            raise self.refuse(name, f"{quoted(cast(object, value))} is not a list with at least one entry")
        return cast("list[Any]", value)

    def words(self, name: str) -> frozenset[str] | None:
        """A set of texts, or None where the field is not given."""
        if not self.has(name):
            return None
        entries = self.items(name)
        for entry in entries:
            if not isinstance(entry, str) or not entry:
                raise self.refuse(name, f"{quoted(entry)} is not a text")
        return frozenset(entries)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """A JSON object."""
        value = self._given(name)
        if not isinstance(value, Mapping):
            raise self.refuse(name, f"{quoted(value)} is not an object")
        return cast("Mapping[str, Any]", value)

    def inner(self, name: str) -> Fields:
        """The fields of a JSON object within this one."""
        return Fields(self.owner, self.mapping(name), self.currency, f"{self.path}{name}.", self.error)

    def entries(self, name: str) -> list[Any]:
        """A list of anything, which may be empty or absent."""
        entries: object = self.values[name] if self.has(name) else []
        if not isinstance(entries, list):
            raise self.refuse(name, f"{quoted(entries)} is not a list")
        return cast("list[Any]", entries)

    def objects(self, name: str) -> list[Fields]:
        """The JSON objects of a list, which may be empty or absent."""
        named: dict[str, Any] = {f"{name}[{number}]": entry for number, entry in enumerate(self.entries(name))}
        inside = Fields(self.owner, named, self.currency, self.path, self.error)
        return [inside.inner(entry) for entry in named]

    def steps(self, name: str, start: Callable[[Fields, str], int], value: Callable[[Fields, str], int]) -> Steps:
        """Steps `{"from": value}`, highest first; `start` and `value` read the two sides."""
        steps: dict[int, int] = {}
        values = self.inner(name)
        for begin in values.values:
            low = start(Fields(self.owner, {begin: begin}, self.currency, values.path, self.error), begin)
            if low in steps:
                raise self.refuse(name, f"two steps begin at {begin}")
            steps[low] = value(values, begin)
        return tuple(sorted(steps.items(), reverse=True))

    def moment(self, name: str, *, end: bool) -> Moment | None:
        """ISO 8601 time, or None where the field is not given; a mere date is its first, or with `end` its last, millisecond."""
        text = self.optional_text(name, longest=40)
        if text is None:
            return None
        try:
            if len(text) == 10:
                day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
                return Moment(milliseconds(day + timedelta(days=1)) - 1 if end else milliseconds(day), local=True)
            when = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            raise self.refuse(name, f"{text!r} is not a time; write it like 2026-03-01T08:00:00+01:00") from None
        return Moment(milliseconds(when if when.tzinfo else when.replace(tzinfo=UTC)), local=when.tzinfo is None)

    def minute(self, name: str, default: int) -> int:
        """A time of day `"17:00"` as minutes since midnight; `"24:00"` is the end of the day."""
        text = self.optional_text(name)
        if text is None:
            return default
        hours, colon, minutes = text.partition(":")
        if colon and len(hours) == len(minutes) == 2 and hours.isdecimal() and minutes.isdecimal() and int(minutes) < 60:
            since_midnight = int(hours) * 60 + int(minutes)
            if since_midnight <= 24 * 60:
                return since_midnight
        raise self.refuse(name, f"{text!r} is not a time of day; write it like 17:00")

    def finish(self) -> None:
        """Refuses a field that nothing asked for, because a misspelt limit would be no limit."""
        for name in self.values:
            if name not in self.asked:
                raise self.refuse(name, f"unknown field{did_you_mean(name, self.asked)}")


def quoted(value: object) -> str:
    """What was seen, as JSON writes it where that is short, however long or deeply nested it is."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _plain(value) if isinstance(value, Decimal) else _SEEN.repr(value)


def _plain(value: object) -> str:
    """A number without quotes, cut where it is long."""
    text = str(value)
    return text if len(text) <= _LONGEST_NUMBER else f"{text[:_LONGEST_NUMBER]}… ({len(text)} characters)"


def _as_number(value: object) -> Decimal | None:
    """The number in 3, "3" and 3.00; None where there is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    number = Decimal(value)
    return number if number.is_finite() else None


def milliseconds(when: datetime) -> int:
    """Milliseconds since 1970 UTC of a time with an offset, exactly."""
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def did_you_mean(word: str, known: Collection[str], *, said: str | None = None) -> str:
    """`"; did you mean X?"`, or else the words that are known; `said` stands in for them where they are many."""
    close = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {said or ', '.join(sorted(known))}"
