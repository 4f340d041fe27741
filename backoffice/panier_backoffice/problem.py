"""Refusals at the edge: every error leaves as RFC 9457 problem+json, decided once, here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException

from panier.error import PanierError
from panier_io.log import logger

log = logger("backoffice")

MishapPage = Callable[[Request, int, str, Mapping[str, str]], Response]
"""Renders a refusal for people: request, status, detail, and what is wrong by field."""


class FieldProblem(BaseModel):
    """One field that does not fit: its dotted path in the request, and why."""

    field: str
    message: str


class Problem(BaseModel):
    """Why a request was refused (RFC 9457). `code` is a stable word for programs, `detail` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] = []


class NotFound(PanierError):
    """There is nothing of that name."""

    code = "not_found"
    status = 404


class NotAllowed(PanierError):
    """The token is good, but not for this."""

    code = "not_allowed"
    status = 403


class TokenRefused(PanierError):
    """No token, or one that nobody gave out or that was taken back."""

    code = "token_refused"
    status = 401


class Unfit(PanierError):
    """Values that contradict each other or the shop: `fields` maps a field's dotted path to what is wrong with it."""

    code = "unfit"
    status = 422

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{name}: {why}" for name, why in self.fields.items()))


def refusal(status: int, code: str, detail: str, errors: Sequence[FieldProblem] = ()) -> JSONResponse:
    """The answer that says why."""
    problem = Problem(
        type=f"urn:panier:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        errors=list(errors),
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(problem.model_dump(), status, headers, media_type="application/problem+json")


def first_reason(error: ValidationError) -> tuple[str, str]:
    """The first field that does not fit, and why."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ".".join(str(part) for part in first["loc"]) or "item", _plain(first["msg"])


def field_problems(errors: Sequence[Any]) -> list[FieldProblem]:
    """Pydantic's errors as field and message, without the input: it may hold what should not be echoed."""
    return [FieldProblem(field=".".join(str(part) for part in error["loc"]), message=_plain(error["msg"])) for error in errors]


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def install(app: FastAPI, mishap_page: MishapPage) -> None:
    """Makes `app` answer every refusal: as a problem below /api, as `mishap_page` elsewhere."""
    app.state.mishap_page = mishap_page
    app.add_exception_handler(PanierError, _panier)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    for kind in (OperationalError, NoConnectionFree):
        app.add_exception_handler(kind, _no_database)
    app.add_exception_handler(Exception, _unexpected)


async def _panier(request: Request, error: Exception) -> Response:
    code = error.code if isinstance(error, PanierError) else "refused"
    fields = error.fields if isinstance(error, Unfit) else {}
    errors = [FieldProblem(field=name, message=why) for name, why in fields.items()]
    return _answer(request, getattr(error, "status", 422), code, str(error), errors)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = field_problems(error.errors())
    first = f": {errors[0].field}: {errors[0].message}" if errors else ""
    return _answer(request, 422, "malformed", f"the request does not fit{first}", errors)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = getattr(error, "code", HTTPStatus(error.status_code).name.lower())
    return _answer(request, error.status_code, code, str(error.detail), [])


async def _no_database(request: Request, error: Exception) -> Response:
    """A server that is away or hangs, a disk that is full: nobody's mistake who asks, and over in a while."""
    log.error("database_unusable", path=request.url.path, reason=str(getattr(error, "orig", None) or error))
    return _answer(request, 503, "database_unusable", "the database does not answer now; please try again in a moment", [])


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, exc_info=error)
    return _answer(request, 500, "unexpected", "something went wrong here; it is in the log", [])


def _answer(request: Request, status: int, code: str, detail: str, errors: list[FieldProblem]) -> Response:
    """Programs read a problem, people a page; which of them asks is told by the path."""
    if request.url.path.startswith(("/api/", "/health", "/metrics")):
        return refusal(status, code, detail, errors)
    return request.app.state.mishap_page(request, status, detail, {one.field: one.message for one in errors})
