"""The shop floor as it is now: one live row a terminal and the counters of the shift. Memory only; the ledger is the truth."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Literal

from panier.message import Counters, LimitRow, LiveRow, OfficeState, Status, UnknownRow
from panier.trip import HelpEnded, HelpRequested, Trip
from panier_gateway.intake import TWO_MACHINES, Taken

_SILENCE = 150.0
"""Seconds without a word after which a device counts as offline; each says once a minute that it is here."""


@dataclass(slots=True)
class Terminal:
    """What is known of one device."""

    device: str
    status: Status | None = None
    trip: Trip | None = None
    help_since: int | None = None
    help_answered: bool = False
    quarantined: dict[str, str] = field(default_factory=dict[str, str])
    """Journals from which nothing is taken, and why: also an older one, whose events wait for a person."""
    wrong: str | None = None
    refused: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    """Events by journal and sequence that were refused last, and why, until a person has decided about them."""
    doubled: str | None = None
    remark: str | None = None
    """What staff should read of what they asked for."""
    last_at: int = 0
    """When it was last heard, for people; `heard_at` is the same by the steady clock, since the other one may be set."""
    heard_at: float = -math.inf


@dataclass(slots=True)
class Shift:
    """Figures since the shop's midnight."""

    finished: int = 0
    turnover: int = 0
    incidents: int = 0
    refused_messages: int = 0
    help_seconds: list[int] = field(default_factory=list[int])


class Floor:
    """Folds what arrives into rows and counters, and remembers which rows changed since they were last fetched."""

    def __init__(self, currency: str, steady: Callable[[], float] = monotonic) -> None:
        self._currency = currency
        self._steady = steady
        self.terminals: dict[str, Terminal] = {}
        self.changed: dict[str, None] = {}
        """Devices whose rows differ from what was last published, the longest unpublished first."""
        self.shift = Shift()
        self.waiting_for_backoffice = 0
        self.dead_letters = 0
        self.limits: list[LimitRow] = []
        self.disk: str | None = None
        """Why the gateway stores nothing now; every row says so."""
        self.backoffice: OfficeState = "unreachable"

    def enrol(self, devices: Iterable[str]) -> None:
        """Makes sure that every enrolled device has a row."""
        for device in devices:
            self._terminal(device)

    def restore(self, trips: Mapping[str, Trip], quarantined: Mapping[tuple[str, str], str]) -> None:
        """What the ledger knew at the start."""
        for device, trip in trips.items():
            self.follow(device, trip)
        self.restore_quarantine(quarantined)

    def follow(self, device: str, trip: Trip) -> None:
        """Where a device's trip is by the ledger, without a word of the device: after a start, or after what people decided."""
        terminal = self._terminal(device)
        terminal.trip = trip if trip.is_open else None
        terminal.help_since = trip.last_at if trip.is_open and trip.needs_help else None
        self.changed[device] = None

    def restore_quarantine(self, quarantined: Mapping[tuple[str, str], str]) -> None:
        """The quarantined journals of all devices, after a start or a release."""
        for terminal in self.terminals.values():
            if terminal.quarantined:
                terminal.quarantined = {}
                self.changed[terminal.device] = None
        for (device, journal), why in quarantined.items():
            self._terminal(device).quarantined[journal] = why
            self.changed[device] = None

    def keep_refused(self, waiting: Collection[tuple[str, str, int]]) -> None:
        """The refused events (device, journal, sequence) that wait for a person; of the others nothing is said any more."""
        for device, terminal in self.terminals.items():
            decided = [key for key in terminal.refused if (device, *key) not in waiting]
            for key in decided:
                del terminal.refused[key]
                self.changed[device] = None

    def hear(self, device: str, status: Status, now: int) -> None:
        """A birth message or a last will."""
        terminal = self._terminal(device)
        terminal.status = status
        if status.state == "online":
            terminal.last_at, terminal.heard_at = now, self._steady()
        self.changed[device] = None

    def note_silence(self) -> None:
        """A device whose last will was lost with its broker is offline all the same once it misses two heartbeats."""
        for terminal in self.terminals.values():
            if terminal.status and terminal.status.state == "online" and self._is_silent(terminal):
                terminal.status = terminal.status.model_copy(update={"state": "offline"})
                self.changed[terminal.device] = None

    def take(self, taken: Taken, now: int) -> None:
        """A batch that is on the disk, or that was not taken."""
        terminal = self._terminal(taken.device)
        if terminal.status and terminal.status.state == "offline" and self._is_silent(terminal):
            terminal.status = terminal.status.model_copy(update={"state": "online"})
        terminal.last_at, terminal.heard_at = now, self._steady()
        terminal.wrong = taken.wrong
        if taken.refused:
            terminal.refused = {(taken.journal, one.sequence): one.reason for one in taken.refused}
        if taken.upto is not None:
            terminal.quarantined.pop(taken.journal, None)
        elif not taken.is_held_up:
            terminal.quarantined[taken.journal] = taken.wrong or ""
        if taken.another_machine:
            terminal.doubled = TWO_MACHINES
        for event in taken.events:
            if isinstance(event.what, HelpRequested):
                terminal.help_since, terminal.help_answered = now, False
            elif isinstance(event.what, HelpEnded):
                self._end_help(terminal, now)
        if taken.trip is not None:
            if terminal.trip is None or terminal.trip.trip != taken.trip.trip:
                # What went wrong was told during the trip in which it happened.
                terminal.doubled = terminal.remark = None
                if not taken.refused:
                    terminal.refused = {}
            terminal.trip = taken.trip if taken.trip.is_open else None
            if terminal.trip is None:
                self._end_help(terminal, now)
        self.changed[taken.device] = None

    def answer_help(self, device: str, now: int) -> Trip | None:
        """Staff is on the way; gives the trip that called, or None where nobody waits there."""
        terminal = self.terminals.get(device)
        if terminal is None or terminal.help_since is None or terminal.help_answered:
            return None
        self._count_help(terminal, now)
        terminal.help_answered = True
        self.changed[device] = None
        return terminal.trip

    def remark(self, device: str, text: str | None) -> None:
        """Something for staff to read beside a terminal, until its next trip or another word."""
        if (terminal := self.terminals.get(device)) is not None:
            terminal.remark = text
            self.changed[device] = None

    def say_of_disk(self, why: str | None) -> None:
        """The gateway's disk refuses, or takes it again."""
        if why != self.disk:
            self.disk = why
            self.changed.update(dict.fromkeys(self.terminals))

    def next_changed(self, most: int) -> list[str]:
        """Takes up to `most` devices off `changed`."""
        devices = list(islice(self.changed, most))
        for device in devices:
            del self.changed[device]
        return devices

    def row(self, device: str) -> LiveRow:
        """One terminal's row, without what its basket comes to: whoever prices that need not do it here."""
        terminal = self.terminals[device]
        trip, status = terminal.trip, terminal.status
        return LiveRow(
            device=device, state=_state(terminal), trip=trip.trip if trip else None,
            since=trip.started_at if trip else 0, lines=len(trip.lines) if trip else 0, units=trip.units if trip else 0,
            total=0, currency=trip.currency if trip else self._currency,
            member=bool(trip and (trip.member or trip.card)), wrong=self.disk or _wrong(terminal),
            waiting=status.waiting if status else 0,
            snapshot=trip.snapshot if trip else status.snapshot if status else 0,
            battery=status.battery if status else None, last_at=terminal.last_at,
            help_since=0 if terminal.help_answered else terminal.help_since or 0,
            unknown=[UnknownRow(sequence=code.sequence, code=code.seen) for code in trip.unknown] if trip else [],
        )  # fmt: skip

    def counters(self) -> Counters:
        """The shift so far. For any thread: whoever asks for the metrics has one of their own."""
        shift = self.shift
        return Counters(
            trips_open=sum(terminal.trip is not None for terminal in list(self.terminals.values())),
            trips_finished=shift.finished, turnover=shift.turnover, currency=self._currency,
            waiting_for_backoffice=self.waiting_for_backoffice, backoffice=self.backoffice, incidents=shift.incidents,
            dead_letters=self.dead_letters, help_answered=len(shift.help_seconds),
            help_seconds_median=round(statistics.median(shift.help_seconds)) if shift.help_seconds else None,
            refused_messages=shift.refused_messages, limits=self.limits,
        )  # fmt: skip

    def _terminal(self, device: str) -> Terminal:
        if device not in self.terminals:
            self.terminals[device] = Terminal(device)
            self.changed[device] = None
        return self.terminals[device]

    def _is_silent(self, terminal: Terminal) -> bool:
        return self._steady() - terminal.heard_at > _SILENCE

    def _end_help(self, terminal: Terminal, now: int) -> None:
        if terminal.help_since is not None and not terminal.help_answered:
            self._count_help(terminal, now)
        terminal.help_since, terminal.help_answered = None, False

    def _count_help(self, terminal: Terminal, now: int) -> None:
        if terminal.help_since is not None:
            self.shift.help_seconds.append(max(0, now - terminal.help_since) // 1000)


def _state(terminal: Terminal) -> Literal["offline", "idle", "shopping", "help", "quarantined"]:
    if terminal.quarantined:
        return "quarantined"
    if terminal.status is None or terminal.status.state == "offline":
        return "offline"
    if terminal.help_since is not None and not terminal.help_answered:
        return "help"
    return "shopping" if terminal.trip else "idle"


def _wrong(terminal: Terminal) -> str | None:
    if terminal.quarantined:
        return next(iter(terminal.quarantined.values()))
    payment = terminal.trip.payment if terminal.trip else None
    if payment is not None and payment.is_under_way and terminal.help_since is not None:
        return "is it paid? look at the payment terminal, then decide at the device"
    if terminal.remark:
        return terminal.remark
    if terminal.help_answered:
        return "help is on the way"
    status = terminal.status
    told = (status.trouble or status.hardware) if status else ""
    return terminal.doubled or terminal.wrong or _refused(terminal) or told or None


def _refused(terminal: Terminal) -> str | None:
    count, first = len(terminal.refused), next(iter(terminal.refused.values()), None)
    return f"{count} event{'s' if count > 1 else ''} refused: {first}" if first is not None else None
