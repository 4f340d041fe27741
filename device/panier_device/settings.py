"""The settings of one terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from panier.topic import BadName, checked_name
from panier_device.driver.port import Reads
from panier_device.driver.printer_wire import Flow
from panier_io.session import Address
from panier_io.settings import Host


class SerialSettings(BaseModel):
    """A scanner on a serial line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["serial"]
    port: Annotated[str, Field(min_length=1)]
    """Its device file, better a link that udev keeps, such as /dev/retail/scanner0."""
    profile: str = "generic"
    """A name in firmware-config/profiles, or the path of a .toml file."""


class WedgeSettings(BaseModel):
    """A scanner or card reader that poses as a keyboard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["wedge"]
    path: Annotated[str, Field(min_length=1)]
    """/dev/input/event*, or a link to one; or, with `source = "stream"`, a socket or FIFO that carries input_event records."""
    source: Literal["evdev", "stream"] = "evdev"
    layout: str = "us"
    """A name in firmware-config/layouts, or the path of a .toml file."""
    profile: str = "generic"
    """What the scanner types around a code and for GS: a name in firmware-config/profiles, or the path of a .toml file."""
    reads: Reads = "codes"
    """`cards` for a reader of magnetic stripes, `nfc` for one that types the UID of a chip."""


class ScaleSettings(BaseModel):
    """A scale on a serial line, where loose goods are weighed at the terminal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: Annotated[str, Field(min_length=1)]
    """Its device file, better a link that udev keeps, such as /dev/retail/scale0."""
    profile: Annotated[str, Field(min_length=1)]
    """A name in firmware-config/scales, or the path of a .toml file."""
    tare: Annotated[int, Field(ge=0, le=9999)] = 0
    """Grams of the shop's own bag, for products that state no tare."""


class PaymentSettings(BaseModel):
    """A payment terminal beside the device: a trip is paid there when it is finished. Without one, the till takes the money."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: Literal["tcp", "zvt"]
    """`tcp` is our own (docs/hardware/payment.md), `zvt` that of German, Austrian and Swiss terminals."""
    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] = 20007
    password: Annotated[int, Field(ge=0, le=999_999)] = 0
    """ZVT: the six digits that the terminal asks of a till."""
    staff_code: SecretStr | None = None
    """4 to 12 digits, by which staff may say at the device whether a payment in doubt was made; without it nobody can."""
    answer_s: Annotated[float, Field(gt=0)] = 5.0
    """How long a reply may take on this network (ZVT: T3)."""
    patience_s: Annotated[float, Field(gt=0)] = 180.0
    """How long the terminal may be silent while somebody pays (ZVT: T4) before the payment counts as in doubt."""
    silent_s: Annotated[float, Field(gt=0)] = 20.0
    """After so long without a first word (60 s after one), shopper and staff are told, and the answer is still waited for."""
    again_s: Annotated[float, Field(gt=0)] = 3.0
    """Between two questions what became of a payment in doubt."""
    staff_after_s: Annotated[float, Field(gt=0)] = 30.0
    """After so long in doubt, staff are called."""
    give_up_s: Annotated[float, Field(gt=0)] = 900.0
    """After so long in doubt, the trip ends as it is, and an incident says that nobody knows whether it was paid."""

    @field_validator("staff_code")
    @classmethod
    def _digits(cls, value: SecretStr | None) -> SecretStr | None:
        code = "0000" if value is None else value.get_secret_value()
        if not (code.isascii() and code.isdigit() and 4 <= len(code) <= 12):
            raise ValueError("a staff code is 4 to 12 digits, so that it can be typed on any keypad")
        return value


class PrinterSettings(BaseModel):
    """A receipt printer, at one of three places: a serial `port`, the `file` of a USB printer, or a `host` in the network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: Annotated[str, Field(min_length=1)] = "generic-80"
    """A name in firmware-config/printers, or the path of a .toml file."""
    port: str = ""
    """A serial device file, better a link that udev keeps, such as /dev/retail/printer0."""
    baud: Literal[9600, 19200, 38400, 57600, 115200] = 9600
    flow: Flow = "none"
    """How a serial printer says that its buffer is full; with `none` a receipt must fit into it."""
    file: str = ""
    """The printer's own device file, such as /dev/usb/lp0."""
    host: Host | None = None
    tcp_port: Annotated[int, Field(ge=1, le=65535)] = 9100

    @model_validator(mode="after")
    def _one_place(self) -> PrinterSettings:
        if sum(map(bool, (self.port, self.file, self.host))) != 1:
            raise ValueError("a printer is at one place: give `port`, or `file`, or `host`")
        return self


class HidPosSettings(BaseModel):
    """A scanner that speaks HID-POS, USB's own way for points of sale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["hidpos"]
    path: Annotated[str, Field(min_length=1)]
    """/dev/hidraw*, better a link that udev keeps; or a socket that carries one report a packet."""
    profile: str = "honeywell-hidpos"
    """A name in firmware-config/profiles, or the path of a .toml file: where the parts of a report stand."""


ScannerSettings = SerialSettings | WedgeSettings | HidPosSettings


class BrokerSettings(BaseModel):
    """Where the store's MQTT broker is; the device's name is its user name there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    password: SecretStr


class DeviceSettings(BaseSettings):
    """All that one terminal is told; the rest it learns from the gateway."""

    model_config = SettingsConfigDict(env_prefix="PANIER_DEVICE_", env_nested_delimiter="__", frozen=True, extra="forbid")

    store: str
    device: str
    data_dir: Path
    """Holds the journal, the assortment, the log and the lock; one device, one directory."""
    broker: BrokerSettings | None = None
    """Without a broker the terminal works alone, with what it holds."""
    scanners: list[Annotated[ScannerSettings, Field(discriminator="kind")]] = []
    scale: ScaleSettings | None = None
    """Without one, goods sold by weight need a label."""
    payment: PaymentSettings | None = None
    """Where trips are paid; without one, at the till."""
    printer: PrinterSettings | None = None
    """Without one, the shopper pays and gets a receipt at the till."""
    loyalty: str = "sample"
    """Card rules: a name in firmware-config/loyalty, or the path of a .toml file."""
    numbering: str = ""
    """What in-house labels carry: two letters of a country in firmware-config/numbering, or the path of a .toml file.

    Without one, such a number is only a number: labels that carry a weight or a price in themselves are not known.
    """
    language: Literal["en"] = "en"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    """Only until the gateway has said what the store uses."""
    timezone: str = "UTC"
    """Only until the gateway has said where the store is."""
    price_age_s: Annotated[int, Field(ge=1)] = 600
    """Prices that the gateway has not confirmed for longer are marked with their age."""
    metrics_file: Path | None = None
    """Where to write metrics in the format of Prometheus' textfile collector, every few seconds."""
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Where to serve them on 127.0.0.1."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("store", "device")
    @classmethod
    def _name(cls, value: str) -> str:
        try:
            return checked_name(value)
        except BadName as error:
            raise ValueError(str(error)) from error

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is no time zone; write it like Europe/Paris") from error
        return value


def address_of(settings: DeviceSettings) -> Address | None:
    """Where its broker is and who it is there, or None where none is set."""
    at = settings.broker
    return at and Address(host=at.host, port=at.port, username=settings.device, password=at.password.get_secret_value())
