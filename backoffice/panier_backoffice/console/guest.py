"""Who is at the console, and what they may see: dependencies of its pages."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from starlette.datastructures import FormData

from panier.error import PanierError
from panier_backoffice.account.service import Role
from panier_backoffice.account.session import COOKIE, Sessions, Visitor
from panier_backoffice.office import TheOffice
from panier_backoffice.problem import NotAllowed

MOST_FIELDS = 2000


class SignInNeeded(PanierError):
    """A page that only signed-in people may see; `path` is where they wanted to go."""

    code = "sign_in_needed"

    def __init__(self, path: str) -> None:
        super().__init__("sign in first")
        self.path = path

    @property
    def location(self) -> str:
        return f"/signin?next={quote(self.path, safe='')}"


class FormTooOld(PanierError):
    """A form without this visitor's token: from before signing in, or from another site."""

    code = "form_too_old"
    status = 403


def _visitor(request: Request, office: TheOffice) -> Visitor:
    sessions: Sessions = request.app.state.sessions
    with office.reading() as session:
        visitor = sessions.read(request.cookies.get(COOKIE), session)
    request.state.visitor = visitor
    return visitor


Anyone = Annotated[Visitor, Depends(_visitor)]
"""Whoever asks, signed in or not."""


def _signed_in(request: Request, visitor: Anyone) -> Visitor:
    if visitor.email is None:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        raise SignInNeeded(asked if request.method == "GET" else "/")
    return visitor


SignedIn = Annotated[Visitor, Depends(_signed_in)]


class _Needs:
    def __init__(self, *roles: Role) -> None:
        self.roles = roles

    def __call__(self, visitor: SignedIn) -> Visitor:
        if not visitor.may(*self.roles):
            who = " or ".join((*self.roles, "admin"))
            raise NotAllowed(f"your account is for {visitor.role}; this is for {who}. Ask an administrator.")
        return visitor


Marketing = Annotated[Visitor, Depends(_Needs("marketing"))]
Admin = Annotated[Visitor, Depends(_Needs())]


async def _form(request: Request, visitor: Anyone) -> FormData:
    sessions: Sessions = request.app.state.sessions
    form = await request.form(max_files=0, max_fields=MOST_FIELDS)
    token = form.get("form_token")
    if not isinstance(token, str) or not sessions.is_own_form(visitor, token):
        raise FormTooOld("this form is too old or came from another page; go back, load the page again and send it once more")
    return form


OwnForm = Annotated[FormData, Depends(_form)]
"""A form that came from a page that this visitor was shown."""


def text(form: FormData, name: str, default: str = "") -> str:
    """A field of a form as text; files count as absent."""
    value = form.get(name, default)
    return value if isinstance(value, str) else default
