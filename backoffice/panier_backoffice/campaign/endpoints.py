"""`/api/v1/campaigns`: create, push, stop and watch campaigns by script."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from panier_backoffice.campaign import repository, service
from panier_backoffice.campaign.comparison import compare
from panier_backoffice.campaign.schemas import Campaign, CampaignDraft, Comparison, Counts, Pushed, State
from panier_backoffice.campaign.table import CampaignRow
from panier_backoffice.office import Office, TheOffice
from panier_backoffice.store.access import ScriptOnly

router = APIRouter(prefix="/api/v1/campaigns", tags=["campaigns"], dependencies=[ScriptOnly])

AUTHOR = "script"


@router.get("")
def list_campaigns(office: TheOffice, state: Annotated[State | None, Query()] = None) -> list[Campaign]:
    """Campaigns with their counts, newest first."""
    with office.reading() as session:
        return service.described(session, repository.all_campaigns(session, state), office.words())


@router.post("", status_code=201)
def create_campaign(office: TheOffice, draft: CampaignDraft) -> Campaign:
    """Creates a draft. Figures that make no sense are refused together, each beside its field."""
    with office.writing() as session:
        row = service.create(session, draft, office.settings.currency, AUTHOR, office.clock())
        return _one(office, session, row)


@router.get("/{campaign}")
def get_campaign(office: TheOffice, campaign: str) -> Campaign:
    """One campaign with its counts."""
    with office.reading() as session:
        return _one(office, session, service.named(session, campaign))


@router.put("/{campaign}")
def edit_campaign(office: TheOffice, campaign: str, draft: CampaignDraft) -> Campaign:
    """Replaces what a campaign says; a running one reaches the stores anew at once, as its next revision."""
    with office.writing() as session:
        return _one(office, session, service.edit(session, campaign, draft, office.settings.currency, office.clock()))


@router.delete("/{campaign}", status_code=204)
def delete_campaign(office: TheOffice, campaign: str) -> None:
    """Deletes a draft; what was pushed once stays, because receipts may name it."""
    with office.writing() as session:
        service.delete(session, campaign)


@router.post("/{campaign}/push")
def push_campaign(office: TheOffice, campaign: str) -> Pushed:
    """Starts it in every store, mid-trip included. Pushing a running campaign changes nothing."""
    with office.writing() as session:
        sequence = service.push(session, campaign, office.settings.currency, office.clock())
        return _pushed(service.named(session, campaign), sequence)


@router.post("/{campaign}/stop")
def stop_campaign(office: TheOffice, campaign: str) -> Pushed:
    """Ends it in every store; push starts it again."""
    with office.writing() as session:
        sequence = service.stop(session, campaign, office.clock())
        return _pushed(service.named(session, campaign), sequence)


@router.get("/{campaign}/counts")
def get_counts(office: TheOffice, campaign: str) -> Counts:
    """What the campaign brought so far."""
    with office.reading() as session:
        return repository.counts(session, [service.named(session, campaign)])[campaign]


@router.get("/{campaign}/comparison")
def get_comparison(office: TheOffice, campaign: str) -> Comparison | None:
    """Those who get it beside those who are held out; null without a holdout, or before it was pushed."""
    with office.reading() as session:
        return compare(session, service.named(session, campaign), office.settings.currency)


def _one(office: Office, session: Session, row: CampaignRow) -> Campaign:
    return service.described(session, [row], office.words())[0]


def _pushed(row: CampaignRow, sequence: int) -> Pushed:
    state = cast("Literal['draft', 'running', 'stopped']", row.state)
    return Pushed(campaign=row.campaign, revision=row.revision, state=state, sequence=sequence)
