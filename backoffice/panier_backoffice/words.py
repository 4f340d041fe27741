"""Money and times as people say them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency, format_decimal
from pydantic import TypeAdapter

from panier.money import exponent
from panier.receipt import Moment

_LATEST_MS = 253_402_300_000_000
"""The end of the year 9999: later times come from broken clocks and are shown as such."""
_MOMENT: TypeAdapter[int] = TypeAdapter(Moment)
_SOON = 60_000
_HOUR = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The shop's language, currency and time zone, and what "now" is. Times are milliseconds since 1970 UTC."""

    locale: str
    currency: str
    timezone: str
    now: int

    def money(self, minor: int, currency: str | None = None) -> str:
        """`1240` → `$12.40`."""
        code = currency or self.currency
        digits = exponent(code)
        sign, amount = ("-", -minor) if minor < 0 else ("", minor)
        text = f"{amount // 10**digits}.{amount % 10**digits:0{digits}d}" if digits else str(amount)
        return sign + format_currency(text, code, locale=self.locale, currency_digits=True)

    def number(self, count: int) -> str:
        """`92331` → `92,331`."""
        return format_decimal(count, locale=self.locale)

    def clock(self, at: int) -> str:
        """The time of day."""
        return format_time(self._local(at), "short", locale=self.locale)

    def moment(self, at: int) -> str:
        """`14:32` today, `yesterday, 14:32`, otherwise the day too."""
        if not 0 <= at < _LATEST_MS:
            return "at an unknown time"
        local, today = self._local(at), self._local(self.now)
        time = format_time(local, "short", locale=self.locale)
        if local.date() == today.date():
            return time
        if local.date() == today.date() - timedelta(days=1):
            return f"yesterday, {time}"
        pattern = "EEE d MMM" if local.year == today.year else "EEE d MMM y"
        return f"{format_datetime(local, pattern, locale=self.locale)}, {time}"

    def day(self) -> str:
        """Today's date in full."""
        return format_date(self._local(self.now), "full", locale=self.locale)

    def ago(self, at: int) -> str:
        """`just now`, `4 min ago`, `2 h 5 min ago`, then the moment."""
        passed = self.now - at
        if passed < _SOON:
            return "just now"
        minutes = passed // 60_000
        return f"{_minutes(minutes)} ago" if minutes < 12 * _HOUR else self.moment(at)

    def lasting(self, since: int) -> str:
        """How long something has lasted: `under a minute`, `4 min`, `2 h 5 min`."""
        minutes = max(0, self.now - since) // 60_000
        return _minutes(minutes) if minutes else "under a minute"

    def midnight(self) -> int:
        """When today began."""
        start = self._local(self.now).replace(hour=0, minute=0, second=0, microsecond=0)
        return int(start.timestamp() * 1000)

    def field(self, at: int | None) -> str:
        """The value of a date-and-time field of a form."""
        return "" if at is None else self._local(at).strftime("%Y-%m-%dT%H:%M")

    def read_field(self, text: str) -> int | None:
        """What a date-and-time field says; None where it is empty. Raises ValueError."""
        if not text.strip():
            return None
        return _MOMENT.validate_python(
            int(datetime.fromisoformat(text.strip()).replace(tzinfo=ZoneInfo(self.timezone)).timestamp() * 1000)
        )

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp(min(max(at, 0), _LATEST_MS) / 1000, UTC).astimezone(ZoneInfo(self.timezone))


def _minutes(minutes: int) -> str:
    hours, rest = divmod(minutes, _HOUR)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"
