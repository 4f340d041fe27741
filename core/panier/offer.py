"""An offer: a promotion that is shown to one member with the reason why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Le, Len

# One glance holds seven choices; more is a catalogue, not an offer (one-to-one.md, "Interact").
SHOWN_AT_ONCE = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a campaign offers this member.

    `offer` is the campaign's id, `revision` counts its edits, `promotion` is a definition in the promotion format; the pair
    (offer, revision) lets a receiver price with its own copy of the definition instead of trusting the sender's.
    """

    offer: Annotated[str, Len(1, 64)]
    revision: Annotated[int, Ge(1), Le(10**9)]
    title: Annotated[str, Len(1, 60)]
    reason: Annotated[str, Len(1, 80)]
    promotion: Mapping[str, Any]
