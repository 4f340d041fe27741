"""Taking events in: each device's journal, in order, once, on the disk before it is acknowledged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from panier.error import PanierError
from panier.intake import Contact, Incident
from panier.message import EventBatch, Malformed, Refusal, event_from_json
from panier.trip import CodeRefused, Event, Trip, TripOrder, TripStarted, start
from panier_gateway import gap
from panier_gateway.batch import Batch, first_sequence, without_jump
from panier_gateway.closing import Closing, Settle
from panier_gateway.contact import MemberOf, contact
from panier_gateway.counterfoil import Counterfoils
from panier_gateway.dead_letter import DeadLetter
from panier_gateway.incident import Incidents
from panier_gateway.ledger import JournalState, Ledger
from panier_gateway.purse import Purses
from panier_io.log import logger

_DAY = 86_400_000
_CONTENT_KEPT, _HANDED_IN_KEPT, _SUMS_KEPT, _TOLD_KEPT = 3 * _DAY, 7 * _DAY, 30 * _DAY, 90 * _DAY
"""How long events of a delivered trip are kept, what was handed in, sums to find out a copied device, what staff were told."""
_TIDIED, _SUMS_TIDIED = 200, 5_000
"""Trips, and sums, that are let go of at once: some tens of milliseconds, which live trips wait for."""
_CLOCK_TOLD = 120_000
"""Milliseconds that a device's clock may be wrong by before staff are told."""
TWO_MACHINES = "two machines use one identity: once both have delivered, enrol one under another name"


class Forged(PanierError):
    """An event that claims to come from somebody else than the broker let publish it."""

    code = "forged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one batch. `upto` is None where nothing may be acknowledged; `trip` is the state after `events`.

    `another_machine` is True where an older journal spoke after a newer one of the device began: then `trip` is None, because
    the floor and the capsules follow the newest journal. `is_held_up` where a bug of ours keeps it from being stored.
    """

    device: str
    journal: str
    upto: int | None
    refused: tuple[Refusal, ...] = ()
    events: tuple[Event, ...] = ()
    trip: Trip | None = None
    wrong: str | None = None
    another_machine: bool = False
    renew: bool = False
    is_held_up: bool = False


@dataclass(slots=True)
class _State:
    """What is known of all journals. A journal's open trips are its own: two machines may use one identity by mistake."""

    journals: dict[tuple[str, str], JournalState]
    trips: dict[tuple[str, str], dict[str, Trip]]
    newest: dict[str, str]
    """The journal of each device that began last."""

    def next_at(self, device: str, now: int) -> int:
        """When a new journal of the device begins: after its newest one, also where our clock was set back since."""
        newest = self.newest.get(device)
        return now if newest is None else max(now, self.journals[device, newest].first_at + 1)

    def copy(self) -> _State:
        return _State(dict(self.journals), dict(self.trips), dict(self.newest))


@dataclass(slots=True)
class _Work:
    """What one batch changes; nothing of it holds before the commit."""

    device: str
    journal: str
    upto: int
    trips: dict[str, Trip]
    clock_offset: int = 0
    events: list[Event] = field(default_factory=list[Event])
    refused: list[Refusal] = field(default_factory=list[Refusal])
    letters: list[DeadLetter] = field(default_factory=list[DeadLetter])
    incidents: list[Incident] = field(default_factory=list[Incident])
    contacts: list[Contact] = field(default_factory=list[Contact])
    started: list[Trip] = field(default_factory=list[Trip])
    closed: list[Trip] = field(default_factory=list[Trip])
    left_open: list[Trip] = field(default_factory=list[Trip])
    last: Trip | None = None

    def is_kept(self, after: JournalState) -> bool:
        """True where the ledger has to know of the journal."""
        return bool(self.events or self.refused or after.quarantined)


class Intake:
    """Takes batches in, many to one commit. Blocking; lives in one thread, which also owns the ledger.

    The state in memory (how far each journal is, the open trips) moves only after the commit that proves it.
    """

    def __init__(self, store: str, ledger: Ledger, settle: Settle, member_of: MemberOf) -> None:
        self._store = store
        self._ledger = ledger
        self._member_of = member_of
        self.purses = Purses(ledger.connection)
        self.counterfoils = Counterfoils(ledger.connection)
        self._has_past = True
        """Whether trips may have left the ledger that the purses did not add up: to look for them reads every trip's uses."""
        self._log = logger("intake")
        self.incidents = Incidents(store, ledger)
        self._closing = Closing(ledger, settle, self.purses, self.incidents)
        journals = ledger.journals()
        # They come oldest first, so that each device's last one holds.
        self._state = _State(journals, {}, dict(journals.keys()))
        for trip in ledger.trips("open"):
            device, journal, _ = trip.trip.split(".")
            self._state.trips.setdefault((device, journal), {})[trip.trip] = trip

    def open_trips(self) -> dict[str, Trip]:
        """The newest open trip of each device whose newest journal has one."""
        open_trips = {device: self._state.trips.get((device, journal), {}) for device, journal in self._state.newest.items()}
        return {
            device: max(trips.values(), key=lambda trip: trip.first_sequence) for device, trips in open_trips.items() if trips
        }

    def upto(self, device: str, journal: str) -> int | None:
        """What may be acknowledged of a journal; None where it is quarantined."""
        state = self._state.journals.get((device, journal), JournalState(0))
        return None if state.quarantined else state.upto

    def renewed_from(self, device: str, journal: str) -> int | None:
        """Where a journal that staff have released may begin anew: the last sequence that is no dispute; None for others."""
        state = self._state.journals.get((device, journal), JournalState(0))
        return (state.conflict or state.upto + 1) - 1 if state.released else None

    def quarantined(self) -> dict[tuple[str, str], str]:
        """Journals from which nothing more is taken until somebody releases them, and why; however old they are."""
        held = self._state.journals.items()
        return {key: state.quarantined for key, state in held if state.quarantined and not state.released}

    def release(self, device: str, journal: str, now: int) -> bool:
        """Lets the devices that speak under a quarantined journal go on, each in a new one; False where none such is held."""
        state = self._state.journals.get((device, journal))
        if state is None or not state.quarantined:
            return False
        released = replace(state, released=True)
        with self._ledger.transaction():
            self._ledger.keep_journal(device, journal, released)
        self._state.journals[device, journal] = released
        return True

    def is_alive(self, journal: tuple[str, str]) -> bool:
        """True where this (device, journal) has events, is the device's newest, and is not quarantined."""
        return self._state.newest.get(journal[0]) == journal[1] and not self._state.journals[journal].quarantined

    def is_open(self, journal: tuple[str, str], trip: str) -> bool:
        """True while this trip of the journal goes on; not where it was set aside and may yet be revived."""
        return trip in self._state.trips.get(journal, {})

    def take_in(self, batches: Sequence[Batch], now: int) -> list[Taken]:
        """Stores the batches in one transaction. When this returns, everything up to each `upto` is on the disk.

        Raises sqlite3.Error where the disk refuses: then nothing was taken and nothing may be acknowledged.
        """
        with self._ledger.transaction():
            try:
                taken, state = self._take_together(batches, self._state, now)
            except sqlite3.OperationalError:
                raise  # the disk, not the batches: nothing of the group may hold
            except Exception:
                # A batch that trips over a bug of ours must not hold up every other device of the store.
                taken, state = self._take_each(batches, now)
        self._state = state
        return taken

    def reconsider(self, device: str, journal: str, sequence: int, record: dict[str, Any], now: int) -> tuple[str, Taken | None]:
        """Takes an event that was refused before, as it is or corrected, into its trip at its own place; says what came of it.

        Raises PanierError where it is refused again. A repeat changes nothing. A trip that is not its device's last is not told.
        """
        event = event_from_json({**record, "sequence": sequence})
        if not event.trip.startswith(f"{device}.{journal}."):
            raise Forged(f"trip {event.trip} is not one of {device}'s journal {journal}")
        if self._ledger.events(device, journal, sequence, sequence):
            return f"event {sequence} of journal {journal} is stored already", None
        if self._ledger.settled(event.trip):
            raise TripOrder(f"trip {event.trip} has its receipt, which stays as it is; drop the event and say how it was settled")
        held = self._state.journals.get((device, journal), JournalState(sequence))
        with self._ledger.transaction():
            self._ledger.keep_events(device, journal, [event])
            trip = self._ledger.folded(event.trip)
            if trip.is_open:
                self._ledger.keep_trip(trip, device, journal, "open", None, None)
            else:
                self._closing.close(trip, now, held.clock_offset)
            if found := contact(event, trip, self._store, self._member_of):
                self._ledger.post("contact", found.contact, found.model_dump_json())
        trips = self._state.trips.setdefault((device, journal), {})
        if trip.is_open:
            trips[trip.trip] = trip
        else:
            trips.pop(trip.trip, None)
        last = self._state.newest.get(device) == journal and all(
            one.first_sequence <= trip.first_sequence for one in trips.values()
        )
        upto = self.upto(device, journal)
        taken = Taken(device=device, journal=journal, upto=upto, events=(event,), trip=trip if last else None)
        return f"event {sequence} is in trip {trip.trip}, which {'goes on' if trip.is_open else 'has ended'}", taken

    def refuse_payload(self, device: str, reason: str, payload: bytes, now: int) -> None:
        """Keeps a message that could not be read at all. One incident a device and hour, whatever arrives."""
        text = payload.decode(errors="backslashreplace")
        letter = DeadLetter(device=device, journal=None, sequence=None, reason=reason, payload=text, is_copy=True)
        hour = now // 3_600_000
        incident = self._incident(f"{device}.malformed.{hour}", device, "malformed", f"unreadable message: {reason}", now)
        with self._ledger.transaction():
            self._ledger.dead_letters.keep(letter, now)
            self.incidents.post(incident)

    def settle_what_is_left(self, now: int) -> int:
        """Forms the receipts that could not be formed before, for example for want of a promotion; gives how many worked."""
        count = 0
        for trip in self._ledger.trips("unsettled"):
            device, journal, _ = trip.trip.split(".")
            held = self._state.journals.get((device, journal), JournalState(0))
            with self._ledger.transaction():
                count += self._closing.close(trip, now, held.clock_offset)
        return count

    def tidy(self, now: int) -> bool:
        """Lets go of what nobody needs any more, a piece at a time; True where there may be more."""
        with self._ledger.transaction():
            reduced = self._ledger.reduce(now - _CONTENT_KEPT, now, _TIDIED)
            if reduced or self._has_past:
                self._has_past = self.purses.tidy(_TIDIED)
            more = self.counterfoils.tidy(now - _HANDED_IN_KEPT, _TIDIED) or self._has_past or reduced == _TIDIED
            gone, forgotten = self._ledger.forget_sums(now - _SUMS_KEPT, _SUMS_TIDIED)
            letters = self._ledger.forget_told(now - _TOLD_KEPT)
            held = {key: self._state.journals[key] for key in forgotten}
            # An earlier trip may be forgotten after a later one, whose receipt was delivered before.
            states = {key: replace(state, forgotten=max(state.forgotten, forgotten[key])) for key, state in held.items()}
            for (device, journal), state in states.items():
                self._ledger.keep_journal(device, journal, state)
        self._state.journals |= states
        if reduced or letters:
            self._ledger.overwrite_deleted()
        return more or gone == _SUMS_TIDIED

    def _take_together(self, batches: Sequence[Batch], before: _State, now: int) -> tuple[list[Taken], _State]:
        state = before.copy()
        with self._ledger.part():
            return [self._take_one(batch, state, now) for batch in batches], state

    def _take_each(self, batches: Sequence[Batch], now: int) -> tuple[list[Taken], _State]:
        taken, state = list[Taken](), self._state
        for batch in batches:
            try:
                one, state = self._take_together([batch], state, now)
            except sqlite3.OperationalError:
                raise
            except Exception as error:
                one = [self._held_up(batch.device, batch.message.journal, error, now)]
            taken += one
        return taken, state

    def _held_up(self, device: str, journal: str, error: Exception, now: int) -> Taken:
        """Tells of a batch that a bug of ours keeps from being stored; it comes again, and staff hear of it once a journal."""
        self._log.exception("batch_failed", device=device, journal=journal)
        wrong = "an error of the gateway holds up its events: report it with the gateway's log"
        text = f"{wrong}; {device} keeps those of journal {journal}, and sends them again ({type(error).__name__}: {error})"
        self.incidents.post(self._incident(f"{device}.{journal}.held_up", device, "held_up", text, now))
        return Taken(device=device, journal=journal, upto=None, wrong=wrong, is_held_up=True)

    def _take_one(self, batch: Batch, state: _State, now: int) -> Taken:
        key = device, journal = batch.device, batch.message.journal
        before = state.journals.get(key) or JournalState(0, first_at=state.next_at(device, now))
        work = _Work(device, journal, before.upto, dict(state.trips.get(key, {})), batch.clock_offset)
        done, after = self._take(batch.message, before, work, now)
        begins = before.upto == 0 and work.upto > 0
        if begins:
            self._report_trips_elsewhere(work, state.trips, now)
        older = not begins and work.upto > before.upto and state.newest[device] != journal
        if older:
            self._report_two_machines(work, state.newest[device], now)
        self._write(work, after, now)
        if key in state.journals or work.is_kept(after):
            # Nothing is remembered of names under which nothing was stored: who makes them up could fill the memory.
            state.journals[key] = after
            state.trips[key] = work.trips
        if begins:
            state.newest[device] = journal
        return replace(done, trip=None, another_machine=True) if older else done

    def _report_trips_elsewhere(self, work: _Work, trips: dict[tuple[str, str], dict[str, Trip]], now: int) -> None:
        """A device that begins a new journal was wiped, or there are two of it: the trip may yet go on, so that it stays open."""
        for (device, _), held in trips.items():
            if device == work.device:
                work.incidents += [self._closing.left_open(trip, now, goes_on_in=work.journal) for trip in held.values()]

    def _report_two_machines(self, work: _Work, newest: str, now: int) -> None:
        identity = f"{work.device}.{work.journal}.{newest}.two_machines"
        text = f"{TWO_MACHINES} (journal {work.journal} goes on after {newest} began; the events of both are kept)"
        work.incidents.append(self._incident(identity, work.device, "two_machines", text, now))

    def _take(self, message: EventBatch, state: JournalState, work: _Work, now: int) -> tuple[Taken, JournalState]:
        records = message.events
        first = first_sequence(records)
        if state.released:
            return replace(_outcome(work, self.renewed_from(work.device, work.journal)), renew=True), state
        if state.quarantined:
            return _outcome(work, None, wrong=state.quarantined), state
        if first is None:
            work.letters.append(_letter(work, None, "no event of the batch has a sequence", records[0], is_copy=True))
            return _outcome(work, work.upto, wrong="events without a sequence"), state
        if first > work.upto + 1:
            missing = f"events {work.upto + 1} to {first - 1} are missing"
            if message.follows is None or message.follows > work.upto:
                return _outcome(work, work.upto, wrong=missing), state
            self._give_up_on(work, missing, now)
            work.upto = first - 1
        run = without_jump(records, first)
        repeats = min(work.upto - first + 1, len(run))
        if conflict := self._conflict(work, run[: max(0, repeats)], first, state.forgotten):
            record = run[conflict - first]
            work.letters.append(_letter(work, conflict, "conflicts with what is stored", record, is_copy=True))
            why = TWO_MACHINES
            work.incidents.append(
                self._incident(f"{work.device}.{work.journal}.{conflict}.conflict", work.device, "conflict", why, now)
            )
            return _outcome(work, None, wrong=why), replace(state, quarantined=why, conflict=conflict)
        for sequence, record in enumerate(run[repeats:], start=first + repeats):
            self._consider(work, sequence, record, now)
        self._report_clock(work, now)
        return _outcome(work, work.upto), replace(state, upto=work.upto, clock_offset=work.clock_offset)

    def _give_up_on(self, work: _Work, missing: str, now: int) -> None:
        """The device holds them no more and we do not either: one of the two lost its disk. The rest must not wait for ever."""
        identity = f"{work.device}.{work.journal}.{work.upto + 1}.lost"
        text = f"{missing} of journal {work.journal}: neither the device nor this gateway holds them any more"
        work.incidents.append(self._incident(identity, work.device, "events_lost", text, now))

    def _report_clock(self, work: _Work, now: int) -> None:
        if work.events and abs(work.clock_offset) >= _CLOCK_TOLD:
            way = "behind" if work.clock_offset > 0 else "ahead"
            text = f"the clock of {work.device} is {abs(work.clock_offset) // 60_000} min {way}; its receipts get the right times"
            identity = f"{work.device}.clock.{now // 86_400_000}"
            work.incidents.append(self._incident(identity, work.device, "clock_wrong", text, now))

    def _conflict(self, work: _Work, repeats: Sequence[dict[str, Any]], first: int, forgotten: int) -> int | None:
        """The sequence of a repeated event that is not what was stored under that identity, or that nobody can compare."""
        if not repeats:
            return None
        held = self._ledger.held(work.device, work.journal, first, first + len(repeats) - 1)
        for sequence, record in enumerate(repeats, start=first):
            try:
                event = event_from_json({**record, "sequence": sequence})
            except Malformed:
                continue
            if sequence <= forgotten or (sequence in held and not held[sequence].is_same(event)):
                return sequence
        return None

    def _consider(self, work: _Work, sequence: int, record: dict[str, Any], now: int) -> None:
        """Takes one new event: folds it into its trip, or sets it aside with the reason. Either way it counts as received."""
        work.upto = sequence
        try:
            event = event_from_json({**record, "sequence": sequence})
            trip = self._fold(work, event)
        except PanierError as error:
            reason = f"{error.code}: {error}"[:200]
            work.refused.append(Refusal(sequence=sequence, reason=reason))
            work.letters.append(_letter(work, sequence, reason, record))
            identity = f"{work.device}.{work.journal}.{sequence}.{error.code}"
            work.incidents.append(self._incident(identity, work.device, error.code, reason, now))
            return
        work.events.append(event)
        work.last = trip
        if found := contact(event, trip, self._store, self._member_of):
            work.contacts.append(found)
        if isinstance(event.what, CodeRefused) and (told := gap.told(event.what, trip)):
            identity, text = told
            work.incidents.append(self._incident(identity, work.device, event.what.reason, text, now, trip.trip))
        if trip.is_open:
            work.trips[trip.trip] = trip
        else:
            work.trips.pop(trip.trip, None)
            work.closed.append(trip)

    def _fold(self, work: _Work, event: Event) -> Trip:
        own = f"{work.device}.{work.journal}."
        if not event.trip.startswith(own):
            raise Forged(f"trip {event.trip} is not one of {work.device}'s journal {work.journal}")
        if not isinstance(event.what, TripStarted):
            held = work.trips.get(event.trip) or self._revived(work, event.trip)
            if held is None:
                raise TripOrder(f"{event.what.kind} belongs to trip {event.trip}, which is not open")
            return held.after(event)
        if event.trip != f"{own}{event.sequence}":
            raise Forged(f"trip {event.trip} starts with event {event.sequence}; wanted {own}{event.sequence}")
        if event.what.store != self._store:
            raise Forged(f"trip {event.trip} is of store {event.what.store}, not of {self._store}")
        trip = start(event)
        # One journal holds one trip: what it left open without an end should not go on. Where it does, it is revived.
        work.left_open += work.trips.values()
        work.trips.clear()
        work.trips[trip.trip] = trip
        work.started.append(trip)
        return trip

    def _revived(self, work: _Work, trip: str) -> Trip | None:
        """A trip that was taken to be left open and goes on after all: a paid trip with a whole history must get its receipt."""
        here = next((held for held in work.left_open if held.trip == trip), None)
        held = here or self._ledger.left_open(trip)
        if held is None or not held.is_open:
            return None
        work.left_open = [other for other in work.left_open if other.trip != trip]
        work.started.append(held)
        return held

    def _write(self, work: _Work, state: JournalState, now: int) -> None:
        ledger = self._ledger
        if work.is_kept(state):
            ledger.keep_journal(work.device, work.journal, state)
        ledger.keep_events(work.device, work.journal, work.events)
        for letter in work.letters:
            ledger.dead_letters.keep(letter, now)
        for found in work.contacts:
            ledger.post("contact", found.contact, found.model_dump_json())
        for trip in work.started:
            ledger.keep_trip(trip, work.device, work.journal, "open", None, None)
        for trip in work.left_open:
            work.incidents.append(self._closing.left_open(trip, now))
            ledger.keep_trip(trip, work.device, work.journal, "abandoned", now, None)
        for trip in work.closed:
            self._closing.close(trip, now, work.clock_offset)
        self.incidents.post(*work.incidents)

    def _incident(self, identity: str, device: str, kind: str, text: str, now: int, trip: str | None = None) -> Incident:
        return self.incidents.of(identity, kind, text, now, device=device, trip=trip)


def _outcome(work: _Work, upto: int | None, wrong: str | None = None) -> Taken:
    return Taken(
        device=work.device, journal=work.journal, upto=upto, refused=tuple(work.refused), events=tuple(work.events),
        trip=work.last, wrong=wrong,
    )  # fmt: skip


def _letter(work: _Work, sequence: int | None, reason: str, record: dict[str, Any], *, is_copy: bool = False) -> DeadLetter:
    return DeadLetter(
        device=work.device, journal=work.journal, sequence=sequence, reason=reason,
        payload=json.dumps(record, ensure_ascii=False), is_copy=is_copy,
    )  # fmt: skip
