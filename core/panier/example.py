"""Examples of every kind for the documentation, reckoned by the engine itself: `panier price --examples`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from panier.case import price_case

BEGIN, END = "<!-- examples: made by `panier price --examples` -->", "<!-- end of examples -->"
_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_TEA, _CUP = {"skus": ["tea"]}, {"sku": "cup", "unit_price": "5.00"}
_BASKET = [
    {"sku": "tea", "unit_price": "4.00", "qty": 3},
    {"sku": "bread", "unit_price": "2.50", "qty": 1},
]

EXAMPLES: tuple[dict[str, Any], ...] = (
    {"kind": "percent", "percent": "10", "target": _TEA},
    {"kind": "percent", "percent": "50", "max_units": 1, "unit_order": "dearest"},
    {"kind": "amount_per_unit", "amount": "0.30", "target": _TEA},
    {"kind": "amount_per_line", "amount": "1.00"},
    {"kind": "amount", "amount": "2.00", "when": {"min_amount": "10.00"}},
    {"kind": "percent_order", "percent": "20", "max_discount": "2.50"},
    {"kind": "cheapest_free", "target": _TEA, "when": {"min_qty": 3}},
    {"kind": "n_for_price", "n": 2, "price": "7.00", "target": _TEA, "max_applications": 2},
    {"kind": "per_complete_group", "group_size": 2, "percent": "25", "target": _TEA},
    {"kind": "tiered_percent", "tiers": {"10": "5", "20": "10"}},
    {"kind": "tiered_amount", "tiers": {"2": "0.50", "4": "1.50"}, "tier_basis": "qty"},
    {"kind": "first_additional", "first": "0.50", "additional": "1.00", "target": _TEA},
    {"kind": "buy_x_get_y", "buy": {"target": _TEA, "qty": 2}, "get": {"target": {"skus": ["bread"]}, "qty": 1}},
    {"kind": "free_gift", "gift": _CUP, "per": {"skus": ["tea"], "qty": 3}},
    {"kind": "points_earn", "points_per_currency": "2"},
    {"kind": "points_burn", "value_per_point": "0.01", "multiple_of": 100},
)


def render() -> str:
    """All examples as Markdown: the definition, then what the basket costs with it."""
    parts = [
        BEGIN, "",
        "Each of these is alone on one basket: 3 tea at 4.00 and 1 bread at 2.50 (14.50), for a member with 250 points.", "",
    ]  # fmt: skip
    for definition in EXAMPLES:
        parts += ["```json", json.dumps(definition), "```", "", _outcome(definition), ""]
    return "\n".join([*parts, END])


def _outcome(definition: dict[str, Any]) -> str:
    case = {"id": "example", "lines": _BASKET, "promotions": [definition], "member": {"points": 250}}
    result = price_case(case, _NOW)
    off = ", ".join(f"{sku} -{amount}" for sku, amount in result["line_discounts"].items() if amount != "0.00") or "nothing off"
    free = "".join(f"; {count} {sku} free" for sku, count in result["free_units"].items())
    earned = f"; {result['points_earned']} points earned" if result["points_earned"] else ""
    burned = f"; {result['points_burned']} points burned" if result["points_burned"] else ""
    return f"→ {off}{free}{earned}{burned}; to pay {result['total']}"
