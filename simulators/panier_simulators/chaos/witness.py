"""What was painted and what was acknowledged, as seen from outside: off the terminals' screens, and off the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from panier.topic import StoreTopics
from panier_simulators.chaos.mqtt import Publish
from panier_simulators.glance import Glance, read
from panier_simulators.screen import Rows, SimulatedTerminal


@dataclass(frozen=True, slots=True)
class Farewell:
    """A trip's end as it was painted."""

    device: str
    trip: str
    total: int


@dataclass(slots=True)
class ScreenWitness:
    """Watches one terminal's screen for as long as it runs, whoever shops there."""

    terminal: SimulatedTerminal
    farewells: dict[str, Farewell] = field(default_factory=dict[str, Farewell])
    contradictions: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    _basket: Glance | None = None
    _basket_at: float = 0.0
    _life: int = 0
    _watch: asyncio.Future[Any] | None = None

    def begin(self) -> None:
        """Looks at every picture from now on."""
        # A predicate that is never satisfied is asked about every picture.
        self._watch = asyncio.ensure_future(self.terminal.wait_for(self._look, float("inf"), "nothing in particular"))

    def end(self) -> None:
        """Looks away."""
        if self._watch:
            self._watch.cancel()

    def _look(self, rows: Rows) -> None:
        seen = read(rows)
        if seen.is_end and seen.trip and seen.total is not None:
            self._note_farewell(Farewell(self.terminal.name, seen.trip, seen.total))
            self._basket = None
        elif seen.is_start:
            self._note_restart(None)
            self._basket = None
        elif seen.is_basket:
            self._note_restart(seen)
            if seen.units != (self._basket and self._basket.units):
                self._basket_at = self.terminal.painted_at
            self._basket = seen

    def _note_farewell(self, now: Farewell) -> None:
        before = self.farewells.setdefault(now.trip, now)
        if before.total != now.total:
            self.contradictions.append((now.trip, f"ended with {before.total} and with {now.total} on the screen"))

    def _note_restart(self, now: Glance | None) -> None:
        """What stood on the screen when the terminal died must be there when it is back; a unit more may have been under way."""
        if self.terminal.starts == self._life:
            return
        before, self._basket, self._life = self._basket, None, self.terminal.starts
        if before is None or not before.units:
            return
        # Without a basket, the end was on the disk and not yet on the screen: then its receipt is looked for by what was painted.
        if now is not None and (now.units or 0) < before.units - self._taken_back():
            what = f"start {self.terminal.starts} of {self.terminal.name}"
            self.contradictions.append((what, f"{before.units} units were on the screen before it, and {now.units} after it"))

    def _taken_back(self) -> int:
        """1 where a unit was being put back when the terminal died."""
        key, at = self.terminal.pressed
        return int(key == "-" and at >= self._basket_at)


@dataclass(slots=True)
class Journal:
    """A device's journal as it went by: each event's text by sequence, and how far it was acknowledged."""

    device: str
    journal: str
    events: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    acknowledged: int = 0


@dataclass(slots=True)
class WireWitness:
    """Listens in on the links: what devices sent, and what the gateway says it has on its disk."""

    topics: StoreTopics
    journals: dict[tuple[str, str], Journal] = field(default_factory=dict[tuple[str, str], Journal])
    contradictions: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def hear_device(self, from_client: bool, said: Publish) -> None:
        """On a device's link."""
        sender = self.topics.sender(said.topic)
        if not from_client or sender is None or sender[1] != "events":
            return
        batch = json.loads(said.payload)
        journal = self._journal(sender[0], batch["journal"])
        for event in batch["events"]:
            before = journal.events.setdefault(event["sequence"], event)
            if before != event:
                self.contradictions.append((f"{sender[0]}.{journal.journal}.{event['sequence']}", "was sent as two events"))

    def hear_gateway(self, from_client: bool, said: Publish) -> None:
        """On the gateway's link."""
        parts = said.topic.split("/")
        if not from_client or parts[-2:] != ["down", "ack"]:
            return
        answer = json.loads(said.payload)
        journal = self._journal(parts[-3], answer["journal"])
        journal.acknowledged = max(journal.acknowledged, answer["upto"])

    def acknowledged(self) -> Iterator[tuple[Journal, int, dict[str, Any]]]:
        """(journal, sequence, event) of each event that was acknowledged, in order."""
        for journal in self.journals.values():
            for sequence in range(1, journal.acknowledged + 1):
                event = journal.events.get(sequence)
                if event is None:
                    name = f"{journal.device}.{journal.journal}.{sequence}"
                    self.contradictions.append((name, "was acknowledged, and never sent"))
                else:
                    yield journal, sequence, event

    def _journal(self, device: str, journal: str) -> Journal:
        return self.journals.setdefault((device, journal), Journal(device, journal))
