"""Signing in and out, one's own password, and the accounts of others."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from panier_backoffice.account import service
from panier_backoffice.account.service import SignInRefused
from panier_backoffice.account.session import COOKIE, Patience, Sessions
from panier_backoffice.account.table import AccountRow
from panier_backoffice.console.guest import Admin, Anyone, OwnForm, SignedIn, text
from panier_backoffice.console.page import redirect, render
from panier_backoffice.office import Office, TheOffice
from panier_backoffice.problem import Unfit

router = APIRouter(include_in_schema=False)

ROLES = {
    "staff": "sees trips, terminals and what needs attention",
    "marketing": "also makes campaigns and looks members up",
    "admin": "everything, and these accounts",
}


@router.get("/signin")
def sign_in_page(
    request: Request, office: TheOffice, visitor: Anyone, after: Annotated[str, Query(alias="next", max_length=500)] = "/"
) -> Response:
    if visitor.email is not None:
        return redirect(_own_path(after))
    return _sign_in_page(request, office, 200, after)


@router.post("/signin")
def sign_in(request: Request, office: TheOffice, visitor: Anyone, form: OwnForm) -> Response:
    patience: Patience = request.app.state.patience
    email, after = text(form, "email").strip().lower()[:200], text(form, "next", "/")
    address, now = request.client.host if request.client else "", office.clock()
    if wait := patience.minutes_to_wait(email, address, now):
        return _sign_in_page(request, office, 429, after, email, f"Too many tries. Wait {wait} min, then try again.")
    try:
        with office.reading() as session:
            account = service.sign_in(session, email, text(form, "password"))
    except SignInRefused:
        patience.failed(email, address, now)
        return _sign_in_page(request, office, 401, after, email, "This address and password do not belong together.")
    return _begin(request, _own_path(after), account)


@router.post("/signout")
def sign_out(request: Request, visitor: SignedIn, form: OwnForm) -> Response:
    response = redirect("/signin")
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return response


@router.get("/account")
def own_account(request: Request, office: TheOffice, visitor: SignedIn) -> Response:
    return render(request, "account.html", problems={}, roles=ROLES)


@router.post("/account")
def change_password(request: Request, office: TheOffice, visitor: SignedIn, form: OwnForm) -> Response:
    email = visitor.email or ""
    try:
        with office.writing() as session:
            service.change_password(session, email, text(form, "old"), text(form, "new"))
            account = service.named(session, email)
    except (SignInRefused, Unfit) as error:
        fields = {"new": error.fields["password"]} if isinstance(error, Unfit) else {"old": "this is not your password"}
        return render(request, "account.html", 422, problems=fields, roles=ROLES)
    return _begin(request, "/account", account)


@router.get("/people")
def people(request: Request, office: TheOffice, visitor: Admin) -> Response:
    return _people_page(request, office, 200, {}, None)


@router.post("/people")
def add_person(request: Request, office: TheOffice, visitor: Admin, form: OwnForm) -> Response:
    try:
        with office.writing() as session:
            service.open_account(session, text(form, "email"), text(form, "password"), text(form, "role"), office.clock())
    except Unfit as error:
        return _people_page(request, office, 422, error.fields, form)
    return redirect("/people")


@router.post("/people/{email}/close")
def close_account(request: Request, office: TheOffice, visitor: Admin, email: str, form: OwnForm) -> Response:
    try:
        with office.writing() as session:
            service.close_account(session, email, office.clock())
    except Unfit as error:
        return _people_page(request, office, 422, {"close": error.fields["email"]}, None)
    return redirect("/people")


@router.post("/people/{email}/reopen")
def reopen_account(office: TheOffice, visitor: Admin, email: str, form: OwnForm) -> Response:
    with office.writing() as session:
        service.reopen_account(session, email)
    return redirect("/people")


def _sign_in_page(request: Request, office: Office, status: int, after: str, email: str = "", problem: str = "") -> Response:
    with office.reading() as session:
        first = not service.all_accounts(session)
    return render(request, "signin.html", status, after=after, email=email, problem=problem, first=first)


def _begin(request: Request, path: str, account: AccountRow) -> Response:
    """Answers with a session of its own: a new nonce, so that nothing known from before signing in is worth anything."""
    sessions: Sessions = request.app.state.sessions
    response = redirect(path)
    sessions.write(response, secrets.token_urlsafe(18), account, secure=request.url.scheme == "https")
    return response


def _people_page(request: Request, office: Office, status: int, problems: dict[str, str], form: FormData | None) -> Response:
    with office.reading() as session:
        accounts = service.all_accounts(session)
    filled = {name: text(form, name) if form else "" for name in ("email", "role")}
    return render(request, "people.html", status, accounts=accounts, problems=problems, filled=filled, roles=ROLES)


def _own_path(after: str) -> str:
    """A path of this site, so that a link to the sign-in page cannot send people elsewhere."""
    is_own = after.startswith("/") and not after.startswith(("//", "/\\")) and "\n" not in after and "\r" not in after
    return after if is_own else "/"
