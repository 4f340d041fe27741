# pyright: basic, reportAttributeAccessIssue=false
# Django's models get their fields when it is set up, which no type checker without its plug-in sees.
"""The peer: django-oscar's own offer code on the same basket and the same offers, with its ranges held in memory.

Its applicator, conditions, benefits, baskets and lines are used as they are. What would ask a database is answered from memory:
a range by a set of products, a basket's lines by a list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from panier.pricing import BasketLine

HOW_TO_GET = "django-oscar is not installed; pip install 'panier[bench]'"


def release() -> str | None:
    """The installed release, or None."""
    try:
        return version("django-oscar")
    except PackageNotFoundError:
        return None


def _set_up() -> None:
    import django
    from django.conf import settings
    from oscar import INSTALLED_APPS
    from oscar.defaults import __dict__ as defaults

    if settings.configured:
        return
    settings.configure(
        INSTALLED_APPS=list(INSTALLED_APPS),
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        SECRET_KEY="a measurement has no secret",  # noqa: S106
        SITE_ID=1, USE_TZ=True,
        HAYSTACK_CONNECTIONS={"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
        **{name: value for name, value in defaults.items() if name.startswith("OSCAR_")},
    )  # fmt: skip
    django.setup()
    from oscar.apps.offer.models import Benefit, Condition, ConditionalOffer

    # The peer makes a proxy of each condition and benefit whenever it needs one; the proxies, too, get their ranges from memory.
    for part in (Benefit, Condition):
        part.__dict__["range"].get_object = lambda instance: _RANGES[instance.range_id]
    # Which offers may be combined on one item is asked of the database too; here none may, as the peer has it by default.
    ConditionalOffer.combinations = _NoOffers()


class _NoOffers:
    """An empty relation, held in memory."""

    def count(self) -> int:
        return 0


class OscarTill:
    """The peer with these offers; what it has no kind for is left out and counted in `left_out`."""

    def __init__(self, definitions: Mapping[str, Mapping[str, Any]], categories: Callable[[str], Sequence[str]]) -> None:
        _set_up()
        from oscar.apps.offer.applicator import Applicator

        self._applicator = Applicator()
        self.offers: list[Any] = []
        self.left_out = 0
        for number, (name, definition) in enumerate(definitions.items()):
            offer = _offer(number, name, definition, categories)
            if offer is None:
                self.left_out += 1
            else:
                self.offers.append(offer)

    def basket(self, lines: Sequence[BasketLine]) -> Any:
        """A fresh basket; the peer marks its lines while it works."""
        from oscar.apps.basket.models import Basket, Line
        from oscar.apps.catalogue.models import Product
        from oscar.apps.partner.models import StockRecord
        from oscar.apps.partner.prices import FixedPrice
        from oscar.apps.partner.strategy import PurchaseInfo

        held: list[Any] = []

        basket = Basket()
        basket.all_lines = lambda: held
        prices: dict[int, Any] = {}

        class Strategy:
            def fetch_for_line(self, line: Any, stockrecord: Any = None) -> Any:
                del stockrecord
                return prices[line.product.id]

        basket.strategy = Strategy()
        for line in lines:
            product = Product(id=int(line.sku) + 1, structure="standalone", title=line.sku)
            price = FixedPrice("EUR", Decimal(line.unit_price) / 100, tax=Decimal(0))
            prices[product.id] = PurchaseInfo(price=price, availability=None, stockrecord=None)
            held.append(
                Line(
                    basket=basket, product=product, quantity=line.quantity, line_reference=line.sku, stockrecord=StockRecord(id=1)
                )
            )
        return basket

    def price(self, basket: Any) -> Decimal:
        """Applies all offers; the discount."""
        self._applicator.apply_offers(basket, self.offers)
        return sum((line.discount_value for line in basket.all_lines()), Decimal(0))


_RANGES: dict[int, Any] = {}


def _offer(number: int, name: str, definition: Mapping[str, Any], categories: Callable[[str], Sequence[str]]) -> Any:
    from oscar.apps.offer.models import Benefit, Condition, ConditionalOffer

    kind, target = definition["kind"], definition.get("target") or definition.get("buy", {}).get("target") or {"all": True}
    products = _range(number, target, categories)
    when = definition.get("when", {})
    if kind == "percent" or kind == "percent_order":
        benefit = Benefit(type="Percentage", value=Decimal(definition["percent"]), range=products)
    elif kind == "amount_per_unit":
        benefit = Benefit(type="Fixed", value=Decimal(definition["amount"]), range=products)
    elif kind == "amount":
        benefit = Benefit(type="Absolute", value=Decimal(definition["amount"]), range=products)
    elif kind == "n_for_price":
        benefit = Benefit(type="Fixed price", value=Decimal(definition["price"]), range=products)
    elif kind == "cheapest_free":
        benefit = Benefit(type="Multibuy", range=products)
    elif kind == "buy_x_get_y":
        benefit = Benefit(type="Percentage", value=Decimal(definition["get"]["percent"]), range=products, max_affected_items=1)
    elif kind == "tiered_percent":
        # The peer has no steps: its nearest is the highest of them.
        start, percent = list(definition["tiers"].items())[-1]
        benefit = Benefit(type="Percentage", value=Decimal(percent), range=products)
        when = {"min_amount": start}
    else:
        return None
    if "min_amount" in when:
        condition = Condition(type="Value", value=Decimal(when["min_amount"]), range=products)
    else:
        units = when.get("min_qty") or definition.get("n") or (2 if kind == "buy_x_get_y" else 1)
        condition = Condition(type="Count", value=Decimal(units), range=products)
    offer = ConditionalOffer(id=number + 1, name=name, max_basket_applications=definition.get("max_applications", 1))
    offer.condition, offer.benefit = condition, benefit
    return offer


def _range(number: int, target: Mapping[str, Any], categories: Callable[[str], Sequence[str]]) -> Any:
    from oscar.apps.offer.models import Range

    skus = target.get("skus") or [sku for category in target.get("categories", ()) for sku in categories(category)]
    held = frozenset(int(sku) + 1 for sku in skus)
    products = Range(id=number + 1, name=str(number), includes_all_products="all" in target)
    products.contains_product = (lambda product: True) if "all" in target else (lambda product: product.id in held)
    _RANGES[number + 1] = products
    return products
