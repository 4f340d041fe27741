"""The barcode front door: what a scanner sent becomes a product's number or a card's number, or a refusal that says why.

Four steps, a module each: `frame` takes off what transport added, `carrier` knows the AIM identifiers, `door` dispatches by
carrier, and one module a content (`gtin`, `upce`, `loyalty`) reads what is inside. A new content is a new module and one row
in the door's table.
"""

from panier.barcode.carrier import Carrier
from panier.barcode.content import CouponCode, DataCode, DepositCode, HouseCode, LogisticUnit, PluCode, ProductCode
from panier.barcode.door import Content, read
from panier.barcode.loyalty import BadLoyaltyRule, CardCode, LoyaltyRule, LoyaltyRules
from panier.barcode.refusal import BarcodeRefused, mask
from panier.barcode.rulebook import parse_rules

__all__ = [
    "BadLoyaltyRule",
    "BarcodeRefused",
    "CardCode",
    "Carrier",
    "Content",
    "CouponCode",
    "DataCode",
    "DepositCode",
    "HouseCode",
    "LogisticUnit",
    "LoyaltyRule",
    "LoyaltyRules",
    "PluCode",
    "ProductCode",
    "mask",
    "parse_rules",
    "read",
]
