"""Renders pages: templates with money, times and the visitor at hand."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from panier_backoffice.account.session import Sessions, Visitor
from panier_backoffice.incident.repository import open_counts
from panier_backoffice.office import Office

HERE = Path(__file__).parent
STATIC = HERE / "static"

_TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(request: Request, template: str, /, status: int = 200, **values: Any) -> Response:
    """A page, or a fragment of one, for the request's visitor; gives strangers the cookie that their forms are bound to."""
    office: Office = request.app.state.office
    sessions: Sessions = request.app.state.sessions
    visitor: Visitor = getattr(request.state, "visitor", Visitor(""))
    words = office.words()
    text = _TEMPLATES.get_template(template).render(
        chain=office.settings.chain,
        words=words,
        money=words.money,
        visitor=visitor,
        form_token=sessions.form_token(visitor),
        waiting=_waiting(office, visitor),
        path=request.url.path,
        **values,
    )
    response = HTMLResponse(text, status, headers={"Cache-Control": "no-store"})
    if visitor.email is None and visitor.nonce:
        sessions.write(response, visitor.nonce, None, secure=request.url.scheme == "https")
    return response


def redirect(path: str) -> Response:
    """To another page, after a form was taken."""
    return RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER)


def mishap(request: Request, status: int, detail: str, errors: Mapping[str, str]) -> Response:
    """The page that says why there is no other."""
    titles = {404: "There is nothing here", 403: "This is not for your account", 413: "That is too much at once"}
    return render(request, "mishap.html", status, title=titles.get(status, "That did not work"), detail=detail, errors=errors)


def _waiting(office: Office, visitor: Visitor) -> int:
    """How many things wait for a person."""
    if visitor.email is None:
        return 0
    with office.reading() as session:
        return sum(open_counts(session))
