"""Paying at the terminal: asked for once, checked until it is known, decided by staff where it cannot be known."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import replace
from typing import Literal, Protocol

from panier.payment import Decider, Outcome
from panier_device.decision import Message
from panier_device.payment.port import UNKNOWN, Answer, Charge, NotReady, PaymentTerminal, charge_of
from panier_device.settings import PaymentSettings
from panier_device.situation import Paying, Situation
from panier_device.tally import Tally
from panier_io.log import logger

OUTCOMES: dict[str, Outcome] = {"approved": "approved", "declined": "declined", "unknown": "unknown"}
_TRIES = 5
"""Wrong staff codes before the device waits with the next one."""
_LOCKED_S = 60.0


class Till(Protocol):
    """What the checkout wants of the agent: each call has its events on the disk when it returns."""

    @property
    def now(self) -> Situation: ...

    def show_payment(self, paying: Paying | None, message: Message | None = None) -> None:
        """Says how far the payment is, or that there is none."""
        ...

    def begin_payment(self, mark: str) -> Charge | None:
        """Writes down what is asked for; None where there is nothing to ask for, or the disk refuses."""
        ...

    def end_payment(self, reference: str, answer: Answer, decided_by: Decider = "terminal") -> bool:
        """Writes down what became of it, and ends the trip unless it was declined; False where that is not on the disk."""
        ...

    def call_staff(self) -> None:
        """Calls staff, unless they are called already."""
        ...


class Checkout:
    """One payment at a time. What is under way is in the journal; this only knows how far the conversation is.

    An answer is asked for until there is one. Between `payment_begun` and an outcome nothing else is ever asked for: not after a
    lost line, and not after a restart, when `run` goes on with the enquiry.
    """

    def __init__(self, till: Till, terminal: PaymentTerminal, settings: PaymentSettings, tally: Tally) -> None:
        self._till = till
        self._terminal = terminal
        self._settings = settings
        self._tally = tally
        self._wanted = asyncio.Event()
        self._woken = asyncio.Event()
        self._is_cancelled = False
        self._asking: asyncio.Task[Answer] | None = None
        self._wrong_codes = 0
        self._locked_until = 0.0
        self._is_known = False
        terminal.changed = self._heed
        self._log = logger("checkout").bind(terminal=terminal.name)

    # -- what people do ------------------------------------------------------------------------------------------------

    def begin(self, amount: int) -> None:
        """The shopper wants to pay."""
        self._is_cancelled = False
        self._till.show_payment(Paying(stage="preparing", amount=amount))
        self._wanted.set()

    def cancel(self) -> None:
        """The shopper wants back to the basket. What is asked for already is called off, and its answer waited for."""
        paying = self._till.now.paying
        if paying is None or paying.stage not in ("preparing", "asking"):
            return
        self._is_cancelled = True
        self._till.show_payment(replace(paying, stage="cancelling"))
        if self._asking is not None:
            self._terminal.cancel()
            asyncio.get_running_loop().call_later(self._settings.staff_after_s, self._asking.cancel)

    def enter_code(self, code: str) -> None:
        """Staff typed their code to decide about a payment in doubt."""
        paying, secret, now = self._till.now.paying, self._settings.staff_code, asyncio.get_running_loop().time()
        if paying is None or paying.stage != "checking":
            return
        is_right = secret is not None and hmac.compare_digest(code.encode(), secret.get_secret_value().encode())
        if now < self._locked_until or not is_right:
            self._wrong_codes += now >= self._locked_until
            if self._wrong_codes >= _TRIES:
                self._wrong_codes, self._locked_until = 0, now + _LOCKED_S
            self._till.show_payment(self._paying("checking", paying.amount), Message("wrong_staff_code", "attention"))
            return
        self._wrong_codes = 0
        self._till.show_payment(self._paying("checking", paying.amount, is_staff_here=True))

    def decide(self, outcome: str) -> None:
        """Staff say whether it is paid: an outcome."""
        paying, charge = self._till.now.paying, self._charge()
        if paying is None or charge is None or not paying.is_staff_here or outcome not in OUTCOMES:
            return
        if self._till.end_payment(charge.reference, Answer(outcome=OUTCOMES[outcome], reason="staff"), "staff"):
            self._tally.payments.labels(outcome, "staff").inc()
            self._woken.set()

    def leave_staff(self) -> None:
        """Staff go without a decision."""
        paying = self._till.now.paying
        if paying is not None and paying.is_staff_here:
            self._till.show_payment(self._paying("checking", paying.amount))

    # -- the conversation ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serves one payment after the other until cancelled; one that was under way at the start comes first."""
        while True:
            if self._charge() is None:
                await self._wait()
            self._wanted.clear()
            await self._serve()

    async def _wait(self) -> None:
        """Until somebody wants to pay, who does not wait for a look at the terminal to end."""
        looking, wanted = asyncio.create_task(self._look()), asyncio.create_task(self._wanted.wait())
        try:
            await asyncio.wait({looking, wanted}, return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                looking.result()
        finally:
            looking.cancel()
            wanted.cancel()
            await asyncio.gather(looking, wanted, return_exceptions=True)

    async def _look(self) -> None:
        """Once at the start, so that staff hear of a terminal that is off before a shopper does; then while it is in trouble."""
        while True:
            if self._terminal.trouble or not self._is_known:
                await self._terminal.look()
            self._is_known = True
            await asyncio.sleep(self._settings.again_s)

    def _heed(self) -> None:
        """The terminal fell silent, or speaks again: the shopper is told, and the answer is waited for as before."""
        paying, is_silent = self._till.now.paying, bool(self._terminal.trouble)
        if paying is not None and paying.stage != "preparing" and paying.is_silent != is_silent:
            self._till.show_payment(replace(paying, is_silent=is_silent), self._till.now.message)

    async def _serve(self) -> None:
        charge, answer = self._charge(), UNKNOWN
        if charge is None:
            charge = await self._begun()
            if charge is None:
                return
            answer = await self._authorise(charge)
        if not self._ended(charge, answer):
            await self._check(charge)

    async def _begun(self) -> Charge | None:
        try:
            mark = await self._terminal.prepare(self._currency())
        except NotReady as error:
            self._log.warning("payment_not_ready", reason=str(error))
            self._till.show_payment(None, Message(error.code, "attention"))
            return None
        if self._is_cancelled:
            self._till.show_payment(None, Message("payment_cancelled"))
            return None
        charge = self._till.begin_payment(mark)
        asking = Paying(stage="asking", amount=charge.amount) if charge is not None else None
        self._till.show_payment(asking, self._till.now.message)
        return charge

    async def _authorise(self, charge: Charge) -> Answer:
        self._asking = asyncio.create_task(self._terminal.authorise(charge))
        try:
            return await self._asking
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return UNKNOWN
        finally:
            self._asking = None

    async def _check(self, charge: Charge) -> None:
        """Asks what became of it until that is known, until staff decide, or until nobody has for very long."""
        loop, settings = asyncio.get_running_loop(), self._settings
        give_up_at = loop.time() + settings.give_up_s
        self._till.show_payment(self._paying("checking", charge.amount))
        staff = loop.call_later(settings.staff_after_s, self._call_staff)
        try:
            while self._is_open(charge) and loop.time() < give_up_at:
                answer = await self._enquire(charge)
                if answer is not None and self._ended(charge, answer):
                    return
                await self._pause(min(settings.again_s, max(0.0, give_up_at - loop.time())))
        finally:
            staff.cancel()
        if self._is_open(charge):
            self._log.error("payment_given_up", reference=charge.reference)
            self._ended(charge, Answer(outcome="unknown", reason="given_up"), by="nobody")

    async def _enquire(self, charge: Charge) -> Answer | None:
        """What the terminal says; None where staff decided meanwhile."""
        self._woken.clear()
        asked, woken = asyncio.ensure_future(self._terminal.enquire(charge)), asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait({asked, woken}, return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() else None
        finally:
            asked.cancel()
            woken.cancel()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    def _ended(self, charge: Charge, answer: Answer, by: Literal["terminal", "nobody"] = "terminal") -> bool:
        """True once an outcome is on the disk, by whoever; what nobody knows is none before it is given up."""
        if not self._is_open(charge):
            return True
        if answer.outcome == "unknown" and by == "terminal":
            self._log.warning("payment_in_doubt", reference=charge.reference, reason=answer.reason)
            return False
        if not self._till.end_payment(charge.reference, answer, by):
            return False
        self._log.info("payment_ended", reference=charge.reference, outcome=answer.outcome, reason=answer.reason)
        self._tally.payments.labels(answer.outcome, by).inc()
        return True

    def _call_staff(self) -> None:
        paying = self._till.now.paying
        if paying is not None and paying.stage == "checking":
            self._till.call_staff()
            self._till.show_payment(self._paying("checking", paying.amount, is_staff_here=paying.is_staff_here))

    def _paying(self, stage: Literal["checking"], amount: int, *, is_staff_here: bool = False) -> Paying:
        return Paying(
            stage=stage, amount=amount, takes_code=self._settings.staff_code is not None, is_staff_here=is_staff_here,
            is_silent=bool(self._terminal.trouble),
        )  # fmt: skip

    def _currency(self) -> str:
        trip = self._till.now.trip
        return trip.currency if trip is not None else ""

    def _is_open(self, charge: Charge) -> bool:
        open_charge = self._charge()
        return open_charge is not None and open_charge.reference == charge.reference

    def _charge(self) -> Charge | None:
        """What is under way, by the journal."""
        trip = self._till.now.trip
        if trip is None or trip.payment is None or not trip.payment.is_under_way:
            return None
        return charge_of(trip.payment.begun, trip.currency)
