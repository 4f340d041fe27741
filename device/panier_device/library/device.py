"""Devices by their USB ids, as data: what it is, in which mode, which profile fits, and which sheet programs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from panier_device.library.source import LibraryModel, Source, load_file
from panier_io.firmware import firmware_config

Kind = Literal["scanner", "adapter", "card_reader", "scale", "printer"]
Mode = Literal["serial", "keyboard", "hidpos", "printer", "other"]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{4}$")]


class ListedDevice(LibraryModel):
    """One product id: most devices have another in each mode, so an id also says how a device is programmed."""

    product: Hex
    name: Annotated[str, Field(min_length=1)]
    mode: Mode | None = None
    """The mode that the source states for this id; None where it states none: then the interfaces tell."""
    profile: str = ""
    """The profile of firmware-config/profiles that fits once its sheet was scanned; empty: the maker's."""
    source: Source | None = None
    """Where this id was read, if not where the file says."""


class Maker(LibraryModel):
    """One file: a maker's vendor id and the devices known under it."""

    maker: Annotated[str, Field(min_length=1)]
    vendor: Hex
    kind: Kind
    """What a device of this maker is, listed or not."""
    sheet: str = ""
    """The programming sheet of firmware-config/sheets for its scanners."""
    profile: str = ""
    serial_number: bool = True
    """False where two such devices cannot be told apart by their USB serial numbers: pin them by the port they are in."""
    source: Source
    note: str = ""
    device: tuple[ListedDevice, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What the library says of one vendor and product id."""

    maker: str
    name: str
    kind: Kind
    mode: Mode | None
    sheet: str
    profile: str
    serial_number: bool


class Library:
    """All makers. An id that is not listed is still known by its maker."""

    def __init__(self, makers: list[Maker]) -> None:
        self.makers = {maker.vendor: maker for maker in makers}

    def find(self, vendor: str, product: str) -> Known | None:
        """What is known of an id, four hex digits each; None where not even the vendor is."""
        maker = self.makers.get(vendor)
        if maker is None:
            return None
        listed = next((device for device in maker.device if device.product == product), None)
        return Known(
            maker=maker.maker,
            name=listed.name if listed else f"{maker.kind.replace('_', ' ')}, model not in the library",
            kind=maker.kind,
            mode=listed.mode if listed else None,
            sheet=maker.sheet,
            profile=(listed.profile if listed else "") or maker.profile,
            serial_number=maker.serial_number,
        )


def load_library(folder: Path) -> Library:
    """Every file of firmware-config/devices. Raises BadLibraryFile."""
    return Library([load_file(Maker, path) for path in sorted(folder.glob("*.toml"))])


@lru_cache(maxsize=1)
def library() -> Library:
    """The library that is installed."""
    return load_library(firmware_config() / "devices")
