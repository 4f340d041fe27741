"""Budgets offline: a device leases a part of what is left, spends of it alone, and settles at sync."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from panier.error import PanierError
from panier.money import format_minor


class LeaseSpent(PanierError):
    """More than a lease, or what is left of a budget, can bear."""

    code = "lease_spent"


@dataclass(frozen=True, slots=True)
class Lease:
    """A part of one promotion's limit that one device may use: uses, or minor units where `is_spend`."""

    promotion: str
    device: str
    number: int
    is_spend: bool
    granted: int
    used: int = 0

    @property
    def left(self) -> int:
        """What may still be used."""
        return self.granted - self.used

    def use(self, amount: int) -> Lease:
        """The lease after one more use, or so many minor units. Raises LeaseSpent."""
        if not 0 <= amount <= self.left:
            raise LeaseSpent(f"promotion {self.promotion}: {amount} of {self.left} that {self.device} still holds")
        return replace(self, used=self.used + amount)

    def limited(self, definition: Mapping[str, Any], currency: str) -> dict[str, Any]:
        """The definition as the device prices with it: no more than what the lease has left."""
        limit = format_minor(self.left, currency) if self.is_spend else str(self.left)
        return {**definition, "budget": {"type": "spend" if self.is_spend else "usage", "limit": limit}}


@dataclass(frozen=True, slots=True)
class Purse:
    """What the owner of a limit knows: the whole, what is used for good, and the leases that are out."""

    promotion: str
    is_spend: bool
    limit: int
    used: int = 0
    leases: tuple[Lease, ...] = ()
    granted: int = 0
    """Leases ever granted; numbers them."""

    @property
    def free(self) -> int:
        """What is neither used nor leased."""
        return self.limit - self.used - sum(lease.granted for lease in self.leases)

    def grant(self, device: str, wanted: int) -> tuple[Purse, Lease]:
        """Leases as much of `wanted` as is free. Raises LeaseSpent where nothing is."""
        amount = min(wanted, self.free)
        if amount <= 0:
            raise LeaseSpent(f"promotion {self.promotion}: nothing of {self.limit} is free for {device}")
        lease = Lease(self.promotion, device, self.granted + 1, self.is_spend, amount)
        return replace(self, leases=(*self.leases, lease), granted=lease.number), lease

    def settle(self, lease: Lease) -> Purse:
        """Takes a lease back with what was used of it; one that is back already changes nothing, so that a repeat is harmless."""
        if not any(held.number == lease.number for held in self.leases):
            return self
        leases = tuple(held for held in self.leases if held.number != lease.number)
        return replace(self, leases=leases, used=self.used + lease.used)
