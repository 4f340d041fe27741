"""What a device stated of a line, held against what the shelf said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from panier.catalogue import Product
from panier.pricetag import strange_prices
from panier.shelflife import MarkDown
from panier.trip import Line
from panier.weighed import Weighing

PIECE = Product(sku="cola", gtins=(), name="Cola", unit_price=150, deposit=25)
SHORT = replace(PIECE, mark_down=(MarkDown(days=1, percent=30),))
LOOSE = Product(sku="figs", gtins=(), name="Figs", unit_price=399, unit="kg")
COLA = Line(
    sku="cola", name="Cola", unit_price=150, category="", tax_rate=None, snapshot=3, quantity=2, deposit=25
)  # fmt: skip
BAG = Weighing(grams=552, tare=20, price_per_kg=399)
FIGS = replace(COLA, sku="figs", unit_price=212, quantity=1, deposit=0, weighings=(BAG,))


@pytest.mark.parametrize(
    ("line", "product", "says"),
    [
        (COLA, PIECE, []),
        (FIGS, LOOSE, []),
        (replace(FIGS, quantity=2, weighings=(BAG, replace(BAG, grams=551))), LOOSE, []),
        (replace(FIGS, unit_price=999, weighings=(), is_labelled=True), LOOSE, []),
        (COLA, None, ["cola was not sold at version 3"]),
        (replace(COLA, priced_by="monitor"), None, []),
        (replace(COLA, unit_price=99, priced_by="monitor"), PIECE, ["cola stands at 0.99, but cost 1.50 at version 3"]),
        (replace(COLA, unit_price=99), PIECE, ["cola stands at 0.99, but cost 1.50 at version 3"]),
        (replace(COLA, deposit=0), PIECE, ["cola has a deposit of 0.00, but had 0.25 at version 3"]),
        (replace(FIGS, weighings=()), LOOSE, ["figs is sold by weight, and not all of its 1 units were weighed"]),
        (replace(FIGS, quantity=2), LOOSE, ["figs is sold by weight, and not all of its 2 units were weighed"]),
        (FIGS, replace(LOOSE, unit_price=499), ["figs was weighed at 3.99 a kg, but cost 4.99 at version 3"]),
        (FIGS, replace(LOOSE, unit="each"), ["figs was weighed, but was sold by the piece at version 3"]),
        (replace(FIGS, unit_price=100), LOOSE, ["figs stands at 1.00, but 0.532 kg x 3.99/kg is not that"]),
        (replace(COLA, unit_price=105, mark_down=30), SHORT, []),
        (replace(COLA, mark_down=30), SHORT, []),  # a piece of the full price came to the same line
        (replace(COLA, unit_price=99, mark_down=30), SHORT, ["cola stands at 0.99, but cost 1.05 at version 3"]),
        (
            replace(COLA, unit_price=75, mark_down=50),
            SHORT,
            ["cola was reduced by 50 % for its date, and no such mark-down was known at version 3"],
        ),
        (
            replace(FIGS, unit_price=148, mark_down=30, weighings=(replace(BAG, price_per_kg=279),)),
            replace(LOOSE, mark_down=SHORT.mark_down),
            [],
        ),
        (
            replace(FIGS, weighings=(replace(BAG, tare=600),)),
            LOOSE,
            ["figs stands at 2.12, but -0.048 kg x 3.99/kg is not that"],
        ),
    ],
)
def test_a_line_that_is_not_what_the_shelf_said_is_told_in_words(line: Line, product: Product | None, says: list[str]) -> None:
    assert list(strange_prices(line, product, "EUR")) == says
