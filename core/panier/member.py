"""A member as a trip sees one: a pseudonym, segments and offers; the first name for the greeting and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from panier.offer import Offer

# Every member is in this segment, so that a card that was scanned without a network still earns member prices.
EVERY_MEMBER = "member"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capsule:
    """The least a device needs to serve one member for one trip; erased at the trip's end."""

    trip: str
    member: Annotated[str, Len(1, 64)]
    first_name: Annotated[str, Len(0, 40)]
    segments: tuple[Annotated[str, Len(1, 64)], ...]
    offers: tuple[Offer, ...]
