"""From settings, or from a path alone, to what `panier doctor --live` listens to."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from panier_device.doctor.ear import KeyEar, ReportEar, SerialEar
from panier_device.doctor.finding import path_of
from panier_device.doctor.hint import Setting
from panier_device.doctor.live import Listening
from panier_device.doctor.machine import Machine
from panier_device.driver.frame import FrameDecoder
from panier_device.driver.hidpos import HidPosDecoder
from panier_device.driver.layout import load_layout
from panier_device.driver.profile import ScannerProfile, load_profile
from panier_device.driver.report_source import ReportSource
from panier_device.driver.serial_scanner import SerialSource
from panier_device.driver.wedge import GAP_MS, WedgeDecoder
from panier_device.fitting import load_numbering, load_rules, opener
from panier_device.library.device import library
from panier_device.settings import DeviceSettings, HidPosSettings, ScannerSettings, SerialSettings, WedgeSettings
from panier_io.firmware import firmware_config


def reader_at(path: str, profile: str, layout: str) -> ScannerSettings:
    """The reader behind a path: what lies under /dev/input types, /dev/hidraw* reports, and all else is a serial port.

    A socket or a FIFO is a simulated one's: it reports where the profile is one of HID-POS, and types otherwise.
    """
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        mode = 0
    real = str(Path(path).resolve())
    is_stream = stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode)
    if real.startswith("/dev/hidraw") or (is_stream and _is_of_reports(load_profile(profile, firmware_config() / "profiles"))):
        return HidPosSettings(kind="hidpos", path=path, profile=profile)
    if is_stream:
        return WedgeSettings(kind="wedge", path=path, source="stream", layout=layout, profile=profile)
    if real.startswith("/dev/input/") or "/input/" in path:
        return WedgeSettings(kind="wedge", path=path, layout=layout, profile=profile)
    return SerialSettings(kind="serial", port=path, profile=profile)


def reader_of(settings: DeviceSettings, path: str | None, machine: Machine) -> ScannerSettings | None:
    """The scanner of the settings that is at `path`, by any of its links, or the first one; None where there is none."""
    for scanner in settings.scanners:
        theirs = path_of(scanner)
        if path is None or theirs == path or (machine.node(path) and machine.node(theirs) == machine.node(path)):
            return scanner
    return None


def listening(reader: ScannerSettings, loyalty: str, numbering: str, machine: Machine) -> Listening[Any]:
    """How to listen to one reader. Raises PanierError where a profile, a layout or rules do not hold."""
    folder = firmware_config()
    path = path_of(reader)
    profile = load_profile(reader.profile, folder / "profiles")
    profiles = [(file.stem, load_profile(str(file), folder)) for file in sorted((folder / "profiles").glob("*.toml"))]
    setting = Setting(
        profile=profile,
        rules=load_rules(loyalty),
        numbering=load_numbering(numbering),
        sheet=_sheet(path, machine),
        layout=reader.layout if isinstance(reader, WedgeSettings) else "",
        layouts=tuple((file.stem, load_layout(str(file), folder)) for file in sorted((folder / "layouts").glob("*.toml"))),
        hidpos=tuple((name, one) for name, one in profiles if _is_of_reports(one)),
    )
    idle = profile.idle_ms / 1000
    if isinstance(reader, SerialSettings):
        return Listening(path, lambda: SerialSource(path, profile), SerialEar(FrameDecoder(profile)), idle, setting)
    if isinstance(reader, HidPosSettings):
        return Listening(path, lambda: ReportSource(Path(path)), ReportEar(HidPosDecoder(profile)), idle, setting)
    ear = KeyEar(WedgeDecoder(load_layout(reader.layout, folder / "layouts"), profile))
    return Listening(path, opener(reader), ear, 2 * GAP_MS / 1000, setting)


def _is_of_reports(profile: ScannerProfile) -> bool:
    return "report" in profile.model_fields_set


def _sheet(path: str, machine: Machine) -> str:
    node = machine.node(path)
    device = next((one for one in machine.usb_devices() if node in one.nodes), None)
    known = library().find(device.vendor, device.product) if device else None
    return known.sheet if known else ""
