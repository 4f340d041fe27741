from __future__ import annotations

import pytest

from panier.barcode import LoyaltyRules, ProductCode, read
from panier_io.numbering import numbering_of
from panier_simulators.sample.label import HEAVIEST, LIGHTEST, price_number, print_label, weighed_grams, weight_number


def scanned(label: str) -> ProductCode:
    found = read(label, LoyaltyRules(), numbering_of("US"))
    assert isinstance(found, ProductCode)
    return found


@pytest.mark.parametrize("bag", [f"31/{place}" for place in range(20)])
def test_the_front_door_reads_what_the_scales_print(bag: str) -> None:
    by_weight, by_price = weight_number(995242), price_number(17)
    label = print_label(by_weight, 399, bag)
    grams = weighed_grams(label)
    assert grams is not None
    assert LIGHTEST <= grams <= HEAVIEST
    assert (scanned(label).gtin14, scanned(label).grams) == (by_weight, grams)
    priced = print_label(by_price, 399, bag)
    assert (scanned(priced).gtin14, scanned(priced).price) == (by_price, (grams * 399 + 500) // 1000)
    assert weighed_grams(priced) is None


def test_the_same_bag_has_the_same_label_and_a_price_fits_its_four_digits() -> None:
    assert print_label(price_number(1), 399, "a") == print_label(price_number(1), 399, "a")
    assert print_label(price_number(1), 399, "a") != print_label(price_number(1), 399, "b")
    assert scanned(print_label(price_number(1), 1_000_000, "a")).price == 9999
