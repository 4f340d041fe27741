"""The port: what the checkout expects of a payment terminal, whatever it speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from panier.error import PanierError
from panier.payment import Outcome, PaymentBegun

PaymentTrouble = Literal["", "away", "silent", "garbled"]
"""What staff should see to. away: no line to it. silent: asked, and it says nothing. garbled: what it says is no answer."""


class NotReady(PanierError):
    """The payment terminal cannot be asked now, and has not been: nothing was sent that could move money."""

    code = "payment_not_ready"


class TerminalBusy(NotReady):
    """The payment terminal answers, and is busy with something else."""

    code = "payment_busy"


class BrokenAnswer(PanierError):
    """Bytes that are no answer of the protocol: the line is closed, and what became of the payment is asked anew."""

    code = "payment_answer_broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What is asked for: minor units of a currency, under a reference that was never used before.

    `mark` is what `prepare` said: the terminal's last payment before this one.
    """

    reference: str
    amount: int
    currency: str
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the terminal says of a charge; `reason` is a word of ours, `trace` and `terminal` its own numbers. No card data.

    `unknown` means that money may have moved: nothing else may be asked for before an enquiry brings another answer.
    """

    outcome: Outcome
    reason: str = ""
    trace: str = ""
    terminal: str = ""


UNKNOWN = Answer(outcome="unknown")


def charge_of(begun: PaymentBegun, currency: str) -> Charge:
    """What was written down, as the payment terminal is asked."""
    return Charge(reference=begun.reference, amount=begun.amount, currency=currency, mark=begun.mark)


class PaymentTerminal(Protocol):
    """Asks for payment, and what became of one. None of the calls ever asks for the same charge twice by itself."""

    @property
    def name(self) -> str:
        """What to call it in logs and checks, for example its address."""
        ...

    @property
    def trouble(self) -> PaymentTrouble:
        """How it stood when it was last spoken to; nothing once it speaks again."""
        ...

    changed: Callable[[], None]
    """Called with each new `trouble`."""

    async def look(self) -> None:
        """Finds out whether it is there, or there again; asks for no payment."""
        ...

    async def prepare(self, currency: str) -> str:
        """Makes sure that it can be asked for this currency now, and gives the mark of its last payment. Raises NotReady."""
        ...

    async def authorise(self, charge: Charge) -> Answer:
        """Asks for payment and waits for what became of it; as long as the terminal says that it is at work."""
        ...

    async def enquire(self, charge: Charge) -> Answer:
        """What became of a charge. Where the terminal has never heard of it, it is declined, and can never be approved later."""
        ...

    def cancel(self) -> None:
        """The shopper does not want to pay now: asks for an end of the charge that is under way. Its answer still comes."""
        ...
