"""Reads campaigns and folds their counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from panier_backoffice.campaign.schemas import Counts
from panier_backoffice.campaign.table import CampaignRow, ContactRow
from panier_backoffice.database import among
from panier_backoffice.member.repository import members_in
from panier_backoffice.receipt.table import SavingRow


def find(session: Session, campaign: str) -> CampaignRow | None:
    return session.get(CampaignRow, campaign)


def all_campaigns(session: Session, state: str | None = None) -> list[CampaignRow]:
    """Newest first."""
    asked = select(CampaignRow).order_by(CampaignRow.created_at.desc(), CampaignRow.campaign)
    return list(session.scalars(asked if state is None else asked.where(CampaignRow.state == state)))


def some(session: Session, names: Collection[str]) -> list[CampaignRow]:
    """Those of these names that there are."""
    return list(session.scalars(select(CampaignRow).where(among(session, CampaignRow.campaign, names))))


def counts(session: Session, rows: Sequence[CampaignRow]) -> dict[str, Counts]:
    """The counts of each campaign: folds over contacts and receipts, three queries for all of them together."""
    names = [row.campaign for row in rows]
    met = select(ContactRow.offer, ContactRow.what, func.count(distinct(ContactRow.trip)))
    met = met.where(among(session, ContactRow.offer, names)).group_by(ContactRow.offer, ContactRow.what)
    trips = {(offer, what): count for offer, what, count in session.execute(met)}
    saved = select(SavingRow.promotion, func.count(distinct(SavingRow.receipt)), func.sum(SavingRow.amount))
    saved = saved.where(among(session, SavingRow.promotion, names)).group_by(SavingRow.promotion)
    redeemed = {promotion: (receipts, amount) for promotion, receipts, amount in session.execute(saved)}
    sizes = {segment: members_in(session, segment) for segment in {row.segment for row in rows} if segment is not None}
    return {
        row.campaign: Counts(
            eligible=len(row.members or []) if row.segment is None else sizes[row.segment],
            shown=trips.get((row.campaign, "shown"), 0),
            accepted=trips.get((row.campaign, "accepted"), 0),
            refused=trips.get((row.campaign, "refused"), 0),
            redeemed=redeemed.get(row.campaign, (0, 0))[0],
            saved=int(redeemed.get(row.campaign, (0, 0))[1]),
        )
        for row in rows
    }


def contacts_of(session: Session, trip: str) -> list[ContactRow]:
    """What happened with offers in one trip, in order."""
    return list(session.scalars(select(ContactRow).where(ContactRow.trip == trip).order_by(ContactRow.at, ContactRow.contact)))


def titles(session: Session, campaigns: Collection[str]) -> dict[str, str]:
    """The title of each campaign."""
    asked = select(CampaignRow.campaign, CampaignRow.title).where(among(session, CampaignRow.campaign, campaigns))
    return dict(session.execute(asked).all())
