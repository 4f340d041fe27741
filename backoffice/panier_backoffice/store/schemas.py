"""What the API says about stores and tokens."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from panier.topic import BadName, checked_name
from panier_backoffice.settings import Currency, TimeZone


def _name(name: str) -> str:
    try:
        return checked_name(name)
    except BadName as error:
        raise ValueError(str(error)) from error


StoreName = Annotated[str, AfterValidator(_name)]


class NewStore(BaseModel):
    """A store to open; currency and time zone are the chain's unless stated."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "riverside", "currency": "USD"}]})

    name: StoreName
    currency: Currency | None = None
    timezone: TimeZone | None = None


class Store(BaseModel):
    """One store."""

    name: str
    currency: str
    timezone: str
    created_at: int


class NewToken(BaseModel):
    """Who will hold the token, in a word or two."""

    label: Annotated[str, Field(min_length=1, max_length=64)] = "gateway"


class Token(BaseModel):
    """A token as it may be shown afterwards; `token` holds its first 12 hexadecimal digits of SHA-256."""

    token: str
    store: str | None
    label: str
    created_at: int
    revoked_at: int | None


class GivenToken(Token):
    """A new token; `secret` is said this once and kept nowhere."""

    secret: str
