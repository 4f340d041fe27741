"""Opens a back office: database brought up to date, and the stores, tokens and first account that the settings name."""

from __future__ import annotations

from time import monotonic, sleep

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from panier_backoffice.account.service import all_accounts, keep_secret, open_account
from panier_backoffice.account.table import AccountRow
from panier_backoffice.database import Database
from panier_backoffice.office import Office, now_ms
from panier_backoffice.schema import migrate
from panier_backoffice.settings import BackofficeSettings
from panier_backoffice.store.repository import find_store
from panier_backoffice.store.service import give_token, open_store
from panier_io.log import logger

_PATIENCE_S, _AGAIN_S = 60.0, 1.0
"""How long a start waits for a database server, which after a power cut may come up later than we do, and how often it asks."""


def open_office(settings: BackofficeSettings) -> Office:
    """The office over the settings' database. Opening it again changes nothing that is there. Raises PanierError.

    A database server that is away is waited for, a minute at the most.
    """
    database = Database(settings.database)
    end, told = monotonic() + _PATIENCE_S, ""
    while True:
        try:
            return _open(settings, database)
        except SQLAlchemyError as error:
            why = database.unusable(error)
            if not database.is_away(error) or monotonic() > end:
                raise why from error
            if str(why) != told:
                told = str(why)
                logger("opening").warning("database_away", reason=told, patience=f"{_PATIENCE_S:g} s")
            sleep(_AGAIN_S)


def _open(settings: BackofficeSettings, database: Database) -> Office:
    migrate(database)
    with database.writing() as session:
        _seed(session, settings, now_ms())
        secret = keep_secret(session, settings.secret.get_secret_value() if settings.secret else None)
    return Office(settings=settings, database=database, secret=secret)


def has_account(office: Office) -> bool:
    """True where somebody can sign in."""
    with office.reading() as session:
        return bool(all_accounts(session))


def _seed(session: Session, settings: BackofficeSettings, at: int) -> None:
    for seed in settings.stores:
        if find_store(session, seed.name) is None:
            open_store(session, seed.name, settings.currency, settings.timezone, at)
        give_token(session, seed.name, "from the settings", at, seed.token.get_secret_value())
    if settings.api_token:
        give_token(session, None, "from the settings", at, settings.api_token.get_secret_value())
    email = (settings.admin_email or "").strip().lower()
    # A later start must not bring an old password back: an account that is there stays as it is.
    if email and settings.admin_password and session.get(AccountRow, email) is None:
        open_account(session, email, settings.admin_password.get_secret_value(), "admin", at)
