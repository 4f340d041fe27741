"""Limits over all shoppers, offline too: a device leases a part of what is left, spends of it alone, and settles at sync.

The owner of a limit keeps its purse, the holder its lease. Both figures of a lease only ever grow, so that a message that says
them may be lost, repeated or overtaken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Ge, Le, Len

from panier.promotion import Budget, Promotion

Amount = Annotated[int, Ge(0), Le(10**12)]
Name = Annotated[str, Len(1, 64)]
Holder = Annotated[str, Len(1, 120)]
"""A journal (`device.journal`), which keeps its lease from trip to trip, or a trip, whose lease ends with it."""

MAX_LEASES = 1000
"""Leases that a trip states at the most, and those in one message."""
_SHARE = 10
"""A trip gets up to a tenth of what a spending limit has left, and all devices together keep about a tenth in hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLease:
    """What a trip may use of a lease: `left` baskets, or minor units where `is_spend`."""

    promotion: Name
    is_spend: bool
    holder: Holder
    left: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A part of one promotion's limit that one holder may use: baskets, or minor units where `is_spend`."""

    promotion: Name
    is_spend: bool
    holder: Holder
    granted: Amount
    used: Amount = 0

    @property
    def left(self) -> int:
        """What may still be used."""
        return max(0, self.granted - self.used)

    @property
    def held(self) -> HeldLease:
        """What a trip may use of it now."""
        return HeldLease(promotion=self.promotion, is_spend=self.is_spend, holder=self.holder, left=self.left)

    def merged(self, other: Lease) -> Lease:
        """What both know together; in either order, and however often."""
        return replace(self, granted=max(self.granted, other.granted), used=max(self.used, other.used))


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """What the owner of a limit knows: the whole, all that was ever used, and the leases that are out."""

    promotion: str
    is_spend: bool
    limit: int
    used: int = 0
    leases: tuple[Lease, ...] = ()

    @property
    def out(self) -> int:
        """What holders may still use."""
        return sum(lease.left for lease in self.leases)

    @property
    def free(self) -> int:
        """What is neither used nor leased; nothing where a limit was lowered below that."""
        return max(0, self.limit - self.used - self.out)

    def lease(self, holder: str) -> Lease:
        """The holder's lease; an empty one where it has none."""
        empty = Lease(promotion=self.promotion, is_spend=self.is_spend, holder=holder, granted=0)
        return next((lease for lease in self.leases if lease.holder == holder), empty)

    def grant(self, holder: str, wanted: int) -> Purse:
        """Fills the holder's lease up until `wanted` may be used, as far as there is something free."""
        lease = self.lease(holder)
        more = min(wanted - lease.left, self.free)
        return self if more <= 0 else self._with(replace(lease, granted=max(lease.granted, lease.used) + more))

    def use(self, holder: str, amount: int) -> Purse:
        """Notes what a trip used of a lease. What was used was used, also beyond what was granted: then nothing is free."""
        lease = self.lease(holder)
        return replace(self._with(replace(lease, used=lease.used + amount)), used=self.used + amount)

    def close(self, holder: str) -> Purse:
        """Takes back what the holder did not use."""
        lease = self.lease(holder)
        return self._with(replace(lease, granted=lease.used))

    def _with(self, lease: Lease) -> Purse:
        others = tuple(other for other in self.leases if other.holder != lease.holder)
        return replace(self, leases=(*others, lease))


def standing_share(purse: Purse, devices: int) -> int:
    """What a device should have in hand for when it is offline: little, because nobody else can use it meanwhile.

    Nothing once less than two such shares a device are left: then trips that are under way come first.
    """
    share = max(1, purse.limit // (_SHARE * max(1, devices)))
    return share if purse.limit - purse.used >= 2 * share * max(1, devices) else 0


def trip_share(purse: Purse) -> int:
    """What a trip should be able to use: one basket, or as much money as one basket may well take."""
    return max(1, (purse.limit - purse.used) // _SHARE) if purse.is_spend else 1


def limits(promotion: Promotion) -> dict[bool, int]:
    """The promotion's limits over all shoppers by `is_spend`, less what its definition says is used; empty for most."""
    found: dict[bool, int] = {}
    if promotion.uses_left is not None:
        found[False] = promotion.uses_left
    if promotion.budget is not None:
        is_spend, left = promotion.budget.is_spend, promotion.budget.left
        found[is_spend] = min(left, found.get(is_spend, left))
    return {is_spend: max(0, left) for is_spend, left in found.items()}


def leased(promotions: Iterable[Promotion], held: Sequence[HeldLease]) -> list[Promotion]:
    """Limited promotions as a trip may use them: with what it holds, and without those of which it holds nothing."""
    return [able for promotion in promotions if (able := _leased(promotion, held)) is not None]


def _leased(promotion: Promotion, held: Sequence[HeldLease]) -> Promotion | None:
    left = {is_spend: sum(lease.left for lease in _of(promotion.id, is_spend, held)) for is_spend in limits(promotion)}
    if not all(left.values()):
        return None
    budget = Budget(is_spend=True, left=left[True]) if True in left else None
    return replace(promotion, uses_left=left.get(False), budget=budget)


def _of(promotion: str, is_spend: bool, held: Iterable[HeldLease]) -> list[HeldLease]:
    return [lease for lease in held if (lease.promotion, lease.is_spend) == (promotion, is_spend)]


def shared_out(held: Iterable[HeldLease], promotion: str, saving: int) -> list[tuple[HeldLease, int]]:
    """What one basket in which `promotion` saved `saving` used of each lease; a trip's own lease before what its device keeps."""
    used: list[tuple[HeldLease, int]] = []
    for is_spend, whole in ((False, 1), (True, saving)):
        left = whole
        # A trip's name is longer than that of the journal that it begins with.
        for lease in sorted(_of(promotion, is_spend, held), key=lambda lease: -len(lease.holder)):
            part = min(left, lease.left)
            left -= part
            if part:
                used.append((lease, part))
    return used
