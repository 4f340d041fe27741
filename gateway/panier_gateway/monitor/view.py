"""What the monitor says of a terminal: how urgent, in which words. Pure; the screen only paints it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from panier.message import Counters, LiveRow, OfficeState
from panier.money import format_minor

LOW_BATTERY = 15  # percent: a trip takes about half an hour, and ends on the charger


class Urgency(IntEnum):
    """Who needs someone first, first."""

    HELP = 0
    HELD_BACK = 1
    WRONG = 2
    LOST = 3
    """Offline in mid-trip."""
    BATTERY = 4
    OFFLINE = 5
    SHOPPING = 6
    IDLE = 7


SIGN = {
    Urgency.HELP: "▶", Urgency.HELD_BACK: "✖", Urgency.WRONG: "!", Urgency.LOST: "?", Urgency.BATTERY: "▁",
    Urgency.OFFLINE: "○", Urgency.SHOPPING: " ", Urgency.IDLE: " ",
}  # fmt: skip
"""Says the urgency where there is no colour."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the list: its title, width in cells (0 takes what is left), and on which side it stands."""

    title: str
    width: int
    right: bool = False


COLUMNS = (
    Column("", 2), Column("Terminal", 14), Column("State", 12), Column("Trip", 8, right=True), Column("Lines", 6, right=True),
    Column("Total", 11, right=True), Column("  What is wrong", 0), Column("Battery", 8, right=True),
    Column("Heard", 8, right=True), Column("", 1),
)  # fmt: skip


BATTERY = COLUMNS[7]
DISPENSABLE = COLUMNS[3:5]
WIDE = 100
"""From this width on, all columns fit beside what is wrong."""


def shown_columns(rows: Iterable[LiveRow], width: int = WIDE) -> Sequence[bool]:
    """Which of COLUMNS are shown: a battery where a terminal reports one; on half a screen, no age and lines of a trip."""
    has_battery = any(row.battery is not None for row in rows)
    left_out = {*(() if has_battery else (BATTERY,)), *(() if width >= WIDE else DISPENSABLE)}
    return [column not in left_out for column in COLUMNS]


def to_answer(selected: LiveRow | None, rows: Sequence[LiveRow]) -> LiveRow | None:
    """Whose call is answered: the chosen row's, else that of the first row that calls, else nobody's."""
    if selected is not None and selected.state == "help":
        return selected
    return next((row for row in rows if row.state == "help"), None)


def urgency(row: LiveRow) -> Urgency:
    """How soon somebody should look at this terminal."""
    if row.state == "help":
        return Urgency.HELP
    if row.state == "quarantined":
        return Urgency.HELD_BACK
    if row.state == "offline":
        return Urgency.LOST if row.trip else Urgency.OFFLINE
    if row.battery is not None and row.battery <= LOW_BATTERY:
        return Urgency.BATTERY
    if row.wrong and not _is_answered(row):
        return Urgency.WRONG
    return Urgency.SHOPPING if row.state == "shopping" else Urgency.IDLE


def in_order(rows: Iterable[LiveRow]) -> list[LiveRow]:
    """Who needs someone first: by urgency, then who has waited longest for help, then the oldest trip, then by name."""
    return sorted(rows, key=lambda row: (urgency(row), row.help_since, row.since or 2**62, row.device))


def cells(row: LiveRow, now: int) -> Sequence[str]:
    """The row's cells, in the order of COLUMNS; `now` in milliseconds."""
    return (
        SIGN[urgency(row)],
        row.device,
        state(row),
        duration(now - row.since) if row.trip else "",
        str(row.lines) if row.trip else "",
        format_minor(row.total, row.currency) if row.trip else "",
        f"  {wrong(row, now)}",
        "" if row.battery is None else f"{row.battery} %",
        duration(now - row.last_at) if row.last_at else "never",
        "",
    )


def state(row: LiveRow) -> str:
    """The state in a word or two."""
    return {"help": "needs help", "quarantined": "held back", "offline": "offline"}.get(row.state, row.state)


def wrong(row: LiveRow, now: int) -> str:
    """What is wrong, as one would say it; empty where nothing is."""
    if row.state == "help":
        called = f"called {ago(now - row.help_since)}" if row.help_since else "calls for help"
        return f"{called}, no price" if row.unknown else called
    found = [printable(row.wrong)] if row.wrong else []
    found += ["a code without a price (p)"] if row.unknown else []
    if row.state == "offline" and row.trip:
        found.append("shopper in mid-trip, no connection")
    if row.battery is not None and row.battery <= LOW_BATTERY:
        found.append("charge it")
    if row.waiting and row.state == "offline":
        found.append(f"{row.waiting} events not received yet")
    return "; ".join(found)


_OFFICE: dict[OfficeState, str] = {"connected": "ok", "unreachable": "away", "refused": "refuses us"}


def figures(rows: Sequence[LiveRow], known: Counters | None) -> Sequence[tuple[str, str, bool]]:
    """The counters on top: name, figure, and whether somebody should act on it; a dash for what nobody told yet."""
    counters = known or Counters()
    waiting = sum(row.state == "help" for row in rows)
    offline = sum(row.state == "offline" for row in rows)
    median = counters.help_seconds_median
    away = counters.backoffice != "connected"
    queue = f", {counters.waiting_for_backoffice} wait" if counters.waiting_for_backoffice else ""
    terminals = (("Need help", str(waiting), waiting > 0), ("Offline", f"{offline} of {len(rows)}", offline > 0))
    shift = (
        ("Incidents", str(counters.incidents), counters.incidents > 0),
        ("Set aside", str(counters.dead_letters), counters.dead_letters > 0),
        ("Shopping", str(counters.trips_open), False),
        ("Trips today", str(counters.trips_finished), False),
        (f"Sold {printable(counters.currency)}" if known else "Sold", format_minor(counters.turnover, counters.currency), False),
        ("Help came in", "-" if median is None else duration(median * 1000), False),
        ("Back office", _OFFICE[counters.backoffice] + queue, away),
    )
    return (*(terminals if rows or known else _unknown(terminals)), *(shift if known else _unknown(shift)))


def _unknown(named: Iterable[tuple[str, str, bool]]) -> Sequence[tuple[str, str, bool]]:
    return [(name, "-", False) for name, _, _ in named]


def duration(milliseconds: int) -> str:
    """Time as people say it: `now`, `20 s`, `4 min`, `3 h`, `2 d`; clocks that differ a little never give less than nothing."""
    seconds = max(0, milliseconds) // 1000
    if seconds < 5:
        return "now"
    if seconds < 60:
        return f"{seconds // 5 * 5} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 48 * 3600 else f"{seconds // 86400} d"


def printable(text: str) -> str:
    """Text that may quote what a device sent, without the control characters that could command the terminal."""
    return "".join(character if character.isprintable() else "·" for character in text)


def ago(milliseconds: int) -> str:
    """`just now`, `4 min ago`."""
    return "just now" if milliseconds < 5000 else f"{duration(milliseconds)} ago"


def _is_answered(row: LiveRow) -> bool:
    return row.wrong == HELP_COMES


HELP_COMES = "help is on the way"
"""The one remark of a gateway that says that all is well."""
