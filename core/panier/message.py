"""What travels over MQTT, and its validation at the edge.

Readers ignore fields they do not know, so that a newer sender can add some; anything else that does not fit is refused whole,
with a reason. `docs/protocol.md` says who sends what and when.
"""

from __future__ import annotations

import json
import zlib
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, TypeAdapter, ValidationError

from panier.catalogue import TAX_RATE
from panier.error import PanierError
from panier.lease import MAX_LEASES, Lease
from panier.member import Capsule
from panier.reading import FRUGAL
from panier.snapshot import Change
from panier.trip import Event, Happening, ItemAdded

MAX_BATCH = 200
"""Events in one message at the most."""
MAX_PAYLOAD = 900_000
"""Bytes of one message at the most: below the 1 MiB that brokers commonly take."""
MAX_UNPACKED = 8_000_000
"""Bytes of a snapshot part after decompression at the most."""

Name = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(max_length=200)]
# Unbounded integers would pass here and fail in SQLite, which holds 64 bits; 10**14 also holds milliseconds since 1970.
Sequence = Annotated[int, Field(ge=0, le=10**14)]
# It names trips, `device.journal.sequence`, which are taken apart at the dots.
Journal = Annotated[str, Field(pattern=r"^[a-zA-Z0-9-]{1,32}$")]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Malformed(PanierError):
    """A payload that does not fit its message: says which field and why."""

    code = "malformed"


class Message(BaseModel):
    """Base of all messages: frozen, unknown fields ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", cache_strings="keys", ser_json_inf_nan="null")

    def encode(self) -> bytes:
        """UTF-8 JSON."""
        return self.model_dump_json(exclude_none=True).encode()


class EventBatch(Message):
    """device → gateway: events in order of sequence, without a gap.

    `follows` is stated where the device holds nothing between that sequence and its first event any more: a gateway that lost its
    disk takes up from there, and tells staff what is missing. `at` is the device's clock at sending, in ms since 1970 UTC.
    """

    journal: Journal
    events: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_BATCH)]
    follows: Sequence | None = None
    at: Sequence | None = None


class Refusal(Message):
    """One event that the receiver set aside, and why."""

    sequence: Sequence
    reason: Text


class Acknowledgement(Message):
    """gateway → device: everything up to `upto` of `journal` is on the gateway's disk; send what follows.

    With `renew`, staff have released a journal under which two devices spoke: begin a new one, and send what follows under that.
    """

    journal: Name
    upto: Sequence
    refused: list[Refusal] = []
    renew: bool = False


class Status(Message):
    """device → gateway, retained; the last will is the same with state `offline`."""

    state: Literal["online", "offline"]
    journal: Name
    software: Text = ""
    waiting: Sequence = 0
    snapshot: Sequence = 0
    battery: Annotated[int, Field(ge=0, le=100)] | None = None
    trouble: Text = ""
    """What staff should know of the device itself, for example that its journal was damaged."""
    hardware: Text = ""
    """What is amiss now with its disk and what is plugged into it, as "scanner away"; empty again once it is mended."""


class Ask(Message):
    """device → gateway: send part `part` of what brings version `have` to the newest snapshot."""

    have: Sequence
    part: Sequence = 0
    version: Sequence | None = None
    """The version whose parts were begun; a gateway that holds a newer one by now starts again at part 0."""


class SnapshotPart(Message):
    """gateway → device, zlib-compressed: part `part` of `parts` of the changes from `since` to `version`.

    `since` 0 is everything: the device drops what it holds before part 0.
    """

    version: Sequence
    fingerprint: Hex
    since: Sequence
    part: Sequence
    parts: Annotated[int, Field(ge=1)]
    changes: list[Change]

    def pack(self) -> bytes:
        """Compressed JSON."""
        return zlib.compress(self.encode(), 6)


class Manifest(Message):
    """gateway → all devices of the store, retained: what is newest, and who says so. A new `boot` asks devices to send again."""

    version: Sequence
    fingerprint: Hex
    boot: Name
    at: Sequence
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    timezone: Name


class CapsuleMessage(Message):
    """gateway → device: the member's capsule for an open trip."""

    capsule: Capsule


class LeaseMessage(Message):
    """gateway → device: what this journal, and its open trip, may use of promotions that are limited over all shoppers.

    Where that is more than MAX_LEASES, several say it: what one of them does not name stays as it was.
    """

    journal: Name
    leases: Annotated[list[Lease], Field(max_length=MAX_LEASES)]


class Notice(Message):
    """gateway → device: something the shopper of `trip` should read."""

    trip: Annotated[str, Field(max_length=120)]
    code: Name
    text: Text


class PriceMessage(Message):
    """gateway → device: staff's price for a code of `trip` that the shop does not know; `item.answers` is its sequence."""

    trip: Annotated[str, Field(max_length=120)]
    item: ItemAdded

    def encode(self) -> bytes:
        # As in a journal, where a rate that is null is said.
        return self.model_dump_json().encode()


class UnknownRow(Message):
    """A code of an open trip that staff may give a price."""

    sequence: Sequence
    code: Annotated[str, Field(max_length=64)]


class LiveRow(Message):
    """gateway → monitors, retained: one terminal as it is now."""

    device: Name
    state: Literal["offline", "idle", "shopping", "help", "quarantined"]
    trip: str | None = None
    since: Sequence = 0
    lines: int = 0
    units: int = 0
    total: int = 0
    currency: str = "EUR"
    member: bool = False
    wrong: str | None = None
    waiting: int = 0
    snapshot: int = 0
    battery: int | None = None
    last_at: Sequence = 0
    help_since: Sequence = 0
    """When the shopper called, in milliseconds by the gateway's clock; 0 while nobody waits for staff."""
    unknown: list[UnknownRow] = []
    """The oldest first."""


class LimitRow(Message):
    """One limit over all shoppers as the store's gateway keeps it: baskets, or minor units where `is_spend`."""

    promotion: Name
    is_spend: bool
    limit: Sequence
    used: Sequence
    out: Sequence
    """On leases: what devices and trips may still use."""
    free: Sequence
    stranded: Sequence = 0
    """Of `out`, what journals hold that are quarantined or were followed by another: nobody uses it until staff free it."""


OfficeState = Literal["connected", "unreachable", "refused"]
"""How the back office stands to a gateway; `refused`: it is there, and does not take this store's token."""


class Counters(Message):
    """gateway → monitors, retained: the shift so far."""

    trips_open: int = 0
    trips_finished: int = 0
    turnover: int = 0
    currency: str = "EUR"
    waiting_for_backoffice: int = 0
    backoffice: OfficeState = "unreachable"
    incidents: int = 0
    dead_letters: int = 0
    help_answered: int = 0
    help_seconds_median: int | None = None
    refused_messages: int = 0
    limits: list[LimitRow] = []


class StaffPrice(Message):
    """What an unknown code of a trip is sold as: a product of the shop by its `sku`, or a `name` at a price in minor units.

    `tax_rate` is that of what has a name; empty for the store's own. `by` is the identity that the monitor speaks under.
    """

    trip: Annotated[str, Field(max_length=120)]
    sequence: Annotated[int, Field(ge=1, le=10**9)]
    sku: Annotated[str, Field(max_length=64)] = ""
    name: Annotated[str, Field(max_length=120)] = ""
    unit_price: Annotated[int, Field(ge=0, le=10**9)] = 0
    tax_rate: Annotated[str, Field(pattern=rf"^({TAX_RATE})?$")] = ""
    by: Name = "staff"


class Act(Message):
    """monitor → gateway: staff did something at a terminal. `price` is what a code is sold as, with the act of that name."""

    device: Name
    act: Literal["help_answered", "price"]
    price: StaffPrice | None = None


_M = TypeVar("_M", bound=Message)
_HAPPENING: TypeAdapter[Happening] = TypeAdapter(Annotated[Happening, Discriminator("kind")], config=FRUGAL)


class _Event(RootModel[Event]):
    model_config = FRUGAL


def decode(kind: type[_M], payload: bytes | bytearray | memoryview) -> _M:
    """Reads one message. Raises Malformed, which quotes the first field that does not fit."""
    if len(payload) > MAX_PAYLOAD:
        raise Malformed(f"{kind.__name__} of {len(payload)} bytes; the most is {MAX_PAYLOAD}")
    try:
        return kind.model_validate_json(bytes(payload))
    except ValidationError as error:
        raise Malformed(f"{kind.__name__}: {_first(error)}") from error


def unpack(payload: bytes) -> SnapshotPart:
    """Reads a compressed snapshot part. Raises Malformed, also where it would swell beyond MAX_UNPACKED bytes."""
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(payload, MAX_UNPACKED)
    except zlib.error as error:
        raise Malformed(f"SnapshotPart: {error}") from error
    if stream.unconsumed_tail or not stream.eof:
        raise Malformed(f"SnapshotPart: cut short, or larger than {MAX_UNPACKED} bytes unpacked")
    try:
        return SnapshotPart.model_validate_json(text)
    except ValidationError as error:
        raise Malformed(f"SnapshotPart: {_first(error)}") from error


def event_from_json(record: str | bytes | dict[str, Any]) -> Event:
    """Reads one event, from text or from parsed JSON: `{"sequence", "at", "trip", "what": {"kind", ...}}`. Raises Malformed."""
    try:
        if isinstance(record, dict):
            record = json.dumps(record)
        return _Event.model_validate_json(record).root
    except (ValidationError, ValueError) as error:
        reason = _first(error) if isinstance(error, ValidationError) else str(error)
        raise Malformed(f"event: {reason}") from error


def happening_to_json(what: Happening, *, with_defaults: bool = True) -> str:
    """One happening as JSON text, with its `kind`; or what is not default of it, after its kind."""
    return (
        _HAPPENING.dump_json(what).decode()
        if with_defaults
        else what.kind + _HAPPENING.dump_json(what, exclude_defaults=True).decode()
    )


def happening_from_json(text: str | bytes) -> Happening:
    """Reads one happening. Raises Malformed."""
    try:
        return _HAPPENING.validate_json(text)
    except ValidationError as error:
        raise Malformed(f"happening: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "payload"
    return f"{where}: {first['msg']}"[:200]
