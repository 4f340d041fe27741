"""The barcode front door: what a scanner sent becomes a product, a card, a coupon and so on, or a refusal that says why.

Four steps: `frame` takes off what transport added, `carrier` knows the AIM identifiers, `door` dispatches by carrier, and one
module a content reads what is inside: `ean` and `numbering` (EAN, UPC and numbers of the shop's own), `element`, `bracket` and
`link` (GS1 data in its three spellings, by the rules of `ai` and `linter`), `loyalty`, `house`. Cards that are swiped or tapped
come through a door of their own, `swipe`, which keeps nothing of what it refuses. `message` says what GS1 data is
about; `content` has what comes out. A new content is a new module and one row in the door's table.
"""

from panier.barcode.carrier import Carrier
from panier.barcode.content import CouponCode, DataCode, DepositCode, HouseCode, LogisticUnit, PluCode, ProductCode
from panier.barcode.door import NO_NUMBERING, Content, read
from panier.barcode.loyalty import BadLoyaltyRule, CardCode, LoyaltyRule, LoyaltyRules
from panier.barcode.numbering import BadNumbering, Numbering, Template, parse_numbering
from panier.barcode.refusal import BarcodeRefused, mask
from panier.barcode.rulebook import parse_rules
from panier.barcode.swipe import is_swipe, read_swipe, read_uid

__all__ = [
    "NO_NUMBERING",
    "BadLoyaltyRule",
    "BadNumbering",
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
    "Numbering",
    "PluCode",
    "ProductCode",
    "Template",
    "is_swipe",
    "mask",
    "parse_numbering",
    "parse_rules",
    "read",
    "read_swipe",
    "read_uid",
]
