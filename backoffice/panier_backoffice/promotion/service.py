"""Checks and changes public promotions; each real change becomes an entry of the feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from panier.intake import Outcome, Refused
from panier.promotion import PromotionInvalid, parse_promotion
from panier.receipt import Name
from panier.snapshot import LONGEST_BODY, canonical
from panier_backoffice.database import put
from panier_backoffice.feed import log
from panier_backoffice.problem import NotFound, Unfit
from panier_backoffice.promotion.table import PromotionRow

_NAME: TypeAdapter[str] = TypeAdapter(Name)


def check_definition(definition: Mapping[str, Any], currency: str, name: str | None = None) -> None:
    """Raises Unfit, by field of the definition, where the engine or a store would not take it; `name` stands in for its id."""
    size = len(canonical(definition))
    if size > LONGEST_BODY:
        raise Unfit(
            {"target": f"the definition has {size} characters, a store takes {LONGEST_BODY}: aim at a category, or split it"}
        )
    try:
        parse_promotion(definition, currency, name=name)
    except PromotionInvalid as error:
        raise Unfit({error.field: error.reason}) from error


def take_promotions(session: Session, given: Sequence[Mapping[str, Any]], currency: str, at: int) -> Outcome:
    """Stores definitions (each with its `id`) that are new or differ; refuses each bad one by itself, with the reason."""
    definitions: dict[str, dict[str, Any]] = {}
    refused: list[Refused] = []
    for index, raw in enumerate(given):
        try:
            name = _name(raw)
            check_definition(raw, currency)
        except Unfit as error:
            identity = raw.get("id")
            refused.append(Refused(index=index, identity=identity[:64] if isinstance(identity, str) else None, reason=str(error)))
            continue
        definitions[name] = dict(raw)
    asked = select(PromotionRow).where(PromotionRow.promotion.in_(definitions))
    held = {row.promotion: canonical(row.definition) for row in session.scalars(asked)}
    changed = [name for name, definition in definitions.items() if held.get(name) != canonical(definition)]
    sequences = log.append(session, [("promotion", name, canonical(definitions[name])) for name in changed], at)
    rows = [
        {"promotion": name, "definition": definitions[name], "sequence": sequence}
        for name, sequence in zip(changed, sequences, strict=True)
    ]
    put(session, PromotionRow, rows, ["promotion"])
    return Outcome(stored=len(changed), known=len(definitions) - len(changed), refused=refused)


def named(session: Session, promotion: str) -> PromotionRow:
    """Raises NotFound."""
    row = session.get(PromotionRow, promotion)
    if row is None:
        raise NotFound(f"there is no promotion {promotion!r}")
    return row


def all_promotions(session: Session) -> list[PromotionRow]:
    """By id."""
    return list(session.scalars(select(PromotionRow).order_by(PromotionRow.promotion)))


def remove_promotion(session: Session, promotion: str, at: int) -> int:
    """Ends a public promotion; returns the feed's sequence. Raises NotFound."""
    session.delete(named(session, promotion))
    return log.append(session, [("promotion", promotion, None)], at)[0]


def _name(raw: Mapping[str, Any]) -> str:
    try:
        return _NAME.validate_python(raw.get("id"))
    except ValidationError as error:
        raise Unfit({"id": "a promotion needs an id of 1 to 64 characters; receipts name it"}) from error
