"""What a scale is asked and says, in grams; why it may say nothing; and the ports around it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar, Literal, Protocol

from panier.error import PanierError

Unit = Literal["kg", "lb"]
_GRAMS = {"kg": Decimal(1000), "lb": Decimal("453.59237")}


@dataclass(frozen=True, slots=True)
class Question:
    """Weigh what lies there. `price_per_kg` (minor units) and `tare` (grams) are for scales that reckon the price themselves."""

    price_per_kg: int = 0
    tare: int = 0


@dataclass(frozen=True, slots=True)
class ScaleWeight:
    """A stable weight of 0 or more, in grams. `is_net`: the scale has taken a tare off.

    `is_checked`: the answer carries its own proof, a check character or the price to pay; without one, noise on the line can
    make another weight of it.
    """

    grams: int
    is_net: bool = False
    is_checked: bool = False


class ScaleRefused(PanierError):
    """The scale gave no weight that may be sold."""

    code = "scale_refused"
    is_failure: ClassVar[bool] = False
    """True where the scale or its line fails, rather than what lies on it."""


class ScaleUnstable(ScaleRefused):
    """It still moves. `grams` is what it shows meanwhile, where it says so."""

    code = "scale_unstable"

    def __init__(self, grams: int | None = None) -> None:
        super().__init__("the weight still moves; wait until it lies still")
        self.grams = grams


class ScaleOverloaded(ScaleRefused):
    """More than its capacity."""

    code = "scale_overloaded"

    def __init__(self) -> None:
        super().__init__("more lies on the scale than it may carry; take some off")


class ScaleBelowZero(ScaleRefused):
    """Less than nothing: something was taken away after it was zeroed."""

    code = "scale_below_zero"

    def __init__(self) -> None:
        super().__init__("the scale shows less than zero; empty it and press its zero key")


class ScaleTooLight(ScaleRefused):
    """Less than the least that the scale may weigh for a sale; nothing at all included."""

    code = "scale_too_light"

    def __init__(self, grams: int | None = None) -> None:
        super().__init__(f"{'too little' if grams is None else f'{grams} g'} lies on the scale for a sale; put the goods on it")
        self.grams = grams


class ScaleRepeated(ScaleRefused):
    """The same goods as in the last sale."""

    code = "scale_repeated"

    def __init__(self) -> None:
        super().__init__("this weight was sold already; take it off, then put the next goods on")


class ScaleOffZero(ScaleRefused):
    """It was switched on with a load, and has found no zero."""

    code = "scale_off_zero"
    is_failure = True

    def __init__(self) -> None:
        super().__init__("the scale has no zero; empty it and switch it on again")


class ScaleTared(ScaleRefused):
    """Somebody set a tare at the scale, and its profile does not take one."""

    code = "scale_tared"
    is_failure = True

    def __init__(self) -> None:
        super().__init__("a tare is set at the scale; empty it and press its clear key")


class ScaleSilent(ScaleRefused):
    """No answer in time."""

    code = "scale_silent"
    is_failure = True

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the scale said nothing for {seconds:g} s; is it on, and its cable in?")


class ScaleGone(ScaleRefused):
    """It is not plugged in, or its line failed in mid-answer."""

    code = "scale_gone"
    is_failure = True

    def __init__(self, port: str) -> None:
        super().__init__(f"no scale at {port}; plug it in")


class ScaleGarbled(ScaleRefused):
    """Bytes that are no answer of its protocol."""

    code = "scale_garbled"
    is_failure = True

    def __init__(self, seen: bytes, wanted: str) -> None:
        super().__init__(f"the scale sent {seen[:32]!r}, not {wanted}; do speed, parity and protocol match its profile?")


class ScaleFaulty(ScaleRefused):
    """It reports a fault of its own, or is set up otherwise than its profile says."""

    code = "scale_faulty"
    is_failure = True

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; call staff")


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes for the scale."""

    data: bytes


Step = Send | ScaleWeight | ScaleRefused
"""What a dialogue does next; anything but a Send ends the question."""


class Dialogue(Protocol):
    """One protocol's side of the talk, without I/O. Nothing it is fed makes it raise."""

    @property
    def noise(self) -> int:
        """Bytes so far that belonged to no answer."""
        ...

    def ask(self, question: Question) -> Send:
        """Begins; what an earlier question left is forgotten."""
        ...

    def feed(self, data: bytes) -> list[Step]:
        """What these bytes bring, in order; empty while the answer is not whole."""
        ...

    def reset(self) -> None:
        """The line was cut, or the scale stays silent: nothing more comes of this question."""
        ...


class Scale(Protocol):
    """Weighs; comes back by itself when it was unplugged."""

    @property
    def name(self) -> str:
        """What to call it in logs and checks, for example its path."""
        ...

    @property
    def present(self) -> bool:
        """True while its port is open."""
        ...

    @property
    def noise(self) -> int:
        """Bytes so far that belonged to no answer."""
        ...

    async def run(self) -> None:
        """Keeps the port open until cancelled."""
        ...

    async def weigh(self, question: Question) -> ScaleWeight:
        """One stable weight. Raises ScaleRefused, within a second of silence."""
        ...


def grams_of(amount: str, unit: Unit) -> int:
    """Digits and a point, as the scale shows them in its unit, in grams rounded half up."""
    return int((Decimal(amount) * _GRAMS[unit]).to_integral_value(ROUND_HALF_UP))
