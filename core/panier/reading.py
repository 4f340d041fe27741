"""How JSON is read: what was read is not kept."""

from __future__ import annotations

from pydantic import ConfigDict

FRUGAL = ConfigDict(cache_strings="keys")
"""Left alone, pydantic keeps 16,384 strings that it read, to give equal ones out as one object: memory that grows for hours by
the names of trips that are long over. Names of fields are worth it; what is in them is not. A dataclass needs a RootModel for it.
"""
PART = ConfigDict(frozen=True, extra="ignore", cache_strings="keys")
"""A part of what travels: frozen, unknown fields ignored."""
