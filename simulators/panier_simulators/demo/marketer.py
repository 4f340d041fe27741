"""A marketer who pushes campaigns while people shop, and measures how long each takes to reach the screens."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from panier_simulators.demo.premises import Premises
from panier_simulators.fleet import Place
from panier_simulators.glance import read
from panier_simulators.screen import NotSeen, Rows

_PATIENCE = 10.0
_WORDS = ("Apples", "Bread", "Cheese", "Dates", "Eggs", "Figs", "Grapes", "Honey", "Ice", "Jam", "Kale", "Leeks", "Milk", "Nuts")


@dataclass(slots=True)
class Pushes:
    """Milliseconds from the push (the request leaves) to its title on a screen in mid-trip; and screens that never showed it."""

    milliseconds: list[float] = field(default_factory=list[float])
    missed: list[str] = field(default_factory=list[str])
    campaigns: list[str] = field(default_factory=list[str])


async def push_while_shopping(premises: Premises, places: list[Place], every: float, pushes: Pushes) -> None:
    """Creates and pushes a campaign for every member each `every` seconds, ending the one before, until cancelled."""
    number = 0
    while True:
        await asyncio.sleep(every)
        shopping = [place for place in places if _is_shopping(place)]
        if not shopping:
            continue
        # The word comes first: a narrow screen may cut the end of a title.
        title = f"{_WORDS[number % len(_WORDS)]} {number:02} -10 %"
        number += 1
        created = await premises.post("/campaigns", _draft(title))
        began = time.monotonic()
        looks = [asyncio.create_task(_look(place, title, began, pushes)) for place in shopping]
        await premises.post(f"/campaigns/{created['campaign']}/push")
        await asyncio.gather(*looks)
        pushes.campaigns.append(created["campaign"])
        await premises.post(f"/campaigns/{created['campaign']}/stop")


def _draft(title: str) -> dict[str, object]:
    return {
        "title": title,
        "reason": "today, for every member",
        "segment": "member",
        "promotion": {"kind": "percent", "percent": "10", "target": {"categories": ["Fluid Milk Products"]}},
    }


def _is_shopping(place: Place) -> bool:
    seen = place.glance
    return seen.is_basket and seen.is_online and bool(seen.units)


async def _look(place: Place, title: str, began: float, pushes: Pushes) -> None:
    """Notes when `title` stands on the screen. A trip that ends first, or a terminal that dies meanwhile, proves nothing."""

    def decided(rows: Rows) -> tuple[bool] | None:
        if any(title in row for row in rows):
            return (True,)
        seen = read(rows)
        return (False,) if seen.is_end or seen.is_start else None

    restarts = place.terminal.restarts
    try:
        seen = await place.terminal.wait_for(decided, _PATIENCE, title)
    except NotSeen as error:
        if place.terminal.restarts == restarts:
            pushes.missed.append(str(error))
        return
    if seen.value[0]:
        pushes.milliseconds.append((seen.at - began) * 1000)
