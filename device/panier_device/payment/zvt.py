"""ZVT's dialogues: registration, then a payment, or the question what the last one came to. Pure; see docs/hardware/payment.md.

The terminal books a payment for good only when its status information is acknowledged, and takes it back by itself where that
acknowledgement does not come (PA00P015 13.08, 2.2.8). So nothing is acknowledged here that was not asked for on this very line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, auto

from panier_device.payment.apdu import Apdu, ApduDecoder, StatusInformation, digits, encode, pack, status_information
from panier_device.payment.port import Answer, BrokenAnswer, Charge, NotReady

CURRENCIES = {
    "EUR": 978, "CHF": 756, "CZK": 203, "DKK": 208, "GBP": 826, "HUF": 348, "NOK": 578, "PLN": 985, "RON": 946, "SEK": 752,
    "USD": 840,
}  # fmt: skip
"""ISO 4217 numbers of the currencies that terminals of this protocol are sold for."""
NO_MARK = "none"
"""The mark where the terminal names no last booking: it has none yet, or does not tell. Nothing can be compared with it."""

_REGISTRATION, _AUTHORISATION, _REPEAT_RECEIPT, _ABORT_BY_US = 0x0600, 0x0601, 0x0620, 0x06B0
_STATUS, _INTERMEDIATE, _COMPLETION, _ABORT = 0x040F, 0x04FF, 0x060F, 0x061E
_PRINTS = (0x06D1, 0x06D3)
_ACKNOWLEDGED = 0x8000
_ACK = encode(Apdu(_ACKNOWLEDGED))
_GOODS_NOT_ISSUED = encode(Apdu(0x846C))
"""Makes the terminal take the payment back: any 84 but 84 00 and 84 9C does (2.2.6 c)."""
_NOT_POSSIBLE = encode(Apdu(0x8483))
_CONFIG = 0x18
"""The terminal tells what it is doing (08), takes no amounts but ours (10), and prints its slips itself."""
_STATUS_WITHOUT_PRINT = b"\x03\x03"
_WORDS = {0x6C: "cancelled", 0x6F: "wrong_currency", 0x9C: "busy", 0xA0: "busy", 0x6B: "not_registered"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ZvtTerms:
    """What both ends agreed on. T3: seconds for a reply; T4: seconds between two signs of life (PA00P016, 5.2.5 and 5.2.6)."""

    password: int = 0
    t3: float = 5.0
    t4: float = 180.0


class _Step(Enum):
    REGISTERING = auto()
    REGISTERED = auto()
    """Its reply is there, its completion is not."""
    ASKED = auto()
    RUNNING = auto()


class ZvtDialogue(ABC):
    """Registration and one command over one connection; subclasses say what is asked and how the end is to be read."""

    def __init__(self, terms: ZvtTerms, currency: str) -> None:
        self.answer: Answer | None = None
        self.patience, self.announced = terms.t3, 0.0
        self._terms = terms
        if currency not in CURRENCIES:
            raise NotReady(f"payment terminals of ZVT are asked for {', '.join(CURRENCIES)} only, not for {currency}")
        self._currency = pack(CURRENCIES[currency], 2)
        self._decoder = ApduDecoder()
        self._step = _Step.REGISTERING
        self._status: StatusInformation | None = None
        self._is_called_off = False

    def begin(self) -> bytes:
        return encode(Apdu(_REGISTRATION, self._password + bytes([_CONFIG]) + self._currency))

    def feed(self, data: bytes) -> bytes:
        replies = b""
        for apdu in self._decoder.feed(data):
            if self.answer is None:
                replies += self._take(apdu)
        return replies

    def cancel(self) -> bytes:
        return b""

    def lost(self) -> Answer:
        return Answer(outcome="unknown", reason="line_lost")

    @property
    def _password(self) -> bytes:
        return pack(self._terms.password, 3)

    def _take(self, apdu: Apdu) -> bytes:
        if apdu.control >> 8 in (0x80, 0x84):
            return self._replied(apdu.control)
        if self._step in (_Step.REGISTERING, _Step.ASKED):
            raise BrokenAnswer(f"{apdu.control:04X} before a reply to what was asked")
        if apdu.control == _INTERMEDIATE:
            # One byte of status, then minutes in BCD that put off T4.
            self.announced = 60.0 * int(digits(apdu.data[1:2] or b"\0"))
            self.patience = self.announced or self._terms.t4
            return _ACK
        if self._step is _Step.REGISTERED:
            return self._registered(apdu)
        return self._ran(apdu)

    def _replied(self, control: int) -> bytes:
        refusal = control & 0xFF if control >> 8 == 0x84 else 0
        if refusal and self._step in (_Step.REGISTERING, _Step.ASKED):
            self.answer = self._refused(refusal)
        elif self._step in (_Step.REGISTERING, _Step.ASKED):
            self._step = _Step.REGISTERED if self._step is _Step.REGISTERING else _Step.RUNNING
            self.patience = self._terms.t4
            if self._is_called_off:
                return self.cancel()
        return b""

    def _registered(self, apdu: Apdu) -> bytes:
        if apdu.control == _ABORT:
            self.answer = self._refused(apdu.data[0] if apdu.data else 0xFF)
            return _ACK
        if apdu.control != _COMPLETION:
            raise BrokenAnswer(f"{apdu.control:04X} during registration")
        if self._is_called_off:
            self.answer = Answer(outcome="declined", reason="cancelled")
            return _ACK
        self._step = _Step.ASKED
        self.patience, self.announced = self._terms.t3, 0.0
        return _ACK + encode(self._command())

    def _ran(self, apdu: Apdu) -> bytes:
        if apdu.control == _STATUS:
            self.patience, self.announced = self._terms.t4, 0.0
            return self._take_status(status_information(apdu.data))
        if apdu.control == _COMPLETION:
            self.answer = self._completed()
            return _ACK
        if apdu.control == _ABORT:
            self.answer = self._aborted(apdu.data[0] if apdu.data else 0xFF)
            return _ACK
        # Slips that the terminal wants us to print are passed over unread; what it wants us to do besides is not done.
        return _ACK if apdu.control in _PRINTS else _NOT_POSSIBLE

    @abstractmethod
    def _command(self) -> Apdu:
        """What is asked once the terminal is registered."""

    def _take_status(self, status: StatusInformation) -> bytes:
        self._status = status
        return _ACK

    @abstractmethod
    def _completed(self) -> Answer:
        """The terminal says that it is done."""

    @abstractmethod
    def _aborted(self, code: int) -> Answer:
        """The terminal began, and gave up."""

    @abstractmethod
    def _refused(self, code: int) -> Answer:
        """The terminal does not do what was asked, neither registration nor command."""


class ZvtPayment(ZvtDialogue):
    """Asks for payment (06 01)."""

    def __init__(self, terms: ZvtTerms, charge: Charge) -> None:
        super().__init__(terms, charge.currency)
        self._charge = charge

    def cancel(self) -> bytes:
        self._is_called_off = True
        return encode(Apdu(_ABORT_BY_US)) if self._step is _Step.RUNNING and self._status is None else b""

    def lost(self) -> Answer:
        if self._step in (_Step.REGISTERING, _Step.REGISTERED):
            return Answer(outcome="declined", reason="no_contact")
        return super().lost()

    def _command(self) -> Apdu:
        return Apdu(_AUTHORISATION, b"\x04" + pack(self._charge.amount, 6) + b"\x49" + self._currency)

    def _take_status(self, status: StatusInformation) -> bytes:
        if status.result == 0 and not _is_for(status, self._charge):
            self._status = StatusInformation(result=0x6C)
            return _GOODS_NOT_ISSUED
        self._status = status
        return _ACK

    def _completed(self) -> Answer:
        status = self._status
        if status is None or status.result is None:
            return Answer(outcome="unknown", reason="no_result")
        return _told(status)

    def _aborted(self, code: int) -> Answer:
        if self._status is not None and self._status.result == 0:
            # Acknowledged as paid, and then called off: which of the two holds, the terminal has to say itself.
            return Answer(outcome="unknown", reason="called_off")
        return Answer(outcome="declined", reason=_word(code))

    def _refused(self, code: int) -> Answer:
        return Answer(outcome="declined", reason=_word(code))


class ZvtLastBooking(ZvtDialogue):
    """Asks for the status information of the terminal's last booking (06 20, nothing printed): ready, and with what mark?"""

    def _command(self) -> Apdu:
        return Apdu(_REPEAT_RECEIPT, self._password + _STATUS_WITHOUT_PRINT)

    def _completed(self) -> Answer:
        return Answer(outcome="approved", trace=(self._status.identity if self._status else "") or NO_MARK)

    def _aborted(self, code: int) -> Answer:
        return self._refused(code)

    def _refused(self, code: int) -> Answer:
        # A terminal that has nothing to repeat says so in the words of its maker; one that is busy, in those of the protocol.
        if _word(code) == "busy" or self._step in (_Step.REGISTERING, _Step.REGISTERED):
            return Answer(outcome="declined", reason=_word(code))
        return Answer(outcome="approved", trace=NO_MARK)


class ZvtEnquiry(ZvtLastBooking):
    """What became of a payment: the terminal's last booking is compared with its last one before the payment.

    The same one: ours was never booked, and as its line is closed, never will be. The very next one with our amount: it is ours.
    Any other may be another shopper's. A terminal that names no booking, then or now, is believed nothing.
    """

    def __init__(self, terms: ZvtTerms, charge: Charge) -> None:
        super().__init__(terms, charge.currency)
        self._charge = charge

    def _completed(self) -> Answer:
        status = self._status
        if status is None or status.result is None or not status.identity:
            return Answer(outcome="unknown", reason="no_result")
        if self._charge.mark in ("", NO_MARK):
            # Without one, nothing can tell ours from the booking of the shopper before, who may have paid as much.
            return Answer(outcome="unknown", reason="no_mark")
        if status.identity == self._charge.mark:
            return Answer(outcome="declined", reason="not_charged")
        receipt, trace, _ = self._charge.mark.split(".")
        if status.original_trace and _is_next(trace, status.original_trace):
            return Answer(outcome="declined", reason="taken_back")
        numbers = [(before, now) for before, now in ((receipt, status.receipt), (trace, status.trace)) if before and now]
        is_ours = bool(numbers) and not status.original_trace and all(_is_next(before, now) for before, now in numbers)
        if not is_ours or (status.result == 0 and (status.amount is None or not _is_for(status, self._charge))):
            return Answer(outcome="unknown", reason="another_booking")
        return _told(status)

    def _refused(self, code: int) -> Answer:
        return Answer(outcome="unknown", reason=_word(code))


class ZvtProtocol:
    """Speaks it."""

    def __init__(self, terms: ZvtTerms) -> None:
        self._terms = terms

    def prepare(self, currency: str) -> ZvtLastBooking:
        return ZvtLastBooking(self._terms, currency)

    def authorise(self, charge: Charge) -> ZvtPayment:
        return ZvtPayment(self._terms, charge)

    def enquire(self, charge: Charge) -> ZvtEnquiry:
        return ZvtEnquiry(self._terms, charge)


def _is_for(status: StatusInformation, charge: Charge) -> bool:
    """True unless the terminal states another amount or currency than was asked for."""
    currency = f"{CURRENCIES[charge.currency]:03d}"
    return status.amount in (None, charge.amount) and status.currency in ("", currency)


def _is_next(before: str, number: str) -> bool:
    """True where nothing was booked between the two. Who begins anew at 1 is left to staff."""
    return bool(before) and int(number) == int(before) + 1


def _told(status: StatusInformation) -> Answer:
    if status.result:
        return Answer(outcome="declined", reason=_word(status.result), terminal=status.terminal)
    return Answer(outcome="approved", trace=status.trace or status.receipt, terminal=status.terminal)


def _word(code: int) -> str:
    """What a result or error code is called here: 01 to 99 are the network's, the others the terminal's own."""
    return _WORDS.get(code, "declined" if 0 < code < 100 else f"terminal_{code}")
