"""What is to be seen, in words and figures: from the agent's situation to a view. No layout, no colours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from panier.catalogue import Product
from panier.money import format_minor
from panier.offer import SHOWN_AT_ONCE, Offer
from panier.payment import Outcome
from panier.pricing import Explanation, NearMiss, PricedBasket
from panier.trip import Line, Trip
from panier.weighed import Weighing
from panier_device.decision import Message, Tone, last_line, visible_offers
from panier_device.driver.port import Trouble
from panier_device.driver.printer_status import Fault
from panier_device.printing import PrinterState
from panier_device.screen.word import Keys, Words
from panier_device.situation import OnScale, Paying, Situation

ReceiptMark = Literal["printing", "printed", "refused"] | Fault
Phase = Literal["start", "basket", "paying", "thanks"]
_MAY_GO_BACK = ("preparing", "asking")


@dataclass(frozen=True, slots=True)
class LineView:
    """One line: what, how many, what it costs before savings, each saving with its reason; what was weighed, and deposit."""

    name: str
    quantity: int
    amount: str
    savings: tuple[tuple[str, str], ...] = ()
    is_last: bool = False
    is_gift: bool = False
    notes: tuple[tuple[str, str], ...] = ()
    """Texts below the name, each with an amount or nothing: what was weighed, and the deposit."""


@dataclass(frozen=True, slots=True)
class OfferView:
    """One offer; `mark` is a word beside it, such as "new"."""

    offer: str
    title: str
    reason: str
    mark: str = ""
    is_fresh: bool = False
    is_used_up: bool = False


@dataclass(frozen=True, slots=True)
class MessageView:
    """What is the matter, and what to do."""

    what: str
    next: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleView:
    """A product that waits for its weight. `weight` and `price` are empty while the scale shows none."""

    name: str
    unit_price: str
    weight: str
    price: str
    tare: str
    said: MessageView


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """A payment that is under way: what to read, and what may be done."""

    amount: str
    said: tuple[str, ...]
    keys: Keys
    is_in_doubt: bool = False
    is_staff_here: bool = False
    takes_code: bool = False
    may_go_back: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """How the terminal stands with what it needs.

    `prices` is the price-age mark, or empty while the prices are the newest; `scanner` what keeps the shopper from scanning.
    """

    online: bool = False
    prices: str = ""
    scanner: Trouble = ""
    printer: PrinterState | None = None
    """How the receipt printer stands; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything on the screen but what the shopper is typing or choosing."""

    phase: Phase
    greeting: str
    link: Link
    lines: tuple[LineView, ...] = ()
    near_misses: tuple[str, ...] = ()
    offers: tuple[OfferView, ...] = ()
    items: str = ""
    saved: str = ""
    total: str = ""
    is_empty: bool = True
    has_saved: bool = False
    message: MessageView | None = None
    needs_help: bool = False
    trip: str = ""
    receipt: ReceiptMark | None = None
    """What becomes of this trip's receipt, on the last screen."""
    scale: ScaleView | None = None
    tender: Outcome | Literal[""] = ""
    paying: PaymentView | None = None


def printable(text: str) -> str:
    """Text from outside, without what could command the terminal or turn its order about: C0, C1 and format characters.

    Every character gives one; spaces of any kind give a space, what cannot be printed gives a point.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " if one.isspace() else "·" for one in text)


def printable_product(product: Product) -> Product:
    """A product as a list may show it."""
    return replace(product, name=printable(product.name), size=printable(product.size))


def price_mark(
    words: Words, *, version: int, confirmed_at: int, now: int, is_newest: bool, limit_s: int, progress: float | None
) -> str:
    """The mark that says how old the prices are; empty while the gateway confirms them, or did so `limit_s` ago at the most.

    A confirmation that lies in the future was made by a clock that was ahead: how old it is, nobody knows.
    """
    if version == 0:
        return words.prices_none if progress is None else words.prices_loading.format(percent=int(100 * progress))
    age = now - confirmed_at
    if is_newest or abs(age) <= limit_s * 1000:
        return ""
    if confirmed_at == 0 or age < 0:
        return words.prices_unconfirmed
    return words.prices.format(age=spell_age(words, age))


def spell_age(words: Words, milliseconds: int) -> str:
    """An age as people say it: "4 min", "3 h", "2 days"."""
    minutes = milliseconds // 60_000
    if minutes < 60:
        return words.minutes.format(n=max(1, minutes))
    if minutes < 48 * 60:
        return words.hours.format(n=minutes // 60)
    return words.days.format(n=minutes // (24 * 60))


def look(situation: Situation, link: Link, words: Words) -> View:
    """The view of a situation."""
    message = _message(_while_paying(situation), words)
    farewell = situation.farewell
    if farewell is not None:
        greeting = words.thanks_name.format(name=printable(farewell.first_name)) if farewell.first_name else words.thanks
        return View(
            phase="thanks",
            greeting=greeting,
            link=link,
            items=_items(farewell.units, words),
            saved=words.saved.format(amount=format_minor(farewell.discount, farewell.currency)),
            total=format_minor(farewell.total, farewell.currency),
            trip=farewell.trip,
            tender=farewell.tender,
            receipt=_receipt(farewell.trip, link.printer),
        )
    trip, priced = situation.trip, situation.priced
    scale = situation.weighing and _scale(situation.weighing, words)
    if trip is None or priced is None:
        return View(phase="start", greeting=words.welcome, link=link, message=message, scale=scale)
    greeting = words.hello.format(name=printable(situation.first_name)) if situation.first_name else words.welcome
    return View(
        phase="basket" if situation.paying is None else "paying",
        paying=situation.paying and _payment(situation.paying, trip, words),
        greeting=greeting,
        link=link,
        lines=_lines(trip, priced, words),
        near_misses=tuple(_near_miss(miss, trip, words) for miss in priced.near_misses),
        offers=_offers(trip, situation, words),
        items=_items(priced.units, words),
        saved=words.saved.format(amount=format_minor(priced.discount, priced.currency)),
        total=format_minor(priced.total, priced.currency),
        is_empty=not trip.lines,
        has_saved=priced.discount > 0,
        message=message,
        needs_help=trip.needs_help,
        trip=trip.trip,
        scale=scale,
    )


def _scale(shown: OnScale, words: Words) -> ScaleView:
    unit_price = words.per_kg.format(amount=format_minor(shown.price_per_kg, shown.currency))
    weight = price = ""
    if shown.grams is not None and shown.grams > 0:
        weight = f"{shown.grams / 1000:.3f}"
        price = format_minor(Weighing(grams=shown.grams, price_per_kg=shown.price_per_kg).price, shown.currency)
    tare = words.scale_tare.format(weight=f"{shown.tare / 1000:.3f}") if shown.tare else ""
    said = _message(Message(shown.said, "attention" if shown.is_failing else "plain"), words)
    assert said is not None
    return ScaleView(name=printable(shown.name), unit_price=unit_price, weight=weight, price=price, tare=tare, said=said)


def _payment(paying: Paying, trip: Trip, words: Words) -> PaymentView:
    stage = "staff" if paying.is_staff_here else paying.stage
    said = words.pay_said[stage]
    if not paying.is_staff_here:
        said += (words.pay_silent,) if paying.is_silent else ()
        said += (words.pay_called,) if trip.needs_help else (words.pay_ask,) if paying.is_silent else ()
    keys = tuple(key for key in words.pay_keys[stage] if key[0] != "h" or not trip.needs_help)
    takes_code = paying.takes_code and stage == "checking"
    return PaymentView(
        amount=format_minor(paying.amount, trip.currency), said=said,
        keys=keys + words.pay_staff_key if takes_code else keys, is_in_doubt=paying.stage == "checking",
        is_staff_here=paying.is_staff_here, takes_code=takes_code, may_go_back=stage in _MAY_GO_BACK,
    )  # fmt: skip


def _while_paying(situation: Situation) -> Message | None:
    """The message, in the words of somebody who pays: Esc and h do not always do there what they do at the basket."""
    message, paying = situation.message, situation.paying
    if message is None or paying is None:
        return message
    others = {"help_coming": "help_coming_to_pay"} | ({} if paying.stage in _MAY_GO_BACK else {"paying_now": "paying_wait"})
    return replace(message, key=others.get(message.key, message.key))


def _receipt(trip: str, printer: PrinterState | None) -> ReceiptMark | None:
    if printer is None:
        return None
    if trip in printer.pending:
        return printer.fault or "printing"
    if trip == printer.refused:
        return "refused"
    return "printed" if trip == printer.printed else None


def _items(units: int, words: Words) -> str:
    return words.item if units == 1 else words.items.format(n=units)


def _message(message: Message | None, words: Words) -> MessageView | None:
    if message is None:
        return None
    if "text" in message.gaps and message.key not in words.messages:
        # Words that the gateway sends for something that this version has not heard of; braces in them are no gaps.
        return MessageView(printable(message.gaps["text"]), "", message.tone)
    what, then = (told.format_map(message.gaps) for told in words.messages.get(message.key, words.refused))
    return MessageView(printable(what), printable(then), message.tone)


def _lines(trip: Trip, priced: PricedBasket, words: Words) -> tuple[LineView, ...]:
    """Lines in the order of the trip; what pricing added, such as a gift, follows."""
    by_unit = {(line.sku, line.unit_price): line for line in priced.lines if not line.is_gift}
    last = last_line(trip)
    shown = [
        _line(line, by_unit[line.sku, line.unit_price].explanations, line is last, trip.currency, words) for line in trip.lines
    ]
    shown += [
        LineView(
            printable(gift.sku),
            gift.quantity,
            format_minor(gift.gross, trip.currency),
            _savings(gift.explanations, trip.currency),
            is_gift=True,
        )
        for gift in priced.lines
        if gift.is_gift
    ]
    return tuple(shown)


def _line(line: Line, explanations: tuple[Explanation, ...], is_last: bool, currency: str, words: Words) -> LineView:
    amount = format_minor(line.unit_price * line.quantity, currency)
    notes = [(weighing.spelled(currency), "") for weighing in line.weighings]
    if line.mark_down:
        notes.append((words.marked_down.format(percent=line.mark_down), ""))
    if line.deposit:
        each, whole = format_minor(line.deposit, currency), format_minor(line.deposit * line.quantity, currency)
        notes.append((f"{words.deposit} {line.quantity} x {each}", whole))
    return LineView(printable(line.name), line.quantity, amount, _savings(explanations, currency), is_last, notes=tuple(notes))


def _savings(explanations: tuple[Explanation, ...], currency: str) -> tuple[tuple[str, str], ...]:
    return tuple((printable(why.title), format_minor(-why.amount, currency)) for why in explanations if why.amount)


def _near_miss(miss: NearMiss, trip: Trip, words: Words) -> str:
    saving = format_minor(miss.saving, trip.currency)
    what = next((line.name for line in trip.lines if line.sku == miss.sku), None) or miss.category or miss.title
    what = printable(what)
    if miss.quantity:
        return words.near_units.format(n=miss.quantity, what=what, amount=saving)
    return words.near_amount.format(amount=format_minor(miss.amount, trip.currency), what=what, saving=saving)


def _offers(trip: Trip, situation: Situation, words: Words) -> tuple[OfferView, ...]:
    """The offers at hand; those that other shoppers have used up come last, and say so."""
    fresh, used_up = situation.fresh, situation.used_up
    at_hand = sorted(visible_offers(trip, fresh), key=lambda offer: offer.offer in used_up)
    return tuple(_offer(offer, trip, fresh, offer.offer in used_up, words) for offer in at_hand[:SHOWN_AT_ONCE])


def _offer(offer: Offer, trip: Trip, fresh: frozenset[str], is_used_up: bool, words: Words) -> OfferView:
    if is_used_up:
        return OfferView(offer.offer, printable(offer.title), words.used_up_why, words.used_up, is_used_up=True)
    is_fresh = offer.offer in fresh
    mark = words.accepted if offer.offer in trip.accepted else words.fresh if is_fresh else ""
    return OfferView(offer.offer, printable(offer.title), printable(offer.reason), mark, is_fresh)
