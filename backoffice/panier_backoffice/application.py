"""The web application: every feature's routes behind one guard, over one office."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Response

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
from panier_backoffice.receipt.endpoints import router as receipts
from panier_backoffice.store.endpoints import router as stores

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


def create_app(office: Office) -> FastAPI:
    """The application of one back office; the database has to be migrated already."""
    app = FastAPI(
        title="Panier back office", version=version("panier"), description=DESCRIPTION, docs_url=None, redoc_url=None
    )  # fmt: skip
    app.state.office = office
    problem.install(app, mishap)
    app.add_middleware(Guard, meters=office.meters)
    for router in (stores, feed, intake, live, load, products, promotions, members, campaigns, receipts, incidents):
        app.include_router(router, responses=_REFUSALS)
    console.install(app, office)
    app.add_api_route("/health", health, tags=["operation"])
    app.add_api_route("/metrics", metrics, tags=["operation"], response_class=Response)
    return app


def health() -> dict[str, str]:
    """Says that the process answers."""
    return {"status": "ok"}


def metrics(office: TheOffice) -> Response:
    """Meters in Prometheus' text format."""
    return Response(office.meters.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
