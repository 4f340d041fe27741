"""Those who get a campaign beside those who are held out: what both groups bought since it started."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from panier.definition import PERCENT
from panier.holdout import is_held_out
from panier_backoffice.campaign.schemas import Comparison, Group
from panier_backoffice.campaign.table import CampaignRow
from panier_backoffice.feed import log
from panier_backoffice.member.repository import names_in
from panier_backoffice.receipt.table import ReceiptRow


def compare(session: Session, row: CampaignRow, currency: str) -> Comparison | None:
    """Both groups as the audience is now; None without a holdout, or before the shops heard of the campaign."""
    told = log.history(session, "campaign", row.campaign)
    if not row.holdout or not told:
        return None
    since = max(told[0].at, row.starts_at or 0)
    groups = {False: Group(), True: Group()}
    bought = _bought(session, since, row.ends_at, currency)
    for member in row.members or [] if row.segment is None else names_in(session, row.segment):
        group = groups[is_held_out(member, row.campaign, row.holdout * PERCENT)]
        baskets, spend = bought.get(member, (0, 0))
        group.members += 1
        group.baskets += baskets
        group.spend += spend
    return Comparison(since=since, treated=groups[False], held_out=groups[True])


def _bought(session: Session, since: int, until: int | None, currency: str) -> dict[str, tuple[int, int]]:
    """Receipts and their total by member, in one query whatever the audience."""
    asked = select(ReceiptRow.member, func.count(), func.sum(ReceiptRow.total))
    asked = asked.where(ReceiptRow.member.is_not(None), ReceiptRow.finished_at >= since, ReceiptRow.currency == currency)
    if until is not None:
        asked = asked.where(ReceiptRow.finished_at <= until)
    return {
        member: (baskets, int(spend)) for member, baskets, spend in session.execute(asked.group_by(ReceiptRow.member)) if member
    }
