"""All that the screen needs to know of the agent, at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from panier.payment import Outcome
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
class Paying:
    """How far the payment of the trip at hand is; `amount` in minor units.

    checking: the terminal has to say what became of it, or staff, who type their code first where `takes_code`.
    is_silent: the terminal was asked, and has said nothing for a while.
    """

    stage: Literal["preparing", "asking", "cancelling", "checking"]
    amount: int
    takes_code: bool = False
    is_staff_here: bool = False
    is_silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell:
    """What the Thank-you screen says of the trip that was just finished."""

    trip: str
    first_name: str
    currency: str
    units: int
    discount: int
    total: int
    tender: Outcome | Literal[""] = ""
    """What became of its payment at the terminal; nothing where the till takes the money."""


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
    paying: Paying | None = None
    farewell: Farewell | None = None
