"""`panier doctor`: looks at the machine and its devices, and says what is wrong and how to mend it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from panier_device.doctor.finding import Finding, Patient
    from panier_device.settings import DeviceSettings


def doctor(
    settings: Path | None = typer.Option(None, help="TOML file with a terminal's settings; without one, what is plugged in."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
    root: Path = typer.Option(Path("/"), hidden=True, help="Where /sys, /dev and /proc lie; another one for tests."),
) -> None:
    """Look at the machine and its devices: what is plugged in, in which mode, what is wrong and how to mend it.

    Ends with status 0 only when nothing keeps the terminal from working.
    """
    from panier.error import PanierError
    from panier_device.doctor.check import examine
    from panier_device.doctor.finding import Patient
    from panier_device.doctor.machine import Machine
    from panier_device.library.device import library
    from panier_io.settings import SettingsInvalid

    try:
        loaded = _load(settings)
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
