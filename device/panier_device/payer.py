"""The agent of a terminal that takes payment: what is asked for, and what became of it, on the disk before anyone acts on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from panier.member import Capsule
from panier.message import PriceMessage
from panier.payment import Decider, Payment, PaymentBegun, PaymentEnded
from panier.trip import Entry, HelpRequested, LeasesHeld, Trip, TripFinished
from panier.weighed import Weighing
from panier_device import decision
from panier_device.agent import Agent
from panier_device.decision import Decision, Message, Unweighed
from panier_device.payment.port import Answer, Charge, charge_of
from panier_device.situation import Paying


class PayingAgent(Agent):
    """While a payment is under way the basket stays as it was asked for: codes and keys are refused, what arrives has to wait.

    Without a `charge` it is an agent like any other: the till takes the money.
    """

    charge: Callable[[int], None] | None = None
    """Asks for payment of this many minor units, where a payment terminal is fitted."""

    # -- as the checkout asks for it -----------------------------------------------------------------------------------

    def show_payment(self, paying: Paying | None, message: Message | None = None) -> None:
        """Says how far the payment is, or that there is none."""
        self.now = replace(self.now, paying=paying, message=message)
        if paying is None:
            self._catch_up()
        self.show()

    def begin_payment(self, mark: str) -> Charge | None:
        """Writes down what is asked for; None where there is nothing to ask for, or the disk refuses."""
        trip = self.now.trip
        if trip is None or not trip.lines:
            return None
        at = self._at(trip)
        priced = self._shelf.price(trip, at)
        if not priced.total:
            self._end(trip, TripFinished(units=priced.units, discount=priced.discount, total=0), at)
            return None
        reference = f"{self._journal.device}.{self._journal.id}.{self._journal.last + 1}"
        begun = PaymentBegun(
            reference=reference, amount=priced.total, units=priced.units, discount=priced.discount, mark=mark
        )  # fmt: skip
        return charge_of(begun, trip.currency) if self._record((begun,), at) else None

    def end_payment(self, reference: str, answer: Answer, decided_by: Decider = "terminal") -> bool:
        """Writes down what became of it, and ends the trip unless it was declined; False where that is not on the disk."""
        trip = self.now.trip
        payment = trip and trip.payment
        if trip is None or payment is None or not payment.is_under_way or payment.begun.reference != reference:
            return False
        ended = PaymentEnded(
            reference=reference, outcome=answer.outcome, reason=answer.reason, decided_by=decided_by, trace=answer.trace,
            terminal=answer.terminal,
        )  # fmt: skip
        if ended.outcome != "declined":
            return self._end(trip, _paid(payment), self._at(trip), ended)
        recorded = self._record((ended,), self._at(trip))
        if recorded:
            self.show_payment(None, decision.tell_declined(ended))
        return recorded

    def call_staff(self) -> None:
        """Calls staff, unless they are called already."""
        if self.now.trip is not None and not self.now.trip.needs_help:
            self._record((HelpRequested(),), self._at(self.now.trip))

    # -- what is different while somebody pays -------------------------------------------------------------------------

    def call_help(self) -> None:
        """Calls staff; who was called about a payment is not called off before it is over."""
        if self.now.paying is None:
            super().call_help()
        else:
            self.call_staff()
            self.show()

    def finish(self) -> None:
        """Asks for payment first, where there is something to pay and somewhere to pay it."""
        trip = self.now.trip
        if self.now.paying is not None:
            return
        total = self._shelf.price(trip, self._at(trip)).total if trip is not None and trip.lines else 0
        if total and self.charge is not None:
            self.charge(total)
        else:
            super().finish()

    def add_weighed(self, item: Unweighed, weighing: Weighing) -> bool:
        return self.now.paying is None and super().add_weighed(item, weighing)

    def capsule_arrived(self, capsule: Capsule) -> None:
        if self.now.paying is None:
            super().capsule_arrived(capsule)
        else:
            self._late = capsule

    def snapshot_arrived(self) -> None:
        if self.now.paying is None:
            super().snapshot_arrived()

    def price_arrived(self, message: PriceMessage) -> None:
        # The gateway says it again while the code waits.
        if self.now.paying is None:
            super().price_arrived(message)

    def restore(self) -> None:
        """A payment that was under way is asked what became of it, never asked for again."""
        super().restore()
        trip = self.now.trip
        payment = trip and trip.payment
        if trip is None or payment is None or not payment.is_binding:
            return
        if not payment.is_under_way:
            # The end of the trip stood in the same transaction; damage took it.
            self._end(trip, _paid(payment), self._at(trip))
            return
        self.now = replace(self.now, paying=Paying(stage="checking", amount=payment.begun.amount))
        if self.charge is None:
            # The payment terminal was taken out of the settings: nobody is left to ask.
            self.end_payment(payment.begun.reference, Answer(outcome="unknown", reason="no_terminal"), "nobody")

    def _take_code(self, text: str, entry: Entry) -> None:
        if self.now.paying is None:
            super()._take_code(text, entry)
        else:
            self._decide(self._lookup.refuse("paying_now", text, entry))

    def _decide(self, decided: Decision, *, keep_fresh: bool = False) -> None:
        super()._decide(decided if self.now.paying is None else decision.while_paying(decided), keep_fresh=keep_fresh)

    def _end(self, trip: Trip, done: TripFinished, at: int, *before: PaymentEnded) -> bool:
        is_ended = super()._end(trip, done, at, *before)
        if is_ended:
            self._catch_up()
        return is_ended

    def _leases(self, trip: Trip | None) -> tuple[LeasesHeld, ...]:
        return super()._leases(trip) if self.now.paying is None else ()

    def _catch_up(self) -> None:
        """What had to wait while a payment bound the basket."""
        late, self._late = self._late, None
        trip = self.now.trip
        held = self._shop.held.version
        # Nothing is held while what was damaged is fetched anew: what the trip began with goes on to count.
        if held and held != (self._shelf.version if trip is None else trip.snapshot):
            self.snapshot_arrived()
        if trip is None:
            return
        if news := self._leases(self.now.trip):
            self._decide(Decision(news, self.now.message, starts=False), keep_fresh=True)
        if late is not None:
            self.capsule_arrived(late)


def _paid(payment: Payment) -> TripFinished:
    """The end of a trip that is paid for: the figures are those that were asked for."""
    return TripFinished(units=payment.begun.units, discount=payment.begun.discount, total=payment.begun.amount)
