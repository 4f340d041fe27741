"""What is amiss with a terminal's disk and with what is plugged into it, for staff."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from panier_device.driver.port import Scanner, Trouble
from panier_device.driver.scale.port import Scale
from panier_device.payment.port import PaymentTrouble
from panier_device.printing import PrinterState, PrinterTrouble

_WORDS: dict[Trouble, str] = {"away": "scanner away", "garbled": "scanner garbled: is it set to another speed or layout?"}
_PRINTER: dict[PrinterTrouble, str] = {
    "paper_out": "receipt paper is out", "near_end": "receipt paper ends soon", "cover_open": "receipt printer is open",
    "printer_error": "receipt printer jammed", "offline": "receipt printer is offline", "gone": "receipt printer away",
    "unsure": "a receipt may not be whole",
}  # fmt: skip
_PAYMENT: dict[PaymentTrouble, str] = {
    "away": "payment terminal away", "silent": "payment terminal says nothing: look at it",
    "garbled": "payment terminal garbled: is it set to another protocol?",
}  # fmt: skip


def scanner_trouble(scanners: Sequence[Scanner]) -> Trouble:
    """What keeps a shopper from scanning: the trouble of the first scanner where none is well, else nothing."""
    troubles: list[Trouble] = [scanner.trouble for scanner in scanners]
    return troubles[0] if troubles and "" not in troubles else ""


def amiss(
    scanners: Sequence[Scanner],
    scale: Scale | None = None,
    printer: PrinterState | None = None,
    payment: PaymentTrouble = "",
    disk: str = "",
) -> str:
    """What staff should mend, the disk first, each scanner by name where there are several; empty where nothing is."""
    named = len(scanners) > 1
    away = [] if scale is None or scale.present else ["scale away"]
    troubles = [
        _WORDS[scanner.trouble] + (f" ({PurePath(scanner.name).name})" if named else "")
        for scanner in scanners
        if scanner.trouble
    ]
    paper = [] if printer is None else [_PRINTER[trouble] for trouble in printer.troubles]
    if printer is not None and printer.waiting and printer.fault:
        paper.append(f"{printer.waiting} to print")
    paying = [_PAYMENT[payment]] if payment else []
    return "; ".join([*([disk] if disk else []), *paying, *troubles, *away, *paper])
