"""Puts the console's pages, files and sessions into an application."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from panier_backoffice.account.session import Patience, Sessions
from panier_backoffice.console import assortment, attention, campaign, check, live, people, receipt, reference, today
from panier_backoffice.console.guest import SignInNeeded
from panier_backoffice.console.page import STATIC, redirect
from panier_backoffice.office import Office

PAGES = (people, today, live, campaign, check, receipt, attention, assortment, reference)


def install(app: FastAPI, office: Office) -> None:
    """Adds everything that a browser sees."""
    app.state.sessions = Sessions(office.secret, office.settings.session_hours)
    app.state.patience = Patience()
    app.add_exception_handler(SignInNeeded, _sign_in_first)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for page in PAGES:
        app.include_router(page.router)


async def _sign_in_first(_: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeeded)
    return redirect(error.location)
