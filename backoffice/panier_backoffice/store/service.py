"""Opens stores, gives tokens out, takes them back, and says who a token belongs to."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy.orm import Session

from panier_backoffice.problem import NotFound, TokenRefused, Unfit
from panier_backoffice.store import repository
from panier_backoffice.store.table import StoreRow, TokenRow


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def open_store(session: Session, name: str, currency: str, timezone: str, at: int) -> StoreRow:
    """Raises Unfit where there is a store of that name."""
    if repository.find_store(session, name):
        raise Unfit({"name": f"there is a store {name!r} already"})
    store = StoreRow(name=name, currency=currency, timezone=timezone, created_at=at)
    session.add(store)
    session.flush()
    return store


def store_named(session: Session, name: str) -> StoreRow:
    """Raises NotFound."""
    store = repository.find_store(session, name)
    if store is None:
        raise NotFound(f"there is no store {name!r}")
    return store


def give_token(session: Session, store: str | None, label: str, at: int, secret: str | None = None) -> tuple[TokenRow, str]:
    """A token for a store, or for scripts; the second value is the secret itself. Giving a known secret out again keeps it."""
    secret = secret or secrets.token_urlsafe(32)
    held = repository.find_token(session, digest_of(secret))
    if held is not None:
        if held.store != store:
            raise Unfit({"token": "this token belongs to something else already; use another"})
        return held, secret
    token = TokenRow(digest=digest_of(secret), store=store, label=label, created_at=at, revoked_at=None)
    session.add(token)
    session.flush()
    return token, secret


def take_token_back(session: Session, beginning: str, store: str, at: int) -> TokenRow:
    """Ends a token for good, named by the beginning of its digest. Raises NotFound."""
    found = [token for token in repository.tokens_of(session, store) if token.digest.startswith(beginning)]
    if len(found) != 1:
        raise NotFound(f"store {store!r} has no token {beginning!r}")
    found[0].revoked_at = found[0].revoked_at or at
    return found[0]


def holder_of(session: Session, secret: str) -> TokenRow:
    """The token that a request carries. Raises TokenRefused."""
    token = repository.find_token(session, digest_of(secret))
    if token is None:
        raise TokenRefused("this token is not known here; ask an administrator of the back office for one")
    if token.revoked_at is not None:
        raise TokenRefused("this token was taken back; ask an administrator of the back office for another")
    return token
