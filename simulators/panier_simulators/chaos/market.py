"""What goes on in a shop's head office meanwhile: prices change, and campaigns begin and end, while everything breaks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

import httpx
from pydantic import TypeAdapter

from panier.catalogue import Product
from panier.error import PanierError
from panier_simulators.demo.premises import Premises

_EVERY = 6.0
_PRICES = 5
_PRODUCT: TypeAdapter[Product] = TypeAdapter(Product)


async def trade(premises: Premises, products: Sequence[Product], seed: int) -> None:
    """Changes a few prices and pushes one campaign after the other, until cancelled. What fails is left for the next time."""
    dice = random.Random(f"market {seed}")  # noqa: S311 (prices, not secrets)
    running: str | None = None
    for number in range(1_000_000):
        await asyncio.sleep(_EVERY)
        changed = [replace(product, unit_price=dice.randint(50, 900)) for product in dice.sample(products, _PRICES)]
        try:
            await premises.post("/import", {"products": [_PRODUCT.dump_python(product, mode="json") for product in changed]})
            if running:
                await premises.post(f"/campaigns/{running}/stop")
                running = None
            running = (await premises.post("/campaigns", _campaign(number, dice.choice(products))))["campaign"]
            await premises.post(f"/campaigns/{running}/push")
        except (httpx.HTTPError, PanierError):
            continue


def _campaign(number: int, product: Product) -> dict[str, object]:
    return {
        "title": f"Today {number:03}: -10 %",
        "reason": "today, for every member",
        "segment": "member",
        "promotion": {"kind": "percent", "percent": "10", "target": {"categories": [product.category]}},
    }
