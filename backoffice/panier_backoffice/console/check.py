"""The author's check as pages: all promotions, one public promotion, and the part that a campaign's page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from panier.finding import RULES, Finding
from panier_backoffice.campaign import repository as campaigns
from panier_backoffice.campaign.check import targets
from panier_backoffice.campaign.sentence import LOOKED_AT, effect
from panier_backoffice.console.guest import Marketing
from panier_backoffice.console.page import render
from panier_backoffice.office import TheOffice
from panier_backoffice.product.repository import known_skus
from panier_backoffice.promotion import service as promotions
from panier_backoffice.promotion.review import review
from panier_backoffice.words import Words

router = APIRouter(include_in_schema=False)

MOST = 100
"""Findings on one page."""
GRAVE = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Named:
    """What people call a promotion, and the page that shows it."""

    title: str
    page: str


@router.get("/check")
def check_page(request: Request, office: TheOffice, visitor: Marketing) -> Response:
    words = office.words()
    with office.reading() as session:
        findings = review(session, words)
        counts = Counter(finding.severity for finding in findings)
        return render(request, "check.html", total=len(findings), by_severity=counts, grave=GRAVE, **shown(session, findings))


@router.get("/promotions/{promotion}")
def one_promotion(request: Request, office: TheOffice, visitor: Marketing, promotion: str) -> Response:
    words = office.words()
    with office.reading() as session:
        row = promotions.named(session, promotion)
        return render(
            request, "promotion.html", promotion=row, says=_effect(session, row.definition, words),
            **shown(session, review(session, words, promotion)),
        )  # fmt: skip


def shown(session: Session, findings: Iterable[Finding]) -> dict[str, Any]:
    """What the cards of these findings need, the gravest first: `findings`, `rules`, `named` by promotion, `goods` by SKU."""
    listed = sorted(findings, key=lambda finding: GRAVE.index(finding.severity))[:MOST]
    ids = {promotion for finding in listed for promotion in finding.promotions}
    skus = {line.sku for finding in listed if finding.example for line in finding.example.lines}
    public = promotions.some(session, ids)
    named = {row.promotion: Named(str(row.definition.get("title") or row.promotion), "/promotions/") for row in public}
    named |= {row.campaign: Named(row.title, "/campaigns/") for row in campaigns.some(session, ids)}
    goods = {sku: product.name for sku, product in known_skus(session, skus).items()}
    return {"findings": listed, "rules": RULES, "named": named, "goods": goods}


def _effect(session: Session, definition: dict[str, Any], words: Words) -> str:
    skus = [str(sku) for _, target in targets(definition) for sku in target.get("skus", [])[:LOOKED_AT]]
    return effect(definition, words, {sku: product.name for sku, product in known_skus(session, skus).items()})
