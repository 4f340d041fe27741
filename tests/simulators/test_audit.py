"""What the demo's audit makes of labels and coupons."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from panier_simulators.demo.audit import compare
from panier_simulators.sample.shop import SampleLine, SampleTrip
from panier_simulators.shopper import Shopping

LABEL = "01920000108218563103000532"
TRIP = SampleTrip(
    basket=31, household=900, store=330, at=datetime(2017, 1, 1, tzinfo=UTC),
    lines=(SampleLine(sku="1082185", quantity=1, labels=(LABEL,)), SampleLine(sku="8", quantity=1, labels=("0200016703050",))),
    coupon="9900000854256",
)  # fmt: skip
DONE = Shopping(device="till-01", basket=31, planned_units=2, trip="t", units=2, total=358, coupons=["9900000854256"])
BANANAS: dict[str, Any] = {"sku": "1082185", "quantity": 1, "weighings": [{"grams": 532, "price_per_kg": 99}]}
HAM: dict[str, Any] = {"sku": "8", "quantity": 1, "weighings": []}
RECEIPT: dict[str, Any] = {
    "receipt": "t", "device": "till-01", "units": 2, "total": 358, "device_total": 358, "arrived_at": 9, "finished_at": 5,
    "lines": [BANANAS, HAM], "coupons": ["9900000854256"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, ""),
        ({"coupons": []}, "does not know of the coupons ['9900000854256']"),
        ({"lines": [BANANAS | {"weighings": [{"grams": 523}]}, HAM]}, "bags of [532] g are not on the receipt; it has [523]"),
    ],
)
def test_a_receipt_states_each_bag_s_weight_and_the_coupons_that_were_shown(wrong: dict[str, Any], words: str) -> None:
    found = compare([RECEIPT | wrong], (), [DONE], [TRIP])
    assert len(found.mismatched) == bool(words)
    assert words in "".join(found.mismatched)
    assert (found.lost, found.duplicated) == ([], [])
