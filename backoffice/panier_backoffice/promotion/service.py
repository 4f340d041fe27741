"""Checks and changes public promotions; each real change becomes an entry of the feed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from panier.intake import Outcome, Refused
from panier.promotion import Promotion, PromotionInvalid, parse_promotion
from panier.receipt import Name
from panier.snapshot import canonical
from panier_backoffice.campaign.table import CampaignRow
from panier_backoffice.database import among, put
from panier_backoffice.feed import log
from panier_backoffice.problem import NotFound, Unfit
from panier_backoffice.promotion.check import open_counter, read_definition
from panier_backoffice.promotion.table import PromotionRow

_NAME: TypeAdapter[str] = TypeAdapter(Name)


def take_promotions(session: Session, given: Sequence[Mapping[str, Any]], currency: str, at: int) -> Outcome:
    """Stores definitions (each with its `id`) that are new or differ; refuses each bad one by itself, with the reason."""
    definitions: dict[str, dict[str, Any]] = {}
    refused: list[Refused] = []
    read: list[tuple[int, Promotion]] = []
    for index, raw in enumerate(given):
        try:
            _name(raw)
            read.append((index, read_definition(raw, currency)))
        except Unfit as error:
            refused.append(_refused(index, raw, error))
    asked = [promotion for _, promotion in read]
    counter = open_counter(session, asked, other_gifts(session, asked, currency))
    campaigns = set(
        session.scalars(select(CampaignRow.campaign).where(among(session, CampaignRow.campaign, [one.id for one in asked])))
    )
    for index, promotion in read:
        try:
            if promotion.id in campaigns:
                raise Unfit({"id": f"there is a campaign {promotion.id!r} already, and receipts name what saved money by one id"})
            counter.take(promotion)
        except Unfit as error:
            refused.append(_refused(index, given[index], error))
        else:
            definitions[promotion.id] = dict(given[index])
    refused.sort(key=lambda one: one.index)
    asked = select(PromotionRow).where(among(session, PromotionRow.promotion, definitions))
    held = {row.promotion: canonical(row.definition) for row in session.scalars(asked)}
    changed = [name for name, definition in definitions.items() if held.get(name) != canonical(definition)]
    sequences = log.append(session, [("promotion", name, canonical(definitions[name])) for name in changed], at)
    rows = [
        {"promotion": name, "definition": definitions[name], "sequence": sequence}
        for name, sequence in zip(changed, sequences, strict=True)
    ]
    put(session, PromotionRow, rows, ["promotion"])
    return Outcome(stored=len(changed), known=len(definitions) - len(changed), refused=refused)


def _refused(index: int, raw: Mapping[str, Any], error: Unfit) -> Refused:
    identity = raw.get("id")
    return Refused(index=index, identity=identity[:64] if isinstance(identity, str) else None, reason=str(error))


def other_gifts(session: Session, asked: Sequence[Promotion], currency: str) -> list[Promotion]:
    """The public gifts that those `asked` for do not replace; none where there is no gift among these."""
    if all(promotion.kind != "free_gift" for promotion in asked):
        return []
    replaced = {promotion.id for promotion in asked}
    return [one for one in standing(session, currency) if one.kind == "free_gift" and one.id not in replaced]


def standing(session: Session, currency: str) -> list[Promotion]:
    """The public promotions that the engine can read."""
    found: list[Promotion] = []
    for row in all_promotions(session):
        with suppress(PromotionInvalid):
            found.append(parse_promotion(row.definition, currency, name=row.promotion))
    return found


def named(session: Session, promotion: str) -> PromotionRow:
    """Raises NotFound."""
    row = session.get(PromotionRow, promotion)
    if row is None:
        raise NotFound(f"there is no promotion {promotion!r}")
    return row


def all_promotions(session: Session) -> list[PromotionRow]:
    """By id."""
    return list(session.scalars(select(PromotionRow).order_by(PromotionRow.promotion)))


def some(session: Session, names: Collection[str]) -> list[PromotionRow]:
    """Those of these names that there are."""
    return list(session.scalars(select(PromotionRow).where(among(session, PromotionRow.promotion, names))))


def remove_promotion(session: Session, promotion: str, at: int) -> int:
    """Ends a public promotion; returns the feed's sequence. Raises NotFound."""
    session.delete(named(session, promotion))
    return log.append(session, [("promotion", promotion, None)], at)[0]


def _name(raw: Mapping[str, Any]) -> str:
    try:
        return _NAME.validate_python(raw.get("id"))
    except ValidationError as error:
        raise Unfit({"id": "a promotion needs an id of 1 to 64 characters; receipts name it"}) from error
