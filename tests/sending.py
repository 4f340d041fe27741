"""Events as devices send them: read out of a journal as its sender does, or written as they stand in a batch."""

from __future__ import annotations

import json
from typing import Any

from panier.message import event_from_json, happening_to_json
from panier.trip import Event
from panier_io.journal import Journal


def events_in(journal: Journal, after: int = 0) -> list[Event]:
    """The events that follow this sequence, up to where some are missing between."""
    return [event_from_json(text) for _, text in journal.records(after, 100_000)]


def record(event: Event) -> dict[str, Any]:
    """One event of a batch."""
    return {"sequence": event.sequence, "at": event.at, "trip": event.trip, "what": json.loads(happening_to_json(event.what))}
