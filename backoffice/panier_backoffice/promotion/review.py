"""What the author's check says of the promotions that run or wait: public ones and campaigns together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from panier.finding import Finding
from panier.lint import lint
from panier.specimen import Article
from panier_backoffice.campaign.table import CampaignRow
from panier_backoffice.product.table import CostRow, ProductRow
from panier_backoffice.promotion.table import PromotionRow
from panier_backoffice.words import Words


def review(session: Session, words: Words, about: str | None = None) -> list[Finding]:
    """The findings, of all promotions that are not stopped or only those on the one called `about`."""
    definitions: list[dict[str, Any]] = [
        {**row.definition, "id": row.promotion} for row in session.scalars(select(PromotionRow).order_by(PromotionRow.promotion))
    ]
    campaigns = select(CampaignRow).where(CampaignRow.state != "stopped").order_by(CampaignRow.campaign)
    definitions += [_of_campaign(row) for row in session.scalars(campaigns)]
    now = datetime.fromtimestamp(words.now / 1000, UTC).astimezone(ZoneInfo(words.timezone))
    return lint(definitions, _articles(session), words.currency, now, about=about)


def _of_campaign(row: CampaignRow) -> dict[str, Any]:
    """The campaign's promotion, within the time that it runs."""
    times = {"valid_from": row.starts_at, "valid_to": row.ends_at}
    window = {name: datetime.fromtimestamp(at / 1000, UTC).isoformat() for name, at in times.items() if at is not None}
    return {**row.promotion, "id": row.campaign, "title": row.title, **window}


def _articles(session: Session) -> list[Article]:
    asked = select(ProductRow.sku, ProductRow.unit_price, ProductRow.category, ProductRow.name, CostRow.cost)
    rows = session.execute(asked.outerjoin(CostRow, CostRow.sku == ProductRow.sku))
    return [
        Article(sku=sku, unit_price=unit_price, category=category, name=name, cost=cost)
        for sku, unit_price, category, name, cost in rows
    ]
