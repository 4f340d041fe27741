"""Sessions of the console: one signed cookie, a token in every form, and patience with wrong passwords."""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.orm import Session
from starlette.responses import Response

from panier_backoffice.account.service import ROLES, Role
from panier_backoffice.account.table import AccountRow

COOKIE = "panier_session"
_WINDOW_MS = 5 * 60_000
_TRIES = 5
_TRIES_AN_ADDRESS = 30
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the console: `email` and `role` are None before signing in. `nonce` is what forms are bound to."""

    nonce: str
    email: str | None = None
    role: Role | None = None

    def may(self, *roles: Role) -> bool:
        """True where the visitor has one of `roles`, or is an administrator."""
        return self.role is not None and (self.role == "admin" or self.role in roles)


class Sessions:
    """Signs and reads cookies and form tokens. `hours` is how long a sign-in lasts."""

    def __init__(self, secret: str, hours: float) -> None:
        self._secret = secret.encode()
        self._seconds = int(hours * 3600)
        self._signer = URLSafeTimedSerializer(secret, salt="panier-session")

    def read(self, cookie: str | None, session: Session) -> Visitor:
        """The visitor of a cookie; a stranger where it is missing, forged, too old or ended by its account."""
        try:
            held = self._signer.loads(cookie or "", max_age=self._seconds)
        except BadSignature:
            return Visitor(secrets.token_urlsafe(18))
        nonce, email, epoch = str(held["nonce"]), held["email"], held["epoch"]
        account = session.get(AccountRow, email) if email else None
        if account is None or account.closed_at is not None or account.epoch != epoch:
            return Visitor(nonce)
        return Visitor(nonce, account.email, account.role if account.role in ROLES else None)

    def write(self, response: Response, nonce: str, account: AccountRow | None, *, secure: bool) -> None:
        """Sets the cookie: not for scripts, not for other sites."""
        held = {"nonce": nonce, "email": account.email if account else None, "epoch": account.epoch if account else 0}
        response.set_cookie(
            COOKIE, self._signer.dumps(held), max_age=self._seconds, httponly=True, samesite="lax", secure=secure
        )  # fmt: skip

    def form_token(self, visitor: Visitor) -> str:
        """What a form of this visitor has to carry, so that no other site can send it in their name."""
        return hmac.new(self._secret, f"form\0{visitor.nonce}\0{visitor.email or ''}".encode(), "sha256").hexdigest()

    def is_own_form(self, visitor: Visitor, token: str) -> bool:
        """True where the form came from a page that this visitor was shown."""
        return hmac.compare_digest(self.form_token(visitor).encode(), token.encode("utf-8", "replace"))


class Patience:
    """Counts wrong passwords, by account and by network address, over five minutes. In memory: a restart forgives."""

    def __init__(self) -> None:
        self._failures: dict[str, list[int]] = {}
        self._lock = threading.Lock()

    def minutes_to_wait(self, email: str, address: str, now: int) -> int:
        """0 where another try is allowed."""
        with self._lock:
            waits = [self._wait(f"account {email}", _TRIES, now), self._wait(f"from {address}", _TRIES_AN_ADDRESS, now)]
        return -(-max(waits) // 60_000)

    def failed(self, email: str, address: str, now: int) -> None:
        """One more wrong password."""
        with self._lock:
            if len(self._failures) > _REMEMBERED:
                self._failures = {name: times for name, times in self._failures.items() if times[-1] > now - _WINDOW_MS}
            for name in (f"account {email}", f"from {address}"):
                self._failures.setdefault(name, []).append(now)

    def _wait(self, name: str, tries: int, now: int) -> int:
        recent = [time for time in self._failures.get(name, []) if time > now - _WINDOW_MS]
        if name in self._failures:
            self._failures[name] = recent or [0]
        return recent[-tries] + _WINDOW_MS - now if len(recent) >= tries else 0
