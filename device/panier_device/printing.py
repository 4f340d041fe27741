"""Receipts from the end of a trip to the paper: none is lost, and none comes out twice without saying so."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel, ValidationError

from panier.pricing import PricedBasket
from panier.reading import PART
from panier.receipt import NoReceipt, Receipt, form_receipt
from panier.slip import lay_out, masked
from panier.trip import Trip
from panier_device.driver.escpos_printer import NotConfirmed
from panier_device.driver.port import DeviceGone, ReceiptPrinter
from panier_device.driver.printer_status import Fault, PrinterStatus
from panier_device.tally import Tally
from panier_io.journal import Journal
from panier_io.log import logger

PrinterTrouble = Fault | Literal["near_end", "unsure"]
_AGAIN = 1.0
"""Seconds between looks at a printer that cannot print, and before what failed once is begun again."""
_IDLE = 10.0
"""Seconds between looks at one with nothing to do: staff hear of an end of paper before a shopper does; and after each failure
but the first, for each may put out paper."""
_MOST_UNSURE = 2
"""Times that a receipt is printed with no word of it being on the paper: more would only empty the roll."""


@dataclass(frozen=True, slots=True)
class PrinterState:
    """How the printer stands: what keeps it from printing, the trips whose receipts wait, and the last one that came out.

    `refused` is the trip whose copy was asked for last, where the disk refused.
    """

    fault: Fault | None = None
    is_near_end: bool = False
    is_unsure: bool = False
    pending: frozenset[str] = frozenset()
    printed: str = ""
    refused: str = ""

    @property
    def waiting(self) -> int:
        """Receipts that wait."""
        return len(self.pending)

    @property
    def troubles(self) -> tuple[PrinterTrouble, ...]:
        """What staff should see to, the most urgent first."""
        found: list[PrinterTrouble] = []
        if self.fault is not None:
            found.append(self.fault)
        if self.is_near_end and self.fault != "paper_out":
            found.append("near_end")
        if self.is_unsure:
            found.append("unsure")
        return tuple(found)


class _Slip(BaseModel):
    """What the journal keeps of a receipt until it is printed; the card is masked already."""

    model_config = PART

    receipt: Receipt
    card: str = ""


class Press:
    """Prints what the journal holds, one after another, while `run` runs.

    `slip_of` makes what the journal is to keep of a finished trip, in the transaction that finishes it. Each beginning is
    counted on the disk before its first byte: what is begun a second time says COPY. `changed` is called with each new `state`.
    """

    def __init__(self, printer: ReceiptPrinter, journal: Journal, tally: Tally, *, fingerprint: Callable[[], str]) -> None:
        self._printer = printer
        self._journal = journal
        self._tally = tally
        self._fingerprint = fingerprint
        self._log = logger("printer").bind(printer=printer.name)
        self._news = asyncio.Event()
        self._last: tuple[str, str] | None = None
        self._done: set[str] = set()
        """Trips whose receipt is on the paper and still in the journal, because the disk refused."""
        self._is_refused = False
        self.changed: Callable[[], None] = lambda: None
        self.state = PrinterState(pending=frozenset(trip for trip, _, _ in journal.slips()))

    @property
    def noise(self) -> int:
        """Bytes of the printer that were no answer."""
        return self._printer.noise

    def slip_of(self, trip: Trip, priced: PricedBasket) -> str:
        """What is to be printed of a trip that finishes now, for the journal; nothing where it forms no receipt."""
        try:
            receipt = form_receipt(trip, priced, self._fingerprint(), self._journal.device, self._journal.id)
        except NoReceipt as error:
            self._log.error("no_receipt", reason=str(error))
            return ""
        self._last = None
        self._set(replace(self.state, pending=self.state.pending | {trip.trip}, printed=""))
        self._news.set()
        return _Slip(receipt=receipt, card=masked(trip.card or "")).model_dump_json()

    def print_again(self) -> None:
        """The last receipt once more, as a copy."""
        if self._last is None:
            return
        trip, body = self._last
        try:
            self._strike_off()
            self._journal.print_again(trip, body)
        except sqlite3.Error:
            self._log.exception("copy_refused")
            self._set(replace(self.state, refused=trip))
            return
        self._set(replace(self.state, pending=self.state.pending | {trip}, printed="", refused=""))
        self._news.set()

    async def run(self) -> None:
        """Looks after the printer until cancelled."""
        try:
            while True:
                self._news.clear()
                try:
                    rest, self._is_refused = await self._turn(), False
                except sqlite3.Error:
                    if not self._is_refused:
                        self._log.exception("journal_refused")
                    rest, self._is_refused = _AGAIN, True
                with suppress(TimeoutError):
                    async with asyncio.timeout(rest):
                        await self._news.wait()
        finally:
            self._printer.close()

    async def _turn(self) -> float:
        """Prints the oldest of what waits, where that can be; gives the seconds to rest. Raises sqlite3.Error."""
        self._strike_off()
        slips = self._journal.slips()
        self._set(replace(self.state, pending=frozenset(trip for trip, _, _ in slips)))
        is_ready = await self._look()
        if slips and is_ready:
            trip, body, begun = slips[0]
            is_over = await self._print(trip, body, begun)
            return 0.0 if is_over else _IDLE if begun else _AGAIN
        return _AGAIN if slips or not is_ready else _IDLE

    async def _look(self) -> bool:
        """True where it can print now."""
        try:
            self._told(await self._printer.status())
        except DeviceGone as gone:
            self._gone(gone)
        return self.state.fault is None

    async def _print(self, trip: str, body: str, begun: int) -> bool:
        """True where this receipt is done with."""
        try:
            slip = _Slip.model_validate_json(body)
        except ValidationError as error:
            # Bytes that changed on the disk: the trip itself is with the gateway.
            self._log.error("slip_unreadable", trip=trip, reason=str(error)[:200])
            self._end(trip, None, is_unsure=True)
            return True
        receipt = slip.receipt.model_copy(update={"receipt": trip})
        parts = lay_out(receipt, self._printer.columns, card=slip.card, is_copy=begun > 0)
        self._journal.begin_slip(trip)
        try:
            await self._printer.print(parts, self._told)
        except NotConfirmed as unsure:
            self._log.warning("receipt_not_confirmed", trip=trip, begun=begun + 1, reason=str(unsure))
            if begun + 1 < _MOST_UNSURE:
                return False
            self._end(trip, body, is_unsure=True)
            return True
        except DeviceGone as gone:
            self._gone(gone)
            return False
        self._tally.receipts.labels("copy" if begun else "original").inc()
        self._log.info("receipt_printed", trip=trip, is_copy=begun > 0)
        self._end(trip, body)
        return True

    def _end(self, trip: str, body: str | None, *, is_unsure: bool = False) -> None:
        self._done.add(trip)
        self._last = None if body is None else (trip, body)
        printed = "" if body is None else trip
        self._set(replace(self.state, pending=self.state.pending - {trip}, printed=printed, is_unsure=is_unsure))
        self._strike_off()

    def _strike_off(self) -> None:
        for trip in tuple(self._done):
            self._journal.end_slip(trip)
            self._done.remove(trip)

    def _told(self, status: PrinterStatus) -> None:
        self._stand(status.fault, is_near_end=status.paper == "near_end")

    def _gone(self, gone: DeviceGone) -> None:
        if self.state.fault != "gone":
            self._log.warning("printer_gone", reason=str(gone))
        self._stand("gone", is_near_end=self.state.is_near_end)

    def _stand(self, fault: Fault | None, *, is_near_end: bool) -> None:
        if fault is not None and fault != self.state.fault:
            self._tally.printer_faults.labels(fault).inc()
            self._log.warning("printer_stands", fault=fault)
        self._set(replace(self.state, fault=fault, is_near_end=is_near_end))

    def _set(self, state: PrinterState) -> None:
        if state != self.state:
            self.state = state
            self.changed()
