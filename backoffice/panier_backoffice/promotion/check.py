"""Would the engine and the shop take a promotion? What does not fit is named by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from sqlalchemy.orm import Session

from panier.promotion import Promotion, PromotionInvalid, parse_promotion
from panier.sense import Sense, check_sold, targets
from panier.snapshot import LONGEST_BODY, canonical
from panier_backoffice.problem import Unfit
from panier_backoffice.product import repository as products
from panier_backoffice.written import unprintable

_LOOKED_FOR = 3
"""Unknown SKUs in one request for which a likeness is looked up."""


def read_definition(definition: Mapping[str, Any], currency: str, name: str | None = None) -> Promotion:
    """The promotion that a definition states; `name` stands in for its id. Raises Unfit, by field of the definition."""
    size = len(canonical(definition))
    if size > LONGEST_BODY:
        raise Unfit(
            {"target": f"the definition has {size} characters, a store takes {LONGEST_BODY}: aim at a category, or split it"}
        )
    try:
        promotion = parse_promotion(definition, currency, name=name)
    except PromotionInvalid as error:
        raise Unfit({error.field: error.reason}) from error
    for written in ("id", "title"):
        if stray := unprintable(str(definition.get(written) or "")):
            raise Unfit({written: stray})
    return promotion


@dataclass(slots=True)
class Counter:
    """Takes promotions over the counter, one after the other, in the light of what the shop sells and which ones it has."""

    session: Session
    sold: set[str]
    sense: Sense
    looked_for: int = field(default=0)

    def take(self, promotion: Promotion) -> None:
        """Raises Unfit where the promotion makes no sense here."""
        try:
            check_sold(promotion, self.sold, self._hint)
            self.sense.take(promotion)
        except PromotionInvalid as error:
            raise Unfit({error.field: error.reason}) from error

    def _hint(self, sku: str) -> str:
        """What may have been meant: the product whose barcode it is, or an SKU that is written much alike."""
        self.looked_for += 1
        if self.looked_for > _LOOKED_FOR:
            return ""
        gtin = sku.zfill(14)
        owner = products.owners(self.session, [gtin]).get(gtin)
        if owner is not None:
            return f"; that is a barcode of {owner!r}"
        close = get_close_matches(sku, products.skus_like(self.session, sku), n=1)
        return f"; did you mean {close[0]!r}?" if close else ""


def open_counter(session: Session, asked: Iterable[Promotion], held: Iterable[Promotion] = ()) -> Counter:
    """A counter for promotions that are `asked` for, where those `held` stand already."""
    sold = products.sold(session, {sku for promotion in asked for _, target in targets(promotion) for sku in target.skus or ()})
    sense = Sense()
    for promotion in held:
        try:
            sense.take(promotion)
        except PromotionInvalid:  # held from before there was this check: no store uses it
            continue
    return Counter(session, sold, sense)
