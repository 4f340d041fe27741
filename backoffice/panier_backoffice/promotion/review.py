"""What the author's check says of the promotions that run or wait: public ones and campaigns together."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from panier.definition import PromotionInvalid
from panier.finding import Finding
from panier.lint import lint
from panier.promotion import parse_promotion
from panier.sense import targets
from panier.specimen import Article
from panier_backoffice.campaign.table import CampaignRow
from panier_backoffice.product.table import CostRow, ProductRow
from panier_backoffice.promotion.table import PromotionRow
from panier_backoffice.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What was found, and what it was held against, so that silence can be told from blindness.

    `others` are promotions and campaigns beside the one asked about, `products` all that are sold, `meant` those that the one
    asked about means, and `costless` of `meant` those whose cost the shop never said. Asked about all, it means all.
    """

    findings: list[Finding]
    products: int
    others: int
    meant: int
    costless: int


def groups(session: Session) -> list[str]:
    """The names under which promotions and campaigns exclude each other, for an author to choose from."""
    public, own = session.scalars(select(PromotionRow.definition)), session.scalars(select(CampaignRow.promotion))
    return sorted({str(name) for definition in (*public, *own) if (name := definition.get("exclusive_group"))})


def review(session: Session, words: Words, about: str | None = None) -> Review:
    """Of all promotions that are not stopped, or of the one called `about` beside the others."""
    definitions: list[dict[str, Any]] = [
        {**row.definition, "id": row.promotion} for row in session.scalars(select(PromotionRow).order_by(PromotionRow.promotion))
    ]
    campaigns = select(CampaignRow).where(CampaignRow.state != "stopped").order_by(CampaignRow.campaign)
    definitions += [_of_campaign(row) for row in session.scalars(campaigns)]
    now = datetime.fromtimestamp(words.now / 1000, UTC).astimezone(ZoneInfo(words.timezone))
    articles = _articles(session)
    own = next((definition for definition in definitions if definition["id"] == about), None)
    meant = articles if about is None else _meant(own, articles, words.currency)
    return Review(
        findings=lint(definitions, articles, words.currency, now, about=about),
        products=len(articles),
        others=sum(definition["id"] != about for definition in definitions),
        meant=len(meant),
        costless=sum(article.cost is None for article in meant),
    )


def _meant(definition: dict[str, Any] | None, articles: Sequence[Article], currency: str) -> list[Article]:
    """The articles that a definition takes something off; none where it cannot be read, which is a finding of its own."""
    if definition is None:
        return []
    with suppress(PromotionInvalid):
        promotion = parse_promotion(definition, currency)
        aims = [target for path, target in targets(promotion) if not path.startswith("when.")]
        if len(aims) > 1:
            # What is bought and what is got say it; the target beside them is open to all.
            aims = [target for path, target in targets(promotion) if path in ("buy.target", "get.target", "per")]
        return [one for one in articles if any(aim.accepts(one.sku, one.category, one.unit_price) for aim in aims)]
    return []


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
