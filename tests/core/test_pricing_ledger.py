from __future__ import annotations

from panier.pricing import BasketLine, Settings
from panier.pricing.ledger import Ledger


def test_a_ledger_takes_over_what_was_reckoned_for_some_of_its_lines_and_keeps_the_rest() -> None:
    tea, bread = (BasketLine(sku=sku, unit_price=price, quantity=1) for sku, price in (("tea", 400), ("bread", 250)))
    whole, part = Ledger([bread, tea], Settings(), 0), Ledger([tea], Settings(), 0)
    part.running[0] = 360
    part.catalogue = frozenset({0})
    whole.take_over(part, [1])
    assert whole.running == [250, 360]
    assert whole.catalogue == {1}, "the line that a shelf price touched, by its place in the whole"
