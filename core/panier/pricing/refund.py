"""Returns: what is kept is priced again as it would have been bought; the refund is the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from panier.error import PanierError
from panier.pricing.basket import BasketLine, PricedBasket, Shopper
from panier.pricing.pricer import Pricer
from panier.pricing.rule import PromotionSet
from panier.pricing.seat import place_of


class NotBought(PanierError):
    """Units that are given back and were never bought."""

    code = "not_bought"


@dataclass(frozen=True, slots=True)
class Refund:
    """`amount` goes back to the shopper, in minor units; `kept` is the basket that stays.

    Whoever breaks a bundle may owe more for what is kept than was paid for all: then the refund is 0 and `forgone` says how much.
    """

    amount: int
    forgone: int
    kept: PricedBasket


def refund(bought: Sequence[BasketLine], returned: Sequence[BasketLine], promotions: PromotionSet, shopper: Shopper) -> Refund:
    """What comes back for `returned`, by the promotions and the moment of the purchase. Raises NotBought."""
    left = {place_of(line): 0 for line in bought}
    example = {place_of(line): line for line in bought}
    for line in bought:
        left[place_of(line)] += line.quantity
    for line in returned:
        place = place_of(line)
        if left.get(place, 0) < line.quantity:
            raise NotBought(f"{line.quantity} of {line.sku} at {line.unit_price} come back, but {left.get(place, 0)} were bought")
        left[place] -= line.quantity
    kept = [replace(line, quantity=left[place]) for place, line in example.items() if left[place]]
    pricer = Pricer(promotions)
    paid = pricer.price(bought, shopper).total
    now = pricer.price(kept, shopper)
    difference = paid - now.total
    return Refund(max(0, difference), max(0, -difference), now)
