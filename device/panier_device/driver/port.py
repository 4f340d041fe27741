"""The ports: what the agent expects of the things that are plugged in, whatever they are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from panier.error import PanierError
from panier.slip import SlipPart
from panier.trip import Entry
from panier_device.driver.printer_status import PrinterStatus

Flaw = Literal["noise", "cut_short", "too_long", "wrong_speed", "unreadable"]
"""Why a frame is no code: foreign bytes in it, no terminator in time, or more bytes than any code has.

The last two say that nothing else came for a while, from a serial line, whose speed may be set otherwise, or from any other.
"""

Trouble = Literal["", "away", "garbled"]
"""What staff should mend: the device is not plugged in, or nothing that it sends can be understood."""


class DeviceGone(PanierError):
    """The device was unplugged, or its line fails: what was read so far is void, open it again."""

    code = "device_gone"


class NoSuchDevice(DeviceGone):
    """What is there is no device of that kind: plugging in cannot help, only other settings."""

    code = "no_such_device"


Reads = Literal["codes", "cards", "nfc"]
"""What a reader is there for: bar codes, the stripes of cards, or chips."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One code as it stood on the wire, without its framing; or, with a `flaw`, what arrived in place of one."""

    text: str
    flaw: Flaw | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a scanner delivers. `read_at` is when its last byte was read: `time.monotonic_ns()`."""

    frame: Frame
    entry: Entry
    read_at: int
    reads: Reads = "codes"


Deliver = Callable[[Reading], object]


class Scanner(Protocol):
    """Reads codes for as long as it runs; comes back by itself when its device does, and never delivers a part as a whole."""

    @property
    def name(self) -> str:
        """What to call it in logs and checks, for example its path."""
        ...

    @property
    def noise(self) -> int:
        """Bytes or keys so far that belonged to no code."""
        ...

    @property
    def repeats(self) -> int:
        """Readings so far that were the trigger still held."""
        ...

    @property
    def trouble(self) -> Trouble:
        """What is the matter with it for longer than a moment."""
        ...

    def tell(self, *, accepted: bool) -> None:
        """Beeps or blinks for the code that was read last, where the scanner can; never waits, never fails."""
        ...

    async def run(self, deliver: Deliver) -> None:
        """Calls `deliver` with each reading, in order, until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One input_event of the kernel: time in milliseconds of any clock that does not jump, and type, code, value."""

    at_ms: int
    type: int
    code: int
    value: int


Arrived = TypeVar("Arrived", covariant=True)


class Source(Protocol[Arrived]):
    """What a driver reads from: bytes, key events or reports. `fileno`, `read` and `write` may raise DeviceGone."""

    @property
    def identity(self) -> str:
        """Which device it is, for people."""
        ...

    def fileno(self) -> int:
        """A descriptor that is readable when `read` has something."""
        ...

    def read(self) -> Arrived:
        """What has arrived, empty where nothing has; never waits."""
        ...

    def write(self, data: bytes) -> None:
        """Sends to the scanner; what it does not take at once is dropped."""
        ...

    def close(self) -> None:
        """Lets go of the descriptor; safe to repeat."""
        ...


class KeySource(Source[list[KeyEvent]], Protocol):
    """Where a keyboard wedge's events come from."""

    def grab(self) -> None:
        """Takes the device for ourselves: else a scan also types into whatever has the focus. Raises DeviceGone."""
        ...


class ReceiptPrinter(Protocol):
    """Prints what was laid out for its columns. Methods but `close` may raise DeviceGone, and come one at a time."""

    @property
    def name(self) -> str:
        """What to call it in logs and checks, for example its path."""
        ...

    @property
    def columns(self) -> int:
        """Characters in one row."""
        ...

    @property
    def noise(self) -> int:
        """Bytes so far that were no answer."""
        ...

    async def status(self) -> PrinterStatus:
        """How it stands now."""
        ...

    async def print(self, parts: Sequence[SlipPart], told: Callable[[PrinterStatus], None]) -> None:
        """Prints and cuts; ends when that is on the paper as far as the printer says so. `told` hears how it stands meanwhile:
        where paper is out it waits for more and goes on. After DeviceGone nobody knows how much of it was printed.
        """
        ...

    def close(self) -> None:
        """Lets go of it; the next call takes it up again."""
        ...
