"""Enrolment: an identity at the broker, and a settings file that makes a bare device one of this store's."""

from __future__ import annotations

import itertools
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from panier.error import PanierError
from panier_gateway.broker import settled_port
from panier_gateway.registry import Registry, Role, new_password
from panier_gateway.settings import GatewaySettings
from panier_gateway.trouble import in_words


class NotWritten(PanierError):
    """The settings of a new identity cannot be written where they are wanted."""

    code = "not_written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What was made. The password stands in the file only."""

    name: str
    role: Role
    store: str
    broker_host: str
    broker_port: int
    file: Path
    external: bool
    kept: Path | None = None
    """Where the settings are now that stood in `file` before: somebody may have named scanners in them."""

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "name": self.name, "role": self.role, "store": self.store, "broker_host": self.broker_host,
            "broker_port": self.broker_port, "file": str(self.file),
        }  # fmt: skip

    def __str__(self) -> str:
        text = (
            f"{self.name} is enrolled as a {self.role} of store {self.store}; its settings, with the password, are in {self.file}"
        )
        if self.kept:
            text += f"; what stood there is kept in {self.kept}: carry its scanners and other devices over"
        if self.external:
            text += (
                f"\nTell your broker too: mosquitto_passwd PASSWORD_FILE {self.name}, with the password from that file;"
                " see firmware-config/broker/README.md"
            )
        return text


def enrol(settings: GatewaySettings, name: str, role: Role, file: Path) -> Enrolled:
    """Makes the identity and writes `file` (mode 0600). Raises BadName, NameTaken, NotWritten."""
    if not file.parent.is_dir():
        raise NotWritten(f"there is no folder {file.parent} for {file.name}: make it, or name another one with --out")
    if _stands(file) and not file.is_file():
        raise NotWritten(f"{file} is no plain file: name another place with --out")
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    broker = settings.broker
    external = broker.kind == "external"
    port = broker.port if external else settled_port(broker, settings.data_dir)
    password = new_password()
    table = f"[broker]\nhost = {json.dumps(broker.address)}\nport = {port}\npassword = {json.dumps(password)}\n"
    if role == "device":
        text = _device(settings.store, name, file) + table + _HARDWARE
    else:
        text = f"# Settings of a staff monitor: panier monitor --settings {file.name}\n"
        text += f"store = {json.dumps(settings.store)}\nusername = {json.dumps(name)}\n\n{table}"
    kept = _install(settings, name, role, password, file, text)
    return Enrolled(
        name=name, role=role, store=settings.store, broker_host=broker.address, broker_port=port, file=file, external=external,
        kept=kept,
    )  # fmt: skip


def _device(store: str, name: str, file: Path) -> str:
    return (
        f"# Settings of one terminal: panier device --settings {file.name}\n"
        f"store = {json.dumps(store)}\ndevice = {json.dumps(name)}\ndata_dir = {json.dumps(f'{name}-data')}\n\n"
    )


_HARDWARE = """
# Take away the "# " before what is plugged in. A table of [[scanners]] for each scanner or card reader:
# on a serial line,
# [[scanners]]
# kind = "serial"
# port = "/dev/retail/scanner0"

# one that poses as a keyboard,
# [[scanners]]
# kind = "wedge"
# path = "/dev/input/by-id/usb-scanner-event-kbd"

# one that speaks HID-POS,
# [[scanners]]
# kind = "hidpos"
# path = "/dev/hidraw0"

# a card reader that poses as a keyboard.
# [[scanners]]
# kind = "wedge"
# path = "/dev/input/by-id/usb-card-reader-event-kbd"
# reads = "cards"

# A scale.
# [scale]
# port = "/dev/retail/scale0"
# profile = "cas-pd-ii"

# A receipt printer: at a serial port, or with host = "..." in the network.
# [printer]
# file = "/dev/usb/lp0"
# profile = "epson-tm-t20"

# A payment terminal in the network; without one, the till takes the money.
# [payment]
# protocol = "zvt"
# host = "192.0.2.20"
"""


def _install(settings: GatewaySettings, name: str, role: Role, password: str, file: Path, text: str) -> Path | None:
    """The old password holds until the new one is on the disk. Gives where the settings are now that stood in `file`."""
    try:
        fresh = _write_private(file, text)
    except OSError as error:
        raise NotWritten(f"{file} cannot be written: {error.strerror}; name another place with --out, and enrol again") from error
    place = settings.data_dir / "registry.db"
    try:
        with closing(Registry(place, beside_gateway=True)) as registry:
            registry.enrol(name, role, password)
    except BaseException as error:
        fresh.unlink()
        if isinstance(error, sqlite3.Error):
            raise NotWritten(f"{place}: {in_words(error)}") from error
        raise
    try:
        kept = _keep(file)
        fresh.replace(file)
    except OSError as error:
        raise NotWritten(f"{file} cannot be replaced: {error.strerror}; the settings that hold now are in {fresh}") from error
    return kept


def _write_private(file: Path, text: str) -> Path:
    """Writes it beside `file`, and gives where: nothing of it stays where that fails."""
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)  # before there is anything to read in it
    try:
        fresh.write_text(text, encoding="utf-8")
    except OSError:
        fresh.unlink()
        raise
    return fresh


def _keep(file: Path) -> Path | None:
    """Moves what stands there to the first free name of .old, .old-2 and so on; gives that."""
    if not _stands(file):
        return None
    names = itertools.chain((".old",), (f".old-{number}" for number in itertools.count(2)))
    return file.replace(next(place for name in names if not _stands(place := file.with_name(file.name + name))))


def _stands(file: Path) -> bool:
    """True also of a link to nothing."""
    return file.exists() or file.is_symlink()
