"""Incidents: what a person should look at, told once, on its way to the console."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from panier.intake import Incident
from panier_gateway.capsule import MAX_BYTES
from panier_gateway.ledger import Ledger, Parcel
from panier_gateway.replica import RefusedEntry
from panier_gateway.violation import Violation
from panier_io.log import logger
from panier_io.store import row_sum

_ENTRIES_TOLD = CLIENTS_TOLD = 20
_HOUR = 3_600_000


class Incidents:
    """Words for what went wrong. Blocking; lives in the ledger's thread. `post` belongs into the caller's transaction."""

    def __init__(self, store: str, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger
        self._log = logger("incident")

    def of(
        self, identity: str, kind: str, text: str, now: int, *, device: str | None = None, trip: str | None = None
    ) -> Incident:
        """An incident of this store; the same identity is told once."""
        return Incident(
            incident=identity[:160], store=self._store, device=device, trip=trip, kind=kind, text=text[:500], at=now
        )  # fmt: skip

    def post(self, *incidents: Incident) -> None:
        """Puts those that were not told yet into the outbox."""
        for incident in incidents:
            if self._ledger.note_incident(incident.incident, incident.at):
                self._log.warning("incident", kind=incident.kind, device=incident.device, trip=incident.trip, text=incident.text)
                self._ledger.post("incident", incident.incident, incident.model_dump_json())

    def report_disk(self, reason: str, now: int) -> None:
        """Reports that the disk refused, once an hour at the most. Raises sqlite3.Error where it still does."""
        with self._ledger.transaction():
            self._ledger.prove()
            self.post(self.of(f"{self._store}.disk.{now // _HOUR}", "disk_refused", reason, now))

    def report_trouble(self, device: str, journal: str, trouble: str, now: int) -> None:
        """Reports what a device says is wrong with itself, once."""
        identity = f"{device}.{journal}.{row_sum(trouble):08x}.trouble"
        self._tell(self.of(identity, "device_trouble", trouble, now, device=device))

    def report_violation(self, violation: Violation, now: int) -> None:
        """Reports that a client tried what it may not: once an hour for each, and all beyond the first ones together.

        A client chooses its own name, and may take another one each time.
        """
        hour = f"{self._store}.rights.{now // _HOUR}"
        one = self.of(f"{hour}.{violation.client}", "rights_exceeded", str(violation), now, device=violation.client)
        told = self._ledger.told(f"{hour}.")
        if one.incident not in told and len(told) >= CLIENTS_TOLD:
            text = f"more than {CLIENTS_TOLD} clients tried within an hour what they may not; the broker's log names them"
            one = self.of(hour, "rights_exceeded", text, now)
        self._tell(one)

    def report_damage(self, now: int, files: Collection[str] = ()) -> None:
        """Reports what a damaged disk took from the ledger: what was found at this start, and trips that cannot be read.

        `files` are words about others of the gateway's files.
        """
        kind, damage = "ledger_damaged", self._ledger.damage
        told = [self.of(f"{self._store}.ledger.{now // _HOUR}", kind, str(damage), now)] if damage else []
        for trip in self._ledger.unreadable():
            text = f"trip {trip} cannot be read from the ledger any more"
            told.append(self.of(f"{trip}.unreadable", kind, text, now, trip=trip))
        hour = now // _HOUR
        told += [self.of(f"{self._store}.{row_sum(text):08x}.file.{hour}", "file_damaged", text, now) for text in files]
        self._tell(*told)

    def post_spoilt(self, parcel: Parcel, now: int) -> None:
        """Tells of an item for the back office that a damaged disk spoiled, within the caller's transaction."""
        text = f"{parcel.kind} {parcel.identity} cannot be read from the ledger any more; see `panier replay list`"
        self.post(self.of(f"{self._store}.{parcel.id}.spoilt", "ledger_damaged", text, now))

    def post_forgotten(self, items: int, now: int) -> None:
        """Tells that the back office forgot what it had taken, within the caller's transaction."""
        again = f"{items:,} items of the last days are handed in again"
        text = f"the back office forgot deliveries: was it put back to a backup? {again}"
        self.post(self.of(f"{self._store}.{now}.forgotten", "backoffice_forgot", text, now))

    def report_refused_entries(self, entries: Sequence[RefusedEntry], now: int) -> None:
        """Reports entries of the feed that cannot be used: the first ones each, the others of a flood together."""
        told = [(str(one.sequence), f"{one.kind} {one.key} was refused: {one.reason}") for one in entries[:_ENTRIES_TOLD]]
        if others := entries[_ENTRIES_TOLD:]:
            first, last = others[0].sequence, others[-1].sequence
            told.append((f"{first}-{last}", f"{len(others)} more entries of the feed, {first} to {last}, were refused"))
        self._tell(*(self.of(f"{self._store}.feed.{name}", "entry_refused", text, now) for name, text in told))

    def report_another_feed(self, text: str, now: int) -> None:
        """Reports that the back office's log is another one than before: once an hour at the most."""
        self._tell(self.of(f"{self._store}.{row_sum(text):08x}.feed.{now // _HOUR}", "feed_replaced", text, now))

    def report_left_out(self, campaigns: Collection[str], now: int) -> None:
        """Reports campaigns for which a member's capsule had no room: each once."""
        text = "campaign {} was left out for a member: all offers of one member have to fit into {:,} bytes; aim it at a category"
        self._tell(
            *(
                self.of(f"{self._store}.{name}.left_out", "offer_left_out", text.format(name, MAX_BYTES), now)
                for name in campaigns
            )
        )

    def _tell(self, *incidents: Incident) -> None:
        if incidents:
            with self._ledger.transaction():
                self.post(*incidents)
