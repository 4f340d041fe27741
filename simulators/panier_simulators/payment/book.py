"""What a payment terminal remembers whatever happens to it: its bookings, and what it answered to which reference."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(slots=True, kw_only=True)
class Booking:
    """Money that moved: minor units. `reference` is empty where the protocol carries none; `takes_back` is another's number."""

    number: int
    amount: int
    currency: str
    reference: str = ""
    takes_back: int = 0


@dataclass(slots=True)
class Book:
    """Bookings and answers, in a file where one is given, so that a terminal that restarts remembers."""

    file: Path | None = None
    bookings: list[Booking] = field(default_factory=list[Booking])
    answers: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    number: int = 0
    """The last trace number; failed attempts take one, too."""
    told: Callable[[Booking], None] = lambda _: None
    """Called with each booking."""

    @classmethod
    def open(cls, file: Path) -> Book:
        """The book as it was left, or an empty one."""
        if not file.exists():
            return cls(file)
        held = json.loads(file.read_text(encoding="utf-8"))
        return cls(file, [Booking(**one) for one in held["bookings"]], held["answers"], held["number"])

    def charge(self, amount: int, currency: str, reference: str = "") -> Booking:
        """Takes money."""
        return self._book(Booking(number=self.next_number(), amount=amount, currency=currency, reference=reference))

    def take_back(self, booking: Booking) -> Booking:
        """Gives it back, by a booking of its own."""
        back = Booking(
            number=self.next_number(), amount=booking.amount, currency=booking.currency, reference=booking.reference,
            takes_back=booking.number,
        )  # fmt: skip
        return self._book(back)

    def next_number(self) -> int:
        """A trace number that was never used."""
        self.number += 1
        return self.number

    def answer(self, reference: str, answer: dict[str, object]) -> dict[str, object]:
        """Keeps what is answered to a reference from now on."""
        self.answers[reference] = answer
        self._save()
        return answer

    @property
    def charges(self) -> list[Booking]:
        """Charges that were not taken back."""
        returned = {booking.takes_back for booking in self.bookings}
        return [booking for booking in self.bookings if not booking.takes_back and booking.number not in returned]

    def _book(self, booking: Booking) -> Booking:
        self.bookings.append(booking)
        self._save()
        self.told(booking)
        return booking

    def _save(self) -> None:
        if self.file is None:
            return
        held = {"bookings": [asdict(one) for one in self.bookings], "answers": self.answers, "number": self.number}
        beside = self.file.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as out:
            json.dump(held, out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self.file)
