"""What the barcode front door found, as the fields of a JSON object; and the door asked by the name of a syntax."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from panier.barcode import (
    NO_NUMBERING,
    BarcodeRefused,
    CardCode,
    Carrier,
    Content,
    CouponCode,
    DataCode,
    DepositCode,
    HouseCode,
    LogisticUnit,
    LoyaltyRules,
    PluCode,
    ProductCode,
    read,
)
from panier.barcode.bracket import read_brackets
from panier.barcode.content import Elements
from panier.barcode.element import read_elements
from panier.barcode.gtin import read_gtin, read_sscc
from panier.barcode.link import read_link
from panier.barcode.message import content_of, dates, decimals
from panier.barcode.upce import expand
from panier_io.numbering import numbering_of

SYNTAXES = ("scan", "bracketed", "element_string", "digital_link", "restricted", "gtin", "upc", "upce", "sscc")

# Where in a GTIN-14 the digits of a symbol begin, for those that are nothing but a number.
_PRIMARY = {Carrier.EAN_8: 6, Carrier.EAN_13: 1, Carrier.UPC_A: 1, Carrier.UPC_E: 1}


class NotRestricted(BarcodeRefused):
    """A number that GS1 gave out, where one of a country's or shop's own was wanted."""

    code = "not_restricted"


def read_as(syntax: str, text: str, rules: LoyaltyRules, region: str = "") -> dict[str, Any]:
    """What `text` is when read as one of SYNTAXES, as `answer_of` puts it. Raises BarcodeRefused, BadNumbering."""
    if syntax in ("scan", "restricted"):
        found = read(text, rules, numbering_of(region) if region else NO_NUMBERING)
        if syntax == "restricted" and not (isinstance(found, ProductCode) and found.is_in_house):
            raise NotRestricted("this number is none that a country or shop gives by itself: those begin with 02, 04 or 20 to 29")
        return answer_of(found)
    if syntax == "gtin" or (syntax == "upc" and len(text) == 12):
        return answer_of(ProductCode(read_gtin(text), Carrier.EAN_8 if len(text) == 8 else Carrier.UNIDENTIFIED))
    if syntax in ("upc", "upce"):
        return answer_of(ProductCode(f"00{expand(text)}", Carrier.UPC_E))
    if syntax == "sscc":
        return answer_of(LogisticUnit(read_sscc(text), Carrier.UNIDENTIFIED))
    return answer_of(content_of(_elements(syntax, text), Carrier.UNIDENTIFIED))


def _elements(syntax: str, text: str) -> Elements:
    if syntax == "digital_link":
        return read_link(text)
    if syntax == "bracketed":
        return read_brackets(text)
    return read_brackets(text, whole=False) if text.startswith("(") else read_elements(text)


def answer_of(found: Content) -> dict[str, Any]:
    """The fields of what was found: numbers as text where leading zeros count or decimals must be exact, empty ones left out."""
    match found:
        case ProductCode():
            fields = _product(found)
        case CouponCode():
            worth = None if found.value is None else _number(found.value, found.decimals)
            fields = {
                "kind": "coupon", "carrier": found.carrier, "scheme": found.scheme, "number": found.number,
                "serial": found.serial, "price": worth, "currency": found.currency, "start": found.start, "expiry": found.expiry,
            }  # fmt: skip
        case DepositCode():
            worth = None if found.value is None else _number(found.value, found.decimals)
            fields = {"kind": "deposit", "carrier": found.carrier, "number": found.number, "price": worth}
        case LogisticUnit():
            fields = {"kind": "logistic_unit", "carrier": found.carrier, "sscc": found.sscc}
        case DataCode():
            fields = {"kind": "data", "carrier": found.carrier}
        case PluCode():
            fields = {"kind": "plu", "plu": found.plu, "organic": found.is_organic}
        case CardCode():
            fields = {"kind": "card", "card": found.number, "rule": found.rule}
        case HouseCode():
            fields = {"kind": found.kind, "payload": found.payload}
    if isinstance(found, ProductCode | CouponCode | LogisticUnit | DataCode) and found.elements:
        fields |= _said(found.elements)
    return {name: value for name, value in fields.items() if value not in (None, "", (), {})}


def _product(found: ProductCode) -> dict[str, Any]:
    gtin14 = found.printed or found.gtin14
    return {
        "kind": "product",
        "carrier": found.carrier,
        "gtin14": gtin14,
        "primary": gtin14[_PRIMARY[found.carrier] :] if found.carrier in _PRIMARY else "",
        "restricted": found.is_in_house,
        "listed_as": found.gtin14 if found.printed else "",
        "addon": found.addon,
        "grams": found.grams,
        "weight": None if found.grams is None else _number(found.grams, 3),
        "price": None if found.price is None else _number(found.price, found.price_decimals),
        "currency": found.currency,
        "count": found.count,
        "expiry": found.expiry,
        "best_before": found.best_before,
        "sell_by": found.sell_by,
        "lot": found.lot,
        "serial": found.serial,
        "composite_ais": found.composite,
    }


def _said(elements: Elements) -> dict[str, Any]:
    held = dict(elements)
    said: dict[str, Any] = {
        "ais": elements,
        "dates": dates(elements),
        "decimals": {ai: f"{number:f}" for ai, number in decimals(elements).items()},
    }
    if "00" in held:
        said["sscc"] = held["00"]
    if "37" in held:
        said["count"] = int(held["37"])
    return said


def _number(value: int, decimals: int) -> str:
    return f"{Decimal(value).scaleb(-decimals):f}"
