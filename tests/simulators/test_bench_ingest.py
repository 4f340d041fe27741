"""What `panier bench ingest` sends, and the bare rows that it is measured beside."""

from __future__ import annotations

from panier.receipt import Receipt
from panier_simulators.bench.rows import batched, renamed
from panier_simulators.bench.takings import open_takings


def test_made_up_receipts_are_of_products_that_are_imported_and_the_same_each_time() -> None:
    takings = open_takings()
    receipts = [Receipt.model_validate(one) for one in takings.receipts("store-0", 20, 7, "j1")]
    assert len({one.receipt for one in receipts}) == 20
    prices = {one["sku"]: one["unit_price"] for one in takings.imported()["products"]}
    assert all(line.unit_price == prices[line.sku] for one in receipts for line in one.lines)
    assert all(one.total == one.device_total == sum(line.gross - line.discount for line in one.lines) for one in receipts)
    assert any(one.savings for one in receipts)
    assert receipts == [Receipt.model_validate(one) for one in open_takings().receipts("store-0", 20, 7, "j1")]


def test_bare_rows_are_the_same_but_for_numbers_and_ids() -> None:
    rows = {"receipt": [(3, "a", 5)], "receipt_line": [(3, 0, "oat"), (3, 1, "soy")], "receipt_saving": []}
    assert renamed(rows, ["number", "receipt", "total"], 10, ".copy") == {
        "receipt": [(13, "a.copy", 5)], "receipt_line": [(13, 0, "oat"), (13, 1, "soy")], "receipt_saving": [],
    }  # fmt: skip


def test_bare_rows_go_by_the_batch_with_all_that_belongs_to_a_receipt() -> None:
    rows = {
        "receipt": [("b", 9), ("a", 4), ("c", 11)],
        "receipt_line": [(4, 0), (9, 0), (9, 1), (11, 0)],
        "receipt_saving": [(11, 0)],
    }
    assert batched(rows, ["receipt", "number"], 2) == [
        {"receipt": [("b", 9), ("a", 4)], "receipt_line": [(4, 0), (9, 0), (9, 1)], "receipt_saving": []},
        {"receipt": [("c", 11)], "receipt_line": [(11, 0)], "receipt_saving": [(11, 0)]},
    ]
