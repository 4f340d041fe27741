"""From settings, or from a path alone, to what `panier doctor --live` listens to."""

from __future__ import annotations

import stat
from pathlib import Path

from panier_device.doctor.ear import KeyEar, SerialEar
from panier_device.doctor.hint import Setting
from panier_device.doctor.live import Listening
from panier_device.doctor.machine import Machine
from panier_device.driver.frame import FrameDecoder
from panier_device.driver.layout import load_layout
from panier_device.driver.profile import ScannerProfile, load_profile
from panier_device.driver.serial_scanner import SerialSource
from panier_device.driver.wedge import GAP_MS, WedgeDecoder
from panier_device.fitting import load_numbering, load_rules, opener
from panier_device.library.device import library
from panier_device.settings import DeviceSettings, HidPosSettings, SerialSettings, WedgeSettings
from panier_io.firmware import firmware_config

Reader = SerialSettings | WedgeSettings


def reader_at(path: str, profile: str, layout: str) -> Reader:
    """The reader behind a path: what lies under /dev/input types, as does a socket or a FIFO; all else is a serial port."""
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        mode = 0
    if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode):
        return WedgeSettings(kind="wedge", path=path, source="stream", layout=layout)
    if str(Path(path).resolve()).startswith("/dev/input/") or "/input/" in path:
        return WedgeSettings(kind="wedge", path=path, layout=layout)
    return SerialSettings(kind="serial", port=path, profile=profile)


def listening(reader: Reader, loyalty: str, numbering: str, machine: Machine) -> Listening:
    """How to listen to one reader. Raises PanierError where a profile, a layout or rules do not hold."""
    folder = firmware_config()
    path = reader.port if isinstance(reader, SerialSettings) else reader.path
    profile = load_profile(reader.profile, folder / "profiles")
    names = sorted(file.stem for file in (folder / "layouts").glob("*.toml"))
    setting = Setting(
        profile=profile,
        rules=load_rules(loyalty),
        numbering=load_numbering(numbering),
        sheet=_sheet(path, machine),
        layout=reader.layout if isinstance(reader, WedgeSettings) else "",
        layouts=tuple((name, load_layout(name, folder / "layouts")) for name in names),
    )
    if isinstance(reader, SerialSettings):
        return _serial(path, profile, setting)
    ear = KeyEar(WedgeDecoder(load_layout(reader.layout, folder / "layouts"), profile))
    return Listening(path, opener(reader), ear, 2 * GAP_MS / 1000, setting)


def first_reader(settings: DeviceSettings) -> Reader | None:
    """The first scanner that the settings name and that can be listened to: reports of HID-POS cannot yet."""
    return next((one for one in settings.scanners if not isinstance(one, HidPosSettings)), None)


def _serial(path: str, profile: ScannerProfile, setting: Setting) -> Listening:
    return Listening(path, lambda: SerialSource(path, profile), SerialEar(FrameDecoder(profile)), profile.idle_ms / 1000, setting)


def _sheet(path: str, machine: Machine) -> str:
    node = machine.node(path)
    device = next((one for one in machine.usb_devices() if node in one.nodes), None)
    known = library().find(device.vendor, device.product) if device else None
    return known.sheet if known else ""
