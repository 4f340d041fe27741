"""The doctor's checks. Another one is a function from a Patient to findings, and a line in CHECKS."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from panier_device.doctor.finding import Check, Finding, Level, Patient, path_of
from panier_device.doctor.machine import UsbDevice
from panier_device.fitting import check
from panier_device.inquiry import ask_broker
from panier_device.library.device import Known, Mode
from panier_device.library.sheet import Target, load_sheet
from panier_device.settings import HidPosSettings, ScannerSettings, SerialSettings, WedgeSettings, address_of
from panier_io.firmware import firmware_config
from panier_io.session import NotConnected, Refused

_WANTED: dict[str, Target] = {"serial": "serial", "wedge": "keyboard", "hidpos": "hidpos"}
_WORDS: dict[Mode, str] = {
    "serial": "serial port", "keyboard": "keyboard", "hidpos": "HID-POS", "printer": "printer", "other": "no mode we know",
}  # fmt: skip
_GRABBERS = {
    "ModemManager": (
        "it opens serial ports that it takes for modems, and a scanner loses codes meanwhile",
        "copy firmware-config/udev/99-panier.rules to /etc/udev/rules.d and plug the scanner in again",
    ),
    "brltty": (
        "it takes serial adapters for Braille displays, and their ports vanish",
        "remove it: `apt remove brltty`, unless somebody here reads Braille",
    ),
}


def settings_hold(patient: Patient) -> Iterator[Finding]:
    """All that `panier device --check` says, with what scale, printer and payment terminal answer."""
    if patient.settings is None:
        return
    told = check(patient.settings)
    levels: dict[Level, list[str]] = {"problem": told.problems, "note": told.notes}
    for level, lines in levels.items():
        for line in lines:
            where, _, says = line.partition(": ")
            yield Finding(where, level, says)


def scanners_are_in_their_mode(patient: Patient) -> Iterator[Finding]:
    """A scanner that is plugged in and programmed otherwise looks to `--check` as if it were not there."""
    for where, device, known, wanted in _mistaken(patient):
        yield _wrong_mode(where, device, known, wanted)


def profiles_fit(patient: Patient) -> Iterator[Finding]:
    """The profile that the settings name against the one that the library has for the device."""
    for where, scanner, device in _scanners(patient):
        known = patient.known(device) if device else None
        if known and known.profile and isinstance(scanner, SerialSettings) and scanner.profile != known.profile:
            yield Finding(
                where, "note",
                f"profile {scanner.profile!r} is set; the sheet of a {known.maker} {known.name} leads to {known.profile!r}",
                f'if the scanner was programmed by `panier sheet {known.sheet}`, set profile = "{known.profile}"',
            )  # fmt: skip


def ports_are_free(patient: Patient) -> Iterator[Finding]:
    """A port that two processes read gives each of them half; of input devices and hidraw, each has all.

    A pseudo-terminal, a number under /dev/pts, is held by the program that stands in for a device.
    """
    for where, path, _ in _ports(patient):
        node = patient.machine.node(path)
        if node.startswith(("event", "hidraw")) or node.isdigit():
            continue
        for holder in patient.machine.holders(path) if node else []:
            yield Finding(
                where, "problem", f"{path} is held by {holder}",
                f"end it: two readers get half each (`kill {holder.pid}`, or stop its service)",
            )  # fmt: skip


def nobody_grabs_ports(patient: Patient) -> Iterator[Finding]:
    """Services of a desktop that open every serial port they see."""
    ports = [
        (device, node)
        for device, _ in patient.of_the_shop
        for node in device.nodes
        if node.startswith("tty") and not patient.machine.is_ignored_by_modem_manager(node)
    ]
    for name, (harm, mend) in _GRABBERS.items():
        running = patient.machine.processes(name)
        if running and ports:
            device, node = ports[0]
            yield Finding(f"usb {device.port}", "problem", f"{running[0]} runs and may take /dev/{node}: {harm}", mend)


def names_last(patient: Patient) -> Iterator[Finding]:
    """A port that is named by its number is another device's after the next start."""
    for where, path, device in _ports(patient):
        if device is None:
            continue
        known = patient.known(device)
        if path.rpartition("/")[2] in device.nodes:
            yield Finding(
                where, "note", f"{path} is numbered in the order of plugging in: another device may have it tomorrow",
                "name the link that udev keeps: "
                f"`ls -l /dev/retail /dev/serial/by-id /dev/input/by-id | grep {patient.machine.node(path)}`",
            )  # fmt: skip
        elif known and not known.serial_number and "/by-id/" in path:
            yield Finding(
                where, "note", f"a {known.maker} {known.name} has no serial number: two of them share one by-id name",
                f"name its port instead: `ls -l /dev/serial/by-path | grep {patient.machine.node(path)}`",
            )  # fmt: skip


def nothing_lies_idle(patient: Patient) -> Iterator[Finding]:
    """What is plugged in and named by no settings, and scanners that could do more in another mode."""
    told = {device.port for _, _, device in _ports(patient) if device} | {device.port for _, device, _, _ in _mistaken(patient)}
    for device, known in patient.of_the_shop:
        if device.port in told:
            continue
        where, name = f"usb {device.port}", f"{known.maker} {known.name}"
        if known.kind == "scanner" and device.mode == "other":
            mend = f"print `{_sheet(known, 'serial')}` and scan it from 1 to the end" if known.sheet else "see its manual"
            yield Finding(where, "problem", f"{name} is in a mode that Panier cannot read", mend)
        elif known.kind == "scanner" and device.mode == "keyboard" and known.sheet and not patient.settings:
            yield Finding(
                where, "note", f"{name} types as a keyboard",
                f"as a serial port it loses no key and needs no layout: print `{_sheet(known, 'serial')}`",
            )  # fmt: skip
        elif known.kind in ("scanner", "adapter") and patient.settings:
            yield Finding(where, "note", f"{name} is plugged in, and the settings do not name it")


def the_broker_lets_us_in(patient: Patient) -> Iterator[Finding]:
    """A terminal works without its broker, but what it sells arrives nowhere while that refuses its password."""
    settings = patient.settings
    address = settings and address_of(settings)
    if settings is None or address is None:
        return
    where = f"{address.host}:{address.port}"
    try:
        asyncio.run(ask_broker(address))
    except Refused as error:
        mend = f"on the gateway's machine `panier enrol {settings.device}` writes new settings: put them in place of these"
        yield Finding("broker", "problem", f"{where} refuses {settings.device}: {error.reason}", mend)
    except (NotConnected, OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error) or "silence"
        yield Finding("broker", "note", f"nobody answers at {where} ({why}): the terminal works alone meanwhile")


CHECKS: tuple[Check, ...] = (
    settings_hold,
    the_broker_lets_us_in,
    scanners_are_in_their_mode,
    profiles_fit,
    ports_are_free,
    nobody_grabs_ports,
    names_last,
    nothing_lies_idle,
)


def examine(patient: Patient) -> list[Finding]:
    """All findings, those that keep somebody from working first.

    A scanner in another mode is not told of as absent, too, nor a port that somebody holds as one that cannot be opened.
    """
    absent = {where for where, _, _, _ in _mistaken(patient)}
    held = {finding.where for finding in ports_are_free(patient)}
    found = [
        finding
        for check in CHECKS
        for finding in check(patient)
        if not (finding.where in absent and "is not there" in finding.says)
        and not (finding.where in held and "cannot be opened" in finding.says)
    ]
    return sorted(found, key=lambda finding: finding.level != "problem")


def _scanners(patient: Patient) -> list[tuple[str, ScannerSettings, UsbDevice | None]]:
    """(where in the settings, the reader, the USB device behind it) of each that should be a device of the kernel."""
    return [
        (f"scanners.{place}", one, patient.behind(path_of(one)))
        for place, one in enumerate(patient.settings.scanners if patient.settings else [])
        if not (isinstance(one, WedgeSettings) and one.source == "stream")
        and not (isinstance(one, HidPosSettings) and patient.machine.at(one.path).is_socket())
    ]


def _ports(patient: Patient) -> list[tuple[str, str, UsbDevice | None]]:
    """(where in the settings, path, the USB device behind it) of all that is read through a device file."""
    ports = [(where, path_of(scanner), device) for where, scanner, device in _scanners(patient)]
    scale, printer = (patient.settings.scale, patient.settings.printer) if patient.settings else (None, None)
    beside = [("scale", scale.port if scale else ""), ("printer", (printer.port or printer.file) if printer else "")]
    return ports + [(where, path, patient.behind(path)) for where, path in beside if path]


def _mistaken(patient: Patient) -> list[tuple[str, UsbDevice, Known, Target]]:
    """(where in the settings, device, what is known of it, mode wanted) of scanners that are in another mode."""
    named = {device.port for _, _, device in _scanners(patient) if device}
    free = [(device, known) for device, known in patient.of_the_shop if known.kind == "scanner" and device.port not in named]
    found: list[tuple[str, UsbDevice, Known, Target]] = []
    for where, scanner, device in _scanners(patient):
        wanted = _WANTED[scanner.kind]
        if device is not None:
            known = patient.known(device)
            if device.mode != wanted and known and known.kind == "scanner":
                found.append((where, device, known, wanted))
        elif other := next((one for one in free if one[0].mode != wanted), None):
            free.remove(other)
            found.append((where, *other, wanted))
    return found


def _wrong_mode(where: str, device: UsbDevice, known: Known, wanted: Target) -> Finding:
    says = (
        f"{known.maker} {known.name} ({device.id}, usb {device.port}): {_WORDS[device.mode]} mode seen, {_WORDS[wanted]} expected"
    )
    if not known.sheet:
        return Finding(where, "problem", says, "scan the code for this mode in the scanner's manual; there is no sheet for it")
    number = load_sheet(known.sheet, firmware_config() / "sheets").number("interface", wanted)
    which = f"scan code {number} of it" if number else "scan it from 1 to the end"
    return Finding(where, "problem", says, f"print `{_sheet(known, wanted)}` and {which}")


def _sheet(known: Known, target: Target) -> str:
    return f"panier sheet {known.sheet or known.maker.lower()} --mode {target} --out sheet.html"
