"""Pricing: one engine for device, gateway and back office. Pure; amounts in integer minor units."""

from panier.pricing.basket import BasketLine, Explanation, NearMiss, PricedBasket, PricedLine, Settings, Shopper
from panier.pricing.evaluation import price
from panier.pricing.pricer import Pricer
from panier.pricing.rule import PromotionSet, compile_promotions

__all__ = [
    "BasketLine",
    "Explanation",
    "NearMiss",
    "PricedBasket",
    "PricedLine",
    "Pricer",
    "PromotionSet",
    "Settings",
    "Shopper",
    "compile_promotions",
    "price",
]
