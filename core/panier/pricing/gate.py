"""Whether a promotion may act at all: its window, its hours, its member, its coupon. Nothing here depends on the lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from panier.definition import Moment, milliseconds
from panier.pricing.basket import Shopper
from panier.promotion import Promotion


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of pricing, split up once a basket: milliseconds since 1970 in UTC and as the store's clock shows it."""

    utc: int
    local: int
    weekday: int
    minute: int

    def has_reached(self, moment: Moment) -> bool:
        """Whether `moment` is now or past."""
        return (self.local if moment.local else self.utc) >= moment.at

    def has_passed(self, moment: Moment) -> bool:
        """Whether `moment` is past."""
        return (self.local if moment.local else self.utc) > moment.at


def read_clock(shopper: Shopper) -> Clock | None:
    """The clock of this shopper's store, or None where the time is not known."""
    now = shopper.now
    if now is None:
        return None
    local = milliseconds(now.replace(tzinfo=UTC))
    return Clock(milliseconds(now.astimezone(UTC)), local, now.isoweekday(), now.hour * 60 + now.minute)


def admits(promotion: Promotion, shopper: Shopper, clock: Clock | None) -> bool:
    """Whether this shopper may have the promotion now."""
    if promotion.coupon is not None and promotion.coupon not in shopper.coupons:
        return False
    if promotion.segment is not None and promotion.segment not in shopper.segments:
        return False
    if promotion.nth_order is not None and (shopper.prior_orders is None or shopper.prior_orders + 1 != promotion.nth_order):
        return False
    if promotion.per_member_limit is not None:
        uses = shopper.uses.get(promotion.coupon or promotion.id, 0)
        if uses >= promotion.per_member_limit:
            return False
    return _is_open(promotion, clock)


def _is_open(promotion: Promotion, clock: Clock | None) -> bool:
    start, end, schedule = promotion.valid_from, promotion.valid_to, promotion.schedule
    if start is None and end is None and schedule is None:
        return True
    if clock is None:
        return False
    if start is not None and not clock.has_reached(start):
        return False
    if end is not None and clock.has_passed(end):
        return False
    return schedule is None or (clock.weekday in schedule.weekdays and schedule.start <= clock.minute < schedule.end)
