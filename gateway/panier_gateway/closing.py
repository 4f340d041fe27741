"""The end of a trip: its receipt on the way to the back office, or what a person should know of a trip without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from panier.intake import Incident
from panier.money import format_minor
from panier.receipt import Receipt, with_true_times
from panier.trip import Trip
from panier_gateway.incident import Incidents
from panier_gateway.ledger import Ledger
from panier_gateway.purse import NOTHING_USED, Purses, TripUse
from panier_io.log import logger


@dataclass(frozen=True, slots=True)
class Settled:
    """A finished trip's receipt, and what a person should look at."""

    receipt: Receipt
    incidents: tuple[Incident, ...] = ()
    used: TripUse = NOTHING_USED


Settle = Callable[[Trip], Settled]
"""Prices a finished trip and forms its receipt."""


class Closing:
    """Ends trips in the ledger, within the caller's transaction."""

    def __init__(self, ledger: Ledger, settle: Settle, purses: Purses, incidents: Incidents) -> None:
        self._ledger = ledger
        self._settle = settle
        self._purses = purses
        self._incidents = incidents
        self._log = logger("closing")

    def close(self, trip: Trip, now: int, clock_offset: int) -> bool:
        """Settles a trip that ended. A receipt that cannot be formed is tried again later; the events are safe meanwhile.

        `clock_offset` is what the device's clock lags behind ours, in milliseconds. False where there is no receipt yet.
        """
        device, journal, _ = trip.trip.split(".")
        if trip.finished is None:
            self._ledger.keep_trip(trip, device, journal, "abandoned", now, None)
            self._purses.close(trip.trip)
            return True
        vouched, wrong = self._purses.vouched(trip)
        try:
            settled = self._settle(vouched)
        except Exception as error:
            self._log.exception("receipt_not_formed", trip=trip.trip)
            self._ledger.keep_trip(trip, device, journal, "unsettled", now, trip.finished.total)
            self._incidents.post(self._of(trip, "unsettled", f"the receipt could not be formed: {error}", now))
            return False
        receipt = with_true_times(settled.receipt, clock_offset) if clock_offset else settled.receipt
        self._ledger.keep_trip(trip, device, journal, "finished", now, receipt.total)
        self._ledger.post("receipt", receipt.receipt, receipt.model_dump_json())
        self._incidents.post(*settled.incidents)
        if wrong := wrong + self._purses.settle(trip.trip, settled.used):
            self._incidents.post(self._of(trip, "lease", "; ".join(wrong), now))
        return True

    def left_open(self, trip: Trip, now: int, *, goes_on_in: str = "") -> Incident:
        """What to tell of a trip that had not ended when its device began another, perhaps in another journal; not told yet."""
        device = trip.trip.split(".")[0]
        text = f"trip {trip.trip} had not ended when another began on {device}; it held {trip.units} units"
        if trip.payment is not None and trip.payment.is_binding:
            asked = trip.payment.begun
            text += f", and a payment of {format_minor(asked.amount, trip.currency)} was under way: look up {asked.reference}"
        if goes_on_in:
            text += f"; {device} goes on in journal {goes_on_in}, where it may come under another number: look before you book it"
        return self._of(trip, "left_open", text, now)

    def _of(self, trip: Trip, kind: str, text: str, now: int) -> Incident:
        device = trip.trip.split(".")[0]
        return self._incidents.of(f"{trip.trip}.{kind}", kind, text, now, device=device, trip=trip.trip)
