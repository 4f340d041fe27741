"""The machine as the kernel describes it under /sys, /dev and /proc. The one file of the doctor that reads them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from panier_device.library.device import Mode

_NODE = re.compile(r"(tty(ACM|USB)\d+|event\d+|hidraw\d+|lp\d+)")
_CDC, _HID, _PRINTER, _CDC_DATA = 0x02, 0x03, 0x07, 0x0A
_ACM, _KEYBOARD = 0x02, 0x01
_BY_USE: tuple[Mode, ...] = ("serial", "hidpos", "keyboard", "printer")


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface of a USB device: what it poses as, and the device files that the kernel made for it."""

    mode: Mode
    driver: str
    nodes: tuple[str, ...]
    """Names under /dev, /dev/input and /dev/usb, such as ttyACM0, event5, hidraw0."""


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """One USB device; `port` is where it is plugged in, such as 1-2."""

    port: str
    vendor: str
    product: str
    maker: str
    name: str
    serial: str
    interfaces: tuple[Interface, ...]

    @property
    def id(self) -> str:
        return f"{self.vendor}:{self.product}"

    @property
    def mode(self) -> Mode:
        """What it poses as: the first interface that can carry codes counts, for composite devices add a keyboard at times."""
        modes = {interface.mode for interface in self.interfaces}
        for mode in _BY_USE:
            if mode in modes:
                return mode
        return "other"

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(node for interface in self.interfaces for node in interface.nodes)


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its id and its name."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


class Machine:
    """Reads what is below `root`, which is / but for tests that make up a machine."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def at(self, path: str) -> Path:
        """An absolute path of the machine, below our root."""
        return self.root / path.lstrip("/")

    def usb_devices(self) -> list[UsbDevice]:
        """All that is plugged in, but for hubs."""
        folder = self.at("/sys/bus/usb/devices")
        found = [_device(entry) for entry in sorted(_listed(folder)) if ":" not in entry.name]
        return [device for device in found if device is not None]

    def node(self, path: str) -> str:
        """The kernel's name of a device file, through udev's links: ttyACM0 for /dev/retail/scanner0; "" where none is."""
        try:
            return self.at(path).resolve(strict=True).name
        except (OSError, RuntimeError):
            return ""

    def is_ignored_by_modem_manager(self, node: str) -> bool:
        """True where a udev rule keeps ModemManager off a serial port. Raises nothing: an unknown port is not ignored."""
        number = _text(self.at(f"/sys/class/tty/{node}/dev"))
        return "E:ID_MM_DEVICE_IGNORE=1" in _text(self.at(f"/run/udev/data/c{number}")).splitlines()

    def processes(self, name: str) -> list[Process]:
        """Those called `name`; the kernel keeps 15 characters of a name."""
        return [process for process in self._processes() if process.name == name[:15]]

    def holders(self, path: str) -> list[Process]:
        """Other processes that have a device file open, as far as this user may see; a simulator is the device, not a reader."""
        wanted = self.at(path).resolve()
        return [
            process
            for process in self._processes()
            if process.pid != os.getpid()
            and wanted in _open_files(self.at(f"/proc/{process.pid}/fd"))
            and not self._is_simulator(process)
        ]

    def _is_simulator(self, process: Process) -> bool:
        """True of `panier simulate ...`, by whichever Python it was started."""
        words = _text(self.at(f"/proc/{process.pid}/cmdline")).split("\0")
        return any(
            program.rpartition("/")[2] in ("panier", "panier_io.command") and word == "simulate"
            for program, word in pairwise(words)
        )

    def _processes(self) -> list[Process]:
        entries = [entry for entry in _listed(self.at("/proc")) if entry.name.isdigit()]
        return [Process(int(entry.name), _text(entry / "comm")) for entry in sorted(entries, key=lambda one: int(one.name))]


def hid_usage(descriptor: bytes) -> tuple[int, int]:
    """Usage page and usage of the first collection of a HID report descriptor (HID 1.11, 6.2.2); zeros where there is none."""
    page = usage = place = 0
    while place < len(descriptor):
        head = descriptor[place]
        size = (0, 1, 2, 4)[head & 3]
        value = int.from_bytes(descriptor[place + 1 : place + 1 + size], "little")
        match head & 0xFC:
            case 0x04:
                page = value
            case 0x08:
                usage = value
            case 0xA0:
                return page, usage
            case _:
                pass
        place += 1 + size
    return 0, 0


def _device(entry: Path) -> UsbDevice | None:
    vendor, product = _text(entry / "idVendor"), _text(entry / "idProduct")
    if not vendor or not product or _text(entry / "bDeviceClass") == "09":
        return None
    home = entry.resolve()
    parts = [part for part in sorted(_listed(home)) if part.name.startswith(f"{home.name}:")]
    return UsbDevice(
        port=entry.name,
        vendor=vendor.lower(),
        product=product.lower(),
        maker=_text(entry / "manufacturer"),
        name=_text(entry / "product"),
        serial=_text(entry / "serial"),
        interfaces=tuple(_interface(part) for part in parts if _hex(part / "bInterfaceClass") != _CDC_DATA),
    )


def _interface(part: Path) -> Interface:
    nodes: set[str] = set()
    descriptor = b""
    for folder, folders, files in os.walk(part):
        nodes |= {name for name in folders if _NODE.fullmatch(name)}
        if "report_descriptor" in files:
            descriptor = descriptor or _bytes(Path(folder) / "report_descriptor")
    driver = (part / "driver").resolve().name if (part / "driver").exists() else ""
    return Interface(_mode(part, descriptor, nodes), driver, tuple(sorted(nodes)))


def _mode(part: Path, descriptor: bytes, nodes: set[str]) -> Mode:
    kind, sub, protocol = (_hex(part / f"bInterface{name}") for name in ("Class", "SubClass", "Protocol"))
    if (kind == _CDC and sub == _ACM) or any(node.startswith("tty") for node in nodes):
        return "serial"
    if kind == _PRINTER:
        return "printer"
    if kind == _HID:
        # HID Point of Sale Usage Tables 1.02: page 0x8C is a bar code scanner's. A keyboard may leave the boot protocol out.
        page, usage = hid_usage(descriptor)
        if page == 0x8C:
            return "hidpos"
        if protocol == _KEYBOARD or (page, usage) == (0x01, 0x06):
            return "keyboard"
    return "other"


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _open_files(folder: Path) -> set[Path]:
    found: set[Path] = set()
    for entry in _listed(folder):
        try:
            found.add(entry.resolve())
        except OSError:
            continue
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _text(path: Path) -> str:
    return _bytes(path).decode("utf-8", "replace").strip()


def _hex(path: Path) -> int:
    text = _text(path)
    return int(text, 16) if re.fullmatch(r"[0-9a-fA-F]{1,4}", text) else -1
