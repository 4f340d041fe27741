"""Pricing a basket: which promotions act, in which order, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence

from panier.pricing.basket import BasketLine, PricedBasket, Shopper
from panier.pricing.pricer import Pricer
from panier.pricing.rule import PromotionSet


def price(lines: Sequence[BasketLine], promotions: PromotionSet, shopper: Shopper, *, prompts: int = 0) -> PricedBasket:
    """Prices a basket once, and names up to `prompts` promotions that it nearly meets; see Pricer.price."""
    return Pricer(promotions).price(lines, shopper, prompts=prompts)
