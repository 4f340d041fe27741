# pyright: basic, reportAttributeAccessIssue=false
# Django's models get their fields when it is set up, which no type checker without its plug-in sees.
"""The peer: a django-oscar shop in a database in memory, with the same products, prices, offers and baskets as ours.

The tables are oscar's, its own models save the rows, and a basket is priced as its middleware does it: fresh from the database,
with the stock strategy, by `Applicator().apply(basket)`. Only what a `Holding` names is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal
from unittest.mock import patch

from panier.pricing import BasketLine

HOW_TO_GET = "django-oscar is not installed; pip install 'panier[bench]'"
Holding = Literal["nothing", "ranges", "range rows", "everything"]
REPLACED: dict[Holding, str] = {
    "nothing": "as shipped",
    "ranges": "what a range holds is a set in memory, as by oscar's hook for ranges of one's own; the range's row is still read",
    "range rows": "the rows of ranges, too: none is read from the database again",
    "everything": "offers, ranges, lines, stock and prices are in memory before the clock starts: no query at all",
}
"""What is answered from memory instead of oscar's database, in words; each holds what the one before it holds."""


def release() -> str | None:
    """The installed release, or None."""
    try:
        return version("django-oscar")
    except PackageNotFoundError:
        return None


class OscarTill:
    """An oscar shop with these offers. What it has no kind for, or what is not for a guest, is counted in `left_out`.

    Products are saved when an offer or a basket names them; the rest of an assortment would lengthen an index and change nothing.
    One till at a time: a new one empties the shop.
    """

    def __init__(
        self, definitions: Mapping[str, Mapping[str, Any]], stock: Callable[[Mapping[str, Any]], list[BasketLine]]
    ) -> None:
        _set_up()
        from oscar.apps.basket.models import Basket
        from oscar.apps.catalogue.models import Product, ProductClass
        from oscar.apps.offer.models import Benefit, Condition, Range
        from oscar.apps.partner.models import Partner

        for model in (Benefit, Condition, Range, Basket, Product):
            model.objects.all().delete()
        self._sort, _ = ProductClass.objects.get_or_create(name="goods", track_stock=False)
        self._partner, _ = Partner.objects.get_or_create(name="shop")
        self._saved: set[str] = set()
        self._ranges: dict[int, Any] = {}
        self._products: dict[int, frozenset[int] | None] = {}
        self._offers: list[Any] | None = None
        for name, definition in definitions.items():
            if "segment" in definition:
                continue
            target = definition.get("target") or definition.get("buy", {}).get("target") or {"all": True}
            products = self._range(name, None if "all" in target else stock(target))
            _save_offer(name, definition, products)
        self.offers = len(self._ranges)
        self.left_out = len(definitions) - self.offers

    def put(self, lines: Sequence[BasketLine]) -> int:
        """Saves a basket with these lines; its number."""
        from oscar.apps.basket.models import Basket, Line

        self._stock(lines)
        basket = Basket.objects.create()
        Line.objects.bulk_create(
            Line(
                basket=basket, product_id=_number(line.sku), stockrecord_id=_number(line.sku), quantity=line.quantity,
                line_reference=line.sku, price_currency="EUR", price_excl_tax=_money(line), price_incl_tax=_money(line),
            )
            for line in lines
        )  # fmt: skip
        return basket.pk

    @contextmanager
    def holding(self, held: Holding) -> Generator[None]:
        """For as long as this lasts, what `held` says is answered from memory."""
        from oscar.apps.offer.applicator import Applicator
        from oscar.apps.offer.models import Benefit, Condition, ConditionalOffer, Range

        def contains(products: Any, product: Any) -> bool:
            skus = self._products[products.pk]
            return skus is None or product.pk in skus

        with ExitStack() as replaced:
            if held != "nothing":
                replaced.enter_context(patch.object(Range, "contains_product", contains))
            if held in ("range rows", "everything"):
                # Oscar copies each condition and benefit whenever it asks one, and the copy reads its range from the database.
                for part in (Benefit, Condition):
                    field = part.__dict__["range"]
                    replaced.enter_context(patch.object(field, "get_object", lambda of: self._ranges[of.range_id]))
            if held == "everything":
                replaced.enter_context(patch.object(ConditionalOffer, "combinations", _NoOffers()))
                replaced.enter_context(patch.object(self, "_offers", Applicator().get_offers(_basket(), None)))
            yield

    def basket(self, number: int) -> Any:
        """A fresh copy of a saved basket; what is held lies in it already."""
        basket = _basket(number)
        if self._offers is not None:
            basket._lines = list(basket.all_lines())
            for line in basket._lines:
                assert line.purchase_info
        return basket

    def price(self, basket: Any) -> None:
        """Applies all offers to a fresh basket."""
        from oscar.apps.offer.applicator import Applicator

        if self._offers is None:
            Applicator().apply(basket)
        else:
            Applicator().apply_offers(basket, self._offers)

    @contextmanager
    def counted(self) -> Generator[list[str]]:
        """Gives a list that grows by each query the database is asked for as long as this lasts."""
        from django.db import connection

        asked: list[str] = []

        def note(execute: Any, sql: str, *rest: Any) -> Any:
            asked.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(note):
            yield asked

    def _range(self, name: str, lines: list[BasketLine] | None) -> Any:
        from oscar.apps.offer.models import Range, RangeProduct

        products = Range.objects.create(name=name, slug=name, includes_all_products=lines is None)
        self._stock(lines or ())
        RangeProduct.objects.bulk_create(RangeProduct(range=products, product_id=_number(line.sku)) for line in lines or ())
        self._ranges[products.pk] = products
        self._products[products.pk] = None if lines is None else frozenset(_number(line.sku) for line in lines)
        return products

    def _stock(self, lines: Iterable[BasketLine]) -> None:
        from oscar.apps.catalogue.models import Product
        from oscar.apps.partner.models import StockRecord

        new = {line.sku: line for line in lines if line.sku not in self._saved}
        self._saved.update(new)
        Product.objects.bulk_create(
            Product(id=_number(sku), upc=sku, title=sku, slug=sku, structure="standalone", product_class=self._sort)
            for sku in new
        )
        StockRecord.objects.bulk_create(
            StockRecord(
                id=_number(sku), product_id=_number(sku), partner=self._partner, partner_sku=sku, price_currency="EUR",
                price=_money(line),
            )
            for sku, line in new.items()
        )  # fmt: skip


def _save_offer(name: str, definition: Mapping[str, Any], products: Any) -> None:
    """Saves what comes nearest to a definition; where the peer has no such kind, that is the simpler one."""
    from oscar.apps.offer.models import Benefit, Condition, ConditionalOffer

    kind, when = definition["kind"], definition.get("when", {})
    benefit: dict[str, Any] = {"range": products}
    match kind:
        case "percent" | "percent_order":
            benefit |= {"type": "Percentage", "value": definition["percent"]}
        case "amount_per_unit":
            benefit |= {"type": "Fixed", "value": definition["amount"]}
        case "amount":
            benefit |= {"type": "Absolute", "value": definition["amount"]}
        case "n_for_price":
            # Oscar takes the condition's range here and refuses one of the benefit's own.
            benefit = {"type": "Fixed price", "value": definition["price"]}
        case "cheapest_free":
            benefit |= {"type": "Multibuy"}
        case "buy_x_get_y":
            benefit |= {
                "type": "Percentage",
                "value": definition["get"]["percent"],
                "max_affected_items": definition["get"]["qty"],
            }
        case "tiered_percent":
            # The peer has no steps: its nearest is the highest of them.
            start, percent = list(definition["tiers"].items())[-1]
            benefit |= {"type": "Percentage", "value": percent}
            when = {"min_amount": start}
        case _:
            raise ValueError(f"{name}: the peer has nothing like {kind}; leave it out of the market")
    if "min_amount" in when:
        condition = {"type": "Value", "value": when["min_amount"]}
    else:
        get = definition["buy"]["qty"] + definition["get"]["qty"] if kind == "buy_x_get_y" else 1
        condition = {"type": "Count", "value": when.get("min_qty") or definition.get("n") or get}
    ConditionalOffer.objects.create(
        name=name, slug=name, priority=definition.get("priority", 0),
        condition=Condition.objects.create(range=products, **condition), benefit=Benefit.objects.create(**benefit),
        max_basket_applications=definition.get("max_applications", 1),
    )  # fmt: skip


def _set_up() -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command
    from oscar import INSTALLED_APPS
    from oscar.defaults import __dict__ as defaults

    if settings.configured:
        return
    settings.configure(
        INSTALLED_APPS=list(INSTALLED_APPS),
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        # The tables as the models have them now, at once; replaying years of migrations ends in the same.
        MIGRATION_MODULES=_AtOnce(),
        LOGGING_CONFIG=None,
        SECRET_KEY="a measurement has no secret",  # noqa: S106
        SITE_ID=1, USE_TZ=True,
        HAYSTACK_CONNECTIONS={"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
        **{name: value for name, value in defaults.items() if name.startswith("OSCAR_")},
    )  # fmt: skip
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0, skip_checks=True)


class _AtOnce(dict[str, None]):
    """Says of every app that it has no migrations."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> None:
        return None


class _NoOffers:
    """Which offers may join one on the same item: by default none, so the count needs no query."""

    def count(self) -> int:
        return 0


def _basket(number: int | None = None) -> Any:
    from oscar.apps.basket.models import Basket
    from oscar.apps.partner.strategy import Selector

    basket = Basket() if number is None else Basket.objects.get(pk=number)
    basket.strategy = Selector().strategy()
    return basket


def _number(sku: str) -> int:
    return int(sku) + 1


def _money(line: BasketLine) -> Decimal:
    return Decimal(line.unit_price) / 100
