"""The leases that a terminal holds: what its trips may use of promotions with a limit over all shoppers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from panier.lease import MAX_LEASES, HeldLease, Lease
from panier_io.journal import Journal


class Wallet:
    """Leases in the journal's file, and in memory for the screen. A trip's own lease ends with it.

    What the device keeps of a promotion stays when that ends: what was used of it is known here alone until the gateway has the
    receipt, and a promotion may come back under its name. It is a row for each limited promotion that there was.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._of = journal.id
        self._leases = {_key(lease): lease for lease in journal.leases()}

    @property
    def _known(self) -> dict[tuple[str, bool, str], Lease]:
        """All leases by promotion, kind and holder. What was held under the old name of a journal is void once it is renewed."""
        if self._of != self._journal.id:
            self._of, self._leases = self._journal.id, {}
        return self._leases

    @property
    def _own(self) -> str:
        return f"{self._journal.device}.{self._journal.id}"

    def take(self, leases: Iterable[Lease], trip: str | None) -> None:
        """Merges what the gateway says, on the disk too; leases of other journals and of trips that have ended are void."""
        fitting = [lease for lease in leases if lease.holder in (self._own, trip)]
        merged = [lease.merged(self._known.get(_key(lease), lease)) for lease in fitting]
        changed = [lease for lease in merged if self._known.get(_key(lease)) != lease]
        if changed:
            self._journal.hold(changed)
            self._leases |= {_key(lease): lease for lease in changed}

    def held(self, promotions: Collection[str], trip: str | None) -> tuple[HeldLease, ...]:
        """What a trip may use now: what the device keeps for the store's `promotions`, and all that is the trip's own.

        Of more than a trip may state, its own come first: those are granted for what it alone is offered, too.
        """
        usable = [
            lease.held
            for lease in self._known.values()
            if lease.left and (lease.holder == trip or (lease.holder == self._own and lease.promotion in promotions))
        ]
        usable.sort(key=lambda lease: lease.holder != trip)
        return tuple(sorted(usable[:MAX_LEASES], key=lambda lease: (lease.promotion, lease.is_spend, lease.holder)))

    def after(self, used: Iterable[tuple[HeldLease, int]]) -> list[Lease]:
        """The leases that a trip's end changes, as they will be once it is on the disk."""
        known = [(self._known.get((held.promotion, held.is_spend, held.holder)), amount) for held, amount in used]
        return [replace(lease, used=lease.used + amount) for lease, amount in known if lease is not None]

    def ended(self, trip: str, changed: Iterable[Lease]) -> None:
        """The trip's end is on the disk, with what it used."""
        self._leases |= {_key(lease): lease for lease in changed}
        self._leases = {key: lease for key, lease in self._leases.items() if lease.holder != trip}


def _key(lease: Lease) -> tuple[str, bool, str]:
    return lease.promotion, lease.is_spend, lease.holder
