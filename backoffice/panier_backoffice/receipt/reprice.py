"""Prices a receipt again from the log, with the engine that the device and the gateway used, and says every difference."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from panier.catalogue import Product
from panier.error import PanierError
from panier.money import format_minor
from panier.offer import Offer
from panier.pricetag import strange_prices
from panier.pricing import PricedBasket, PromotionSet
from panier.receipt import OfferUse, Receipt, ReceiptLine, vat_of
from panier.till import compile_offers, price_trip
from panier.trip import Line, Trip
from panier_backoffice.feed import log
from panier_backoffice.receipt.shelf import Shelves


@dataclass(slots=True)
class PriceLog:
    """What the feed's log said at each version, for the receipts of one delivery."""

    session: Session
    shelves: Shelves
    _newest: int | None = None
    _products: dict[tuple[str, int], Product | None] = field(default_factory=dict[tuple[str, int], "Product | None"])
    _promotions: dict[tuple[int, str], PromotionSet] = field(default_factory=dict[tuple[int, str], PromotionSet])
    _offers: dict[str, dict[int, Offer]] = field(default_factory=dict[str, dict[int, Offer]])

    @property
    def newest(self) -> int:
        """The newest sequence."""
        if self._newest is None:
            self._newest = log.newest(self.session)
        return self._newest

    def load(self, receipts: Iterable[Receipt]) -> None:
        """Looks up at once what the lines of `receipts` name, version by version."""
        wanted: dict[int, set[str]] = {}
        for receipt in receipts:
            for line in receipt.lines:
                wanted.setdefault(line.snapshot, set()).add(line.sku)
        for version, skus in wanted.items():
            # Of a version that nobody told yet, the log may say more later.
            told = min(version, self.newest)
            found = self.shelves.products(self.session, told, skus)
            self._products.update(((sku, version), product) for sku, product in found.items())

    def product(self, sku: str, version: int) -> Product | None:
        """The product as it was at `version`; None where it was not sold then. What names it has to be loaded."""
        return self._products[sku, version]

    def promotions(self, version: int, currency: str) -> PromotionSet:
        """The public promotions as of `version`."""
        key = (version, currency)
        if key not in self._promotions:
            self._promotions[key] = self.shelves.at(self.session, version, currency)
        return self._promotions[key]

    def offer(self, use: OfferUse) -> Offer | None:
        """The offer of that revision of a campaign as it was pushed; None where none such was."""
        if use.offer not in self._offers:
            bodies = [json.loads(entry.body) for entry in log.history(self.session, "campaign", use.offer) if entry.body]
            self._offers[use.offer] = {
                body["revision"]: Offer(
                    offer=use.offer, revision=body["revision"], title=body["title"], reason=body["reason"],
                    promotion=body["promotion"],
                )
                for body in bodies
            }  # fmt: skip
        return self._offers[use.offer].get(use.revision)


def differences(receipt: Receipt, price_log: PriceLog) -> list[str]:
    """Every way in which the receipt is not what the log and the engine say, in words; empty where all is equal to the cent.

    `price_log` has to be loaded with it.
    """
    found = [*_sums(receipt), *_line_prices(receipt, price_log)]
    if receipt.snapshot > price_log.newest:
        found.append(f"priced with version {receipt.snapshot}, but {price_log.newest} is the newest that was ever told")
    offers: list[Offer] = []
    for use in receipt.offers:
        offer = price_log.offer(use)
        if offer is None:
            found.append(f"campaign {use.offer} was never pushed as revision {use.revision}")
        else:
            offers.append(offer)
    try:
        found += _engine(receipt, offers, price_log)
    except PanierError as error:
        found.append(f"cannot be priced again: {error}")
    return found


def _sums(receipt: Receipt) -> Iterator[str]:
    """The receipt against itself."""
    for line in receipt.lines:
        if line.gross != line.unit_price * line.quantity:
            gross, unit_price = _money(line.gross, receipt), _money(line.unit_price, receipt)
            yield f"{line.sku}: {line.quantity} at {unit_price} are not {gross}"
    units, discount = sum(line.quantity for line in receipt.lines), sum(line.discount for line in receipt.lines)
    deposit = sum(line.deposit * line.quantity for line in receipt.lines)
    total = deposit + sum(line.gross - line.discount for line in receipt.lines)
    if receipt.units != units:
        yield f"it says {receipt.units} units, its lines hold {units}"
    stated_sums = (("discount", receipt.discount), ("deposit", receipt.deposit), ("total", receipt.total))
    for (name, stated), summed in zip(stated_sums, (discount, deposit, total), strict=True):
        if stated != summed:
            yield f"it says {name} {_money(stated, receipt)}, its lines add up to {_money(summed, receipt)}"
    # A gateway of an earlier version says nothing of VAT.
    if receipt.vat and receipt.vat != vat_of(receipt.lines):
        yield "its VAT is not that of its lines"


def bought_lines(receipt: Receipt) -> Sequence[ReceiptLine]:
    """The lines without the gifts that promotions added at the end: free, of no category, and named by what gave them."""
    titles = {saving.title for saving in receipt.savings}
    end = len(receipt.lines)
    while end and (line := receipt.lines[end - 1]).name in titles and not line.category and line.discount == line.gross:
        end -= 1
    return receipt.lines[:end]


def _line_prices(receipt: Receipt, price_log: PriceLog) -> Iterator[str]:
    for line in bought_lines(receipt):
        yield from strange_prices(line, price_log.product(line.sku, line.snapshot), receipt.currency)


def _engine(receipt: Receipt, offers: Sequence[Offer], price_log: PriceLog) -> Iterator[str]:
    shelf = price_log.promotions(receipt.snapshot, receipt.currency)
    own, refused = compile_offers(offers, receipt.currency) if offers else (None, [])
    yield from map(str, refused)
    priced = price_trip(trip_of(receipt), shelf, own)
    for name, stated, found in (
        ("total", receipt.total, priced.total), ("discount", receipt.discount, priced.discount),
    ):  # fmt: skip
        if stated != found:
            yield f"{name} stands at {_money(stated, receipt)}; priced again it is {_money(found, receipt)}"
    for line, again in zip(receipt.lines, priced.lines, strict=False):
        if line.discount != again.discount:
            yield f"{line.sku} saves {_money(line.discount, receipt)}; priced again {_money(again.discount, receipt)}"
    yield from _savings(receipt, priced)


def _savings(receipt: Receipt, priced: PricedBasket) -> Iterator[str]:
    stated: dict[str, int] = {}
    for saving in receipt.savings:
        stated[saving.promotion] = stated.get(saving.promotion, 0) + saving.amount
    found = {saving.promotion: saving.amount for saving in priced.savings}
    for name in sorted(stated.keys() | found.keys()):
        if stated.get(name, 0) != found.get(name, 0):
            yield f"{name} saved {_money(stated.get(name, 0), receipt)}; priced again {_money(found.get(name, 0), receipt)}"


def trip_of(receipt: Receipt) -> Trip:
    """The trip as far as pricing sees it."""
    return Trip(
        trip=receipt.receipt, store=receipt.store, currency=receipt.currency, timezone=receipt.timezone,
        snapshot=receipt.snapshot, started_at=receipt.started_at - receipt.clock_offset,
        last_at=_priced_at(receipt) - receipt.clock_offset,
        first_sequence=receipt.first_sequence, last_sequence=receipt.last_sequence,
        lines=tuple(
            Line(
                sku=line.sku, name=line.name, unit_price=line.unit_price, category=line.category, tax_rate=line.tax_rate,
                snapshot=line.snapshot, quantity=line.quantity, weighings=tuple(line.weighings), is_labelled=line.is_labelled,
                deposit=line.deposit, mark_down=line.mark_down, priced_by=line.priced_by,
            )
            for line in bought_lines(receipt)
        ),
        coupons=frozenset(receipt.coupons), member=receipt.member, segments=tuple(receipt.segments),
        standing=receipt.standing, leases=tuple(receipt.leases),
    )  # fmt: skip


def _priced_at(receipt: Receipt) -> int:
    """Where it was paid at the terminal, prices hold as of when that was asked for."""
    return receipt.tenders[-1].asked_at if receipt.tenders else receipt.finished_at


def _money(minor: int, receipt: Receipt) -> str:
    return format_minor(minor, receipt.currency)
