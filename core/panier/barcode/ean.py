"""EAN and UPC symbols: what 8, 12 or 13 digits mean, the add-on beside them and the composite part above them."""

from __future__ import annotations

from panier.barcode.carrier import Carrier, IdentifierMismatch
from panier.barcode.content import CouponCode, DepositCode, Elements, ProductCode
from panier.barcode.element import read_elements
from panier.barcode.gtin import ensure_digits, read_gtin
from panier.barcode.loyalty import CardCode, LoyaltyRules
from panier.barcode.numbering import Numbering, Template
from panier.barcode.refusal import BarcodeRefused, WrongCheckDigit
from panier.barcode.upce import expand

EanContent = ProductCode | CardCode | CouponCode | DepositCode

# Digits of the main code and of the add-on, by how many came in one piece.
_WITH_ADDON = {15: 13, 18: 13, 14: 12, 17: 12, 10: 8, 13: 8}
_COUPONS = ("981", "982", "983", "984", "99")
_RECEIPTS = "980"
_UPC_COUPONS = "05"


class AddonAlone(BarcodeRefused):
    """Only the small code beside a periodical's or book's bar code was read."""

    code = "addon_alone"


def read_ean13(content: str, carrier: Carrier, rules: LoyaltyRules, numbering: Numbering) -> EanContent:
    """]E0: 13 digits, 12 of UPC-A, or 8 of UPC-E; fewer could be the rest of a scan that was cut. Raises BarcodeRefused."""
    if len(content) == 13:
        return _meaning(read_gtin(content), carrier, rules, numbering)
    digits, addon, composite = _apart(content)
    gtin14, carrier = _ean13_or_upc(digits)
    return _meaning(gtin14, carrier, rules, numbering, addon, composite)


def read_ean8(content: str, carrier: Carrier, rules: LoyaltyRules, numbering: Numbering) -> EanContent:
    """]E4: 8 digits. Raises BarcodeRefused."""
    digits, addon, composite = _apart(content) if len(content) != 8 else (content, "", ())
    if len(digits) != 8:
        ensure_digits(digits)
        raise _mismatch("]E4", "EAN-8, which has 8 digits", digits)
    return _meaning(read_gtin(digits), carrier, rules, numbering, addon, composite)


def read_with_addon(content: str, carrier: Carrier, rules: LoyaltyRules, numbering: Numbering) -> EanContent:
    """]E1, ]E2 or ]E3: the main code and its add-on in one piece. Raises BarcodeRefused."""
    digits, _, composite = _apart(content)
    ensure_digits(digits)
    if len(digits) in (2, 5):
        raise AddonAlone("only the small code at the side was read; scan again so that the whole bar code is in the beam")
    main = _WITH_ADDON.get(len(digits))
    if main is None:
        raise _mismatch("]E3", "a bar code with an add-on of 2 or 5 digits", digits)
    if main == 8 and digits[0] not in "01":
        gtin14, carrier = read_gtin(digits[:8]), Carrier.EAN_8
    else:
        gtin14, carrier = _ean13_or_upc(digits[:main])
    return _meaning(gtin14, carrier, rules, numbering, digits[main:], composite)


def read_eight(digits: str, rules: LoyaltyRules, numbering: Numbering) -> EanContent:
    """Eight digits without an identifier: EAN-8 before UPC-E, which only one code in ten that begins with 0 or 1 could be too."""
    try:
        return read_ean8(digits, Carrier.EAN_8, rules, numbering)
    except WrongCheckDigit:
        if digits[0] in "01":
            try:
                return read_ean13(digits, Carrier.EAN_13, rules, numbering)
            except WrongCheckDigit:
                pass
        raise


def _ean13_or_upc(digits: str) -> tuple[str, Carrier]:
    if len(digits) == 13:
        return read_gtin(digits), Carrier.EAN_13
    if len(digits) == 12:
        return read_gtin(digits), Carrier.UPC_A
    if len(digits) == 8:
        return "00" + expand(digits), Carrier.UPC_E
    ensure_digits(digits)
    raise _mismatch("]E0", "EAN-13, UPC-A or UPC-E, which have 13, 12 or 8 digits", digits)


def _apart(content: str) -> tuple[str, str, Elements]:
    """The main code, the add-on that came under an identifier of its own, and the composite part."""
    linear, bar, above = content.partition("|]e")
    composite = read_elements(above[1:]) if bar else ()
    for identifier, length in (("]E1", 2), ("]E2", 5)):
        digits, seen, addon = linear.partition(identifier)
        if seen:
            ensure_digits(addon)
            if len(addon) != length:
                raise _mismatch(identifier, f"an add-on of {length} digits", addon)
            return digits, addon, composite
    return linear, "", composite


def _meaning(
    gtin14: str, carrier: Carrier, rules: LoyaltyRules, numbering: Numbering, addon: str = "", composite: Elements = ()
) -> EanContent:
    """A card before a number of the shop's own before a coupon before a product."""
    if carrier is Carrier.EAN_8:
        card = rules.match(carrier, gtin14[6:])
        return card or ProductCode(gtin14, carrier, addon=addon, composite=composite)
    digits = gtin14[1:]
    # To a card rule, UPC-A and UPC-E are what they are to a scanner: EAN-13 with a leading 0.
    card = rules.match(Carrier.EAN_13, digits)
    if card is not None:
        return card
    template = numbering.template(digits)
    if template is not None:
        return _templated(template, gtin14, carrier)
    if digits.startswith(_COUPONS):
        return CouponCode(scheme="ean", number=digits, carrier=carrier)
    if digits.startswith(_RECEIPTS):
        return DepositCode(number=digits, carrier=carrier)
    if digits.startswith(_UPC_COUPONS):
        return CouponCode(scheme="upc", number=digits[1:], carrier=carrier)
    if addon or composite:
        return ProductCode(gtin14, carrier, addon=addon, composite=composite)
    return ProductCode(gtin14, carrier)


def _templated(template: Template, gtin14: str, carrier: Carrier) -> EanContent:
    digits = gtin14[1:]
    value = template.read(digits)
    if template.meaning == "coupon":
        return CouponCode(scheme="ean", number=digits, carrier=carrier, value=value, decimals=template.decimals)
    if template.meaning == "deposit":
        return DepositCode(number=digits, carrier=carrier, value=value, decimals=template.decimals)
    if value is None:
        return ProductCode(gtin14, carrier)
    listed = "0" + template.without_value(digits)
    if template.measure == "weight":
        return ProductCode(listed, carrier, printed=gtin14, grams=value * 10 ** (3 - template.decimals))
    if template.measure == "price":
        return ProductCode(listed, carrier, printed=gtin14, price=value, price_decimals=template.decimals)
    return ProductCode(listed, carrier, printed=gtin14, count=value)


def _mismatch(identifier: str, announced: str, digits: str) -> IdentifierMismatch:
    return IdentifierMismatch(
        f"the scanner announced {identifier}, {announced}, and sent {len(digits)} digits; scan again, and if it stays, set the "
        "scanner to send whole codes with their check digit"
    )
