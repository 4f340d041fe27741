"""A reader of magnetic stripes and of chips that poses as a keyboard, and the cards that are drawn through it.

Tracks as ISO/IEC 7813 writes them and as readers in keyboard mode type them: each between its start sentinel (% ; +) and ?, an E
for a track that could not be read, Enter behind the last or behind each.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from panier_simulators.keyboard import strokes
from panier_simulators.wedge import SimulatedWedge, Typed

Fault = Literal["none", "torn", "fast", "no_track_1", "no_track_2", "no_track"]
"""`torn`: the card stops half way, no Enter follows. `fast`: keys come faster than they are read, so that some are lost."""
FAULTS: tuple[str, ...] = get_args(Fault)

_EXPIRES, _SERVICE = "3012", "101"


@dataclass(frozen=True, slots=True)
class Card:
    """A card by the number and the name on it; without a name, only track 2 is written."""

    number: str
    name: str = ""

    @property
    def tracks(self) -> tuple[str, str]:
        """Tracks 1 and 2 with their sentinels; 79 and 40 characters at the most, check character included."""
        first = f"%B{self.number}^{self.name.upper():<26.26}^{_EXPIRES}{_SERVICE}0000000?" if self.name else ""
        return first, f";{self.number}={_EXPIRES}{_SERVICE}00000?"


BANK_CARD = Card("4111111111111111", "DOE/JANE")
"""The number that card schemes publish for tests."""


class SimulatedCardReader:
    """A card reader behind a socket at `path`, as SimulatedWedge; with `enter_each`, Enter follows every track."""

    def __init__(self, path: Path, *, gap: float = 0.001, enter_each: bool = False) -> None:
        self.keyboard = SimulatedWedge(path, gap=gap)
        self._enter_each = enter_each

    def swipe(self, card: Card, fault: Fault = "none") -> Typed:
        """Draws the card through; what was typed last, and when."""
        first, second = card.tracks
        if fault in ("no_track_1", "no_track"):
            first = "%E?"
        if fault in ("no_track_2", "no_track"):
            second = ";E?"
        whole = first + second
        if fault == "torn":
            return self.keyboard.type(whole[: len(whole) // 2], terminate=False)
        if fault == "fast":
            # Past the middle of track 2, so that neither a whole one nor its end remains.
            kept = len(list(strokes(whole[: len(first) + len(second) // 2])))
            return self.keyboard.type(whole, drop_after=kept)
        if self._enter_each and first:
            self.keyboard.type(first)
            return self.keyboard.type(second)
        return self.keyboard.type(whole)

    def tap(self, uid: str) -> Typed:
        """A chip in the field: its UID as the reader spells it, and Enter."""
        return self.keyboard.type(uid)

    def plug(self) -> None:
        """Plugs the cable in."""
        self.keyboard.plug()

    def unplug(self) -> None:
        """Pulls the cable."""
        self.keyboard.unplug()

    close = unplug

    def __enter__(self) -> SimulatedCardReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
