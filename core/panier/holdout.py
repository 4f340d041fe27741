"""Holdouts: a stable share of members who do not get a campaign, so that its effect can be measured."""

from __future__ import annotations

import hashlib

from panier.definition import WHOLE


def is_held_out(member: str, campaign: str, share: int) -> bool:
    """Whether `member` is in the holdout of `campaign`; `share` in millionths of a percent.

    A hash of both decides, so that every machine says the same on every day, two campaigns hold out different members, and a
    larger share holds out all whom a smaller one did.
    """
    digest = hashlib.sha256(f"holdout\0{campaign}\0{member}".encode()).digest()
    return int.from_bytes(digest[:8]) * WHOLE < share << 64
