"""All that the screen needs to know of the agent, at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from panier.pricing import PricedBasket
from panier.trip import Trip
from panier_device.decision import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class OnScale:
    """A product that waits for its weight; nothing of it is in the journal yet.

    `grams` is what the scale shows, less `tare`, where it says; `said` a key of the words for what it says instead.
    """

    name: str
    price_per_kg: int
    currency: str
    tare: int
    said: str
    grams: int | None = None
    is_failing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell:
    """What the Thank-you screen says of the trip that was just finished."""

    trip: str
    first_name: str
    currency: str
    units: int
    discount: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that the screen needs to know. Neither trip nor farewell: the terminal waits for a shopper."""

    trip: Trip | None = None
    priced: PricedBasket | None = None
    first_name: str = ""
    fresh: frozenset[str] = frozenset()
    used_up: frozenset[str] = frozenset()
    """Offers with a limit over all shoppers of which nothing is left for this trip."""
    message: Message | None = None
    weighing: OnScale | None = None
    farewell: Farewell | None = None
