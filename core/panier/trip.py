"""A trip is a journal of events; its state is their fold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Len, Predicate
from pydantic import Discriminator

from panier.error import PanierError
from panier.lease import MAX_LEASES, HeldLease
from panier.member import EVERY_MEMBER, UNKNOWN, Standing
from panier.offer import Offer
from panier.payment import Payment, PaymentBegun, PaymentEnded
from panier.weighed import Weighing

Entry = Literal["scan", "wedge", "typed", "shelf", "staff"]
"""How a code came in: a serial scanner, a keyboard wedge, typed digits, picked from the list of products, or priced by staff."""
MOST_UNKNOWN = 5
"""Codes of a trip that wait for a price from staff; of more, the first are put aside."""

Name = Annotated[str, Len(1, 64)]
Minor = Annotated[int, Ge(0), Le(10**12)]
Count = Annotated[int, Ge(0), Le(10**9)]


class TripOrder(PanierError):
    """An event that cannot follow the trip's state, for example an item after the end."""

    code = "trip_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class TripStarted:
    """A shopper takes the device. `snapshot` is the version of prices and promotions that is held; 0 is none."""

    store: Name
    currency: Annotated[str, Len(3, 3), Predicate(str.isupper)]
    timezone: Name
    snapshot: Count
    kind: Literal["trip_started"] = "trip_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAdded:
    """Units of one product; carries what the device knew of it, so that the fold needs no catalogue.

    A bag that was weighed is one unit. Where the label stated the price (`is_labelled`), no shelf price is asked. `deposit` is
    that of one unit, in minor units; `serial` the number of this one piece, where its label has one; `mark_down` the
    percentage that the date on its label took off the shelf's price. `priced_by` says which of the staff's identities gave it a
    price; `answers` is the sequence of the refused code that this is the answer to, once.
    """

    sku: Name
    name: Annotated[str, Len(1, 120)]
    unit_price: Minor
    category: Annotated[str, Len(0, 80)]
    tax_rate: Annotated[str, Len(1, 12)] | None
    snapshot: Count
    entry: Entry
    quantity: Annotated[int, Gt(0), Le(999)] = 1
    weighing: Weighing | None = None
    is_labelled: bool = False
    deposit: Minor = 0
    serial: Annotated[str, Len(0, 20)] = ""
    mark_down: Annotated[int, Ge(0), Le(99)] = 0
    priced_by: Annotated[str, Len(0, 64)] = ""
    answers: Annotated[int, Ge(0), Le(10**9)] = 0
    kind: Literal["item_added"] = "item_added"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRemoved:
    """Units put back on the shelf."""

    sku: Name
    unit_price: Minor
    quantity: Annotated[int, Gt(0), Le(999)] = 1
    kind: Literal["item_removed"] = "item_removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardScanned:
    """A loyalty card that one of the store's card rules knows."""

    card: Name
    kind: Literal["card_scanned"] = "card_scanned"


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponShown:
    """A coupon was scanned; it counts to the end of the trip, whether or not it brings something already."""

    coupon: Name
    kind: Literal["coupon_shown"] = "coupon_shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapsuleReceived:
    """The gateway's answer to a card, or a newer one after a push; replaces the segments, offers and standing known before."""

    member: Name
    segments: tuple[Name, ...]
    offers: tuple[Offer, ...]
    standing: Standing = UNKNOWN
    kind: Literal["capsule_received"] = "capsule_received"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasesHeld:
    """What this trip may use of promotions with a limit over all shoppers; replaces what was said before."""

    leases: Annotated[tuple[HeldLease, ...], Len(0, MAX_LEASES)]
    kind: Literal["leases_held"] = "leases_held"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferShown:
    """An offer was painted on the screen."""

    offer: Name
    kind: Literal["offer_shown"] = "offer_shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAccepted:
    """The shopper said yes to an offer."""

    offer: Name
    kind: Literal["offer_accepted"] = "offer_accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRefused:
    """The shopper said "not for me"."""

    offer: Name
    kind: Literal["offer_refused"] = "offer_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotAdopted:
    """Newer prices and promotions arrived in mid-trip and hold from here on; lines keep the price they were scanned at."""

    snapshot: Count
    kind: Literal["snapshot_adopted"] = "snapshot_adopted"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRefused:
    """A code that the shop could not use: `reason` is the error's code, `seen` the code, masked where it might be personal."""

    reason: Name
    seen: Annotated[str, Len(0, 64)]
    entry: Entry
    kind: Literal["code_refused"] = "code_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpRequested:
    """The shopper calls staff."""

    kind: Literal["help_requested"] = "help_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpEnded:
    """Staff came, or the shopper needs no help any more."""

    kind: Literal["help_ended"] = "help_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class TripFinished:
    """The shopper is done; the figures are what the screen showed, for the receiver to check."""

    units: Count
    discount: Minor
    total: Minor
    kind: Literal["trip_finished"] = "trip_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class TripAbandoned:
    """The device was put back without a purchase."""

    kind: Literal["trip_abandoned"] = "trip_abandoned"


Happening = (
    TripStarted | ItemAdded | ItemRemoved | CardScanned | CouponShown | CapsuleReceived | LeasesHeld | OfferShown | OfferAccepted
    | OfferRefused | SnapshotAdopted | CodeRefused | HelpRequested | HelpEnded | PaymentBegun | PaymentEnded | TripFinished
    | TripAbandoned
)  # fmt: skip


PRICED_BY = (ItemAdded, ItemRemoved, CardScanned, CouponShown, CapsuleReceived, LeasesHeld, SnapshotAdopted)
"""What changes a basket's price: refused while money may have moved for the price that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One happening with its identity.

    (device, journal, sequence) is unique for ever: the device makes it, `journal` changes when a device is wiped. `at` is
    milliseconds since 1970 UTC by the device's clock. `trip` is `device.journal.sequence` of the trip's first event.
    """

    sequence: Annotated[int, Ge(1), Le(10**9)]
    at: Annotated[int, Ge(0), Le(10**14)]
    trip: Annotated[str, Len(1, 120)]
    what: Annotated[Happening, Discriminator("kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Equal units: one product at one price; bags of different weight that cost the same stand on one line."""

    sku: str
    name: str
    unit_price: int
    category: str
    tax_rate: str | None
    snapshot: int
    quantity: int
    weighings: tuple[Weighing, ...] = ()
    is_labelled: bool = False
    deposit: int = 0
    mark_down: int = 0
    priced_by: str = ""


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A code that the shop did not know: the sequence of its `code_refused`, and what was seen of it."""

    sequence: int
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """What a trip's events so far amount to.

    `last_line` is the index of the line that changed last, or None; `pieces` are SKU and serial of the pieces that have one;
    `unknown` are codes that staff may yet give a price.
    """

    trip: str
    store: str
    currency: str
    timezone: str
    snapshot: int
    started_at: int
    last_at: int
    first_sequence: int
    last_sequence: int
    lines: tuple[Line, ...] = ()
    last_line: int | None = None
    pieces: frozenset[tuple[str, str]] = frozenset()
    card: str | None = None
    coupons: frozenset[str] = frozenset()
    member: str | None = None
    segments: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    standing: Standing = UNKNOWN
    leases: tuple[HeldLease, ...] = ()
    shown: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    needs_help: bool = False
    refused_codes: int = 0
    unknown: tuple[UnknownCode, ...] = ()
    payment: Payment | None = None
    finished: TripFinished | None = None
    abandoned: bool = False

    @property
    def units(self) -> int:
        """Units in the basket."""
        return sum(line.quantity for line in self.lines)

    @property
    def deposit(self) -> int:
        """Deposit on all units, in minor units."""
        return sum(line.deposit * line.quantity for line in self.lines)

    @property
    def is_open(self) -> bool:
        """True until the trip is finished or abandoned."""
        return self.finished is None and not self.abandoned

    @property
    def is_bound(self) -> bool:
        """True while a payment is under way, or was made: nothing may change the price."""
        return self.payment is not None and self.payment.is_binding

    @property
    def priced_at(self) -> int:
        """What time prices hold as of: that of the last event, or that at which the payment was asked for."""
        return self.payment.at if self.payment is not None and self.is_bound else self.last_at

    def after(self, event: Event) -> Trip:
        """The state after one more event of this trip. Raises TripOrder where the event cannot follow."""
        if event.trip != self.trip:
            raise TripOrder(f"event {event.sequence} is of trip {event.trip}, not of {self.trip}")
        if not self.is_open:
            raise TripOrder(f"{event.what.kind} after the end of trip {self.trip}")
        if event.sequence <= self.last_sequence:
            raise TripOrder(f"event {event.sequence} comes after {self.last_sequence} in trip {self.trip}")
        self._check_payment(event.what)
        return replace(self._with(event.what, event.at, event.sequence), last_at=event.at, last_sequence=event.sequence)

    def _check_payment(self, what: Happening) -> None:
        """What may follow while a payment is under way, or was made."""
        payment = self.payment
        if isinstance(what, PaymentEnded):
            if payment is None or not payment.is_under_way or payment.begun.reference != what.reference:
                raise TripOrder(f"no payment {what.reference} is under way in trip {self.trip}")
        elif payment is not None and payment.is_binding:
            ends_too_early = isinstance(what, TripFinished) and payment.is_under_way
            if ends_too_early or isinstance(what, (*PRICED_BY, PaymentBegun, TripAbandoned)):
                raise TripOrder(f"{what.kind} while payment {payment.begun.reference} of trip {self.trip} binds its basket")

    def _with(self, what: Happening, at: int, sequence: int) -> Trip:
        match what:
            case ItemAdded():
                more = self._answered(what)._add(what)
                return replace(more, pieces=self.pieces | {(what.sku, what.serial)}) if what.serial else more
            case ItemRemoved(sku=sku):
                # Nobody says which piece went back: each of that product may be scanned again.
                return replace(self._remove(what), pieces=frozenset(piece for piece in self.pieces if piece[0] != sku))
            case CardScanned(card=card):
                segments = tuple(dict.fromkeys((*self.segments, EVERY_MEMBER)))
                return replace(self, card=card, segments=segments)
            case CouponShown(coupon=coupon):
                return replace(self, coupons=self.coupons | {coupon})
            case CapsuleReceived(member=member, segments=segments, offers=offers, standing=standing):
                return replace(self, member=member, segments=segments, offers=offers, standing=standing)
            case LeasesHeld(leases=leases):
                return replace(self, leases=leases)
            case OfferShown(offer=offer):
                return replace(self, shown=self.shown | {offer})
            case OfferAccepted(offer=offer):
                return replace(self, accepted=self.accepted | {offer}, refused=self.refused - {offer})
            case OfferRefused(offer=offer):
                return replace(self, refused=self.refused | {offer}, accepted=self.accepted - {offer})
            case SnapshotAdopted(snapshot=snapshot):
                return replace(self, snapshot=snapshot)
            case CodeRefused():
                return replace(self, refused_codes=self.refused_codes + 1, unknown=self._unknown_with(what, sequence))
            case HelpRequested():
                return replace(self, needs_help=True)
            case HelpEnded():
                return replace(self, needs_help=False)
            case PaymentBegun():
                return replace(self, payment=Payment(begun=what, at=at))
            case PaymentEnded():
                assert self.payment is not None
                return replace(self, payment=replace(self.payment, ended=what))
            case TripFinished():
                return replace(self, finished=what)
            case TripAbandoned():
                return replace(self, abandoned=True)
            case TripStarted():  # pragma: no branch - strict typing proves that no other happening is left
                raise TripOrder(f"trip {self.trip} has already started")

    def _unknown_with(self, what: CodeRefused, sequence: int) -> tuple[UnknownCode, ...]:
        if what.reason != "unknown_product":
            return self.unknown
        others = (code for code in self.unknown if code.seen != what.seen)
        return (*others, UnknownCode(sequence, what.seen))[-MOST_UNKNOWN:]

    def _answered(self, item: ItemAdded) -> Trip:
        """Without the code that `item` is the answer to. Raises TripOrder where that waits for none: an answer counts once."""
        if not item.answers:
            return self
        left = tuple(code for code in self.unknown if code.sequence != item.answers)
        if len(left) == len(self.unknown):
            raise TripOrder(f"code {item.answers} of trip {self.trip} waits for no price: it has one, or was never refused")
        return replace(self, unknown=left)

    def _index(self, sku: str, unit_price: int) -> int | None:
        return next((i for i, line in enumerate(self.lines) if line.sku == sku and line.unit_price == unit_price), None)

    def _add(self, item: ItemAdded) -> Trip:
        index = self._index(item.sku, item.unit_price)
        weighed = () if item.weighing is None else (item.weighing,)
        if index is None:
            line = Line(
                sku=item.sku, name=item.name, unit_price=item.unit_price, category=item.category,
                tax_rate=item.tax_rate, snapshot=item.snapshot, quantity=item.quantity, weighings=weighed,
                is_labelled=item.is_labelled, deposit=item.deposit, mark_down=item.mark_down, priced_by=item.priced_by,
            )  # fmt: skip
            return replace(self, lines=(*self.lines, line), last_line=len(self.lines))
        line = self.lines[index]
        more = replace(
            line, quantity=line.quantity + item.quantity, weighings=line.weighings + weighed,
            is_labelled=line.is_labelled or item.is_labelled, mark_down=max(line.mark_down, item.mark_down),
            priced_by=line.priced_by or item.priced_by,
        )  # fmt: skip
        return self._put(index, more)

    def _remove(self, item: ItemRemoved) -> Trip:
        index = self._index(item.sku, item.unit_price)
        held = 0 if index is None else self.lines[index].quantity
        if index is None or held < item.quantity:
            raise TripOrder(f"{item.quantity} of {item.sku} cannot be put back: the basket holds {held}")
        if held == item.quantity:
            return replace(self, lines=self.lines[:index] + self.lines[index + 1 :], last_line=None)
        line, left = self.lines[index], held - item.quantity
        return self._put(index, replace(line, quantity=left, weighings=line.weighings[:left]))

    def _put(self, index: int, line: Line) -> Trip:
        return replace(self, lines=(*self.lines[:index], line, *self.lines[index + 1 :]), last_line=index)


def start(event: Event) -> Trip:
    """The state after a trip's first event. Raises TripOrder where it is not a TripStarted."""
    what = event.what
    if not isinstance(what, TripStarted):
        raise TripOrder(f"trip {event.trip} begins with {what.kind}, not with trip_started")
    return Trip(
        trip=event.trip, store=what.store, currency=what.currency, timezone=what.timezone, snapshot=what.snapshot,
        started_at=event.at, last_at=event.at, first_sequence=event.sequence, last_sequence=event.sequence,
    )  # fmt: skip


def fold(events: Iterable[Event]) -> Trip:
    """The state of a trip after all its events, in order of sequence. Raises TripOrder; an empty journal is no trip."""
    trip: Trip | None = None
    for event in events:
        trip = start(event) if trip is None else trip.after(event)
    if trip is None:
        raise TripOrder("no events, no trip")
    return trip
