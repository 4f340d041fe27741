"""A corner shop: as much of the sample as one run's baskets need, so that a store opens in seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any

from panier.catalogue import Product
from panier_simulators.sample.shop import SampleCampaign, SampleMember, SampleShop, SampleTrip

_PROMOTIONS = 60
_MOST_UNITS = 6


@dataclass(frozen=True, slots=True)
class CornerShop(SampleShop):
    """The sample with only what `baskets` hold, those who buy them, and the promotions that touch most households."""

    baskets: tuple[SampleTrip, ...]

    def products(self) -> Iterator[Product]:
        """The products of the baskets."""
        bought = {line.sku for trip in self.baskets for line in trip.lines}
        return (product for product in SampleShop.products(self) if product.sku in bought)

    def members(self) -> Iterator[SampleMember]:
        """The households that come."""
        come = {trip.household for trip in self.baskets}
        return (member for member in SampleShop.members(self) if member.household in come)

    def promotions(self) -> Iterator[Mapping[str, Any]]:
        """The first few: every new version of prices makes each process read all of them."""
        return islice(SampleShop.promotions(self), _PROMOTIONS)

    def campaigns_on(self, day: date) -> list[SampleCampaign]:
        """None: they address members and products that are not here. The market makes campaigns of its own."""
        del day
        return []


def corner_shop(sample: SampleShop, trips: int, seed: int) -> CornerShop:
    """A shop for `trips` small real baskets (at most six units), chosen by `seed`."""
    small = (trip for trip in sample.trips(20 * trips + 200, seed) if trip.units <= _MOST_UNITS)
    baskets = tuple(islice(small, trips))
    skus = {line.sku for trip in baskets for line in trip.lines}
    rows = {**sample.manifest.rows, "products": len(skus), "members": len({trip.household for trip in baskets})}
    return CornerShop(sample.directory, replace(sample.manifest, rows=rows), baskets)
