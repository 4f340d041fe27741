"""One piece by what its label says of it: whether it is recalled, and what it costs with so few days left. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from panier.barcode import PluCode, ProductCode
from panier.catalogue import Product
from panier.shelflife import due, reduced
from panier.trip import Entry, ItemAdded
from panier_device.decision import Decision, Message, add_scanned, refuse_code

Label = ProductCode | PluCode | None
"""What was scanned; None where the product was picked from a list."""


def stop_recalled(label: Label, product: Product, entry: Entry) -> Decision | None:
    """The stop for a piece that is called back, or None. Staff hear of it, so that it may open a trip."""
    if product.recall is None or _judged(label, product) != "stop":
        return None
    refused = refuse_code("recalled", product.sku, entry)
    return replace(refused, message=Message("recalled", "attention", {"why": product.recall.reason}), starts=True)


def warned(decided: Decision, label: Label, product: Product) -> Decision:
    """The same, with a word of which pieces are called back where the code does not say whether this is one."""
    if product.recall is None or not _adds(decided) or _judged(label, product) != "look":
        return decided
    marks = ", ".join((*product.recall.lots, *product.recall.serials)) or f"{product.recall.first_day}…{product.recall.last_day}"
    return replace(decided, message=Message("recall_look", "attention", {"marks": marks}))


def sell(
    label: ProductCode | PluCode, product: Product, version: int, entry: Entry, currency: str, store_time: Callable[[], str]
) -> Decision:
    """A piece into the basket, at the shelf's price less what its date takes off; where its label states a price, at that."""
    percent = due(product.mark_down, _day(label), store_time()[:10]) if product.mark_down else 0
    plain = add_scanned(label, product, version, entry, currency)
    if percent == 0 or plain.unweighed is not None:
        return plain
    decided = add_scanned(label, replace(product, unit_price=reduced(product.unit_price, percent)), version, entry, currency)
    sold = (
        replace(what, mark_down=percent) if isinstance(what, ItemAdded) and not what.is_labelled else what
        for what in decided.happenings
    )
    return replace(decided, happenings=tuple(sold))


def _judged(label: Label, product: Product) -> str:
    assert product.recall is not None
    if not isinstance(label, ProductCode):
        return product.recall.judge()
    return product.recall.judge(label.lot, label.serial, _day(label))


def _day(label: Label) -> str:
    """The first of the days that a label says, ISO, or ""."""
    if not isinstance(label, ProductCode):
        return ""
    return min((day[:10] for day in (label.expiry, label.best_before, label.sell_by) if day), default="")


def _adds(decided: Decision) -> bool:
    return any(isinstance(what, ItemAdded) for what in decided.happenings)
