"""What the doctor finds, and what it looks at to find it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from panier_device.doctor.machine import Machine, UsbDevice
from panier_device.library.device import Known, Library
from panier_device.settings import DeviceSettings, ScannerSettings, SerialSettings

Level = Literal["problem", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: where it is, what was seen, and how to mend it. A `note` keeps nobody from working."""

    where: str
    level: Level
    says: str
    mend: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Patient:
    """The machine and all that a check may ask of it. `settings` is None where the doctor was given none."""

    machine: Machine
    library: Library
    devices: tuple[UsbDevice, ...]
    settings: DeviceSettings | None = None

    @classmethod
    def of(cls, machine: Machine, library: Library, settings: DeviceSettings | None) -> Patient:
        return cls(machine, library, tuple(machine.usb_devices()), settings)

    def known(self, device: UsbDevice) -> Known | None:
        return self.library.find(device.vendor, device.product)

    def behind(self, path: str) -> UsbDevice | None:
        """The USB device that a device file belongs to, following udev's links; None for a file of another kind."""
        node = self.machine.node(path)
        return next((device for device in self.devices if node in device.nodes), None)

    @property
    def of_the_shop(self) -> list[tuple[UsbDevice, Known]]:
        """The devices whose maker the library knows."""
        return [(device, known) for device in self.devices if (known := self.known(device)) is not None]


Check = Callable[[Patient], Iterable[Finding]]


def path_of(scanner: ScannerSettings) -> str:
    """Where a scanner is read."""
    return scanner.port if isinstance(scanner, SerialSettings) else scanner.path
