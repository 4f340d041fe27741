"""The author's check as pages: all promotions, one public promotion, and the part that a campaign's page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from panier.definition import PromotionInvalid
from panier.finding import RULES, Finding, Rule
from panier.promotion import parse_promotion
from panier_backoffice.campaign import repository as campaigns
from panier_backoffice.campaign.check import targets
from panier_backoffice.campaign.sentence import LOOKED_AT, effect
from panier_backoffice.console.guest import Marketing
from panier_backoffice.console.page import render
from panier_backoffice.office import TheOffice
from panier_backoffice.product.repository import known_skus
from panier_backoffice.promotion import service as promotions
from panier_backoffice.promotion.review import Review, review
from panier_backoffice.promotion.terms import terms, whom
from panier_backoffice.words import Words

router = APIRouter(include_in_schema=False)

MOST = 100
"""Findings on one page."""
GRAVE = ("error", "warning", "note")
FEW = 3
"""Findings of one kind that stand open; more are folded under their number."""
_GROUP = "give all the same name at “Not together with” in the campaign's form (in a definition: exclusive_group)"
_ADVICE = {
    "below_cost": f"Give less, or leave this product out; where several act together, let only one: {_GROUP}.",
    "stacking": f"Let only one of them act: {_GROUP}.",
    "overlap": f"If only one should act, {_GROUP}; otherwise leave it so.",
}
"""In the words of the campaign form, where the rule's own names what only a definition has."""
_RULES: dict[str, Rule] = {name: replace(rule, advice=_ADVICE.get(name, rule.advice)) for name, rule in RULES.items()}


@dataclass(frozen=True, slots=True)
class Named:
    """What people call a promotion, and the page that shows it."""

    title: str
    page: str


@router.get("/check")
def check_page(
    request: Request,
    office: TheOffice,
    visitor: Marketing,
    severity: Annotated[Literal["error", "warning", "note"] | None, Query()] = None,
) -> Response:
    with office.reading() as session:
        found = review(session, office.words())
        counts = Counter(finding.severity for finding in found.findings)
        asked = [finding for finding in found.findings if severity in (None, finding.severity)]
        return render(
            request, "check.html", by_severity=counts, chosen=severity, total=len(asked), review=found, **shown(session, asked)
        )


@router.get("/promotions/{promotion}")
def one_promotion(request: Request, office: TheOffice, visitor: Marketing, promotion: str) -> Response:
    words = office.words()
    with office.reading() as session:
        row = promotions.named(session, promotion)
        return render(
            request, "promotion.html", promotion=row, says=_effect(session, row.definition, words),
            **conditions(row.definition, promotion, words), **checked(session, review(session, words, promotion)),
        )  # fmt: skip


def checked(session: Session, found: Review) -> dict[str, Any]:
    """What a page on one promotion says of its check."""
    return {"review": found, **shown(session, found.findings)}


def conditions(definition: Mapping[str, Any], name: str, words: Words) -> dict[str, Any]:
    """A definition's `whom` and `terms` in words; neither where it cannot be read, which the check says."""
    try:
        promotion = parse_promotion(definition, words.currency, name=name)
    except PromotionInvalid:
        return {"whom": "", "terms": []}
    return {"whom": whom(promotion), "terms": terms(promotion, words)}


def shown(session: Session, findings: Iterable[Finding]) -> dict[str, Any]:
    """What the cards of these findings need, the gravest first: `findings`, the same in `groups` of one kind, `rules`, `named`
    by promotion, `goods` by SKU.
    """
    order = list(RULES)
    listed = sorted(findings, key=lambda finding: (GRAVE.index(finding.severity), order.index(finding.rule)))[:MOST]
    ids = {promotion for finding in listed for promotion in finding.promotions}
    skus = {line.sku for finding in listed if finding.example for line in finding.example.lines}
    public = promotions.some(session, ids)
    named = {row.promotion: Named(str(row.definition.get("title") or row.promotion), "/promotions/") for row in public}
    named |= {row.campaign: Named(row.title, "/campaigns/") for row in campaigns.some(session, ids)}
    same = Counter(one.title for one in named.values())
    # Two of one title can only be told apart by their ids.
    named |= {name: replace(one, title=f"{one.title} ({name})") for name, one in named.items() if same[one.title] > 1}
    goods = {sku: product.name for sku, product in known_skus(session, skus).items()}
    groups = [(rule, list(found)) for rule, found in groupby(listed, key=lambda finding: finding.rule)]
    return {"findings": listed, "groups": groups, "few": FEW, "rules": _RULES, "named": named, "goods": goods}


def _effect(session: Session, definition: dict[str, Any], words: Words) -> str:
    skus = [str(sku) for _, target in targets(definition) for sku in target.get("skus", [])[:LOOKED_AT]]
    return effect(definition, words, {sku: product.name for sku, product in known_skus(session, skus).items()})
