"""A campaign as a sentence, as a marketer would say it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from panier.member import EVERY_MEMBER
from panier.money import NotMoney, parse_minor
from panier_backoffice.campaign.table import CampaignRow
from panier_backoffice.words import Words

_NAMED = 2
LOOKED_AT = 6
"""Products of a target whose names are looked up: enough to find two that differ."""


def sentence(row: CampaignRow, eligible: int, words: Words, names: Mapping[str, str]) -> str:
    """For example "20 % off Granola, for 412 members of regulars, until Sun 24 Nov, 23:59". `names` are products' by SKU."""
    until = f", until {words.moment(row.ends_at)}" if row.ends_at is not None else ""
    since = f", from {words.moment(row.starts_at)}" if row.starts_at is not None else ""
    return f"{effect(row.promotion, words, names)}, for {audience(row.segment, eligible)}{since}{until}"


def effect(promotion: Mapping[str, Any], words: Words, names: Mapping[str, str]) -> str:
    """What it gives: "20 % off Granola", "2 for $5.00 on Oat milk 1 l", "buy 2 Coffee, get 1 free"."""
    what = goods(promotion.get("target", {}), names)
    match promotion.get("kind"):
        case "percent" | "percent_order":
            return f"{_plain(promotion.get('percent'))} % off {what}"
        case "n_for_price":
            return f"{promotion.get('n')} for {_price(promotion.get('price'), words)} on {what}"
        case "buy_x_get_y":
            buy, get = promotion.get("buy", {}), promotion.get("get", {})
            wanted = goods(buy.get("target", promotion.get("target", {})), names)
            given = goods(get.get("target", promotion.get("target", {})), names)
            percent = _plain(get.get("percent", "100"))
            gift = "free" if percent == "100" else f"at {percent} % off"
            of = "" if given == wanted else f" {given}"
            return f"buy {buy.get('qty', 1)} {wanted}, get {get.get('qty', 1)}{of} {gift}"
        case "amount" | "amount_per_unit" | "amount_per_line":
            return f"{_price(promotion.get('amount'), words)} off {what}"
        case kind:
            return f"{str(kind).replace('_', ' ')} on {what}"


def audience(segment: str | None, eligible: int) -> str:
    """Whom it is for."""
    members = "1 member" if eligible == 1 else f"{eligible:,} members"
    if segment == EVERY_MEMBER:
        return f"every member ({eligible:,})"
    return members if segment is None else f"{members} of {segment}"


def goods(target: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What a target covers, in words."""
    listed = [names.get(str(sku), str(sku)) for sku in target.get("skus", [])] or [
        str(name) for name in target.get("categories", [])
    ]
    if not listed:
        return "everything"
    # Packs of one name differ in number only; said twice they would look like a mistake.
    kept = list(dict.fromkeys(listed[:LOOKED_AT]))[:_NAMED]
    if len(listed) > len(kept):
        return f"{', '.join(kept)} and {len(listed) - len(kept)} more"
    return " and ".join(kept)


def _plain(number: Any) -> str:
    try:
        return f"{Decimal(str(number)).normalize():f}"
    except InvalidOperation:
        return str(number)


def _price(amount: Any, words: Words) -> str:
    try:
        return words.money(parse_minor(str(amount), words.currency))
    except NotMoney:
        return str(amount)
