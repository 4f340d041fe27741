"""What a refused code tells the store: goods that belong off the shelf, and codes that belong into the catalogue."""

from __future__ import annotations

from panier.trip import CodeRefused, Trip

_OFF_THE_SHELF = {"expired": "past its date", "recalled": "called back"}


def told(what: CodeRefused, trip: Trip) -> tuple[str, str] | None:
    """Identity and words of the incident, once a trip and code; None where nobody has to do anything.

    The words for an unknown code are the same each time, so that whoever reads them can count.
    """
    identity = f"{trip.trip}.{what.seen}.{what.reason}"
    if what.reason == "unknown_product":
        return identity, f"a shopper scanned {what.seen}, which no catalogue here knows: add it"
    why = _OFF_THE_SHELF.get(what.reason)
    return None if why is None else (identity, f"a shopper scanned {what.seen}, which is {why}: take it off the shelf")
