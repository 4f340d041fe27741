"""Does a campaign make sense for this shop? Says all that does not, each beside its field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from sqlalchemy.orm import Session

from panier.feed import CampaignRecord
from panier.money import NotMoney, format_minor, parse_minor
from panier_backoffice.campaign.schemas import CampaignDraft
from panier_backoffice.member import repository as members
from panier_backoffice.problem import Unfit
from panier_backoffice.product import repository as products
from panier_backoffice.promotion.check import open_counter, read_definition
from panier_backoffice.promotion.service import other_gifts
from panier_backoffice.written import unprintable

_NAMED = 5
"""How many unknown names a message lists before it only counts the rest."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a campaign is for: a segment, or listed members."""

    segment: str | None
    members: list[str] | None


def check(session: Session, draft: CampaignDraft, currency: str, now: int) -> Audience:
    """Whom the campaign is for, once every figure makes sense. Raises Unfit with all fields that do not."""
    wrong: dict[str, str] = {}
    wrong |= words_problems(draft.title, draft.reason)
    wrong |= times_problems(draft.starts_at, draft.ends_at, now)
    audience = _audience(session, draft, wrong)
    try:
        asked = [read_definition(draft.promotion, currency, name=draft.campaign or "new")]
        open_counter(session, asked, other_gifts(session, asked, currency)).take(asked[0])
    except Unfit as error:
        wrong |= {f"promotion.{field}": why for field, why in error.fields.items()}
    else:
        wrong |= _targets(session, draft.promotion)
        if not wrong:
            wrong |= _worth(session, draft.promotion, currency)
    if wrong:
        raise Unfit(wrong)
    return audience


def words_problems(title: str, reason: str) -> dict[str, str]:
    """What is wrong with the words that the shopper reads, by field."""
    return _words("title", title) | _words("reason", reason)


def _words(field: str, text: str) -> dict[str, str]:
    limit = next(rule.max_length for rule in CampaignRecord.model_fields[field].metadata if hasattr(rule, "max_length"))
    if not text.strip():
        return {field: "write a few words: the shopper reads them on the handheld"}
    if stray := unprintable(text):
        return {field: stray}
    if len(text.strip()) > limit:
        return {field: f"{len(text.strip()):,} characters; the handheld has room for {limit}"}
    return {}


def times_problems(starts_at: int | None, ends_at: int | None, now: int) -> dict[str, str]:
    """What is wrong with when it runs, by field."""
    if ends_at is None:
        return {}
    if starts_at is not None and ends_at <= starts_at:
        return {"ends_at": "the end comes before the start"}
    return {"ends_at": "this time is over already"} if ends_at <= now else {}


def _audience(session: Session, draft: CampaignDraft, wrong: dict[str, str]) -> Audience:
    stated = [name for name in ("segment", "members", "cards") if getattr(draft, name) is not None]
    if len(stated) != 1:
        wrong["segment"] = "say whom it is for: either a segment, or members, or cards"
    elif draft.segment is not None:
        if not members.members_in(session, draft.segment):
            wrong["segment"] = f"no member is in segment {draft.segment!r}"
    elif draft.members is not None:
        listed = list(dict.fromkeys(draft.members))
        known = members.known_members(session, listed)
        wrong |= _listed("members", "member", listed, known)
        return Audience(None, listed)
    elif draft.cards is not None:
        owners = members.card_owners(session, draft.cards)
        wrong |= _listed("cards", "card", list(dict.fromkeys(draft.cards)), owners)
        return Audience(None, list(dict.fromkeys(owners[card] for card in draft.cards if card in owners)))
    return Audience(draft.segment, None)


def _listed(field: str, what: str, listed: Sequence[str], known: Mapping[str, str] | set[str]) -> dict[str, str]:
    if not listed:
        return {field: f"0 members: list at least one {what}"}
    return _unknown(field, what, [name for name in listed if name not in known])


def _unknown(field: str, what: str, names: Sequence[str]) -> dict[str, str]:
    if not names:
        return {}
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return {field: f"no {what} is called {', '.join(names[:_NAMED])}{more}"}


def targets(promotion: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every target in a definition, with its dotted path."""
    for path in ("target", "buy.target", "get.target", "when.target", "when.contains"):
        value: Any = promotion
        for step in path.split("."):
            value = cast("Mapping[str, Any]", value).get(step) if isinstance(value, Mapping) else None
        if isinstance(value, Mapping):
            yield path, cast("Mapping[str, Any]", value)


def _targets(session: Session, promotion: Mapping[str, Any]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    for path, target in targets(promotion):
        names: list[str] = [str(name) for name in target.get("categories", [])]
        held = products.known_categories(session, names)
        wrong |= _unknown(f"promotion.{path}.categories", "category", [name for name in names if name not in held])
        if not wrong and _dearest(session, target) is None:
            wrong[f"promotion.{path}"] = "no product of the shop fits this"
    return wrong


def _dearest(session: Session, target: Mapping[str, Any]) -> int | None:
    return products.dearest(session, target.get("skus"), target.get("categories"))


def _worth(session: Session, promotion: Mapping[str, Any], currency: str) -> dict[str, str]:
    """A price above the shelf's saves nothing; more off than the dearest costs is a slip of the pen."""
    dearest = _dearest(session, promotion.get("target", {}))
    try:
        if promotion["kind"] == "n_for_price" and dearest is not None:
            return _too_dear(int(promotion["n"]), parse_minor(str(promotion["price"]), currency), dearest, currency)
        if promotion["kind"] in ("amount_per_unit", "amount_per_line") and dearest is not None:
            amount = parse_minor(str(promotion["amount"]), currency)
            if amount > dearest:
                return {"promotion.amount": f"more off than the dearest of these costs, {format_minor(dearest, currency)}"}
    except NotMoney as error:
        return {"promotion.price": str(error)}
    if promotion["kind"] == "percent" and Decimal(str(promotion["percent"])) == 0:
        return {"promotion.percent": "0 % saves nothing"}
    return {}


def _too_dear(n: int, price: int, dearest: int, currency: str) -> dict[str, str]:
    shelf = n * dearest
    if price < shelf:
        return {}
    seen, usual = format_minor(price, currency), format_minor(shelf, currency)
    return {"promotion.price": f"{n} for {seen} saves nothing: on the shelf {n} cost at most {usual}"}
