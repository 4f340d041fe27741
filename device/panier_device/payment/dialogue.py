"""One conversation with a payment terminal: plain decisions, from bytes that came to bytes that go. No I/O, no clock."""

from __future__ import annotations

from typing import Protocol

from panier_device.payment.port import Answer, Charge


class Dialogue(Protocol):
    """From `begin` to an answer. `feed` may raise BrokenAnswer; then, or when the line ends, `lost` says what is known."""

    @property
    def answer(self) -> Answer | None:
        """What became of it, once that is known: nothing more is read then."""
        ...

    @property
    def patience(self) -> float:
        """Seconds within which something more has to arrive."""
        ...

    @property
    def announced(self) -> float:
        """Seconds of silence that the terminal itself has asked for; 0 where it asked for none."""
        ...

    def begin(self) -> bytes:
        """What to send first."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Takes what arrived, in pieces of any size; gives what to send."""
        ...

    def cancel(self) -> bytes:
        """What asks for an early end; nothing where it cannot be asked for, or not yet: then it is remembered."""
        ...

    def lost(self) -> Answer:
        """What is known where the line ended, or nothing came in time."""
        ...


class Protocolled(Protocol):
    """A protocol: the dialogues that it knows. Each raises NotReady where what is asked for has no place in it."""

    def prepare(self, currency: str) -> Dialogue:
        """Is it ready? An approved answer says so, and its `trace` is the mark; any other says why not."""
        ...

    def authorise(self, charge: Charge) -> Dialogue:
        """Asks for payment."""
        ...

    def enquire(self, charge: Charge) -> Dialogue:
        """Asks what became of it."""
        ...
