"""The clerk: everything that touches the ledger happens in one thread, and the event loop never waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from panier.lease import Lease
from panier.member import Standing
from panier.message import LimitRow
from panier_gateway.batch import Batch
from panier_gateway.dead_letter import DeadLetter
from panier_gateway.intake import Intake, Taken
from panier_gateway.ledger import Ledger, Parcel
from panier_gateway.purse import Limits
from panier_gateway.replay.desk import Desk, Outcome
from panier_gateway.replica import RefusedEntry
from panier_gateway.violation import Violation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figures:
    """What the ledger holds: items for the back office, dead letters; and since a time: trips finished, turnover, incidents."""

    waiting: int
    dead_letters: int
    finished: int
    turnover: int
    incidents: int


class Clerk:
    """Runs the intake and the outbox in one thread."""

    def __init__(self, ledger: Ledger, intake: Intake, clock: Callable[[], int]) -> None:
        self._ledger = ledger
        self._intake = intake
        self._clock = clock
        self._desk = Desk(ledger, intake)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")

    async def take_in(self, batches: Sequence[Batch]) -> list[Taken]:
        """Stores batches in one transaction. Raises sqlite3.Error: then nothing was taken."""
        return await self._run(lambda: self._intake.take_in(batches, self._clock()))

    async def refuse_payload(self, device: str, reason: str, payload: bytes) -> None:
        """Keeps a message that could not be read."""
        await self._run(lambda: self._intake.refuse_payload(device, reason, payload, self._clock()))

    async def settle_what_is_left(self) -> int:
        """Tries again to form the receipts that could not be formed; gives how many worked."""
        return await self._run(lambda: self._intake.settle_what_is_left(self._clock()))

    async def report_disk(self, reason: str) -> None:
        """Proves that the disk takes something again and reports that it did not. Raises sqlite3.Error while it does not."""
        await self._run(lambda: self._intake.incidents.report_disk(reason, self._clock()))

    async def report_damage(self, files: Collection[str]) -> None:
        """Reports what a damaged disk took from the ledger, and from other files, in words."""
        await self._run(lambda: self._intake.incidents.report_damage(self._clock(), files))

    async def report_trouble(self, device: str, journal: str, trouble: str) -> None:
        """Reports what a device says is wrong with itself."""
        await self._run(lambda: self._intake.incidents.report_trouble(device, journal, trouble, self._clock()))

    async def report_refused_entries(self, entries: Sequence[RefusedEntry]) -> None:
        """Reports entries of the feed that cannot be used here."""
        await self._run(lambda: self._intake.incidents.report_refused_entries(entries, self._clock()))

    async def report_another_feed(self, text: str) -> None:
        """Reports that the back office's log is another one than before."""
        await self._run(lambda: self._intake.incidents.report_another_feed(text, self._clock()))

    async def report_left_out(self, campaigns: Collection[str]) -> None:
        """Reports campaigns for which a member's capsule had no room."""
        await self._run(lambda: self._intake.incidents.report_left_out(campaigns, self._clock()))

    async def upto(self, device: str, journal: str) -> int | None:
        """What may be acknowledged of a journal."""
        return await self._run(lambda: self._intake.upto(device, journal))

    async def renewed_from(self, device: str, journal: str) -> int | None:
        """Where a released journal may begin anew."""
        return await self._run(lambda: self._intake.renewed_from(device, journal))

    async def report_violation(self, violation: Violation) -> None:
        """Reports that a client tried what it may not."""
        await self._run(lambda: self._intake.incidents.report_violation(violation, self._clock()))

    async def tidy(self) -> bool:
        """Lets go of some of what nobody needs any more; True where there may be more."""
        return await self._run(lambda: self._intake.tidy(self._clock()))

    async def decided(self) -> list[Outcome]:
        """Does what people decided since the last call. Raises sqlite3.Error."""
        return await self._run(lambda: self._desk.apply(self._clock()))

    async def quarantined(self) -> dict[tuple[str, str], str]:
        """Journals from which nothing is taken, and why."""
        return await self._run(self._intake.quarantined)

    async def refused(self) -> set[tuple[str, str, int]]:
        """The refused events (device, journal, sequence) that nobody has dealt with."""
        return await self._run(self._ledger.dead_letters.events)

    async def lend(self, journal: tuple[str, str], trip: str | None, shelf: Limits, offers: Limits, devices: int) -> list[Lease]:
        """Leases to a (device, journal) and to its trip while that is open; nothing to a journal that came to its end."""
        return await self._run(lambda: self._lend(journal, trip, shelf, offers, devices))

    async def standing(self, members: Collection[str]) -> dict[str, Standing]:
        """Where earlier trips left members."""
        return await self._run(lambda: self._intake.purses.standing(members))

    async def forget(self, members: Collection[str]) -> None:
        """Erases where members stand."""
        await self._run(lambda: self._forget(members))

    async def limits(self, limits: Limits) -> list[LimitRow]:
        """What is used and out of each limit."""
        return await self._run(lambda: self._intake.purses.rows(limits))

    async def waiting(self, limit: int) -> list[Parcel]:
        """The oldest items for the back office."""
        return await self._run(lambda: self._ledger.parcels(limit))

    async def delivered(self, taken: Sequence[Parcel], refused: Sequence[tuple[Parcel, str]], delivery: int = 0) -> None:
        """Takes items out of the outbox; the refused ones stay as dead letters, with the reason.

        Where the back office's number of the delivery shows that it forgot earlier ones, those wait again.
        """
        await self._run(lambda: self._delivered(taken, refused, delivery))

    async def set_aside(self, spoilt: Sequence[Parcel]) -> None:
        """Makes dead letters of items that a damaged disk spoiled, and tells of them."""
        await self._run(lambda: self._set_aside(spoilt))

    async def figures(self, since: int) -> Figures:
        """Counts, some of them since `since` (milliseconds)."""
        return await self._run(lambda: self._figures(since))

    async def pulse(self) -> None:
        """Comes back when the thread has done what it was given before."""
        await self._run(lambda: None)

    def close(self) -> None:
        """Waits for what is under way and ends the thread."""
        self._thread.shutdown()

    def _lend(self, journal: tuple[str, str], trip: str | None, shelf: Limits, offers: Limits, devices: int) -> list[Lease]:
        if not self._intake.is_alive(journal):
            return []
        open_trip = trip if trip and self._intake.is_open(journal, trip) else None
        purses, name = self._intake.purses, ".".join(journal)
        if not any(purses.grants(name, open_trip, shelf, offers, devices)):
            # Most are told what they have: that needs no disk that takes something.
            return purses.leases(name, *([open_trip] if open_trip else ()))
        with self._ledger.transaction():
            return purses.lend(name, open_trip, shelf, offers, devices)

    def _forget(self, members: Collection[str]) -> None:
        with self._ledger.transaction():
            self._intake.purses.forget(members)
        self._ledger.overwrite_deleted()

    def _delivered(self, taken: Sequence[Parcel], refused: Sequence[tuple[Parcel, str]], delivery: int) -> None:
        now, counterfoils = self._clock(), self._intake.counterfoils
        with self._ledger.transaction():
            if counterfoils.goes_back(delivery) and (again := counterfoils.hand_in_again()):
                self._intake.incidents.post_forgotten(again, now)
            counterfoils.keep(taken, now)
            self._ledger.delivered([*taken, *(parcel for parcel, _ in refused)])
            for parcel, reason in refused:
                self._bury(parcel, f"the back office refused {parcel.kind} {parcel.identity}: {reason}")

    def _set_aside(self, spoilt: Sequence[Parcel]) -> None:
        with self._ledger.transaction():
            self._ledger.delivered(spoilt)
            for parcel in spoilt:
                self._bury(parcel, f"the disk spoiled {parcel.kind} {parcel.identity}: it cannot be read any more")
                self._intake.incidents.post_spoilt(parcel, self._clock())

    def _bury(self, parcel: Parcel, reason: str) -> None:
        letter = DeadLetter(device=None, journal=None, sequence=None, reason=reason, payload=parcel.body)
        self._ledger.dead_letters.keep(letter, self._clock())

    def _figures(self, since: int) -> Figures:
        finished, turnover = self._ledger.shift(since)
        return Figures(
            waiting=self._ledger.waiting(), dead_letters=self._ledger.dead_letters.count(),
            finished=finished, turnover=turnover, incidents=self._ledger.incidents(since),
        )  # fmt: skip

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
