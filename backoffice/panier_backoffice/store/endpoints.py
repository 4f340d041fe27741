"""`/api/v1/stores`: stores and their tokens."""

from __future__ import annotations

from fastapi import APIRouter

from panier_backoffice.office import TheOffice
from panier_backoffice.store import repository, schemas, service
from panier_backoffice.store.access import ScriptOnly
from panier_backoffice.store.table import StoreRow, TokenRow

router = APIRouter(prefix="/api/v1/stores", tags=["stores"], dependencies=[ScriptOnly])


@router.get("")
def list_stores(office: TheOffice) -> list[schemas.Store]:
    """All stores, by name."""
    with office.reading() as session:
        return [_store(row) for row in repository.all_stores(session)]


@router.post("", status_code=201)
def open_store(office: TheOffice, store: schemas.NewStore) -> schemas.Store:
    """Opens a store. Its gateway needs a token: see below."""
    settings = office.settings
    with office.writing() as session:
        row = service.open_store(
            session, store.name, store.currency or settings.currency, store.timezone or settings.timezone, office.clock()
        )
        return _store(row)


@router.get("/{store}/tokens")
def list_tokens(office: TheOffice, store: str) -> list[schemas.Token]:
    """A store's tokens, without their secrets."""
    with office.reading() as session:
        service.store_named(session, store)
        return [_token(row) for row in repository.tokens_of(session, store)]


@router.post("/{store}/tokens", status_code=201)
def give_token(office: TheOffice, store: str, token: schemas.NewToken) -> schemas.GivenToken:
    """Gives a gateway a token; the answer is the only time that its secret is said."""
    with office.writing() as session:
        service.store_named(session, store)
        row, secret = service.give_token(session, store, token.label, office.clock())
        return schemas.GivenToken(**_token(row).model_dump(), secret=secret)


@router.delete("/{store}/tokens/{token}")
def take_token_back(office: TheOffice, store: str, token: str) -> schemas.Token:
    """Ends a token at once."""
    with office.writing() as session:
        return _token(service.take_token_back(session, token, store, office.clock()))


def _store(row: StoreRow) -> schemas.Store:
    return schemas.Store(name=row.name, currency=row.currency, timezone=row.timezone, created_at=row.created_at)


def _token(row: TokenRow) -> schemas.Token:
    return schemas.Token(
        token=row.digest[:12], store=row.store, label=row.label, created_at=row.created_at, revoked_at=row.revoked_at
    )
