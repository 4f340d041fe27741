"""What a code or a key means for a trip: plain decisions, from state to happenings and a message. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from panier.barcode import CouponCode, DataCode, DepositCode, HouseCode, LogisticUnit, PluCode, ProductCode
from panier.catalogue import Product
from panier.member import Capsule
from panier.money import exponent, format_minor
from panier.offer import Offer
from panier.payment import PaymentEnded
from panier.pricing.coupon import CouponAnswer
from panier.trip import (
    PRICED_BY,
    CapsuleReceived,
    CardScanned,
    CodeRefused,
    CouponShown,
    Entry,
    Happening,
    HelpEnded,
    HelpRequested,
    ItemAdded,
    ItemRemoved,
    Line,
    OfferAccepted,
    OfferRefused,
    OfferShown,
    Trip,
)
from panier.weighed import Weighing

Tone = Literal["plain", "good", "ask", "attention"]
_MOST_AT_ONCE = 999
_HEAVIEST = 1_000_000
MOST_WORTH = 10**12 - 1
"""Of a basket before anything comes off, in minor units: payment terminals take twelve digits, and no event holds much more."""
MOST_COUPONS = 100
"""In one trip; nobody's wallet holds more, and a receipt must hold them."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell the shopper: a key of the table of words, and what goes into its gaps.

    `line` is what a question is about.
    """

    key: str
    tone: Tone = "plain"
    gaps: Mapping[str, str] = field(default_factory=dict[str, str])
    line: Line | None = None


@dataclass(frozen=True, slots=True)
class Unweighed:
    """A product of which only the weight is missing, and the version it is of."""

    product: Product
    version: int
    entry: Entry
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens, in order, and what to say about it. `starts` is True where it may open a trip.

    `unweighed`: where a scale is fitted, this is weighed instead.
    """

    happenings: tuple[Happening, ...] = ()
    message: Message | None = None
    starts: bool = True
    unweighed: Unweighed | None = None


def add_product(product: Product, version: int, entry: Entry, serial: str = "") -> Decision:
    """A product was scanned, typed or picked."""
    if product.unit == "kg":
        lacking = Unweighed(product, version, entry, serial)
        return replace(refuse_code("needs_weight", product.sku, entry), unweighed=lacking)
    return Decision((_item(product, version, entry, product.unit_price, serial),))


def is_over(expiry: str, store_time: Callable[[], str]) -> bool:
    """True where an expiry, ISO or "", has passed; without a time of day it holds to the end of its day.

    `store_time` gives the store's clock, ISO without an offset.
    """
    return bool(expiry) and expiry < store_time()[: len(expiry)]


def stop_piece(
    trip: Trip | None, content: ProductCode | PluCode, product: Product, store_time: Callable[[], str], entry: Entry
) -> Decision | None:
    """What keeps a piece from being sold: its expiry has passed, or this very piece is in the basket already."""
    if isinstance(content, PluCode):
        return None
    if is_over(content.expiry, store_time):
        # Whoever scans goods has begun to shop, and staff must hear of what lies on the shelf.
        return replace(refuse_code("expired", product.sku, entry), starts=True)
    if trip is not None and (product.sku, content.serial) in trip.pieces:
        return refuse_code("piece_again", product.sku, entry)
    return None


def unsold(content: CouponCode | DepositCode | LogisticUnit | HouseCode | DataCode) -> str:
    """Why a code that names no goods brings nothing here, by the key of the words for it."""
    match content:
        case CouponCode():
            return "coupon_expired"
        case DepositCode():
            return "deposit_slip"
        case LogisticUnit():
            return "whole_case"
        case HouseCode(kind=kind):
            return f"{kind}_code"
        case DataCode():
            return "label_without_product"


def add_scanned(content: ProductCode | PluCode, product: Product, version: int, entry: Entry, currency: str) -> Decision:
    """A product by its code: by weight, at the price or in the number that its own label states, or as the shelf says.

    A weight says nothing of what is sold by the piece, a price in another currency nothing to this store, and a price of 0 is
    that of a number as the catalogue lists it, not of a bag. Beside the number of goods that cost the same, anybody can write a
    price: the shelf's holds.
    """
    serial = content.serial if isinstance(content, ProductCode) else ""
    match content:
        case ProductCode(grams=int(grams)) if product.unit == "kg" and 0 < grams <= _HEAVIEST:
            weighing = Weighing(grams=grams, price_per_kg=product.unit_price)
            return Decision((replace(_item(product, version, entry, weighing.price, serial), weighing=weighing),))
        case ProductCode(price=int(price), currency="") if price > 0 and _varies(content, product):
            scale = 10 ** exponent(currency), 10**content.price_decimals
            minor = (2 * price * scale[0] + scale[1]) // (2 * scale[1])
            return Decision((replace(_item(product, version, entry, minor, serial), is_labelled=True),))
        case ProductCode(count=int(count), is_in_house=True) if product.unit == "each" and 0 < count <= _MOST_AT_ONCE:
            return Decision((replace(_item(product, version, entry, product.unit_price), quantity=count),))
        case _:
            return add_product(product, version, entry, serial)


def _varies(content: ProductCode, product: Product) -> bool:
    """True where each piece has its own price: sold by weight, by a number that holds it, or of GS1's variable measure."""
    return product.unit == "kg" or bool(content.printed) or content.gtin14.startswith("9")


def stop_excess(trip: Trip | None, decided: Decision) -> Decision:
    """The same, or a refusal of what would make the basket dearer than anybody could write down or pay."""
    items = [what for what in decided.happenings if isinstance(what, ItemAdded)]
    lines = () if trip is None else trip.lines
    worth = sum((part.unit_price + part.deposit) * part.quantity for part in (*lines, *items))
    return refuse_code("too_dear", items[0].sku, items[0].entry) if items and worth > MOST_WORTH else decided


def add_priced(item: ItemAdded, currency: str) -> Decision:
    """What staff gave a price."""
    amount = format_minor(item.unit_price, currency)
    return Decision((item,), Message("staff_priced", "good", {"name": item.name, "amount": amount}), starts=False)


def add_weighed(lacking: Unweighed, weighing: Weighing, currency: str) -> Decision:
    """A product whose weight the terminal's scale has told."""
    item = _item(lacking.product, lacking.version, lacking.entry, weighing.price, lacking.serial)
    gaps = {"weight": weighing.spelled(currency), "amount": format_minor(weighing.price, currency)}
    return Decision((replace(item, weighing=weighing),), Message("weighed", "good", gaps))


def _item(product: Product, version: int, entry: Entry, unit_price: int, serial: str = "") -> ItemAdded:
    return ItemAdded(
        sku=product.sku, name=product.name, unit_price=unit_price, category=product.category,
        tax_rate=product.tax_rate, snapshot=version, entry=entry, deposit=product.deposit, serial=serial,
    )  # fmt: skip


def add_card(trip: Trip | None, card: str) -> Decision:
    """A loyalty card was scanned; the same one again changes nothing."""
    if trip is not None and trip.card == card:
        return Decision(message=Message("card_again", "good"))
    return Decision((CardScanned(card=card),), Message("card_taken", "good"))


def show_coupon(trip: Trip | None, coupon: str, entry: Entry) -> Decision:
    """A coupon was scanned; the same one again changes nothing. What it brings is told once it is on the disk."""
    held = frozenset[str]() if trip is None else trip.coupons
    if coupon in held:
        return Decision(message=Message("coupon_again", "good"))
    if len(held) >= MOST_COUPONS:
        return refuse_code("coupons_full", coupon, entry)
    return Decision((CouponShown(coupon=coupon),))


def tell_coupon(answer: CouponAnswer, title: str, name_of: Callable[[str], str | None], currency: str) -> Message:
    """What a coupon brings now, or what is missing. `title` is its promotion's, `name_of` gives a product's name by SKU."""
    if answer.reason is None:
        gaps = {"title": title, "amount": format_minor(answer.saving, currency)}
        return Message("coupon_saves" if answer.saving else "coupon_taken", "good", gaps)
    lacking = answer.lacking
    if answer.reason != "lacks_goods" or lacking is None:
        return Message(f"coupon_{answer.reason}", "attention", {"title": title})
    what = (lacking.sku and name_of(lacking.sku)) or lacking.category or lacking.title
    if lacking.quantity:
        return Message("coupon_lacks_units", "attention", {"n": str(lacking.quantity), "what": what})
    return Message("coupon_lacks_amount", "attention", {"amount": format_minor(lacking.amount, currency), "what": what})


def refuse_code(reason: str, seen: str, entry: Entry) -> Decision:
    """A code that the shop cannot use. Alone, it opens no trip: whoever scans a bus ticket has not begun to shop."""
    return Decision((CodeRefused(reason=reason, seen=seen[:64], entry=entry),), Message(reason, "attention"), starts=False)


def tell_declined(ended: PaymentEnded) -> Message:
    """Why a payment did not go through, and what may be done now."""
    known = ("cancelled", "busy", "not_charged", "void", "no_contact", "staff", "wrong_currency")
    return Message(f"payment_{ended.reason if ended.reason in known else 'declined'}", "attention")


def while_paying(decided: Decision) -> Decision:
    """What is left of a decision while a payment is under way: the basket is the one that is paid for."""
    left = tuple(what for what in decided.happenings if not isinstance(what, PRICED_BY))
    is_unchanged = left == decided.happenings and decided.unweighed is None
    return decided if is_unchanged else Decision(left, Message("paying_now", "attention"))


def last_line(trip: Trip | None) -> Line | None:
    """The line that changed last, else the newest."""
    if trip is None or not trip.lines:
        return None
    return trip.lines[-1 if trip.last_line is None else trip.last_line]


def marked_line(trip: Trip | None, chosen: int | None) -> Line | None:
    """The line that + - and d act on: the one chosen by its place in the trip, else the last."""
    if trip is not None and chosen is not None and chosen < len(trip.lines):
        return trip.lines[chosen]
    return last_line(trip)


def one_more(trip: Trip | None, chosen: int | None = None) -> Decision:
    """One more of the marked line, at the price that it has."""
    line = marked_line(trip, chosen)
    if line is None:
        return Decision(message=Message("nothing_to_change", "attention"))
    if line.weighings or line.is_labelled or line.mark_down:
        return Decision(message=Message("scan_each", "attention"))
    item = ItemAdded(
        sku=line.sku, name=line.name, unit_price=line.unit_price, category=line.category,
        tax_rate=line.tax_rate, snapshot=line.snapshot, entry="typed", deposit=line.deposit, priced_by=line.priced_by,
    )  # fmt: skip
    return Decision((item,))


def put_back(trip: Trip | None, chosen: int | None = None, *, whole_line: bool) -> Decision:
    """One unit of the marked line, or all of it, goes back to the shelf."""
    line = marked_line(trip, chosen)
    if line is None:
        return Decision(message=Message("nothing_to_change", "attention"))
    left = line.quantity if whole_line else 1
    happenings: list[Happening] = []
    while left:
        quantity = min(left, _MOST_AT_ONCE)
        happenings.append(ItemRemoved(sku=line.sku, unit_price=line.unit_price, quantity=quantity))
        left -= quantity
    return Decision(tuple(happenings), Message("put_back", gaps={"name": line.name}))


def ask_twice(line: Line) -> Message:
    """Whether that was scanned twice by mistake. Without an answer it stays in the basket."""
    return Message("scanned_twice", "ask", {"name": line.name}, line)


def call_help(trip: Trip | None) -> Decision:
    """Calls staff, or calls them off."""
    if trip is not None and trip.needs_help:
        return Decision((HelpEnded(),), Message("help_ended"))
    return Decision((HelpRequested(),))


def take_capsule(trip: Trip, capsule: Capsule) -> Decision:
    """The gateway's answer to a card, or a newer one; one that says nothing new changes nothing."""
    said = CapsuleReceived(
        member=capsule.member, segments=capsule.segments, offers=capsule.offers, standing=capsule.standing
    )  # fmt: skip
    known = (trip.member, trip.segments, trip.offers, trip.standing)
    return Decision() if (said.member, said.segments, said.offers, said.standing) == known else Decision((said,))


def fresh_offers(trip: Trip, offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
    """Those of `offers` that were pushed in mid-trip: not held before, or not in this revision. At first, none is news."""
    if trip.member is None:
        return ()
    held = {(offer.offer, offer.revision) for offer in trip.offers}
    return tuple(offer for offer in offers if (offer.offer, offer.revision) not in held and offer.offer not in trip.refused)


def answer_offer(trip: Trip | None, offer: str, *, accepted: bool, is_used_up: bool = False) -> Decision:
    """The shopper's yes, or "not for me", which holds to the end of the trip; a yes to what is used up promises nothing."""
    if trip is None or offer not in {held.offer for held in trip.offers}:
        return Decision()
    if accepted and is_used_up:
        return Decision(message=Message("offer_used_up"))
    if accepted:
        return Decision((OfferAccepted(offer=offer),), Message("offer_accepted", "good"))
    return Decision((OfferRefused(offer=offer),), Message("offer_refused"))


def note_shown(trip: Trip | None, painted: tuple[str, ...]) -> Decision:
    """Offers on the screen that were not seen before in this trip."""
    if trip is None:
        return Decision()
    # What is on the screen may be of the trip before: this is told after the frame went out.
    news = {offer.offer for offer in trip.offers} - trip.shown
    return Decision(tuple(OfferShown(offer=offer) for offer in dict.fromkeys(painted) if offer in news))


def visible_offers(trip: Trip, fresh: frozenset[str]) -> tuple[Offer, ...]:
    """Offers to show, the newest first, without those that the shopper does not want."""
    wanted = [offer for offer in trip.offers if offer.offer not in trip.refused]
    return tuple(sorted(wanted, key=lambda offer: offer.offer not in fresh))
