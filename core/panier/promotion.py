"""A promotion: who gets what, when and on which lines, as written in the definition format (docs/promotions.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from panier.definition import Fields, Moment, PromotionInvalid, did_you_mean, quoted
from panier.mechanic import BASES, EVERYTHING, MECHANICS, Basis, Mechanic, Target, read_count, read_target

__all__ = ["FORMAT", "Budget", "Promotion", "PromotionInvalid", "Schedule", "When", "parse_listed", "parse_promotion"]

FORMAT = 1
"""The newest definition format that this version reads."""
_FURTHEST_OFFSET_MS = 14 * 3_600_000
"""No clock on the wall is further from UTC."""


@dataclass(frozen=True, slots=True)
class When:
    """What the basket must hold; `target` None is the promotion's own, amounts in minor units."""

    min_qty: int | None = None
    min_amount: int | None = None
    target: Target | None = None
    basis: Basis = "running"
    contains: Target | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekdays (1 is Monday) and minutes of the day, from `start` to before `end`, on the store's clock."""

    weekdays: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a budget: uses, or minor units; a promotion that would exceed it is refused whole."""

    is_spend: bool
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One promotion, validated: amounts in minor units, percentages in millionths of a percent (panier.definition.PERCENT)."""

    id: str
    title: str
    kind: str
    mechanic: Mechanic
    target: Target
    when: When
    priority: int
    exclusive: bool
    exclusive_group: str | None
    is_catalogue: bool
    only_undiscounted: bool
    max_applications: int | None
    valid_from: Moment | None
    valid_to: Moment | None
    schedule: Schedule | None
    coupon: str | None
    segment: str | None
    nth_order: int | None
    per_member_limit: int | None
    uses_left: int | None
    budget: Budget | None


def parse_promotion(
    definition: Mapping[str, Any], currency: str, *, name: str | None = None, title: str | None = None
) -> Promotion:
    """Reads a definition of promotions.md.

    `name` and `title`, where given, stand in for the definition's own id and title. Raises PromotionInvalid for the first
    field that does not fit.
    """
    fields = Fields(str(name or definition.get("id") or "(without id)"), definition, currency)
    known_format = fields.count("format") if fields.has("format") else FORMAT
    if known_format > FORMAT:
        raise fields.refuse("format", f"{known_format} is newer than {FORMAT}, the newest that this version reads; update Panier")
    own_id, own_title = fields.optional_text("id"), fields.optional_text("title", longest=120)
    identity = name or own_id
    if identity is None:
        raise fields.refuse("id", "is missing")
    kind = fields.text("kind", longest=40)
    if kind not in MECHANICS:
        raise fields.refuse("kind", f"{kind!r} is unknown{did_you_mean(kind, MECHANICS)}")
    fields.has("note")  # a word from the author to other authors
    promotion = _common(fields, identity, title or own_title or identity, kind, MECHANICS[kind](fields))
    fields.finish()
    return promotion


def parse_listed(definition: object, number: int, currency: str) -> Promotion:
    """Reads the `number`th definition of a list, which is called by its place where it has no id. Raises PromotionInvalid."""
    if not isinstance(definition, Mapping):
        raise PromotionInvalid(f"#{number}", "definition", f"{quoted(definition)} is not an object")
    known = cast("Mapping[str, Any]", definition)
    return parse_promotion(known, currency, name=None if known.get("id") else f"#{number}")


def _common(fields: Fields, identity: str, title: str, kind: str, mechanic: Mechanic) -> Promotion:
    valid_from, valid_to = fields.moment("valid_from", end=False), fields.moment("valid_to", end=True)
    if valid_from and valid_to and _is_before(valid_to, valid_from):
        raise fields.refuse("valid_to", f"the window ends at {fields.values['valid_to']}, before it starts")
    return Promotion(
        id=identity, title=title, kind=kind, mechanic=mechanic,
        target=read_target(fields, "target") if fields.has("target") else EVERYTHING,
        when=_when(fields.inner("when")) if fields.has("when") else When(),
        priority=fields.integer("priority", 0),
        exclusive=fields.flag("exclusive"),
        exclusive_group=fields.optional_text("exclusive_group"),
        is_catalogue=fields.choice("layer", {"catalogue": "catalogue", "basket": "basket"}, "basket") == "catalogue",
        only_undiscounted=fields.flag("only_undiscounted"),
        max_applications=fields.optional_count("max_applications"),
        valid_from=valid_from, valid_to=valid_to,
        schedule=_schedule(fields.inner("schedule")) if fields.has("schedule") else None,
        coupon=fields.optional_text("coupon"),
        segment=fields.optional_text("segment"),
        nth_order=fields.optional_count("nth_order"),
        per_member_limit=fields.optional_count("per_member_limit", least=0),
        uses_left=_uses_left(fields),
        budget=_budget(fields.inner("budget")) if fields.has("budget") else None,
    )  # fmt: skip


def _is_before(one: Moment, other: Moment) -> bool:
    """Whether it is in every store: a moment on the store's clock may be hours away from the same one in UTC."""
    return one.at + (_FURTHEST_OFFSET_MS if one.local != other.local else 0) < other.at


def _when(fields: Fields) -> When:
    when = When(
        min_qty=fields.optional_count("min_qty", least=0),
        min_amount=fields.amount("min_amount") if fields.has("min_amount") else None,
        target=read_target(fields, "target") if fields.has("target") else None,
        basis="original" if fields.choice("basis", BASES, "running") == "original" else "running",
        contains=read_target(fields, "contains") if fields.has("contains") else None,
    )
    fields.finish()
    if when.target is not None and when.min_qty is None and when.min_amount is None:
        raise fields.refuse("target", "counts towards neither min_qty nor min_amount; to ask that it is there, use contains")
    return when


def _schedule(fields: Fields) -> Schedule:
    weekdays = frozenset(range(1, 8))
    if fields.has("weekdays"):
        entries = fields.items("weekdays")
        if any(isinstance(day, bool) or not isinstance(day, int) or day not in weekdays for day in entries):
            raise fields.refuse("weekdays", f"{entries!r} are not days of the week; Monday is 1 and Sunday 7")
        weekdays = frozenset(entries)
    start, end = fields.minute("from", 0), fields.minute("to", 24 * 60)
    if start >= end:
        raise fields.refuse("to", "is not after `from`; a window over midnight is two promotions")
    fields.finish()
    return Schedule(weekdays, start, end)


def _uses_left(fields: Fields) -> int | None:
    limit, used = fields.optional_count("usage_limit", least=0), fields.optional_count("usage_used", least=0)
    if limit is None and used is not None:
        raise fields.refuse("usage_used", "counts towards no usage_limit")
    return None if limit is None else limit - (used or 0)


def _budget(fields: Fields) -> Budget:
    fields.text("type", longest=20)
    is_spend = fields.choice("type", {"usage": "usage", "spend": "spend"}, "") == "spend"
    fields.choice("policy", {"refuse_whole": "refuse_whole"}, "")
    read = Fields.amount if is_spend else read_count
    left = read(fields, "limit") - (read(fields, "used") if fields.has("used") else 0)
    fields.finish()
    return Budget(is_spend, left)
