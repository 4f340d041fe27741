"""Products, offers and capsules: the limits that hold wherever one comes in."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from panier.catalogue import Product
from panier.member import Capsule
from panier.offer import Offer

PRODUCT: dict[str, Any] = {"sku": "beans", "gtins": ["02000000000015"], "name": "Beans", "unit_price": 125}
OFFER: dict[str, Any] = {
    "offer": "c-1",
    "revision": 1,
    "title": "20 % off",
    "reason": "Monthly",
    "promotion": {"kind": "percent"},
}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Product, PRODUCT, [{"sku": ""}, {"gtins": ["5901234123457"]}, {"unit_price": -1}, {"name": "n" * 121}]),
        (Offer, OFFER, [{"revision": 0}, {"title": ""}, {"reason": "r" * 81}, {"promotion": "free"}]),
        (
            Capsule,
            {"trip": "d.j.1", "member": "m-1", "first_name": "", "segments": ["member"], "offers": [OFFER]},
            [{"member": ""}, {"first_name": "n" * 41}, {"segments": [""]}, {"offers": [{}]}],
        ),
    ],
    ids=["Product", "Offer", "Capsule"],
)
def test_a_values_limits_are_checked_where_it_comes_in(kind: type, good: dict[str, Any], bad: list[dict[str, Any]]) -> None:
    adapter: TypeAdapter[object] = TypeAdapter(kind)
    value = adapter.validate_python(good)
    assert adapter.validate_json(adapter.dump_json(value)) == value
    for change in bad:
        with pytest.raises(ValidationError):
            adapter.validate_python(good | change)
