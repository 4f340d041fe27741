"""Every word on the shopper's screens, one table a language. Plain, short, no blame; each says what to do next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. Gaps in braces are filled in by the view."""

    hello: str
    welcome: str
    start_what: str
    start_how: tuple[str, ...]
    online: str
    offline: str
    prices: str
    """What the price-age mark begins with."""
    prices_none: str
    prices_loading: str
    prices_unconfirmed: str
    minutes: str
    hours: str
    days: str
    items: str
    item: str
    saved: str
    total: str
    scan_next: str
    scan_first: str
    near_units: str
    near_amount: str
    fresh: str
    accepted: str
    more_above: str
    more_below: str
    help_coming: str
    finish_ask: str
    finish_empty: str
    finish_keys: str
    thanks: str
    thanks_name: str
    pay: tuple[str, ...]
    trip: str
    next_shopper: str
    typed: str
    typed_keys: str
    shelf: str
    shelf_find: str
    shelf_none: str
    shelf_keys: str
    offers: str
    offers_none: str
    offers_keys: str
    back_keys: str
    offer_why: str
    offer_keys: str
    footer: tuple[tuple[str, str], ...]
    """Key and word, in order; {offers} is the number of offers."""
    footer_start: tuple[tuple[str, str], ...]
    messages: dict[str, tuple[str, str]]
    """By code: what is the matter, and what to do."""
    refused: tuple[str, str]
    """Of a refusal that has no words of its own."""


ENGLISH = Words(
    hello="Hello {name}",
    welcome="Welcome",
    start_what="Scan your card or first item",
    start_how=("No barcode? Type its digits,", "or press l and find it by name."),
    online="online",
    offline="offline",
    prices="prices {age} old",
    prices_none="prices not here yet",
    prices_loading="prices arriving, {percent} %",
    prices_unconfirmed="prices not confirmed yet",
    minutes="{n} min",
    hours="{n} h",
    days="{n} days",
    items="{n} items",
    item="{n} items",
    saved="saved {amount}",
    total="TOTAL",
    scan_next="Scan the next item, or press f",
    scan_first="Scan your first item",
    near_units="{n} more {what}: save {amount}",
    near_amount="{amount} more {what}: save {saving}",
    fresh="new",
    accepted="yours",
    more_above="↑ {n} more",
    more_below="↓ {n} more",
    help_coming="Help is called. Press h when done.",
    finish_ask="Finish and pay {amount}?",
    finish_empty="Nothing in the basket. End here?",
    finish_keys="y Yes          Esc Keep shopping",
    thanks="Thank you",
    thanks_name="Thank you, {name}",
    pay=("Show this to the till to pay.",),
    trip="Trip {trip}",
    next_shopper="Next shopper: scan, or press a key",
    typed="Code",
    typed_keys="Enter Look up      Esc Cancel",
    shelf="Find a product",
    shelf_find="Type a name",
    shelf_none="Nothing by that name. Try fewer letters.",
    shelf_keys="↑↓ Choose  Enter Add  Esc Back",
    offers="Offers for you",
    offers_none="No offers now. Scan your card to get yours.",
    offers_keys="1-{n} Choose         Esc Back",
    back_keys="Esc Back",
    offer_why="Why you: {reason}",
    offer_keys="y Yes please   n Not for me   Esc Back",
    footer=(("l", "List"), ("o", "Offers {offers}"), ("h", "Help"), ("f", "Finish")),
    footer_start=(("l", "List"), ("0-9", "Code"), ("h", "Help")),
    messages={
        "unknown_product": ("This shop does not know that code.", "Put it aside or ask staff: press h."),
        "no_prices_yet": ("The prices have not arrived yet.", "One moment, then scan again."),
        "noise": ("That code came in garbled.", "Please scan it again."),
        "cut_short": ("Only part of that code came in.", "Please scan it again."),
        "too_long": ("That was no barcode.", "Please scan again."),
        "wrong_check_digit": ("That code was misread.", "Scan again, or check the digits."),
        "wrong_length": ("That code has too many or few digits.", "Scan again, or check the digits."),
        "no_card_rule": ("No card of this shop looks like that.", "Try the card of this shop."),
        "unknown_card": ("We do not know this card.", "Shop on as a guest, or press h."),
        "not_sold_yet": ("That kind of code is not used here.", "Scan the one with digits under it."),
        "card_taken": ("Your card is in.", ""),
        "card_again": ("Your card is in already.", "Scan the next item."),
        "nothing_to_change": ("There is nothing to change yet.", "Scan an item first."),
        "put_back": ("Put back: {name}", ""),
        "help_ended": ("Help called off.", "Scan the next item."),
        "help_coming": ("Someone is on the way to you.", "Press h when you are helped."),
        "new_offer": ("New for you: {title}", "Press o to see your offers."),
        "offer_accepted": ("It counts as soon as it fits.", "Scan the next item."),
        "offer_refused": ("Thanks. You will not see it again.", ""),
        "goodbye": ("Nothing to pay. See you soon!", ""),
        "disk_fault": ("This device cannot save any more.", "Please take another, or press h."),
    },
    refused=("That code cannot be used here.", "Scan again, or type its digits."),
)

LANGUAGES = {"en": ENGLISH}
