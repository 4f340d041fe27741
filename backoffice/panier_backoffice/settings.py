"""Settings of the back office: file, environment (PANIER_BACKOFFICE_...) and flags, read once at the start."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.numbers import list_currencies
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from panier.topic import checked_name

SHORTEST_TOKEN = 16
SHORTEST_PASSWORD = 10


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; write it like Europe/Paris") from error
    return name


def _known_currency(code: str) -> str:
    if code not in list_currencies():
        raise ValueError("no such currency; write its three letters of ISO 4217, such as EUR or USD")
    return code


def _known_locale(name: str) -> str:
    try:
        Locale.parse(name)
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError("no such locale; write a language, or a language and a country, such as en or fr_FR") from error
    return name


def _long_enough(token: SecretStr) -> SecretStr:
    if len(token.get_secret_value()) < SHORTEST_TOKEN:
        raise ValueError(f"a token needs at least {SHORTEST_TOKEN} characters; make one with: openssl rand -hex 24")
    return token


TimeZone = Annotated[str, AfterValidator(_known_zone)]
Currency = Annotated[str, AfterValidator(_known_currency)]
Token = Annotated[SecretStr, AfterValidator(_long_enough)]


class StoreSeed(BaseModel):
    """A store to have from the start, and the token of its gateway."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, AfterValidator(checked_name)]
    token: Token


def _seeds(given: Any) -> Any:
    """Reads NAME:TOKEN, several separated by commas or spaces, or a list of such."""
    if isinstance(given, str):
        given = given.replace(",", " ").split()
    if not isinstance(given, list):
        return given
    return [_seed(item) for item in given]  # pyright: ignore[reportUnknownVariableType]


def _seed(item: Any) -> Any:
    if not isinstance(item, str):
        return item
    name, colon, token = item.partition(":")
    if not colon:
        raise ValueError("a store is stated as NAME:TOKEN")
    return {"name": name, "token": token}


class BackofficeSettings(BaseSettings):
    """Where the back office listens, where it keeps its data, and whom it knows from the start."""

    model_config = SettingsConfigDict(env_prefix="PANIER_BACKOFFICE_", extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8400
    """0 takes a free one."""
    database: str = "sqlite:///panier-backoffice.db"
    """SQLAlchemy URL; a PostgreSQL one works alike."""
    admin_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)] | None = None
    admin_password: SecretStr | None = None
    """Of the first account; there is no default one. Kept hashed, and never changed by a later start."""
    api_token: Token | None = None
    """For scripts: may do through the API what an administrator may."""
    stores: Annotated[list[StoreSeed], NoDecode, BeforeValidator(_seeds)] = []
    currency: Currency = "EUR"
    timezone: TimeZone = "Europe/Paris"
    locale: Annotated[str, AfterValidator(_known_locale)] = "en"
    """How the console writes money and times, for example en_US or fr_FR."""
    chain: Annotated[str, Field(min_length=1, max_length=40)] = "Panier"
    """The name on the console's pages."""
    secret: Token | None = None
    """Signs sessions; without it, one is made and kept in the database."""
    session_hours: Annotated[float, Field(gt=0, le=24 * 30)] = 12
    log_level: Annotated[str, Field(pattern=r"(?i)^(debug|info|warning|error)$")] = "INFO"

    @model_validator(mode="after")
    def _admin_is_whole(self) -> BackofficeSettings:
        if (self.admin_email is None) != (self.admin_password is None):
            raise ValueError("the first account needs both admin_email and admin_password")
        if self.admin_password and len(self.admin_password.get_secret_value()) < SHORTEST_PASSWORD:
            raise ValueError(f"admin_password needs at least {SHORTEST_PASSWORD} characters")
        return self
