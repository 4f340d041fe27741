"""Paying at the terminal: what is asked for, what became of it, and how much of that a trip remembers. No card data, ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Len

Reference = Annotated[str, Len(1, 64)]
Amount = Annotated[int, Gt(0), Le(10**12 - 1)]
"""Minor units; payment terminals take twelve digits."""

Outcome = Literal["approved", "declined", "unknown"]
"""`unknown`: nobody could find out whether money moved; a person has to look at the payment terminal's own records."""


Decider = Literal["terminal", "staff", "nobody"]
"""By whose word a payment ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentBegun:
    """The payment terminal is about to be asked: on the disk before the first byte goes out.

    `reference` is made on the device, unique for ever, and never used for a second attempt. `amount` is the basket's total with
    deposits, in minor units; `units` and `discount` are the other figures on the screen. `mark` is what the terminal said of the
    last payment before this one, so that a new one can be told from it; nothing where its protocol knows our reference.
    """

    reference: Reference
    amount: Amount
    units: Annotated[int, Ge(0), Le(10**9)]
    discount: Annotated[int, Ge(0), Le(10**12)]
    mark: Annotated[str, Len(0, 64)] = ""
    kind: Literal["payment_begun"] = "payment_begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEnded:
    """What became of a payment, by the terminal's word or, where `decided_by` says so, by that of a member of staff.

    `trace` and `terminal` are the payment terminal's own numbers for the payment and for itself, by which it is found again.
    """

    reference: Reference
    outcome: Outcome
    reason: Annotated[str, Len(0, 64)] = ""
    decided_by: Decider = "terminal"
    trace: Annotated[str, Len(0, 32)] = ""
    terminal: Annotated[str, Len(0, 32)] = ""
    kind: Literal["payment_ended"] = "payment_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A trip's latest attempt to pay; `at` is when it began, in milliseconds since 1970 UTC, and what prices hold as of."""

    begun: PaymentBegun
    at: int
    ended: PaymentEnded | None = None

    @property
    def is_under_way(self) -> bool:
        """True until its outcome is on the disk."""
        return self.ended is None

    @property
    def is_binding(self) -> bool:
        """True while money may have moved for it: the basket must stay as it was asked for."""
        return self.ended is None or self.ended.outcome != "declined"
