"""Who may call the API: a store's gateway for its own store, a script with an API token for everything."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from panier_backoffice.office import TheOffice
from panier_backoffice.problem import NotAllowed, TokenRefused
from panier_backoffice.store.service import holder_of, store_named

_bearer = HTTPBearer(auto_error=False, description="A store's token, or an API token")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def _holder(office: TheOffice, credentials: Credentials) -> str | None:
    if credentials is None:
        raise TokenRefused("no token: send the header Authorization: Bearer <token>")
    with office.reading() as session:
        return holder_of(session, credentials.credentials).store


Holder = Annotated[str | None, Depends(_holder)]
"""The store that the caller's token is for; None for an API token, which may ask about every store."""


def _script(holder: Holder) -> None:
    if holder is not None:
        raise NotAllowed("a store's token may not do this; use an API token")


def _own_store(office: TheOffice, store: str, holder: Holder) -> str:
    if holder is not None and holder != store:
        raise NotAllowed(f"this token is for store {holder!r}, not for {store!r}")
    with office.reading() as session:
        return store_named(session, store).name


ScriptOnly = Depends(_script)
"""Dependency of routes that only an API token may call."""
OwnStore = Annotated[str, Depends(_own_store)]
"""The store in the path, once it is known and the caller may speak for it."""
