"""Pages of campaigns: the list, one campaign, and the form that reads as a sentence."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response

from panier.intake import Live
from panier.message import LimitRow
from panier_backoffice.campaign import repository, service
from panier_backoffice.campaign.comparison import compare
from panier_backoffice.campaign.table import CampaignRow
from panier_backoffice.console.campaign_form import CampaignForm, form_of, read_form
from panier_backoffice.console.check import checked, conditions
from panier_backoffice.console.guest import Marketing, OwnForm, SignedIn
from panier_backoffice.console.page import redirect, render
from panier_backoffice.feed import log
from panier_backoffice.live.repository import all_states
from panier_backoffice.member.repository import segments
from panier_backoffice.office import Office, TheOffice
from panier_backoffice.problem import Unfit
from panier_backoffice.product import repository as products
from panier_backoffice.promotion.review import groups, review

router = APIRouter(include_in_schema=False)

SUGGESTED = 12


@router.get("/campaigns")
def campaign_list(request: Request, office: TheOffice, visitor: SignedIn) -> Response:
    return render(request, "campaigns.html", **_list(office))


@router.get("/campaigns/now")
def campaign_list_now(request: Request, office: TheOffice, visitor: SignedIn) -> Response:
    """The part of the list that updates by itself."""
    return render(request, "campaigns_now.html", **_list(office))


@router.get("/campaigns/new")
def new_campaign(request: Request, office: TheOffice, visitor: Marketing) -> Response:
    return _form_page(request, office, CampaignForm(), {})


@router.post("/campaigns/new")
def create_campaign(request: Request, office: TheOffice, visitor: Marketing, form: OwnForm) -> Response:
    filled = read_form(form)
    try:
        with office.writing() as session:
            draft = filled.draft(session, office.words())
            row = service.create(session, draft, office.settings.currency, visitor.email or "", office.clock())
    except Unfit as error:
        return _form_page(request, office, filled, filled.beside_fields(error.fields))
    return redirect(f"/campaigns/{row.campaign}")


@router.get("/campaigns/{campaign}")
def one_campaign(request: Request, office: TheOffice, visitor: SignedIn, campaign: str) -> Response:
    return render(request, "campaign.html", problems={}, **_one(office, campaign))


@router.get("/campaigns/{campaign}/now")
def one_campaign_now(request: Request, office: TheOffice, visitor: SignedIn, campaign: str) -> Response:
    """The counts, which update by themselves."""
    return render(request, "campaign_now.html", **_one(office, campaign, is_checked=False))


@router.get("/campaigns/{campaign}/edit")
def edit_page(request: Request, office: TheOffice, visitor: Marketing, campaign: str) -> Response:
    with office.reading() as session:
        row = service.named(session, campaign)
        filled = form_of(row, office.words())
    return _form_page(request, office, filled, {}, row)


@router.post("/campaigns/{campaign}/edit")
def edit_campaign(request: Request, office: TheOffice, visitor: Marketing, campaign: str, form: OwnForm) -> Response:
    filled = read_form(form)
    with office.reading() as session:
        held = service.named(session, campaign)
        filled.definition = form_of(held, office.words()).definition
    try:
        with office.writing() as session:
            draft = filled.draft(session, office.words())
            service.edit(session, campaign, draft, office.settings.currency, office.clock())
    except Unfit as error:
        return _form_page(request, office, filled, filled.beside_fields(error.fields), held)
    return redirect(f"/campaigns/{campaign}")


@router.post("/campaigns/{campaign}/push")
def push_campaign(request: Request, office: TheOffice, visitor: Marketing, campaign: str, form: OwnForm) -> Response:
    try:
        with office.writing() as session:
            service.push(session, campaign, office.settings.currency, office.clock())
    except Unfit as error:
        # What was right when it was written may not be any more: an end that has passed, a product that is not sold now.
        return render(request, "campaign.html", 422, problems=error.fields, **_one(office, campaign))
    return redirect(f"/campaigns/{campaign}")


@router.post("/campaigns/{campaign}/stop")
def stop_campaign(request: Request, office: TheOffice, visitor: Marketing, campaign: str, form: OwnForm) -> Response:
    with office.writing() as session:
        if service.named(session, campaign).state == "running":
            service.stop(session, campaign, office.clock())
    return redirect(f"/campaigns/{campaign}")


@router.post("/campaigns/{campaign}/delete")
def delete_campaign(request: Request, office: TheOffice, visitor: Marketing, campaign: str, form: OwnForm) -> Response:
    with office.writing() as session:
        service.delete(session, campaign)
    return redirect("/campaigns")


@router.get("/suggest/products")
def suggest_products(office: TheOffice, visitor: Marketing, q: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Products for what was typed so far."""
    words = office.words()
    with office.reading() as session:
        rows = products.suggest(session, q, SUGGESTED)
    return JSONResponse(
        [
            {"sku": row.sku, "name": row.name, "more": row.size or row.category, "price": words.money(row.unit_price)}
            for row in rows
        ]
    )


def _list(office: Office) -> dict[str, Any]:
    with office.reading() as session:
        return {"campaigns": service.described(session, repository.all_campaigns(session), office.words())}


def _one(office: Office, campaign: str, *, is_checked: bool = True) -> dict[str, Any]:
    words = office.words()
    with office.reading() as session:
        row = service.named(session, campaign)
        return {
            "campaign": service.described(session, [row], words)[0],
            "pushes": list(reversed(_pushes(session, row))),
            **(checked(session, review(session, words, campaign)) if is_checked and row.state != "stopped" else {"review": None}),
            "terms": conditions(row.promotion, campaign, words)["terms"],
            "comparison": compare(session, row, office.settings.currency),
            "limits": _limits(session, row),
        }


def _limits(session: Session, row: CampaignRow) -> list[tuple[str, LimitRow]]:
    """What each store last said of the campaign's limits."""
    return [
        (state.store, limit)
        for state in all_states(session)
        for limit in Live.model_validate(state.state).counters.limits
        if limit.promotion == row.campaign
    ]


def _pushes(session: Session, row: CampaignRow) -> list[tuple[int, str]]:
    """When the shops were told what."""
    entries = log.history(session, "campaign", row.campaign)
    return [(entry.at, "started or changed" if '"state":"running"' in (entry.body or "") else "stopped") for entry in entries]


def _form_page(
    request: Request, office: Office, filled: CampaignForm, problems: dict[str, str], row: CampaignRow | None = None
) -> Response:
    with office.reading() as session:
        choices = {"segments": segments(session), "categories": products.categories(session), "groups": groups(session)}
        names = {sku: product.name for sku, product in products.known_skus(session, filled.skus).items()}
    return render(
        request, "campaign_form.html", 422 if problems else 200, form=filled, names=names, problems=problems, row=row, **choices
    )
