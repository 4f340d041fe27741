"""Examples of every kind for the documentation, reckoned by the engine itself: `panier price --examples`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from panier.case import price_case

BEGIN, END = "<!-- examples: made by `panier price --examples` -->", "<!-- end of examples -->"
_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_TEA: dict[str, Any] = {"skus": ["tea"]}
_CUP: dict[str, Any] = {"sku": "cup", "unit_price": "5.00"}
_BASKET: list[dict[str, Any]] = [
    {"sku": "tea", "unit_price": "4.00", "qty": 3},
    {"sku": "bread", "unit_price": "2.50", "qty": 1},
]

EXAMPLES: tuple[dict[str, Any], ...] = (
    {"title": "10 % off tea", "kind": "percent", "percent": "10", "target": _TEA},
    {"title": "Half price on the dearest unit", "kind": "percent", "percent": "50", "max_units": 1, "unit_order": "dearest"},
    {"title": "0.30 off each tea", "kind": "amount_per_unit", "amount": "0.30", "target": _TEA},
    {"title": "1.00 off each product", "kind": "amount_per_line", "amount": "1.00"},
    {"title": "2.00 off from 10.00 on", "kind": "amount", "amount": "2.00", "when": {"min_amount": "10.00"}},
    {"title": "20 % off everything, 2.50 at the most", "kind": "percent_order", "percent": "20", "max_discount": "2.50"},
    {"title": "3 for 2 on tea", "kind": "cheapest_free", "target": _TEA, "when": {"min_qty": 3}},
    {"title": "2 tea for 7.00", "kind": "n_for_price", "n": 2, "price": "7.00", "target": _TEA, "max_applications": 2},
    {"title": "25 % off tea by the pair", "kind": "per_complete_group", "group_size": 2, "percent": "25", "target": _TEA},
    {"title": "5 % from 10.00, 10 % from 20.00", "kind": "tiered_percent", "tiers": {"10": "5", "20": "10"}},
    {"title": "0.50 off 2 items, 1.50 off 4", "kind": "tiered_amount", "tiers": {"2": "0.50", "4": "1.50"}, "tier_basis": "qty"},
    {
        "title": "0.50 off the first tea, 1.00 off each more",
        "kind": "first_additional",
        "first": "0.50",
        "additional": "1.00",
        "target": _TEA,
    },
    {
        "title": "Buy 2 tea, get a bread free",
        "kind": "buy_x_get_y",
        "buy": {"target": _TEA, "qty": 2},
        "get": {"target": {"skus": ["bread"]}, "qty": 1},
    },
    {"title": "A cup for every 3 tea", "kind": "free_gift", "gift": _CUP, "per": {"skus": ["tea"], "qty": 3}},
    {"title": "2 points for each whole 1.00", "kind": "points_earn", "points_per_currency": "2"},
    {"title": "Points as money, by the hundred", "kind": "points_burn", "value_per_point": "0.01", "multiple_of": 100},
)


def render() -> str:
    """All examples as Markdown: the definition, then the receipt of the basket with it."""
    parts = [
        BEGIN, "",
        "Each of these is alone on one basket, 3 tea at 4.00 and 1 bread at 2.50, for a member with 250 points.", "",
    ]  # fmt: skip
    for definition in EXAMPLES:
        rest = {name: value for name, value in definition.items() if name != "title"}
        parts += [f"**{definition['title']}**", "", "```json", json.dumps(rest), "```", ""]
        parts += ["```text", *_receipt(definition), "```", ""]
    return "\n".join([*parts, END])


def _receipt(definition: dict[str, Any]) -> list[str]:
    case = {"id": "example", "lines": _BASKET, "promotions": [definition], "member": {"points": 250}}
    result = price_case(case, _NOW)
    gifts = [_CUP | {"qty": result["free_units"]["cup"]}] if "cup" in result["free_units"] else []
    lines: list[str] = []
    for line in [*_BASKET, *gifts]:
        lines.append(_row(f"{line['qty']} x {line['sku']}", f"{Decimal(line['unit_price']) * line['qty']:.2f}"))
        off = result["line_discounts"][line["sku"]]
        if off != "0.00":
            lines.append(_row(f"    {definition['title']}", f"-{off}"))
    lines.append(_row("To pay", result["total"]))
    points = ((f"Points {what}", result[f"points_{what}"]) for what in ("earned", "burned"))
    return [*lines, *(_row(what, str(count)) for what, count in points if count)]


def _row(left: str, right: str) -> str:
    return f"{left:<46}{right:>8}"
