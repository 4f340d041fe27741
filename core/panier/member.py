"""A member as a trip sees one: a pseudonym, segments and offers; the first name for the greeting and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge, Le, Len

from panier.offer import Offer

# Every member is in this segment, so that a card that was scanned without a network still earns member prices.
EVERY_MEMBER = "member"


Count = Annotated[int, Ge(0), Le(10**9)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What earlier trips left a member with. `prior_orders` is None where nobody knows, and then no nth order is one.

    `uses` counts, by coupon or else by promotion, only what is limited a member.
    """

    points: Count = 0
    prior_orders: Count | None = None
    uses: Mapping[Annotated[str, Len(1, 64)], Count] = field(default_factory=dict[str, int])


UNKNOWN = Standing()
"""A guest, or a member of whom this device was not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capsule:
    """The least a device needs to serve one member for one trip; erased at the trip's end."""

    trip: str
    member: Annotated[str, Len(1, 64)]
    first_name: Annotated[str, Len(0, 40)]
    segments: tuple[Annotated[str, Len(1, 64)], ...]
    offers: tuple[Offer, ...]
    standing: Standing = UNKNOWN
