"""What a shopper reads off a handheld: the few words and figures that every version of its screen keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from panier_simulators.screen import Rows

_UNITS = re.compile(r"(?<![\w.,])(\d+) items?\b")
_SAVED = re.compile(r"\bsaved\D{0,4}(\d[\d.,\u00a0\u202f]*)")
_TOTAL = re.compile(r"\bTOTAL\s+\D{0,4}?(-?\d[\d.,\u00a0\u202f]*)")
_TRIP = re.compile(r"\bTrip +(\S+\.\S+\.\d+)")
_COUPON = re.compile(r"coupon accepted|coupon kept|this coupon|the coupon is kept|more coupons", re.IGNORECASE)
_PRICES = re.compile(r"\bprices (\S.*?)\s*(?:[│|]|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The screen's figures. Amounts are in minor units; what is not on the screen is None."""

    units: int | None = None
    total: int | None = None
    saved: int | None = None
    trip: str | None = None
    offers: int = 0
    is_start: bool = False
    is_end: bool = False
    is_on: bool = False
    is_online: bool = False
    is_coupon_told: bool = False
    prices_age: str | None = None

    @property
    def is_basket(self) -> bool:
        """True where a basket is on the screen: what the shopper scanned so far."""
        return self.units is not None and self.total is not None and not self.is_end


# Several look at each picture: whoever waits for something on it, and witnesses.
@lru_cache(maxsize=256)
def read(rows: Rows) -> Glance:
    """The figures on a screen, wherever they stand on it."""
    text = "\n".join(rows)
    # The block of figures stands at the bottom: words above it may speak of items and savings, too.
    units, saved, total = (_last(pattern, text) for pattern in (_UNITS, _SAVED, _TOTAL))
    trip, age = _TRIP.search(text), _PRICES.search(text)
    return Glance(
        units=None if units is None else int(units),
        total=None if total is None else _minor(total),
        saved=None if saved is None else _minor(saved),
        trip=trip[1] if trip else None,
        offers=sum(row.lstrip(" │|").startswith("★") for row in rows),
        is_start="Scan your card or first item" in text,
        is_end="Thank you" in text,
        is_on="● online" in text or "○ offline" in text,
        is_online="● online" in text,
        # Words may go on in the next row.
        is_coupon_told=_COUPON.search(" ".join(row.strip(" │|") for row in rows)) is not None,
        prices_age=age[1] if age else None,
    )


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.findall(text)
    return found[-1] if found else None


def _minor(shown: str) -> int:
    """Minor units of an amount as it stands there: all of its digits, whatever groups and divides them."""
    return int(re.sub(r"[^\d-]", "", shown))
