"""Scanned twice? Whether two scans of a product look like one too many, told from the trip's events alone.

The driver swallows what a held trigger repeats; this is the beep that was not heard, and the tin that was scanned again. At the
second scan nobody can tell it from two tins, and six yoghurts begin like that. It can be told when something else follows: just
two, quickly, by a shopper who has taken several other products, and one of each.
"""

from __future__ import annotations

from dataclasses import dataclass

from panier.trip import Event, ItemAdded, ItemRemoved, Line, Trip

SOON_MS = 3_000
"""Two scans of one product within this time may have been meant as one."""
LEAST_OTHERS = 3
"""Fewer other products say nothing yet of what is usual for a trip."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Scans of one product at one price, one after the other; `is_quick` while none was slow to follow."""

    product: tuple[str, int]
    count: int
    last_at: int
    is_quick: bool


class Doubt:
    """Hears a trip's events in order; asks once about a line."""

    def __init__(self) -> None:
        self._trip = ""
        self._run: _Run | None = None
        self._asked: set[tuple[str, int]] = set()
        self.line: Line | None = None
        """The line that may hold one too many, told by the last event."""

    def hear(self, event: Event, trip: Trip) -> None:
        """Takes one more event; `trip` is the state after it."""
        if event.trip != self._trip:
            self._trip, self._run, self._asked = event.trip, None, set()
        self.line = None
        match event.what:
            case ItemAdded() as item:
                before, self._run = self._run, self._after(item, event.at)
                if before is not None and before.count == 2 and before.is_quick and (item.sku, item.unit_price) != before.product:
                    self.line = self._doubted(before.product, trip)
            case ItemRemoved():
                # Whoever puts something back has looked.
                self._run = None
            case _:
                pass

    def _after(self, item: ItemAdded, at: int) -> _Run | None:
        """The run with one more scan, or a new one; None for what is no scan of one plain piece."""
        is_plain = item.entry in ("scan", "wedge") and item.quantity == 1 and item.weighing is None
        if not is_plain or item.is_labelled or item.serial:
            return None
        run, product = self._run, (item.sku, item.unit_price)
        if run is None or run.product != product:
            return _Run(product, 1, at, is_quick=True)
        return _Run(product, run.count + 1, at, run.is_quick and at - run.last_at <= SOON_MS)

    def _doubted(self, product: tuple[str, int], trip: Trip) -> Line | None:
        found = next((line for line in trip.lines if (line.sku, line.unit_price) == product), None)
        others = [line.quantity for line in trip.lines if line is not found]
        # Who has more of these from before means it, and so does who takes other things by twos and threes.
        if found is None or found.quantity != 2 or len(others) < LEAST_OTHERS or max(others) > 1 or product in self._asked:
            return None
        self._asked.add(product)
        return found
