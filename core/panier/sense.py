"""Whether a definition that can be read makes sense in a store."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from panier.definition import PromotionInvalid
from panier.mechanic import BuyXGetY, FreeGift, Target
from panier.promotion import Promotion


def check_sense(promotion: Promotion, known: AbstractSet[str] | None = None) -> None:
    """Refuses what can be read but not be meant: a gift that earns itself, a contradiction, or none but unknown SKUs.

    `known` are the SKUs that are sold; None leaves that out. Raises PromotionInvalid.
    """
    mechanic = promotion.mechanic
    if isinstance(mechanic, FreeGift) and mechanic.per is not None and mechanic.sku in (mechanic.per.skus or ()):
        raise PromotionInvalid(promotion.id, "gift.sku", f"{mechanic.sku} earns itself as a gift, again and again")
    if promotion.is_catalogue and promotion.only_undiscounted:
        raise PromotionInvalid(promotion.id, "only_undiscounted", "contradicts layer catalogue, which is such a discount itself")
    for field, target in _targets(promotion):
        if known is not None and target.skus is not None and not target.skus & known:
            raise PromotionInvalid(promotion.id, field, f"{min(target.skus)} is not sold here, nor any other SKU that it names")


def _targets(promotion: Promotion) -> Iterator[tuple[str, Target]]:
    mechanic, when = promotion.mechanic, promotion.when
    yield "target.skus", promotion.target
    if isinstance(mechanic, BuyXGetY):
        yield "buy.target.skus", mechanic.buy
        yield "get.target.skus", mechanic.get
    if isinstance(mechanic, FreeGift) and mechanic.per is not None:
        yield "per.skus", mechanic.per
    for name, target in (("when.target.skus", when.target), ("when.contains.skus", when.contains)):
        if target is not None:
            yield name, target
