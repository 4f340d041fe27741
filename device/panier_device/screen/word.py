"""Every word on the shopper's screens, one table a language. Plain, short, no blame; each says what to do next."""

from __future__ import annotations

from dataclasses import dataclass

Keys = tuple[tuple[str, str], ...]
"""Keys and what they do, in order, as the footer shows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. Gaps in braces are filled in by the view."""

    hello: str
    welcome: str
    start_what: str
    start_how: tuple[str, ...]
    online: str
    offline: str
    scanner: dict[str, tuple[str, str]]
    """By its trouble, while no scanner serves: what is the matter, and what to do where there is room to say it."""
    prices: str
    """What the price-age mark begins with."""
    prices_none: str
    prices_loading: str
    prices_unconfirmed: str
    minutes: str
    hours: str
    days: str
    per_kg: str
    items: str
    item: str
    saved: str
    total: str
    line_keys: Keys
    """What may be done to the marked line, as shown under it."""
    lines_keys: Keys
    """The same, where there is more than one line to mark."""
    scan_next: str
    scan_first: str
    near_units: str
    near_amount: str
    fresh: str
    accepted: str
    deposit: str
    marked_down: str
    used_up: str
    used_up_why: str
    more_above: str
    more_below: str
    help_coming: tuple[str, str]
    """That somebody was called, and, where there is room, how to call that off."""
    finish_ask: str
    finish_empty: str
    finish_saved: str
    finish_keys: Keys
    thanks: str
    thanks_name: str
    pay: tuple[str, ...]
    paid: tuple[str, ...]
    pay_doubt: tuple[str, ...]
    pay_said: dict[str, tuple[str, ...]]
    """By the stage of a payment: what is going on, and what to do."""
    pay_silent: str
    """That the terminal says nothing; what to do about it is `pay_ask`, unless staff are called already."""
    pay_ask: str
    pay_called: str
    pay_code: str
    pay_keys: dict[str, Keys]
    pay_staff_key: Keys
    pay_code_keys: Keys
    trip: str
    done: str
    next_shopper: Keys
    print_again: Keys
    receipt: dict[str, tuple[str, ...]]
    """On the last screen, by what becomes of the receipt."""
    no_receipt: dict[str, str]
    """On the others, by what is the matter with the printer."""
    typed: str
    typed_keys: Keys
    shelf: str
    shelf_find: str
    shelf_none: str
    shelf_keys: Keys
    offers: str
    offers_none: str
    offers_keys: Keys
    back_keys: Keys
    offer_why: str
    offer_keys: Keys
    scale_kg: str
    scale_tare: str
    scale_keys: Keys
    footer: Keys
    """{offers} is the number of offers."""
    footer_start: Keys
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
    scanner={"away": ("scanner unplugged", "type the digits"), "garbled": ("scanner garbled", "type the digits")},
    prices="prices {age} old",
    prices_none="prices not here yet",
    prices_loading="prices arriving, {percent} %",
    prices_unconfirmed="prices not confirmed yet",
    minutes="{n} min",
    hours="{n} h",
    days="{n} days",
    per_kg="{amount}/kg",
    items="{n} items",
    item="1 item",
    saved="saved {amount}",
    total="TOTAL",
    line_keys=(("+ -", "more, less"), ("d", "remove")),
    lines_keys=(("+ -", "change"), ("d", "remove"), ("↑↓", "choose")),
    scan_next="Scan the next item, or press f",
    scan_first="Scan your first item",
    near_units="{n} more {what}: save {amount}",
    near_amount="{amount} more {what}: save {saving}",
    fresh="new",
    accepted="yours",
    deposit="Deposit",
    marked_down="{percent} % off for its date",
    used_up="all gone",
    used_up_why="Sorry, others were quicker this time.",
    more_above="↑ {n} more",
    more_below="↓ {n} more",
    help_coming=("Help called", "(h ends)"),
    finish_ask="Finish and pay {amount}?",
    finish_empty="Nothing in the basket. End here?",
    finish_saved="You saved {amount}.",
    finish_keys=(("y", "Yes"), ("Esc", "Keep shopping")),
    thanks="Thank you",
    thanks_name="Thank you, {name}",
    pay=("Show this to the till to pay.",),
    paid=("Paid by card.",),
    pay_doubt=("Please see staff before you leave:", "your payment is not settled yet."),
    pay_said={
        "preparing": ("One moment, please.", "The payment terminal is getting ready."),
        "asking": ("Please pay at the terminal.",),
        "cancelling": ("Calling the payment off.", "Please wait for the terminal."),
        "checking": ("Checking with the terminal.", "Please do not pay twice."),
        "staff": ("Was this paid?", "Look it up at the payment terminal."),
    },
    pay_silent="It has not answered for a while.",
    pay_ask="Please ask staff: press h.",
    pay_called="Staff have been called.",
    pay_code="Staff code",
    pay_keys={
        "preparing": (("Esc", "Back to the basket"),),
        "asking": (("Esc", "Back to the basket"), ("h", "Help")),
        "cancelling": (("h", "Help"),),
        "checking": (("h", "Help"),),
        "staff": (("p", "Paid"), ("n", "Not paid"), ("u", "Unsure"), ("Esc", "Back")),
    },
    pay_staff_key=(("0-9", "Staff code"),),
    pay_code_keys=(("Enter", "OK"), ("Esc", "Cancel")),
    trip="Trip {trip}",
    done="All done",
    next_shopper=(("any key", "or a scan: next shopper"),),
    print_again=(("r", "Receipt again"), ("any key", "Next shopper")),
    receipt={
        "printing": ("Your receipt is being printed.",),
        "printed": ("Please take your receipt.",),
        "paper_out": ("! Paper is out: staff were called.", "Your receipt follows with new paper."),
        "cover_open": ("! Printer open: staff were called.", "Your receipt follows once it is closed."),
        "printer_error": ("! Printer stuck: staff were called.", "Your receipt follows."),
        "offline": ("! Printer paused: staff were called.", "Your receipt follows."),
        "gone": ("! Printer gone: staff were called.", "Your receipt follows."),
        "refused": ("! This device cannot save any more.", "Ask staff for the copy."),
    },
    no_receipt={
        "paper_out": "No paper now: receipts come later",
        "cover_open": "Printer open: receipts come later",
        "printer_error": "Printer stuck: receipts come later",
        "offline": "Printer paused: receipts come later",
        "gone": "No printer now: receipts come later",
    },
    typed="Code",
    typed_keys=(("Enter", "Look up"), ("Esc", "Cancel")),
    shelf="Find a product",
    shelf_find="Type a name",
    shelf_none="Nothing by that name. Try fewer letters.",
    shelf_keys=(("↑↓", "Choose"), ("Enter", "Add"), ("Esc", "Back")),
    offers="Offers for you",
    offers_none="No offers now. Scan your card to get yours.",
    offers_keys=(("1-{offers}", "Choose"), ("Esc", "Back")),
    back_keys=(("Esc", "Back"),),
    offer_why="Why you: {reason}",
    offer_keys=(("y", "Yes"), ("n", "Not for me"), ("Esc", "Back")),
    scale_kg="kg",
    scale_tare="bag {weight} kg off",
    scale_keys=(("Esc", "Not now"), ("Enter", "Try again"), ("h", "Help")),
    footer=(("l", "List"), ("o", "Offers {offers}"), ("h", "Help"), ("f", "Finish")),
    footer_start=(("l", "List"), ("0-9", "Code"), ("h", "Help")),
    messages={
        "unknown_product": ("This shop does not know that code.", "Put it aside or ask staff: press h."),
        "no_prices_yet": ("The prices have not arrived yet.", "One moment, then scan again."),
        "noise": ("That code came in garbled.", "Please scan it again."),
        "cut_short": ("Only part of that code came in.", "Please scan it again."),
        "wrong_speed": ("The scanner is set to another speed.", "Type the digits, or press h for help."),
        "unreadable": ("The scanner cannot be understood.", "Type the digits, or press h for help."),
        "too_long": ("That was no barcode.", "Please scan again."),
        "wrong_check_digit": ("That code was misread.", "Scan again, or check the digits."),
        "wrong_length": ("That code has too many or few digits.", "Scan again, or check the digits."),
        "no_card_rule": ("No card of this shop looks like that.", "Try the card of this shop."),
        "not_our_card": ("That is not a card of this shop.", "Nothing of it was kept."),
        "torn_card": ("The card did not come through.", "Nothing was kept. Try it once more."),
        "random_uid": ("That shows a new number each time.", "Show its code, or use a card."),
        "unknown_card": ("We do not know this card.", "Shop on as a guest, or press h."),
        "wrong_character": ("That is no code of a product.", "Scan the one with digits under it."),
        "control_character": ("That code came in garbled.", "Please scan it again."),
        "foreign_digit": ("Those are no plain digits.", "Type it again with 0 to 9."),
        "empty": ("Nothing came with that scan.", "Please scan it again."),
        "wrong_measure_digit": ("The price was misread.", "Scan again, or weigh anew."),
        "addon_alone": ("That was only half the code.", "Scan the whole of it."),
        "missing_ai": ("Half of that label is missing.", "Scan all of it, or press h."),
        "contradicting_ais": ("That label contradicts itself.", "Take another piece, or press h."),
        "bad_element": ("That label is printed wrong.", "Take another piece, or press h."),
        "compressed_link": ("That code needs the internet.", "Scan the one with digits."),
        "bad_link": ("That code needs the internet.", "Scan the one with digits."),
        "bad_house_code": ("That code came in garbled.", "Show it again, and scan it."),
        "expired": ("This is past its date.", "Leave it, and take a fresh one."),
        "recalled": ("This is called back. Leave it here.", "{why}"),
        "recall_look": ("Some of these are called back:", "{marks}. Is this one? Then press d."),
        "piece_again": ("This very piece is in already.", "Scan the next one."),
        "deposit_slip": ("Keep this slip for the till.", "It comes off when you pay."),
        "transfer_code": ("Baskets cannot move here yet.", "Ask staff: press h."),
        "service_code": ("That code is for staff.", "Scan your next item."),
        "whole_case": ("That is a whole case's label.", "Scan one piece, or press h."),
        "label_without_product": ("That label names no product.", "Scan the one with digits."),
        "card_taken": ("Your card is in.", ""),
        "card_again": ("Your card is in already.", "Scan the next item."),
        "coupon_saves": ("Coupon accepted: saves {amount} now.", "{title}"),
        "coupon_taken": ("Coupon accepted: {title}", ""),
        "coupon_again": ("This coupon is in already.", ""),
        "coupon_lacks_units": ("Add {n} more {what} for this coupon.", "Kept: it comes off by itself."),
        "coupon_lacks_amount": ("Add {amount} more {what} for this coupon.", "Kept: it comes off by itself."),
        "coupon_lacks_goods": ("Coupon kept: {title}", "It comes off with its goods."),
        "coupon_not_now": ("This coupon is not valid now.", "Keep it for its time: {title}"),
        "coupon_not_this_member": ("This coupon is not on this card.", "Scan the card it was sent to."),
        "coupon_used_up": ("This coupon is used already.", "Scan the next item."),
        "coupon_another_saves_more": ("Another offer saves you more.", "The coupon is kept, in case that changes."),
        "coupon_expired": ("This coupon has expired.", "Scan the next item."),
        "coupon_unknown": ("We do not know this coupon yet.", "Is it yours? Scan your card, and it counts."),
        "coupons_full": ("No more coupons fit into one trip.", "Press h for help."),
        "nothing_to_change": ("There is nothing to change yet.", "Scan an item first."),
        "put_back": ("Put back: {name}", ""),
        "staff_priced": ("Staff added {amount}: {name}", ""),
        "scanned_twice": ("Scanned twice? {name}", "Press t to take one back."),
        "help_ended": ("Help called off.", "Scan the next item."),
        "help_coming": ("Someone is on the way to you.", "Press h when you are helped."),
        "offer_accepted": ("Yours. It comes off by itself.", ""),
        "offer_used_up": ("Others were quicker: it is all gone.", "There will be more. Scan the next item."),
        "offer_refused": ("Not in this trip any more.", ""),
        "goodbye": ("Nothing to pay. See you soon!", ""),
        "needs_weight": ("This is sold by weight.", "Weigh it, and scan the label you get."),
        "weighed": ("{weight} = {amount}", ""),
        "scale_put": ("Put it on the scale.", "Then let go of it."),
        "scale_unstable": ("Let it lie still.", "The price comes by itself."),
        "scale_too_light": ("Too light for this scale.", "Add some, or press h."),
        "scale_repeated": ("That was weighed already.", "Take it off, put the next one on."),
        "scale_overloaded": ("Too heavy for this scale.", "Take some off: weigh it in parts."),
        "scale_below_zero": ("The scale shows less than nothing.", "Empty it, and press its zero key."),
        "scale_off_zero": ("The scale has lost its zero.", "Empty it, or press h for help."),
        "scale_tared": ("A container is set at the scale.", "Empty it, and press its clear key."),
        "scale_silent": ("The scale does not answer.", "Is it on? Enter tries again at once."),
        "scale_gone": ("The scale is not connected.", "Press h for help, or Esc to go on."),
        "scale_garbled": ("The scale cannot be understood.", "Asking again. Press h if it stays so."),
        "scale_faulty": ("Something is wrong with the scale.", "Press h for help, or Esc to go on."),
        "scan_each": ("Each bag has a weight of its own.", "Scan or weigh the next one."),
        "paying_now": ("A payment is under way.", "Esc goes back to the basket."),
        "paying_wait": ("A payment is under way.", "Nothing was added. Please wait."),
        "help_coming_to_pay": ("Someone is on the way to you.", "Please wait here."),
        "payment_not_ready": ("The payment terminal does not answer.", "Press f to try again, or h for help."),
        "payment_cancelled": ("Payment called off.", "Press f when you want to pay."),
        "payment_declined": ("The payment was declined.", "Another card? Press f. Or h for help."),
        "payment_busy": ("The payment terminal is busy.", "Press f to try again, or h for help."),
        "payment_not_charged": ("Nothing was charged.", "Press f to pay."),
        "payment_void": ("Nothing was charged.", "Press f to pay."),
        "payment_no_contact": ("Nothing was charged.", "Press f to try again, or h for help."),
        "payment_wrong_currency": ("That terminal takes other money.", "Press h for help."),
        "payment_staff": ("Staff say that it is not paid.", "Press f to pay."),
        "wrong_staff_code": ("That is not the staff code.", "Try again in a moment."),
        "too_dear": ("That price cannot be right.", "Put it aside or ask staff: press h."),
        "trip_unreadable": ("This basket got lost here.", "Scan it again, or press h."),
        "scan_failed": ("This device failed at that code.", "Scan it again, or press h."),
        "key_failed": ("This device failed at that key.", "Press it again, or press h."),
        "prices_damaged": ("The prices here cannot be read.", "Scan it again soon, or press h."),
        "disk_fault": ("This device cannot save any more.", "Take another one, or call staff."),
    },
    refused=("That code cannot be used here.", "Scan again, or type its digits."),
)

LANGUAGES = {"en": ENGLISH}
