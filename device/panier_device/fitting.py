"""From settings to what is plugged in: scanners with their profiles, and what is wrong with them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from panier.barcode import NO_NUMBERING, BadNumbering, Carrier, LoyaltyRules, Numbering, parse_numbering, parse_rules
from panier.error import PanierError
from panier_device.disk import refusal_of
from panier_device.driver.escpos_printer import EscposPrinter
from panier_device.driver.hidpos_scanner import HidPosScanner
from panier_device.driver.layout import load_layout
from panier_device.driver.node import Wanted, unfit
from panier_device.driver.port import DeviceGone, KeySource, Scanner
from panier_device.driver.printer_profile import load_printer
from panier_device.driver.printer_wire import Wire, open_file, open_serial, open_tcp
from panier_device.driver.profile import load_profile
from panier_device.driver.scale.profile import load_scale_profile
from panier_device.driver.scale.serial_scale import SerialScale
from panier_device.driver.serial_scanner import SerialScanner
from panier_device.driver.stream_source import StreamSource
from panier_device.driver.wedge import WedgeDecoder
from panier_device.driver.wedge_scanner import WedgeScanner
from panier_device.inquiry import Answer, ask_payment_terminal, ask_printer, ask_scale
from panier_device.payment.dialogue import Protocolled
from panier_device.payment.line import LineProtocol
from panier_device.payment.wire import TcpPaymentTerminal
from panier_device.payment.zvt import ZvtProtocol, ZvtTerms
from panier_device.settings import (
    DeviceSettings,
    HidPosSettings,
    PaymentSettings,
    PrinterSettings,
    ScaleSettings,
    ScannerSettings,
    SerialSettings,
    WedgeSettings,
)
from panier_io.firmware import firmware_config, named_file
from panier_io.numbering import numbering_of

NO_EVDEV = (
    "evdev is not installed, so a scanner that poses as a keyboard cannot be read; serial scanners, key streams and typed codes "
    "work: pip install evdev-binary (Linux only)"
)


class BadRules(PanierError):
    """A loyalty rule file that is missing."""

    code = "bad_rules"


def load_rules(name: str) -> LoyaltyRules:
    """The card rules called `name` in firmware-config/loyalty, or those of the file that it is the path of."""
    return parse_rules(named_file("loyalty rules", name, firmware_config() / "loyalty", BadRules).read_text(encoding="utf-8"))


def load_numbering(name: str) -> Numbering:
    """The numbering of the country `name`, two letters, or of the file that it is the path of; none for "".

    Raises BadNumbering.
    """
    if not name.endswith(".toml"):
        return numbering_of(name) if name else NO_NUMBERING
    if not Path(name).is_file():
        raise BadNumbering([f"no numbering file {name}; give the path of one, or the two letters of a country"])
    return parse_numbering(Path(name).read_text(encoding="utf-8"))


def fit_scanner(settings: ScannerSettings) -> Scanner:
    """The driver for one scanner; opens nothing yet. Raises PanierError where its profile or layout does not hold."""
    profile = load_profile(settings.profile, firmware_config() / "profiles")
    if isinstance(settings, SerialSettings):
        return SerialScanner(settings.port, profile)
    if isinstance(settings, HidPosSettings):
        return HidPosScanner(settings.path, profile)
    layout = load_layout(settings.layout, firmware_config() / "layouts")
    return WedgeScanner(settings.path, WedgeDecoder(layout, profile), opener(settings), settings.reads)


def fit_scale(settings: ScaleSettings) -> SerialScale:
    """The driver for the scale; opens nothing yet. Raises BadScaleProfile where its profile does not hold."""
    return SerialScale(settings.port, load_scale_profile(settings.profile, firmware_config() / "scales"))


def fit_payment_terminal(settings: PaymentSettings) -> TcpPaymentTerminal:
    """The payment terminal; opens nothing yet."""
    if settings.protocol == "tcp":
        protocol: Protocolled = LineProtocol(settings.answer_s, settings.patience_s)
    else:
        protocol = ZvtProtocol(ZvtTerms(password=settings.password, t3=settings.answer_s, t4=settings.patience_s))
    return TcpPaymentTerminal(settings.host, settings.port, protocol, settings.silent_s)


def fit_printer(settings: PrinterSettings) -> EscposPrinter:
    """The driver for the receipt printer; opens nothing yet. Raises BadProfile where its profile does not hold."""
    profile = load_printer(settings.profile, firmware_config() / "printers")

    async def opener() -> Wire:
        if settings.host:
            return await open_tcp(settings.host, settings.tcp_port)
        return open_file(settings.file) if settings.file else open_serial(settings.port, settings.baud, settings.flow)

    return EscposPrinter(settings.port or settings.file or f"{settings.host}:{settings.tcp_port}", profile, opener)


def has_evdev() -> bool:
    """True where input devices of the kernel can be read."""
    return find_spec("evdev") is not None


def opener(settings: WedgeSettings) -> Callable[[], KeySource]:
    """Opens the source of a keyboard's events, each time that it is called."""
    if settings.source == "stream":
        return lambda: StreamSource(Path(settings.path))
    if not has_evdev():
        return _nothing_to_open

    def open_evdev() -> KeySource:
        from panier_device.driver.evdev_source import EvdevSource

        return EvdevSource(settings.path)

    return open_evdev


def _nothing_to_open() -> KeySource:
    raise DeviceGone(NO_EVDEV)


@dataclass(slots=True)
class Checkup:
    """What `panier device --check` and the doctor say of a terminal. Notes keep nobody from working."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def hear(self, where: str, answer: Answer) -> None:
        """Takes down what a device answered."""
        (self.problems if answer.is_wrong else self.notes).append(f"{where}: {answer.says}")


def problems(settings: DeviceSettings) -> list[str]:
    """All that is wrong with what the settings name: files, rights, profiles, hardware. Empty where a shopper can begin."""
    return check(settings).problems


def check(settings: DeviceSettings) -> Checkup:
    """Looks at all that the settings name, and asks scale, printer and payment terminal how they are: some seconds at the most.

    Not to be called on an event loop, and not while the terminal runs: its ports are its own.
    """
    told = Checkup(
        [*_try(lambda: load_rules(settings.loyalty), "loyalty"), *_try(lambda: load_numbering(settings.numbering), "numbering")]
    )
    for place, scanner in enumerate(settings.scanners):
        where = f"scanners.{place}"
        told.problems += _try(lambda scanner=scanner: fit_scanner(scanner), where)
        told.problems += [f"{where}: {problem}" for problem in (*_unruled(scanner, settings.loyalty), *_hardware(scanner))]
    if settings.scale is not None:
        _check_scale(settings.scale, told)
    if settings.payment is not None:
        told.hear("payment", ask_payment_terminal(settings.payment.host, settings.payment.port, settings.payment.answer_s))
    if settings.printer is not None:
        _check_printer(settings.printer, told)
    directory = settings.data_dir
    nearest = next(folder for folder in (directory, *directory.parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        told.problems.append(f"data_dir: {nearest} cannot be written; give {directory} to the user that runs panier")
    elif why_not := refusal_of(nearest):
        told.problems.append(f"data_dir: {nearest} takes no file: {why_not}; free some space, or replace the disk")
    if settings.metrics_file and not settings.metrics_file.parent.is_dir():
        told.problems.append(f"metrics_file: {settings.metrics_file.parent} does not exist; make it")
    return told


def _check_scale(settings: ScaleSettings, told: Checkup) -> None:
    wrong = _try(lambda: fit_scale(settings), "scale") + [f"scale: {says}" for says in _device(settings.port, "scale", "serial")]
    told.problems += wrong
    if not wrong:
        told.hear("scale", asyncio.run(ask_scale(fit_scale(settings))))


def _check_printer(settings: PrinterSettings, told: Checkup) -> None:
    place = settings.port or settings.file
    there = _device(place, "printer", "printer" if settings.file else "serial") if place else []
    wrong = _try(lambda: fit_printer(settings), "printer") + [f"printer: {says}" for says in there]
    told.problems += wrong
    if not wrong:
        told.hear("printer", asyncio.run(ask_printer(fit_printer(settings))))


def _try(work: Callable[[], object], where: str) -> list[str]:
    try:
        work()
    except PanierError as error:
        return [f"{where}: {line}" for line in str(error).splitlines()]
    return []


def _unruled(scanner: ScannerSettings, loyalty: str) -> list[str]:
    """A card reader whose every card would be refused."""
    carrier = _CARRIERS.get(scanner.reads) if isinstance(scanner, WedgeSettings) else None
    try:
        is_ruled = carrier is None or any(carrier in rule.carriers for rule in load_rules(loyalty).rules)
    except PanierError:
        return []
    return [] if is_ruled else [f"reads {carrier}, and no card rule of {loyalty!r} is for it: name other rules with `loyalty`"]


_GROUPS: dict[Wanted, str] = {"serial": "dialout", "printer": "lp", "input": "input", "hidraw": "input", "stream": "input"}
"""A device of the kernel's for HID-POS is given to the group of input devices by our udev rules."""
_CARRIERS = {"cards": Carrier.MAGSTRIPE, "nfc": Carrier.NFC}


def _hardware(scanner: ScannerSettings) -> list[str]:
    if isinstance(scanner, SerialSettings):
        return _device(scanner.port, "scanner", "serial")
    if isinstance(scanner, HidPosSettings):
        return _device(scanner.path, "scanner", "hidraw")
    if scanner.source == "evdev" and not has_evdev():
        return [NO_EVDEV]
    return _device(scanner.path, "scanner", "input" if scanner.source == "evdev" else "stream")


def _device(place: str, what: str, wanted: Wanted) -> list[str]:
    path = Path(place)
    try:
        why_not = unfit(path, wanted)
    except FileNotFoundError:
        return [f"{path} is not there: plug the {what} in; `panier doctor` says what is there, and in which mode"]
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    if why_not:
        return [f"{why_not}: name the {what}'s own; `panier doctor` says what is there, and in which mode"]
    if not os.access(path, os.R_OK | os.W_OK):
        return [f"{path} may not be opened: put the user that runs panier into the group {_GROUPS[wanted]}"]
    return []
