"""Accounts: who may sign in, and what for."""

from __future__ import annotations

import re
import secrets
from typing import Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from panier.error import PanierError
from panier_backoffice.account.table import AccountRow, SecretRow
from panier_backoffice.database import put_new
from panier_backoffice.problem import NotFound, Unfit
from panier_backoffice.settings import SHORTEST_PASSWORD

Role = Literal["staff", "marketing", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
LONGEST_PASSWORD = 200

# argon2id with 19 MiB, 2 passes, 1 lane: the least memory that OWASP recommends, so that a burst of sign-ins stays small.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Checked where there is no such account, so that the time taken does not tell.
_NOBODY = _HASHER.hash(secrets.token_hex(16))
_EMAIL = re.compile(r"[^@\s]{1,100}@[^@\s]{1,99}")


class SignInRefused(PanierError):
    """No such account and password, or the account is closed; does not say which."""

    code = "sign_in_refused"


def open_account(session: Session, email: str, password: str, role: str, at: int) -> AccountRow:
    """A new account. Raises Unfit with every field that does not do."""
    email = email.strip().lower()
    wrong: dict[str, str] = {}
    if not _EMAIL.fullmatch(email):
        wrong["email"] = "this is not an e-mail address"
    elif session.get(AccountRow, email):
        wrong["email"] = "there is an account for this address already"
    if role not in ROLES:
        wrong["role"] = f"choose one of {', '.join(ROLES)}"
    wrong |= weak_password(password, email)
    if wrong:
        raise Unfit(wrong)
    account = AccountRow(email=email, password=_HASHER.hash(password), role=role, epoch=1, created_at=at)
    session.add(account)
    session.flush()
    return account


def weak_password(password: str, email: str) -> dict[str, str]:
    """What is wrong with a password; empty where it will do."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return {
            "password": f"use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; a few words in a row are easy to keep in mind"
        }
    if password.lower() in (email, email.partition("@")[0]):
        return {"password": "this is the address itself; use something that others cannot guess"}
    return {}


def sign_in(session: Session, email: str, password: str) -> AccountRow:
    """The account of these credentials. Raises SignInRefused."""
    account = session.get(AccountRow, email.strip().lower())
    try:
        _HASHER.verify(account.password if account else _NOBODY, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError) as error:
        raise SignInRefused("this address and password do not belong together") from error
    if account is None or account.closed_at is not None:
        raise SignInRefused("this address and password do not belong together")
    return account


def change_password(session: Session, email: str, old: str, new: str) -> None:
    """Ends every other session of the account. Raises SignInRefused, Unfit."""
    account = sign_in(session, email, old)
    if wrong := weak_password(new, account.email):
        raise Unfit(wrong)
    account.password = _HASHER.hash(new)
    account.epoch += 1


def close_account(session: Session, email: str, at: int) -> None:
    """Signs a person out everywhere and lets them in no more. Raises NotFound; Unfit for the last administrator."""
    account = named(session, email)
    admins = select(func.count()).select_from(AccountRow).where(AccountRow.role == "admin", AccountRow.closed_at.is_(None))
    if account.role == "admin" and account.closed_at is None and session.execute(admins).scalar_one() == 1:
        raise Unfit({"email": "this is the last administrator; open another administrator's account first"})
    account.closed_at = account.closed_at or at
    account.epoch += 1


def reopen_account(session: Session, email: str) -> None:
    """Lets a person in again. Raises NotFound."""
    named(session, email).closed_at = None


def named(session: Session, email: str) -> AccountRow:
    """Raises NotFound."""
    account = session.get(AccountRow, email)
    if account is None:
        raise NotFound(f"there is no account {email!r}")
    return account


def all_accounts(session: Session) -> list[AccountRow]:
    """By address."""
    return list(session.scalars(select(AccountRow).order_by(AccountRow.email)))


def keep_secret(session: Session, stated: str | None) -> str:
    """What signs sessions: the setting's, or one that is made once and kept."""
    if stated is not None:
        return stated
    put_new(session, SecretRow, [{"id": 1, "value": secrets.token_hex(32)}])
    return session.execute(select(SecretRow.value).where(SecretRow.id == 1)).scalar_one()
