"""The agent: what the shopper does becomes events on the disk, then a price, then a screen. In that order, always."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from panier.barcode import NO_NUMBERING, CardCode, LoyaltyRules, Numbering, mask
from panier.catalogue import Product
from panier.error import PanierError
from panier.lease import Lease
from panier.member import Capsule
from panier.message import LeaseMessage, Malformed, Notice, PriceMessage
from panier.payment import PaymentEnded
from panier.pricing import PricedBasket
from panier.till import used_leases
from panier.trip import (
    CardScanned,
    CodeRefused,
    CouponShown,
    Entry,
    Event,
    Happening,
    LeasesHeld,
    SnapshotAdopted,
    Trip,
    TripAbandoned,
    TripFinished,
    TripStarted,
    start,
)
from panier.weighed import Weighing
from panier_device import decision
from panier_device.decision import Decision, Message, Unweighed
from panier_device.driver.port import Reading
from panier_device.lookup import Lookup
from panier_device.shelf import Shelf
from panier_device.shop import Shop
from panier_device.situation import Farewell, OnScale, Situation
from panier_device.slot import CardSlot
from panier_device.tally import Tally
from panier_device.twice import Doubt
from panier_device.wallet import Wallet
from panier_io.journal import Journal
from panier_io.log import logger


class Agent:
    """The use cases of one terminal; every method is called on the event loop, does its work at once and repaints.

    `show` is called when the situation changed, `poke` when the journal grew. `clock` gives milliseconds since 1970 UTC.
    """

    def __init__(
        self,
        *,
        store: str,
        currency: str,
        timezone: str,
        journal: Journal,
        shop: Shop,
        rules: LoyaltyRules,
        tally: Tally,
        clock: Callable[[], int],
        numbering: Numbering = NO_NUMBERING,
    ) -> None:
        self._store = store
        self._journal = journal
        self._shop = shop
        self._tally = tally
        self._clock = clock
        self._log = logger("agent")
        self.show: Callable[[], None] = lambda: None
        self.poke: Callable[[], None] = lambda: None
        self.receipt: Callable[[Trip, PricedBasket], str] | None = None
        """Makes what is to be printed of a trip that is about to finish, where a printer is fitted."""
        self.weigh: Callable[[Unweighed], None] | None = None
        """Asks for a product's weight, where a scale is fitted."""
        self.weigh_again: Callable[[], None] = lambda: None
        self.now = Situation()
        self.read_at: int | None = None
        """When the last byte of the code was read that the next frame answers (monotonic nanoseconds)."""
        self._shelf = Shelf(shop, tally, currency, timezone)
        self._lookup = Lookup(shop, self._shelf, tally, rules, numbering)
        self._wallet = Wallet(journal)
        self._card_entry: Entry = "scan"
        self._slot = CardSlot(rules)
        self._doubt = Doubt()
        self._late: Capsule | None = None
        """What the gateway said of the member and the disk refused, or a payment put off: it is not said again."""
        self._unheard: tuple[Happening, ...] = ()
        """What was refused last before a trip began; it goes with a call for help."""

    # -- codes ---------------------------------------------------------------------------------------------------------

    def take(self, reading: Reading) -> bool:
        """A reader delivered something: a whole code, or what was left of one, or a card. True where the shop could use it."""
        if self._slot.takes(reading):
            self._take_swipe(reading)
            return not self._is_refused
        self.read_at = reading.read_at
        self._tally.scans.labels(reading.entry).inc()
        if reading.frame.flaw is not None:
            self._tally.refused.labels(reading.frame.flaw).inc()
            self._decide(decision.refuse_code(reading.frame.flaw, mask(reading.frame.text), reading.entry))
        else:
            self._take_code(reading.frame.text, reading.entry)
        return not self._is_refused

    @property
    def _is_refused(self) -> bool:
        return self.now.message is not None and self.now.message.tone == "attention"

    def _take_swipe(self, reading: Reading) -> None:
        found = self._slot.read(reading)
        if found is None:
            return
        self.read_at = reading.read_at
        self._tally.scans.labels(reading.entry).inc()
        if isinstance(found, CardCode):
            self._take_card(found.number, reading.entry)
            return
        # Most often a bank card: a count, a message, and nothing that was on it, in the journal or anywhere else.
        self._tally.refused.labels(found).inc()
        self._decide(Decision(message=Message(found, "attention")))

    def type_code(self, text: str) -> None:
        """The shopper typed a code."""
        self.read_at = time.monotonic_ns()
        self._tally.scans.labels("typed").inc()
        self._take_code(text, "typed")

    def pick(self, sku: str) -> None:
        """The shopper chose a product from the list."""
        self._tally.scans.labels("shelf").inc()
        self._decide(self._lookup.find_sku(sku))

    def search(self, text: str, limit: int) -> list[Product]:
        """Products to pick from."""
        return self._shop.search(text, limit)

    def _take_code(self, text: str, entry: Entry) -> None:
        match self._lookup.find(text, entry, self.now.trip, self._at(self.now.trip)):
            case CardScanned(card=card):
                self._take_card(card, entry)
            case CouponShown(coupon=coupon):
                self._take_coupon(coupon, entry)
            case decided:
                self._decide(decided)

    def _take_card(self, card: str, entry: Entry) -> None:
        self._card_entry = entry
        self._decide(decision.add_card(self.now.trip, card))

    def _take_coupon(self, coupon: str, entry: Entry) -> None:
        decided = decision.show_coupon(self.now.trip, coupon, entry)
        if not any(isinstance(what, CouponShown) for what in decided.happenings):
            self._decide(decided)
        elif self._record(decided.happenings, self._at(self.now.trip)):
            assert self.now.trip is not None
            told = self._lookup.tell_coupon(self.now.trip, coupon)
            self.now = replace(self.now, message=told, farewell=None, weighing=None, fresh=frozenset())
            self.show()

    def show_scale(self, on_scale: OnScale | None) -> None:
        """Says what the scale shows of what is being weighed, or that nothing is any more."""
        self.now = replace(self.now, weighing=on_scale, message=None, farewell=None)
        self.show()

    def add_weighed(self, item: Unweighed, weighing: Weighing) -> bool:
        """Adds what was weighed; False where the disk refuses and nothing happened."""
        decided = decision.stop_excess(self.now.trip, decision.add_weighed(item, weighing, self.currency))
        happenings = self._heard(decided)
        recorded = not happenings or self._record(happenings, self._at(self.now.trip))
        self.now = replace(self.now, weighing=None, message=decided.message if recorded else self.now.message)
        self.show()
        return recorded

    # -- the shopper's other wishes ------------------------------------------------------------------------------------

    def one_more(self, chosen: int | None = None) -> None:
        """One more of the line at this place in the trip, or of the last one."""
        self._decide(decision.one_more(self.now.trip, chosen))

    def put_back(self, chosen: int | None = None, *, whole_line: bool) -> None:
        """One of the line at this place in the trip (or of the last one), or all of it, goes back to the shelf."""
        self._decide(decision.put_back(self.now.trip, chosen, whole_line=whole_line))

    def take_back(self) -> None:
        """The shopper says that what is asked about was scanned twice."""
        asked, trip = self.now.message, self.now.trip
        if asked is not None and trip is not None and asked.line in trip.lines:
            self._decide(decision.put_back(trip, trip.lines.index(asked.line), whole_line=False))

    def call_help(self) -> None:
        """Calls staff, or calls them off."""
        decided = decision.call_help(self.now.trip)
        # It changes nothing on the scale, nor what was just offered.
        self._decide(replace(decided, happenings=(*self._unheard, *decided.happenings)), keep_fresh=True)

    def answer_offer(self, offer: str, *, accepted: bool) -> None:
        """The shopper's answer to an offer."""
        is_used_up = offer in self.now.used_up
        self._decide(decision.answer_offer(self.now.trip, offer, accepted=accepted, is_used_up=is_used_up))

    def finish(self) -> None:
        """Ends the trip with what the screen shows; an empty one is abandoned."""
        trip = self.now.trip
        if trip is not None:
            at = self._at(trip)
            priced = self._shelf.price(trip, at)
            self._end(trip, TripFinished(units=priced.units, discount=priced.discount, total=priced.total), at)

    def _end(self, trip: Trip, done: TripFinished, at: int, *before: PaymentEnded) -> bool:
        """Ends the trip, in one transaction with what became of its payment."""
        priced = self._shelf.price(trip, None if trip.is_bound else at)
        used = self._wallet.after(used_leases(trip, priced)) if trip.lines else []
        slip = self._slip(trip, done, at, priced, *before)
        if not self._record((*before, done if trip.lines else TripAbandoned()), at, used, slip):
            return False
        self._wallet.ended(trip.trip, used)
        farewell = Farewell(
            trip=trip.trip, first_name=self.now.first_name, currency=trip.currency, units=done.units, discount=done.discount,
            total=done.total, tender=before[0].outcome if before else "",
        )  # fmt: skip
        # The capsule ends with the trip: what is left of the member is in the events, which carry no name.
        self._late = None
        self._erase_name()
        self.now = Situation(farewell=farewell) if trip.lines else Situation(message=Message("goodbye"))
        self.show()
        return True

    def _slip(self, trip: Trip, done: TripFinished, at: int, priced: PricedBasket, *before: PaymentEnded) -> str:
        if self.receipt is None or not trip.lines:
            return ""
        payment = replace(trip.payment, ended=before[0]) if trip.payment and before else trip.payment
        return self.receipt(replace(trip, finished=done, last_at=at, payment=payment), priced)

    def dismiss(self) -> None:
        """The Thank-you screen has been read."""
        self._erase_name()
        self.now = Situation()
        self.show()

    def _erase_name(self) -> None:
        """Takes the member's name off the disk; where that refuses, the end of the next trip tries again."""
        try:
            self._journal.erase_greeting()
        except sqlite3.Error:
            self._log.exception("name_not_erased")

    def painted(self, offers: tuple[str, ...]) -> None:
        """These offers are on the screen now; each is journalled once a trip. What the disk refuses waits for the next frame."""
        shown = decision.note_shown(self.now.trip, tuple(offer for offer in offers if offer not in self.now.used_up))
        if shown.happenings:
            self._record(shown.happenings, self._at(self.now.trip), is_quiet=True)

    # -- what the gateway says -----------------------------------------------------------------------------------------

    def capsule_arrived(self, capsule: Capsule) -> None:
        """The member's capsule, or a newer one; one for another trip is void."""
        trip = self.now.trip
        if trip is None or capsule.trip != trip.trip:
            self._tally.malformed.labels("other_trip").inc()
            return
        self._late = None
        if capsule.first_name != self.now.first_name:
            self._greet(trip.trip, capsule.first_name)
        fresh = frozenset(offer.offer for offer in decision.fresh_offers(trip, capsule.offers))
        decided = decision.take_capsule(trip, capsule)
        if decided.happenings:
            # Nobody pressed a key: what the shopper is reading stays.
            self.now = replace(self.now, fresh=fresh or self.now.fresh)
            self._decide(replace(decided, message=self.now.message), keep_fresh=True)
        else:
            self.show()
        if self.now.first_name != capsule.first_name or decision.take_capsule(self.now.trip or trip, capsule).happenings:
            self._late = capsule

    def _greet(self, trip: str, first_name: str) -> None:
        try:
            self._journal.greet(trip, first_name)
        except sqlite3.Error:
            self._log.exception("name_refused")
        else:
            self.now = replace(self.now, first_name=first_name)

    def leases_arrived(self, message: LeaseMessage) -> None:
        """What this device, and its trip, may use of limited promotions; what is for a journal before this one is void."""
        if message.journal != self._journal.id:
            self._tally.malformed.labels("other_journal").inc()
            return
        trip = self.now.trip
        try:
            self._wallet.take(message.leases, trip and trip.trip)
        except sqlite3.Error:
            self._log.exception("leases_refused")
            return
        if trip is not None and (news := self._leases(trip)):
            self._decide(Decision(news, self.now.message), keep_fresh=True)

    def notice_arrived(self, notice: Notice) -> None:
        """An unknown card, help on its way, or whatever else the shopper should read."""
        trip = self.now.trip
        if trip is None or notice.trip != trip.trip:
            return
        happenings: tuple[Happening, ...] = ()
        if notice.code == "unknown_card":
            self._tally.refused.labels(notice.code).inc()
            happenings = (CodeRefused(reason=notice.code, seen=mask(trip.card or ""), entry=self._card_entry),)
        tone = "attention" if happenings else "good"
        self._decide(Decision(happenings, Message(notice.code, tone, {"text": notice.text}), starts=False), keep_fresh=True)

    def price_arrived(self, message: PriceMessage) -> None:
        """Staff gave a code of this trip a price; for another trip, or a second time, it is void."""
        trip = self.now.trip
        if trip is None or message.trip != trip.trip or all(code.sequence != message.item.answers for code in trip.unknown):
            self._tally.malformed.labels("price_void").inc()
            return
        self._decide(decision.add_priced(message.item, trip.currency), keep_fresh=True)

    def snapshot_arrived(self) -> None:
        """Other prices and promotions are on the disk: they hold from here on, lines keep the price they were scanned at."""
        self._shelf.refresh()
        trip = self.now.trip
        if trip is not None and trip.snapshot != self._shelf.version:
            adopted = SnapshotAdopted(snapshot=self._shelf.version)
            self._decide(Decision((adopted, *self._leases(trip)), self.now.message), keep_fresh=True)
        else:
            self.show()

    def restore(self) -> None:
        """Takes up the trip that was under way when the process ended."""
        try:
            trip = self._journal.open_trip()
            priced = trip and self._shelf.price(trip)
        except PanierError:
            # The gateway has its events and tells staff that it was left open.
            self._log.exception("trip_unreadable")
            self.now = Situation(message=Message("trip_unreadable", "attention"))
            return
        if trip is None:
            self._erase_name()
            return
        self._log.info("trip_restored", trip=trip.trip, units=trip.units)
        self.now = Situation(
            trip=trip, priced=priced, first_name=self._journal.greeting(trip.trip), used_up=self._shelf.used_up(trip)
        )
        if trip.snapshot != self._shelf.version and not trip.is_bound:
            self._decide(Decision((SnapshotAdopted(snapshot=self._shelf.version), *self._leases(trip))))

    # -- record, price, show -------------------------------------------------------------------------------------------

    def _decide(self, decided: Decision, *, keep_fresh: bool = False) -> None:
        if decided.unweighed is not None and self.weigh is not None:
            self.weigh(decided.unweighed)
            return
        decided = decision.stop_excess(self.now.trip, decided)
        happenings = self._heard(decided)
        if happenings and not self._record(happenings, self._at(self.now.trip)):
            return
        kept = {} if keep_fresh else {"fresh": frozenset[str](), "weighing": None}
        message = decided.message
        if message is None and happenings and self._doubt.line is not None:
            message = decision.ask_twice(self._doubt.line)
        self.now = replace(self.now, message=message, farewell=None, **kept)
        self.show()
        if happenings and self._late is not None:
            late, self._late = self._late, None
            self.capsule_arrived(late)

    def _heard(self, decided: Decision) -> tuple[Happening, ...]:
        """What goes on the disk now: what came of a decision that opens no trip waits for one."""
        is_heard = self.now.trip is not None or decided.starts
        self._unheard = () if is_heard else decided.happenings
        return decided.happenings if is_heard else ()

    def _record(
        self, happenings: tuple[Happening, ...], at: int, leases: Sequence[Lease] = (), slip: str = "", *, is_quiet: bool = False
    ) -> bool:
        """Puts happenings on the disk and prices the trip that follows; False where the disk refuses and nothing happened."""
        trip = self.now.trip
        try:
            if trip is None:
                events = self._journal.append(None, at, self._started(), *self._leases(None), *happenings)
            else:
                events = self._journal.append(trip.trip, at, *happenings, leases=leases, slip=slip)
        except (sqlite3.Error, Malformed) as error:
            self._log.exception("journal_refused")
            if is_quiet:
                return False
            reason = "disk_fault" if isinstance(error, sqlite3.Error) else error.code
            self.now = replace(self.now, message=Message(reason, "attention"), farewell=None)
            self.show()
            return False
        trip = self._after(trip, events)
        priced = self._shelf.price(trip)
        self.now = replace(self.now, trip=trip if trip.is_open else None, priced=priced, used_up=self._shelf.used_up(trip))
        self.poke()
        return True

    def _after(self, trip: Trip | None, events: list[Event]) -> Trip:
        for event in events:
            trip = start(event) if trip is None else trip.after(event)
            self._doubt.hear(event, trip)
        assert trip is not None
        return trip

    @property
    def currency(self) -> str:
        """That of the trip, or of the store."""
        return self._shelf.locale(self.now.trip)[0]

    def _started(self) -> TripStarted:
        currency, timezone = self._shelf.locale(None)
        return TripStarted(store=self._store, currency=currency, timezone=timezone, snapshot=self._shelf.version)

    def _leases(self, trip: Trip | None) -> tuple[LeasesHeld, ...]:
        """The event that says what a trip may use of limited promotions, where its journal says something else so far."""
        held = self._wallet.held({promotion.id for promotion in self._shelf.promotions.limited}, trip and trip.trip)
        return () if held == (trip.leases if trip else ()) else (LeasesHeld(leases=held),)

    def _at(self, trip: Trip | None) -> int:
        """The time of what happens now. A clock that was set back in mid-trip must not make a promotion's window open again."""
        return max(self._clock(), trip.last_at if trip else 0)
