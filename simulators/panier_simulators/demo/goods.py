"""What a person can scan in the demo: a wallet of members' cards, and the products that real baskets hold most."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from panier.catalogue import Product
from panier.money import format_minor
from panier_simulators.sample.label import print_label
from panier_simulators.sample.numbering import product_code
from panier_simulators.sample.shop import CURRENCY, SampleMember, SampleShop

TODAY = date(2017, 12, 12)
"""The day of the data's year that a demo plays: six of its campaigns run, for half of the members."""

_BASKETS = 3000
_PRODUCTS = 1500
_CARDS = 6


@dataclass(frozen=True, slots=True)
class Goods:
    """Something with a barcode: `code` is what the scanner reads, `note` stands beside the name."""

    code: str
    name: str
    note: str
    is_card: bool = False
    is_coupon: bool = False
    is_loose: bool = False
    """True where the code says no weight: it goes on the scale."""

    def matches(self, words: str) -> bool:
        """True where each word of the search is in the name, the note or the code."""
        text = f"{self.name} {self.note} {self.code}".casefold()
        return all(word in text for word in words.casefold().split())


def wallet(sample: SampleShop) -> list[Goods]:
    """Cards of members whom many campaigns address, each for another reason, and the coupons of the sample."""
    addressed = Counter[str]()
    for campaign in sample.campaigns_on(TODAY):
        addressed.update(campaign.record.members or [])
    chosen: list[SampleMember] = []
    known: set[str] = set()
    for member in sorted(sample.members(), key=lambda one: (-addressed[one.member], one.household)):
        fresh = [segment for segment in member.segments if segment not in known]
        if (fresh or not member.segments) and member.first_name not in {one.first_name for one in chosen}:
            chosen.append(member)
            known.update(fresh)
        if len(chosen) == _CARDS:
            break
    return [
        *(
            Goods(one.card, f"{one.first_name}'s card", ", ".join(part.replace("-", " ") for part in one.segments[:2]), True)
            for one in chosen
        ),
        *(Goods(one["coupon"], one["title"], "for everybody", is_coupon=True) for one in sample.coupons()),
    ]


def shelf(sample: SampleShop) -> list[Goods]:
    """The products that the sample's baskets hold most often, with their shelf prices; of loose goods, a bag with its label."""
    bought = Counter[str]()
    for trip in sample.trips(_BASKETS):
        bought.update(line.sku for line in trip.lines)
    places = {sku: place for place, (sku, _) in enumerate(bought.most_common(_PRODUCTS))}
    found = [product for product in sample.products() if product.sku in places]
    return [goods for product in sorted(found, key=lambda product: places[product.sku]) for goods in _on_shelf(product)]


def _on_shelf(product: Product) -> list[Goods]:
    price = format_minor(product.unit_price, CURRENCY)
    if product.unit == "kg":
        listed = product.gtins[-1]
        label = Goods(print_label(listed, product.unit_price, "on the shelf"), product.name, f"{price}/kg")
        loose = Goods(listed, product.name, f"{price}/kg, loose: onto the scale", is_loose=True)
        return [label, loose] if listed.startswith("9") else [label]
    more = f" and {format_minor(product.deposit, CURRENCY)} deposit" if product.deposit else ""
    return [Goods(product_code(int(product.sku)), product.name, price + more)]
