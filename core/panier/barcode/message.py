"""What a set of GS1 elements is about: a product with its weight, price and dates, a coupon, a pallet, or only data."""

from __future__ import annotations

from decimal import Decimal

from panier.barcode.carrier import Carrier
from panier.barcode.content import CouponCode, DataCode, Elements, LogisticUnit, ProductCode
from panier.barcode.coupon import Offer, read_north_american, read_positive_offer
from panier.barcode.day import iso_day, iso_moment

_POUND = Decimal("453.59237")
# The last digit of these identifiers says how many decimals the value has; in some, three digits of a currency come first.
_MEASURES = ("31", "32", "33", "34", "35", "36")
_AMOUNTS = ("390", "392", "394", "395")
_CURRENCY_AMOUNTS = ("391", "393")
_DATES = frozenset(("11", "12", "13", "15", "16", "17", "4324", "4325", "4326", "7003", "7006", "7007", "7011", "8008"))

GsContent = ProductCode | CouponCode | LogisticUnit | DataCode


def content_of(elements: Elements, carrier: Carrier) -> GsContent:
    """What these elements name, most telling first: a product (01, 03, 8006), a coupon, a logistic unit, or only data."""
    held = dict(elements)
    gtin14 = held.get("01") or held.get("03") or held.get("8006", "")[:14]
    if gtin14:
        return _product(gtin14, elements, carrier)
    if "255" in held or "8110" in held or "8112" in held:
        return _coupon(held, elements, carrier)
    if "00" in held:
        return LogisticUnit(held["00"], carrier, elements)
    return DataCode(elements, carrier)


def _product(gtin14: str, elements: Elements, carrier: Carrier) -> ProductCode:
    grams = price = count = None
    decimals, currency = 2, ""
    for ai, value in elements:
        if ai == "30":
            count = int(value)
        elif ai[0] == "3" and len(ai) == 4:
            kind, places = ai[:3], int(ai[3])
            if kind == "310":
                grams = _rounded(Decimal(value).scaleb(3 - places))
            elif kind == "320":
                grams = _rounded(Decimal(value).scaleb(-places) * _POUND)
            elif kind == "392":
                price, decimals = int(value), places
            elif kind == "393":
                price, decimals, currency = int(value[3:]), places, value[:3]
    return ProductCode(
        gtin14, carrier, grams=grams, price=price, price_decimals=decimals, currency=currency, count=count, elements=elements
    )  # fmt: skip


def _coupon(held: dict[str, str], elements: Elements, carrier: Carrier) -> CouponCode:
    if "255" not in held:
        return _north_american_coupon(held, elements, carrier)
    number = held["255"]
    value, decimals, currency = None, 2, ""
    for ai, amount in elements:
        if ai[:3] == "390":
            value, decimals = int(amount), int(ai[3])
        elif ai[:3] == "391":
            value, decimals, currency = int(amount[3:]), int(ai[3]), amount[:3]
    return CouponCode(
        scheme="gcn", number=number[:13], serial=number[13:], value=value, decimals=decimals, currency=currency,
        expiry=iso_moment(held.get("17", "")), carrier=carrier, elements=elements,
    )  # fmt: skip


def _north_american_coupon(held: dict[str, str], elements: Elements, carrier: Carrier) -> CouponCode:
    offer = read_north_american(held["8110"]) if "8110" in held else read_positive_offer(held["8112"])
    assert isinstance(offer, Offer), "the identifier's own rule has read it before"
    return CouponCode(
        scheme="na_offer" if "8110" in held else "na_positive_offer", number=offer.funder + offer.offer, serial=offer.serial,
        value=offer.saving, start=offer.start, expiry=offer.expiry, carrier=carrier, elements=elements,
    )  # fmt: skip


def decimals(elements: Elements) -> dict[str, Decimal]:
    """The measures and amounts as numbers, by identifier: `{"3103": Decimal("0.195")}`."""
    found: dict[str, Decimal] = {}
    for ai, value in elements:
        if len(ai) != 4:
            continue
        if ai.startswith(_MEASURES) or ai.startswith(_AMOUNTS):
            found[ai] = Decimal(value).scaleb(-int(ai[3]))
        elif ai.startswith(_CURRENCY_AMOUNTS):
            found[ai] = Decimal(value[3:]).scaleb(-int(ai[3]))
    return found


def dates(elements: Elements) -> dict[str, str]:
    """The dates as ISO, by identifier: `{"17": "2026-11-22"}`; with the time of day where the identifier has one."""
    found: dict[str, str] = {}
    for ai, value in elements:
        if ai == "7007" and len(value) == 12:
            found[ai] = f"{iso_day(value[:6])}/{iso_day(value[6:])}"
        elif ai in _DATES:
            found[ai] = iso_moment(value)
    return found


def _rounded(grams: Decimal) -> int:
    """Whole grams, half a gram up."""
    return int(grams + Decimal("0.5"))
