"""`panier doctor`: looks at the machine and its devices, and says what is wrong and how to mend it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from panier_device.doctor.finding import Finding, Patient
    from panier_device.doctor.machine import Machine
    from panier_device.settings import DeviceSettings


def doctor(
    settings: Path | None = typer.Option(None, help="TOML file with a terminal's settings; without one, what is plugged in."),
    live: bool = typer.Option(False, "--live", help="Show each code as it is scanned, and what to do about the scanner."),
    port: str | None = typer.Option(
        None, help="With --live: where a scanner is read, in place of the settings' first one; one of theirs keeps its profile."
    ),
    profile: str = typer.Option("generic", help="With --port: the scanner's profile."),
    layout: str = typer.Option("us", help="With --port: the keyboard layout of a scanner that types."),
    codes: int = typer.Option(0, min=0, help="With --live: end after so many codes, with status 0 if all were taken."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output; with --live, one a code."),
    root: Path = typer.Option(Path("/"), hidden=True, help="Where /sys, /dev and /proc lie; another one for tests."),
) -> None:
    """Look at the machine and its devices: what is plugged in, in which mode, what is wrong and how to mend it.

    Ends with status 0 only when nothing keeps the terminal from working. --live reads a scanner and tells of each code: bytes,
    identifier, what the shop makes of it, and which setting to change.
    """
    from panier.error import PanierError
    from panier_device.doctor.check import examine
    from panier_device.doctor.finding import Patient
    from panier_device.doctor.machine import Machine
    from panier_device.library.device import library
    from panier_io import log
    from panier_io.settings import SettingsInvalid

    log.setup("ERROR")
    try:
        loaded = _load(settings)
        if live:
            _live(loaded, Machine(root), port, profile, layout, codes, as_json)
            return
        patient = Patient.of(Machine(root), library(), loaded)
        found = examine(patient)
    except SettingsInvalid as error:
        _print_invalid(error.problems, as_json)
        raise typer.Exit(1) from error
    except PanierError as error:
        _print_invalid((str(error),), as_json)
        raise typer.Exit(1) from error
    (_print_json if as_json else _print_words)(patient, found)
    if any(finding.level == "problem" for finding in found):
        raise typer.Exit(1)


def _load(file: Path | None) -> DeviceSettings | None:
    from panier_device.settings import DeviceSettings
    from panier_io.settings import load

    return load(DeviceSettings, file) if file else None


def _live(
    settings: DeviceSettings | None,
    machine: Machine,
    port: str | None,
    profile: str,
    layout: str,
    codes: int,
    as_json: bool,
) -> None:
    from rich.console import Console

    from panier_device.doctor.listening import listening, reader_at, reader_of
    from panier_device.doctor.live import watch

    reader = reader_of(settings, port, machine) if settings else None
    if reader is None and port:
        reader = reader_at(port, profile, layout)
    if reader is None:
        raise typer.BadParameter("nothing to listen to: give --port, or --settings with a scanner in them", param_hint="--live")
    loyalty, numbering = (settings.loyalty, settings.numbering) if settings else ("sample", "")
    heard = listening(reader, loyalty, numbering, machine)
    try:
        if not watch(heard, Console(stderr=as_json), codes=codes, as_json=as_json):
            raise typer.Exit(1)
    except KeyboardInterrupt:
        return


def _print_invalid(problems: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        found = [{"where": "settings", "level": "problem", "says": problem, "mend": ""} for problem in problems]
        print(json.dumps({"ok": False, "devices": [], "findings": found}, ensure_ascii=False))
    else:
        print("\n".join(problems), file=sys.stderr)


def _print_json(patient: Patient, found: list[Finding]) -> None:
    from panier_device.doctor.report import device_fields

    answer = {
        "ok": not any(finding.level == "problem" for finding in found),
        "devices": [device_fields(patient, device) for device in patient.devices],
        "findings": [finding.as_dict() for finding in found],
    }
    print(json.dumps(answer, ensure_ascii=False))


def _print_words(patient: Patient, found: list[Finding]) -> None:
    from panier_device.doctor.report import in_words

    print("\n".join(in_words(patient, found)))
