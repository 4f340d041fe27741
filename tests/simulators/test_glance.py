from __future__ import annotations

import pytest

from panier_simulators.glance import Glance, read

BASKET = """\
┌ Hello Claire ──────────── ● online ──┐
│! prices of 2 h ago                   │
│  3 items from our bakery      12.40  │
│ ▸Oat milk 1 l          x2      3.58  │
├──────────────────────────────────────┤
│ ★ 1 more oat milk: save 1.20         │
│ ★ -20 % granola   you buy it monthly │
├──────────────────────────────────────┤
│ 14 items         saved 2.00          │
│                       TOTAL  1,038.25│
└ List 6/11   Offers 3   Help   Finish ┘"""


def test_the_figures_of_a_basket_are_read_wherever_they_stand() -> None:
    seen = read(tuple(BASKET.splitlines()))
    assert seen == Glance(units=14, saved=200, total=103825, offers=2, is_on=True, is_online=True, prices_age="of 2 h ago")
    assert seen.is_basket


def test_the_farewell_carries_the_trip_and_what_is_to_pay() -> None:
    seen = read(("  Thank you, Claire!", " Trip till-03.k7q2xa.118", "      TOTAL 38.25", "3 items  saved 0.00"))
    assert (seen.is_end, seen.trip, seen.total) == (True, "till-03.k7q2xa.118", 3825)
    assert not seen.is_basket


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("○ offline  prices 12 min", Glance(is_on=True, prices_age="12 min")),
        ("Scan your card or first item", Glance(is_start=True)),
        ("1 item   saved 0.00", Glance(units=1, saved=0)),
        ("TOTAL  € 0.05", Glance(total=5)),
        ("TOTAL", Glance()),
        ("│ Another saves more. The coupon is kept. │", Glance(is_coupon_told=True)),
        ("★ 10% off  from your coupon mailing no. 13", Glance(offers=1)),
        ("SUBTOTAL 3.00", Glance()),
        ("", Glance()),
    ],
)
def test_each_word_of_the_contract_is_read_by_itself(row: str, expected: Glance) -> None:
    assert read((row,)) == expected
