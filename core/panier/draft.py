"""What `panier price --lint` reads: a shop's products and its promotions in one document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from panier.definition import Fields, quoted
from panier.error import PanierError
from panier.finding import Finding
from panier.lint import lint
from panier.specimen import read_articles

WANTED = '{"currency": "EUR", "products": [{"sku": "tea", "unit_price": "4.00", "cost": "2.50"}], "promotions": [...]}'
"""The shape, in one line."""
_DEFAULT_CURRENCY = "EUR"


class DraftInvalid(PanierError):
    """A document that cannot be checked: which field, and why."""

    code = "draft_invalid"

    def __init__(self, owner: str, field: str, reason: str) -> None:
        super().__init__(f"{owner}{field}: {reason}")


def check_draft(draft: object, now: datetime) -> list[Finding]:
    """What an author should know of `{"currency"?, "products", "promotions"}` from `now` on; see panier.lint.

    A product that does not fit is a finding of its own, and the rest is checked without it. Raises DraftInvalid.
    """
    if not isinstance(draft, Mapping):
        raise DraftInvalid("", "the document", f"{quoted(draft)} is not an object")
    fields = Fields("", cast("Mapping[str, Any]", draft), _DEFAULT_CURRENCY, error=DraftInvalid)
    currency = fields.currency_code("currency", _DEFAULT_CURRENCY)
    for name in ("products", "promotions"):
        fields.has(name)
    fields.has("note")
    fields.finish()
    for name in ("products", "promotions"):
        if not fields.has(name):
            raise fields.refuse(name, "is missing")
    articles, refused = read_articles(fields.entries("products"), currency)
    found = [
        Finding(rule="product", promotions=(), field=f"{one.product}: {one.field}", text=one.reason, currency=currency)
        for one in refused
    ]
    return found + lint(fields.entries("promotions"), articles, currency, now)
