"""A pricing case: one basket with its shopper, settings and promotions as JSON, the way `panier price` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from panier.definition import Fields, PromotionInvalid, quoted
from panier.error import PanierError
from panier.money import format_minor
from panier.pricing import BasketLine, PricedBasket, PromotionSet, Settings, Shopper, compile_promotions, price
from panier.promotion import Promotion, parse_listed
from panier.sense import separate
from panier.weighed import deposit, overridden, weigh

DEFAULT_CURRENCY = "EUR"


class CaseInvalid(PanierError):
    """A case that cannot be priced: which field, and why."""

    code = "case_invalid"

    def __init__(self, case: str, field: str, reason: str) -> None:
        super().__init__(f"case {case}: {field}: {reason}")


@dataclass(frozen=True, slots=True)
class Case:
    """A case, read and compiled; `refused` says of each promotion that is left out why."""

    lines: tuple[BasketLine, ...]
    promotions: PromotionSet
    shopper: Shopper
    refused: tuple[PromotionInvalid, ...] = ()


def read_case(case: Mapping[str, Any], now: datetime) -> Case:
    """Reads one case; `now` is when it is priced unless it says so itself. Raises CaseInvalid.

    A promotion that does not fit is left out, as in a store. The list of lines is an ordered document: with equal claims, the
    order decides which line takes an odd cent and which units stand in a whole group. Only under best_basket it means nothing.
    """
    fields = Fields(_name(case), case, DEFAULT_CURRENCY, error=CaseInvalid)
    fields.currency = fields.currency_code("currency", DEFAULT_CURRENCY)
    settings = _settings(fields.inner("settings")) if fields.has("settings") else Settings()
    in_order = settings.selection != "best_basket"
    given = [_lines(line, number if in_order else 0) for number, line in enumerate(fields.objects("lines"))]
    lines = [line for both in given for line in both if line.quantity]
    promotions, refused = _promotions(fields)
    shopper = _shopper(fields, now)
    _finish(fields)
    compiled = compile_promotions(promotions, currency=fields.currency, settings=settings)
    return Case(tuple(lines), compiled, shopper, tuple(refused))


def _name(case: Mapping[str, Any]) -> str:
    """What errors call it, however long that is."""
    name = case.get("id")
    return "(without id)" if name is None else (name if isinstance(name, str) else quoted(name))[:64]


def _promotions(fields: Fields) -> tuple[list[Promotion], list[PromotionInvalid]]:
    read: list[Promotion] = []
    refused: list[PromotionInvalid] = []
    for number, definition in enumerate(fields.entries("promotions"), 1):
        try:
            read.append(parse_listed(definition, number, fields.currency))
        except PromotionInvalid as error:
            refused.append(error)
    kept, senseless = separate(read)
    return kept, refused + senseless


def price_case(case: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Prices one case: `{"id", "discount", "total", "tax"?, "line_discounts", "points_earned", ..., "refused"?}`.

    Amounts are decimal strings. `refused` lists promotions that do not fit, each with its field and the reason; the others
    are priced. Raises CaseInvalid.
    """
    read = read_case(case, now)
    result = {"id": case.get("id")} | _result(price(read.lines, read.promotions, read.shopper), read.promotions.settings)
    if read.refused:
        result["refused"] = [{"promotion": one.promotion, "field": one.field, "reason": one.reason} for one in read.refused]
    return result


def _result(priced: PricedBasket, settings: Settings) -> dict[str, Any]:
    def money(minor: int) -> str:
        return format_minor(minor, priced.currency)

    by_sku: dict[str, int] = {}
    for line in priced.lines:
        by_sku[line.sku] = by_sku.get(line.sku, 0) + line.discount
    result: dict[str, Any] = {
        "discount": money(priced.discount),
        "total": money(priced.total),
        "line_discounts": {sku: money(amount) for sku, amount in by_sku.items()},
        "points_earned": priced.points_earned,
        "points_burned": priced.points_burned,
        "free_units": dict(priced.free_units),
        "applied": list(priced.applied),
    }
    if priced.tax is not None:
        result["tax"] = money(priced.tax)
    if settings.selection == "best_basket":
        result |= {"proven": priced.proven, "gained": money(priced.gained)}
    return result


def _lines(fields: Fields, position: int) -> list[BasketLine]:
    """One line of a case, and one more for its deposit where it has one. Raises NotWeighed."""
    sku = fields.text("sku", longest=64)
    category = fields.text("category", longest=80) if fields.has("category") and fields.values["category"] != "" else ""
    if fields.has("price_per_kg"):
        line = _weighed(fields, sku, category)
    else:
        for name in ("grams", "tare"):
            if fields.has(name):
                raise fields.refuse(name, "goes with price_per_kg; a line by the piece has unit_price and qty")
        quantity = fields.count("qty", least=0) if fields.has("qty") else 1
        line = BasketLine(sku, fields.amount("unit_price"), quantity, category)
    line = replace(
        line, min_price=fields.amount("min_price") if fields.has("min_price") else 0,
        tax_rate=fields.percent("tax_rate") if fields.has("tax_rate") else None, position=position,
    )  # fmt: skip
    keeps = fields.flag("override_keeps_promotions")
    if fields.has("override"):
        line = overridden(line, fields.amount("override"), keeps_promotions=keeps)
    lines = [line]
    if fields.has("deposit"):
        owed = deposit(sku, fields.amount("deposit"), line.quantity, line.tax_rate)
        lines.append(replace(owed, position=position))
    _finish(fields)
    return lines


def _weighed(fields: Fields, sku: str, category: str) -> BasketLine:
    for name in ("unit_price", "qty"):
        if fields.has(name):
            raise fields.refuse(
                name, "stands beside price_per_kg; a weighed line is one piece and has price_per_kg and grams alone"
            )
    per_kg, grams, tare = fields.amount("price_per_kg"), fields.count("grams"), fields.optional_count("tare", least=0) or 0
    if tare >= grams:
        raise fields.refuse("tare", f"{tare} g of packing leave nothing of {grams} g; weigh again")
    return weigh(sku, per_kg, grams, category, tare=tare)


def _shopper(fields: Fields, now: datetime) -> Shopper:
    at = fields.optional_text("now", longest=40)
    try:
        now = now if at is None else datetime.fromisoformat(at)
        now = now if now.tzinfo else now.replace(tzinfo=UTC)
        now.astimezone(UTC)  # before the year 1 or after 9999 it has no time in UTC
    except (ValueError, OverflowError):
        raise fields.refuse("now", f"{at!r} is not a time; write it like 2026-03-01T08:00:00+01:00") from None
    coupons = _words(fields, "coupons")
    if not fields.has("member"):
        return Shopper(now=now, coupons=coupons)
    member = fields.inner("member")
    uses = member.inner("uses") if member.has("uses") else None
    shopper = Shopper(
        now=now,
        coupons=coupons,
        segments=_words(member, "segments"),
        points=member.optional_count("points", least=0) or 0,
        prior_orders=member.optional_count("prior_orders", least=0) or 0,
        uses={} if uses is None else {name: uses.count(name, least=0) for name in uses.values},
    )
    _finish(member)
    return shopper


def _finish(fields: Fields) -> None:
    """Refuses what is unknown, beside what only tells people what they read: a misspelt `qty` would be another basket."""
    for said in ("id", "name", "title", "description", "source", "note", "expect"):
        fields.has(said)
    fields.finish()


def _words(fields: Fields, name: str) -> frozenset[str]:
    """Texts of a list that may be empty or absent."""
    return fields.words(name) or frozenset() if fields.has(name) and fields.values[name] != [] else frozenset()


def _settings(fields: Fields) -> Settings:
    """Every setting is one of its words, the first of which is the default."""
    chosen = {name: fields.choice(name, {word: word for word in words}, words[0]) for name, words in _SETTINGS.items()}
    fields.finish()
    return Settings(**chosen)  # pyright: ignore[reportArgumentType]  # the table holds no word but the type's own


_SETTINGS = {
    "rounding": ("half_up", "down"),
    "round_at": ("line", "order"),
    "remainder": ("last", "first"),
    "percent_base": ("running", "original"),
    "selection": ("priority", "best_single", "best_basket"),
}
