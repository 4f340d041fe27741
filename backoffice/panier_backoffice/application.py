"""The web application: every feature's routes behind one guard, over one office."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from panier_backoffice import problem
from panier_backoffice.campaign.endpoints import router as campaigns
from panier_backoffice.console import install as console
from panier_backoffice.console.page import mishap
from panier_backoffice.feed.endpoints import router as feed
from panier_backoffice.guard import Guard
from panier_backoffice.incident.endpoints import router as incidents
from panier_backoffice.intake.endpoints import router as intake
from panier_backoffice.live.endpoints import router as live
from panier_backoffice.load.endpoints import router as load
from panier_backoffice.member.endpoints import router as members
from panier_backoffice.office import Office, TheOffice
from panier_backoffice.product.endpoints import router as products
from panier_backoffice.promotion.endpoints import router as promotions
from panier_backoffice.pulse import vitals_of
from panier_backoffice.receipt.endpoints import router as receipts
from panier_backoffice.store.endpoints import router as stores
from panier_io.vitals import Report

DESCRIPTION = """Receipts, products, members and campaigns of a chain of shops.

Every route below `/api/v1` wants `Authorization: Bearer <token>`: a store's token for that store's own routes, an API token for
everything. Money is in integer minor units, time in milliseconds since 1970 UTC. Refusals are `application/problem+json`
(RFC 9457).
"""
_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": problem.Problem, "description": "no token, or one that is not good any more"},
    403: {"model": problem.Problem, "description": "the token is not for this"},
    422: {"model": problem.Problem, "description": "the request does not fit; `errors` says which fields"},
}

_NOT_NOW: dict[int | str, dict[str, Any]] = {503: {"description": "no; `reasons` says why"}}


def create_app(office: Office) -> FastAPI:
    """The application of one back office; the database has to be migrated already."""
    app = FastAPI(
        title="Panier back office", version=version("panier"), description=DESCRIPTION, docs_url=None, redoc_url=None
    )  # fmt: skip
    app.state.office = office
    app.state.vitals = vitals_of(office.database)
    problem.install(app, mishap)
    app.add_middleware(Guard, meters=office.meters)
    for router in (stores, feed, intake, live, load, products, promotions, members, campaigns, receipts, incidents):
        app.include_router(router, responses=_REFUSALS)
    console.install(app, office)
    app.add_api_route("/health", health, tags=["operation"])
    app.add_api_route("/healthz", is_live, tags=["operation"], responses=_NOT_NOW)
    app.add_api_route("/readyz", is_ready, tags=["operation"], responses=_NOT_NOW)
    app.add_api_route("/metrics", metrics, tags=["operation"], response_class=Response)
    return app


def health() -> dict[str, str]:
    """Says that the process answers."""
    return {"status": "ok"}


async def is_live(request: Request) -> JSONResponse:
    """Whether the process goes round: 200, or 503 with the reasons."""
    return _answer(request.app.state.vitals.live())


async def is_ready(request: Request) -> JSONResponse:
    """Whether the process serves, its database above all: 200, or 503 with the reasons."""
    return _answer(request.app.state.vitals.ready())


def _answer(report: Report) -> JSONResponse:
    return JSONResponse(report.as_dict(), 200 if report.ok else 503)


def metrics(office: TheOffice) -> Response:
    """Meters in Prometheus' text format."""
    return Response(office.meters.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
