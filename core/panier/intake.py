"""What a gateway hands to the back office: receipts, contacts, incidents; each with an identity, so that repeats are harmless."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from panier.message import Counters, LiveRow
from panier.reading import PART
from panier.receipt import Count, Moment, Name


class _Part(BaseModel):
    model_config = PART


Identity = Annotated[str, Field(min_length=1, max_length=160)]


class Contact(_Part):
    """A member met an offer. `contact` is `device.journal.sequence` of the event."""

    contact: Identity
    store: Name
    device: Name
    trip: Identity
    member: Name | None
    offer: Name
    what: Literal["shown", "accepted", "refused"]
    at: Moment


class Incident(_Part):
    """Something that a person should look at, for example a device's total that re-pricing does not confirm."""

    incident: Identity
    store: Name
    device: Name | None = None
    trip: Identity | None = None
    kind: Name
    text: Annotated[str, Field(max_length=500)]
    at: Moment


class Intake(BaseModel):
    """One delivery. Items stay unparsed here so that one that does not fit is refused by itself and the rest is taken."""

    model_config = PART

    receipts: Annotated[list[dict[str, Any]], Field(max_length=1000)] = []
    contacts: Annotated[list[dict[str, Any]], Field(max_length=5000)] = []
    incidents: Annotated[list[dict[str, Any]], Field(max_length=1000)] = []


class Refused(_Part):
    """An item that was not taken: its place in the delivery, its identity where it had one, and the reason."""

    index: Count
    identity: str | None
    reason: str


class Outcome(_Part):
    """What became of one kind of item: newly stored, known already (a repeat, harmless), refused."""

    stored: Count = 0
    known: Count = 0
    refused: list[Refused] = []


class IntakeResult(_Part):
    """The back office's answer; everything not refused is on its disk.

    `delivery` is the number of this delivery among the store's, counted by the same database; 0 where nobody counts. One that is
    not above the last shows a database that was put back to a backup.
    """

    receipts: Outcome = Outcome()
    contacts: Outcome = Outcome()
    incidents: Outcome = Outcome()
    delivery: Count = 0


class Live(_Part):
    """What a store looks like right now, for the console; replaces what was known before."""

    terminals: Annotated[list[LiveRow], Field(max_length=5000)] = []
    counters: Counters = Counters()
