"""Sharing an amount out over lines, to the cent."""

from __future__ import annotations

from collections.abc import Sequence


def spread(amount: int, weights: Sequence[int], caps: Sequence[int], *, from_first: bool = False) -> list[int]:
    """Shares of `amount` in proportion to `weights`, none above its cap.

    What a cap takes away from one is spread over the others, again in proportion; the shares sum to `amount`, or to all caps
    where that is less. Cents that do not divide go one each to the last shares, or with `from_first` to the first ones, so that
    no share is more than a cent off. Some weight must be above 0 where a cap is.
    """
    if amount >= sum(caps):
        return list(caps)
    shares = [0] * len(caps)
    if amount == 0:
        return shares
    active = [index for index, cap in enumerate(caps) if cap > 0]
    left = amount
    while True:
        whole = sum([weights[index] for index in active])
        # Where each may give all that it weighs, nobody is full before all are.
        full = [] if caps == weights else [index for index in active if left * weights[index] >= caps[index] * whole]
        if not full:
            break
        for index in full:
            shares[index] = caps[index]
        left -= sum(caps[index] for index in full)
        active = [index for index in active if shares[index] != caps[index]]
    for index in active:
        shares[index] = left * weights[index] // whole
    # Every active share is below its cap before rounding, so each has room for one cent more.
    odd = left - sum([shares[index] for index in active])
    for index in active[:odd] if from_first else active[len(active) - odd :]:
        shares[index] += 1
    return shares
