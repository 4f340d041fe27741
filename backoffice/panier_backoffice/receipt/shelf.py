"""Compiled promotions by version: receipts that arrive together were mostly priced with the same ones."""

from __future__ import annotations

import threading
from collections import OrderedDict

from sqlalchemy.orm import Session

from panier.pricing import PromotionSet
from panier.till import compile_definitions
from panier_backoffice.feed import log

KEPT = 6
"""Versions at the most; a few hundred promotions compiled take about a megabyte."""


class Shelves:
    """The public promotions as of each version asked for lately. For any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], PromotionSet] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, session: Session, version: int, currency: str) -> PromotionSet:
        """The promotions that held at `version` of the snapshot; broken definitions are left out, as everywhere."""
        # Most versions differ in prices only: what counts is the last change of a promotion.
        key = (log.last_change(session, "promotion", version), currency)
        with self._lock:
            held = self._kept.get(key)
            if held is not None:
                self._kept.move_to_end(key)
                return held
        definitions = log.bodies_at(session, "promotion", version)
        compiled, _ = compile_definitions(definitions, currency)
        with self._lock:
            self._kept[key] = compiled
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return compiled
