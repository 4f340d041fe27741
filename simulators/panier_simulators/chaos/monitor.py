"""The staff monitor under faults: read off its screen, and held against the terminals' own screens and the gateway's ledger."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, time
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from panier_simulators.demo.role import PANIER
from panier_simulators.fleet import Place
from panier_simulators.glance import read
from panier_simulators.screen import NotSeen, Rows, SimulatedTerminal

NAME = "monitor"
_PATIENCE = 90.0
"""Seconds for the last news to arrive: a terminal that a jump of the gateway's clock made offline is heard within a minute."""
_COLUMNS, _ROWS_BESIDE = 120, 12
_FIGURES = ("Need help", "Offline", "Incidents", "Set aside", "Shopping", "Trips today", "Sold", "Help came in", "Back office")
_ROW = re.compile(r"^.?\s+(?P<device>[a-z0-9-]+)\s+(?P<state>idle|shopping|offline|needs help|held back)(?:\s|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What stands on a monitor, or should: each terminal's state, and the figures on top that can be known from elsewhere."""

    is_connected: bool
    states: Mapping[str, str]
    figures: Mapping[str, str]

    def against(self, wanted: Board) -> Iterator[tuple[str, str]]:
        """(what, words) of each thing that is shown otherwise than it is."""
        if self.is_connected != wanted.is_connected:
            yield NAME, "says that it is not connected"
        for device in sorted({*self.states, *wanted.states}):
            shown, is_so = self.states.get(device, "not at all"), wanted.states.get(device, "not at all")
            if shown != is_so:
                yield f"{NAME}, {device}", f"is shown as {shown}, and is {is_so}"
        for name, is_so in wanted.figures.items():
            if (shown := self.figures.get(name, "")) != is_so:
                yield f"{NAME}, {name}", f"is shown as {shown!r}, and is {is_so!r}"


def monitor_on(settings: Path, devices: int) -> SimulatedTerminal:
    """A monitor on a screen that has room for every terminal."""
    command = [*PANIER, "monitor", "--settings", str(settings)]
    return SimulatedTerminal(command, name=NAME, columns=_COLUMNS, lines=devices + _ROWS_BESIDE)


def board(rows: Rows) -> Board:
    """Reads the monitor's screen."""
    found = [match for row in rows if (match := _ROW.match(row))]
    return Board(
        is_connected=any("● connected" in row for row in rows[:1]),
        states={match["device"]: match["state"] for match in found},
        figures=_figures(rows),
    )


def _figures(rows: Rows) -> dict[str, str]:
    for names, values in pairwise(rows):
        places = [names.find(name) for name in _FIGURES]
        if min(places) >= 0:
            ends = [*places[1:], len(values)]
            return {name: values[begin:end].strip(" !") for name, begin, end in zip(_FIGURES, places, ends, strict=True)}
    return {}


def truth(places: Sequence[Place], ledger: Path, timezone: str) -> Board:
    """What a monitor should show of a store that has come to rest."""
    states = {place.post.device: "shopping" if read(place.terminal.rows).is_basket else "idle" for place in places}
    here = datetime.now(ZoneInfo(timezone))
    midnight = int(datetime.combine(here.date(), time(), here.tzinfo).timestamp() * 1000)
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as held:
        finished = held.execute(
            "SELECT count(*) FROM trip WHERE state IN ('finished', 'unsettled') AND closed_at >= ?", (midnight,)
        )
        set_aside = held.execute("SELECT count(*) FROM dead_letter")
        figures = {"Trips today": str(finished.fetchone()[0]), "Set aside": str(set_aside.fetchone()[0])}
    shopping = sum(state == "shopping" for state in states.values())
    figures |= {"Offline": f"0 of {len(places)}", "Shopping": str(shopping), "Back office": "ok"}
    return Board(is_connected=True, states=states, figures=figures)


async def contradictions(monitor: SimulatedTerminal, wanted: Callable[[], Board]) -> list[tuple[str, str]]:
    """What the monitor still shows otherwise than it is when it has had time to come to rest; nothing where all is as it is."""
    try:
        await monitor.wait_for(lambda rows: not list(board(rows).against(wanted())), _PATIENCE, "the store as it is")
    except NotSeen:
        return list(board(monitor.rows).against(wanted()))
    return []
