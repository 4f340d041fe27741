"""What a code can turn out to be. All of it plain values; nothing here has been looked up in a catalogue."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from panier.barcode.carrier import Carrier
from panier.barcode.day import iso_moment

Elements = tuple[tuple[str, str], ...]
"""GS1 application identifiers with their values, in the order in which they were read: `(("01", "0590..."), ("10", "A7"))`."""

# Restricted circulation numbers: what a shop numbers by itself (GS1 General Specifications, 1.4). As GTIN-14 of an EAN-13.
_IN_HOUSE = ("002", "004", "020", "021", "022", "023", "024", "025", "026", "027", "028", "029")


@dataclass(frozen=True, slots=True)
class ProductCode:
    """The number of a product, the symbol that carried it, and what else stood in the code.

    `gtin14` is what a catalogue is asked for, padded with zeros on the left; where a number of the shop's own carries a weight,
    price or count, its measure is 0 there and `printed` is the GTIN-14 that was read. `grams` is the net weight. `price` is what
    this one piece costs, in units of 10 to the minus `price_decimals` of the currency (2399 with 2 decimals: 23.99), and
    `currency` an ISO 4217 number where the code says one. `elements` is everything that GS1 data carried, `composite` the second
    part of a composite symbol, `addon` the 2 or 5 digits beside a periodical or a book.
    """

    gtin14: str
    carrier: Carrier
    _: KW_ONLY
    printed: str = ""
    grams: int | None = None
    price: int | None = None
    price_decimals: int = 2
    currency: str = ""
    count: int | None = None
    addon: str = ""
    elements: Elements = ()
    composite: Elements = ()

    @property
    def is_in_house(self) -> bool:
        """True for a number that only this shop, chain or country gives a meaning."""
        if self.carrier is Carrier.EAN_8:
            return self.gtin14[6] in "02"
        return self.gtin14.startswith(_IN_HOUSE)

    # Read only when asked for: of what a till scans, next to nothing is ever asked.

    @property
    def expiry(self) -> str:
        """The last day on which the product may be sold and used, ISO, with the time of day where the code says one; or ""."""
        return iso_moment(self._said("17") or self._said("7003"))

    @property
    def best_before(self) -> str:
        """The day until which the product keeps its quality, ISO, or "". It may be sold after it."""
        return iso_moment(self._said("15"))

    @property
    def sell_by(self) -> str:
        """The last day on which a shop should sell it, ISO, or ""."""
        return iso_moment(self._said("16"))

    @property
    def lot(self) -> str:
        """The batch that it was made in, by which producers recall, or ""."""
        return self._said("10")

    @property
    def serial(self) -> str:
        """The number of this one piece, or ""."""
        return self._said("21")

    def _said(self, ai: str) -> str:
        return next((value for other, value in self.elements + self.composite if other == ai), "")


@dataclass(frozen=True, slots=True)
class PluCode:
    """A price look-up number of fresh produce (IFPS), 4 digits or 5 for `organic` and the like, as on a sticker or typed."""

    plu: str

    @property
    def is_organic(self) -> bool:
        """True for five digits that begin with 9."""
        return len(self.plu) == 5 and self.plu[0] == "9"

    @property
    def gtin14(self) -> str:
        """The number by which a catalogue lists it: the PLU, padded with zeros on the left (it has no check digit)."""
        return self.plu.zfill(14)


CouponScheme = Literal["gcn", "na_offer", "na_positive_offer", "ean", "upc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponCode:
    """A coupon: `number` identifies the offer, `serial` this one piece of paper where it has one.

    `scheme` is gcn (AI 255), na_offer (AI 8110), na_positive_offer (AI 8112), ean (981 to 984, 99) or upc (number system 5).
    `value` is worth 10 to the minus `decimals` of `currency` (an ISO 4217 number, or "" for the shop's own) and None where only
    the issuer knows. Dates are ISO, or "".
    """

    scheme: CouponScheme
    number: str
    carrier: Carrier
    serial: str = ""
    value: int | None = None
    decimals: int = 2
    currency: str = ""
    start: str = ""
    expiry: str = ""
    elements: Elements = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositCode:
    """The receipt of a machine that takes back bottles: `number` as printed, `value` in units of 10 to the minus `decimals`.

    `value` is None where the number does not say it and the issuer must be asked.
    """

    number: str
    carrier: Carrier
    value: int | None = None
    decimals: int = 2


@dataclass(frozen=True, slots=True)
class LogisticUnit:
    """A pallet or case by its SSCC (18 digits): nothing that a till sells."""

    sscc: str
    carrier: Carrier
    elements: Elements = ()


@dataclass(frozen=True, slots=True)
class HouseCode:
    """A code of our own: a basket to take over (`transfer`) or a command of staff (`service`), and what it says."""

    kind: Literal["transfer", "service"]
    payload: str


@dataclass(frozen=True, slots=True)
class DataCode:
    """GS1 data that names no product: a place, an asset, a document, or a second label that carries only a lot and a date."""

    elements: Elements
    carrier: Carrier
