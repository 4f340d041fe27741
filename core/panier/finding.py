"""What an author's check found: how grave it is, what happens in words, and a basket that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from panier.money import format_minor
from panier.pricing import PricedBasket

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding: how grave it is, what it is called, and what to do about it."""

    severity: Severity
    name: str
    advice: str


RULES: dict[str, Rule] = {
    "invalid": Rule("error", "Cannot be used", "Correct this field; until then no shop uses the promotion."),
    "product": Rule("error", "Product left out", "Correct this field; promotions are checked as if the product were not sold."),
    "dead": Rule("error", "Never acts", "Correct this field, or take the promotion out."),
    "unreachable": Rule("error", "Out of reach", "Lower the threshold, or give more, so that a shopper can get something."),
    "below_cost": Rule(
        "warning",
        "Sold below cost",
        "Give less, or leave this product out; where several act together, let only one (one exclusive_group).",
    ),
    "shadowed": Rule(
        "warning", "Never acts beside another", "Take it out, let it give more, or aim it at what the other does not reach."
    ),
    "stacking": Rule(
        "warning", "Stacks without a limit", "Let only one of them act: give all the same exclusive_group, or make one exclusive."
    ),
    "falling": Rule("warning", "A higher step gives less", "Put the steps in order, so that who buys more gets more."),
    "strange": Rule("warning", "Written otherwise than sold", "Correct this field, unless it is meant so."),
    "at_floor": Rule("note", "Held at the floor", "Give less, or lower the floor: shoppers get less than they are promised."),
    "overlap": Rule(
        "note", "Means the same products", "If only one should act, give them the same exclusive_group; otherwise leave it so."
    ),
}
"""By the name that `panier price --lint --json` gives."""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A line of an example: `before` and `after` what it costs without and with promotions, `savings` by promotion id."""

    sku: str
    quantity: int
    unit_price: int
    before: int
    after: int
    savings: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """An example basket as the engine prices it in a store; amounts in minor units."""

    lines: tuple[ReceiptLine, ...]
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`rule` is one of RULES, `field` the definition's field to look at, `text` what happens, in words."""

    rule: str
    promotions: tuple[str, ...]
    field: str
    text: str
    currency: str
    example: Receipt | None = None

    @property
    def severity(self) -> Severity:
        """error: gives nothing as it stands; warning: may cost more than was meant; note: good to know."""
        return RULES[self.rule].severity

    def example_in_words(self) -> str:
        """The example in one line, or nothing."""
        if self.example is None:
            return ""
        lines = ", ".join(f"{one.quantity} {one.sku} at {self._money(one.unit_price)}" for one in self.example.lines)
        saved: dict[str, int] = {}
        for line in self.example.lines:
            for promotion, amount in line.savings:
                saved[promotion] = saved.get(promotion, 0) + amount
        off = ", ".join(f"{promotion} -{self._money(amount)}" for promotion, amount in saved.items()) or "nothing off"
        return f"{lines}, together {self._money(self.example.before)}: {off}, to pay {self._money(self.example.after)}"

    def as_json(self) -> dict[str, Any]:
        """The same for machines; amounts as decimal text."""
        found: dict[str, Any] = {
            "rule": self.rule, "severity": self.severity, "promotions": list(self.promotions), "field": self.field,
            "text": self.text, "advice": RULES[self.rule].advice, "example": self.example_in_words(),
        }  # fmt: skip
        if self.example is not None:
            found["basket"] = {
                "lines": [
                    {
                        "sku": one.sku, "qty": one.quantity, "unit_price": self._money(one.unit_price),
                        "before": self._money(one.before), "after": self._money(one.after),
                        "savings": {promotion: self._money(amount) for promotion, amount in one.savings},
                    }
                    for one in self.example.lines
                ],
                "before": self._money(self.example.before), "after": self._money(self.example.after),
            }  # fmt: skip
        return found

    def _money(self, amount: int) -> str:
        return format_minor(amount, self.currency)


def receipt_of(priced: PricedBasket) -> Receipt:
    """A priced basket as an example."""
    lines = tuple(
        ReceiptLine(
            line.sku, line.quantity, line.unit_price, line.gross, line.gross - line.discount,
            tuple((saved.promotion, saved.amount) for saved in line.explanations),
        )
        for line in priced.lines
    )  # fmt: skip
    return Receipt(lines, priced.gross, priced.total)
