"""Layout: from a view and a pose to rows of styled text, for a terminal of any size from 40 x 24 up. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from rich.cells import cell_len

from panier.money import format_minor
from panier_device.screen import digit
from panier_device.screen.dialogue import Pose
from panier_device.screen.row import Ink, Row, Span, blank, centred, fit, in_the_middle, padded, row, wrapped
from panier_device.screen.view import LineView, MessageView, OfferView, PaymentView, ScaleView, View
from panier_device.screen.word import Keys, Words

PANEL_ROWS = 3
TOTAL_ROWS = 5
_QUANTITY, _AMOUNT = 5, 9


@dataclass(frozen=True, slots=True)
class Painting:
    """Rows from top to bottom, each exactly as wide as the terminal, and the offers that can be read in them."""

    rows: tuple[Row, ...]
    offers: tuple[str, ...] = ()


def paint(view: View, pose: Pose, words: Words, width: int, height: int, currency: str) -> Painting:
    """The whole screen."""
    rows: list[Row] = [_header(view, words, width)]
    offers: tuple[str, ...] = ()
    body = max(1, height - 2)
    if view.paying is not None:
        rows += _payment(view, view.paying, pose, words, width, body)
    elif pose.mode == "shelf":
        rows += _shelf(pose, words, width, body, currency)
    elif pose.mode == "offers":
        listed, offers = _offer_list(view, words, width, body)
        rows += listed
    elif pose.mode == "offer":
        rows += _one_offer(pose, view, words, width, body)
    elif view.scale is not None:
        rows += _scale(view, view.scale, words, width, body)
    elif view.phase == "thanks":
        rows += _thanks(view, words, width, body)
    elif view.phase == "start":
        rows += _start(view, pose, words, width, body)
    else:
        basket, offers = _basket(view, pose, words, width, body)
        rows += basket
    pushed = _pushed(view)
    if pushed is not None and pose.mode in ("shelf", "offer"):
        # News reaches the shopper wherever they are.
        rows[-1], offers = _offer(pushed, width), (pushed.offer,)
    rows.append(_footer(view, pose, words, width))
    return Painting(tuple(rows[:height]), offers)


# -- above and below ---------------------------------------------------------------------------------------------------


def _header(view: View, words: Words, width: int) -> Row:
    sign: Span = (f"● {words.online} ", "bar_online") if view.link.online else (f"○ {words.offline} ", "bar_offline")
    return row([(f"  {words.done if view.phase == 'thanks' else view.greeting} ", "bar")], [sign], width, "bar")


def _footer(view: View, pose: Pose, words: Words, width: int) -> Row:
    spans: list[Span] = []
    for key, word in _keys(view, pose, words):
        is_main = key in ("f", "y", "Enter") and not (key == "f" and view.is_empty)
        key_ink: Ink = "main_key" if is_main else "key"
        word_ink: Ink = "main_word" if is_main else "word"
        count = len(view.offers) or ""
        spans.append((f" {key.format(offers=count)} ", key_ink))
        spans.append((f"{word.format(offers=count).rstrip()} ", word_ink))
    return row(spans, [], width, "word")


def _keys(view: View, pose: Pose, words: Words) -> Keys:
    if view.phase == "thanks":
        return words.print_again if view.receipt in ("printed", "refused") else words.next_shopper
    if view.scale is not None:
        return words.scale_keys
    if view.paying is not None:
        return words.pay_code_keys if pose.mode == "code" else view.paying.keys
    match pose.mode:
        case "typed":
            return words.typed_keys
        case "confirm":
            return words.finish_keys
        case "shelf":
            return words.shelf_keys
        case "offers":
            return words.offers_keys if view.offers else words.back_keys
        case "offer":
            return words.offer_keys
        case "shop" | "code":
            return words.footer_start if view.phase == "start" else words.footer


# -- the basket ----------------------------------------------------------------------------------------------------------


def _basket(view: View, pose: Pose, words: Words, width: int, height: int) -> tuple[list[Row], tuple[str, ...]]:
    panel, offers = _panel(view, pose, words, width, PANEL_ROWS + max(0, min(4, height - 26)))
    listing = height - 1 - len(panel) - TOTAL_ROWS
    lines, above, below = _lines(view, pose, words, width, listing)
    return [_state(view, words, width, above, below), *lines, *panel, *_total(view, words, width)], offers


def _state(view: View, words: Words, width: int, above: int, below: int) -> Row:
    """The row under the header: what is out of the ordinary, and how many lines are out of sight."""
    amiss = _amiss(view, words, width)
    left: list[Span] = [(f"! {amiss} ", "alarm")] if amiss else []
    hidden = [words.more_above.format(n=above)] * bool(above) + [words.more_below.format(n=below)] * bool(below)
    right: list[Span] = [(f"{'  '.join(hidden)} ", "faint")] if hidden else []
    if sum(cell_len(text) for text, _ in (*left, *right)) > width:
        right = []
        left = [(text.rstrip(), ink) for text, ink in left]
    return row(left, right, width, "page")


def _amiss(view: View, words: Words, width: int) -> str:
    """What is out of the ordinary, the shopper's own call first; what to do about it where there is room for that."""
    link = view.link
    said = [words.scanner[link.scanner][0]] if link.scanner else []
    said += [link.prices] if link.prices else []
    if view.needs_help:
        called, ends = words.help_coming
        whole = " · ".join((f"{called} {ends}", *said))
        return whole if cell_len(f"! {whole}") <= width else " · ".join((called, *said))
    if link.scanner and len(said) == 1:
        return ": ".join(words.scanner[link.scanner])
    if not said and link.printer is not None and link.printer.fault:
        return words.no_receipt[link.printer.fault]
    return " · ".join(said)


def _lines(view: View, pose: Pose, words: Words, width: int, height: int) -> tuple[list[Row], int, int]:
    """The part of the list that holds the marked line, and how many lines are hidden above and below."""
    if not view.lines:
        return in_the_middle([centred(words.scan_first, width, "bold")], height, width), 0, 0
    marked = _marked(view, pose)
    blocks = [_line(line, width, is_marked=place == marked) for place, line in enumerate(view.lines)]
    # The row is kept while its keys do something else, so that nothing jumps.
    keys = words.lines_keys if len(blocks) > 1 else words.line_keys
    named = "   ".join(f"{key} {word}" for key, word in keys) if pose.mode == "shop" else ""
    blocks[marked].append(row([(f"    {named}", "last")], [], width, "last"))
    # Grow upwards from the mark, then downwards: it is where the eye is, with what led up to it above.
    first, end, room = marked, marked + 1, height - len(blocks[marked])
    while first > 0 and len(blocks[first - 1]) <= room:
        first -= 1
        room -= len(blocks[first])
    while end < len(blocks) and len(blocks[end]) <= room:
        room -= len(blocks[end])
        end += 1
    return padded(list(chain.from_iterable(blocks[first:end])), height, width), first, len(blocks) - end


def _marked(view: View, pose: Pose) -> int:
    if pose.line is not None and pose.line < len(view.lines):
        return pose.line
    return next((place for place, line in enumerate(view.lines) if line.is_last), len(view.lines) - 1)


def _line(line: LineView, width: int, *, is_marked: bool) -> list[Row]:
    ink, strong, saving = ("last", "last_bold", "last_saving") if is_marked else ("page", "page", "saving")
    quantity = f"{f'x{line.quantity}' if line.quantity > 1 else '':>{_QUANTITY}}"
    amount = f"{line.amount:>{_AMOUNT}} "
    name = width - 2 - len(quantity) - len(amount)
    spans: list[Span] = [
        ("▸ " if is_marked else "  ", strong),
        (fit(line.name, name), strong),
        (quantity, strong),
        (amount, strong),
    ]
    rows: list[Row] = [tuple(spans)]
    for text, amount in line.notes:
        # What was weighed has no amount of its own: on a narrow screen it needs the room.
        right: list[Span] = [(f"{amount:>{_AMOUNT}} ", ink)] if amount else []
        rows.append(row([(f"    {text} ", ink)], right, width, ink))
    rows += [row([(f"    {title} ", saving)], [(f"{amount:>{_AMOUNT}} ", saving)], width, ink) for title, amount in line.savings]
    return rows


def _panel(view: View, pose: Pose, words: Words, width: int, height: int) -> tuple[list[Row], tuple[str, ...]]:
    """Between the lines and the total: what is asked or told, else offers; always the same height, so that nothing jumps."""
    pushed = _pushed(view)
    news = [] if pushed is None else [_offer(pushed, width)]
    shown = () if pushed is None else (pushed.offer,)
    room, message = height - len(news), view.message
    if pose.mode == "typed":
        return [*padded(_typing(pose, words, width), room, width, "panel"), *news], shown
    if pose.mode == "confirm":
        question = words.finish_empty if view.is_empty else words.finish_ask.format(amount=view.total)
        saved = words.finish_saved.format(amount=view.saved.split()[-1]) if view.has_saved else ""
        return [*_told(MessageView(question, saved, "good"), width, room), *news], shown
    if message is not None and message.tone == "attention":
        return [*_told(message, width, room), *news], shown
    room, rows = height, list[Row]()
    if message is not None:
        ink: Ink = "good" if message.tone == "good" else "panel_bold"
        rows.append(row([(f"  {message.what} ", ink)], [], width, ink))
        if message.tone == "ask":
            rows.append(row([(f"  {message.next} ", "panel")], [], width, "panel"))
    misses = min(len(view.near_misses), 1 if view.offers else room - len(rows))
    rows += [row([("+ ", "panel_saving"), (miss, "panel")], [], width, "panel") for miss in view.near_misses[:misses]]
    offers = view.offers[: room - len(rows)]
    rows += [_offer(offer, width) for offer in offers]
    if not rows and not view.is_empty:
        rows = [blank(width, "panel"), row([(f"  {words.scan_next}", "panel_faint")], [], width, "panel")]
    return padded(rows, height, width, "panel"), tuple(offer.offer for offer in offers)


def _offer(offer: OfferView, width: int) -> Row:
    ink: Ink = "fresh" if offer.is_fresh else "panel_bold"
    faint: Ink = "fresh" if offer.is_fresh else "panel_faint"
    right: list[Span] = [(f" {offer.mark} ", ink)] if offer.mark else []
    room = width - 2 - cell_len(offer.title) - 2 - sum(cell_len(text) for text, _ in right) - 1
    # A reason that is cut to a stump says less than none; the list of offers has it in full.
    reason = f"  {offer.reason}" if room >= min(12, cell_len(offer.reason)) else ""
    return row([("★ ", ink), (offer.title, ink), (reason, faint)], right, width, ink)


def _pushed(view: View) -> OfferView | None:
    """What came in since the last scan; it is shown beside whatever else the shopper must read."""
    return next((offer for offer in view.offers if offer.is_fresh), None)


def _told(message: MessageView, width: int, height: int) -> list[Row]:
    bold, faint, sign = ("notice", "notice_faint", "! ") if message.tone == "attention" else ("good", "good_faint", "  ")
    ink: Ink = bold
    weak: Ink = faint
    rows = [row([(f"{sign}{message.what} ", ink)], [], width, ink), row([(f"  {message.next} ", weak)], [], width, ink)]
    return [blank(width, ink)] * ((height - 2) // 2) + padded(rows, height - (height - 2) // 2, width, ink)


def _typing(pose: Pose, words: Words, width: int) -> list[Row]:
    room = width - 4 - cell_len(words.typed) - 2
    text = pose.text[-room:]
    return [blank(width, "panel"), row([(f"  {words.typed}  ", "panel"), (f"{text}▏", "panel_bold")], [], width, "panel")]


def _total(view: View, words: Words, width: int) -> list[Row]:
    """Items and saving, then the total: in plain text, and drawn large where there is room."""
    figures = digit.draw(view.total)
    label = f"  {words.total}  {view.total}"
    drawn = len(figures[0]) + 2 + cell_len(label) + 1 <= width
    first = row([(f"  {view.items}", "total")], [(f"{view.saved} ", "total_saving")], width, "total")
    rows = [first]
    for place in range(digit.ROWS):
        left: list[Span] = [(label, "total")] if place == digit.ROWS // 2 else []
        rows.append(row(left, [(f"{figures[place]}  ", "total")] if drawn else [], width, "total"))
    return [_rule(width), *rows]


def _rule(width: int) -> Row:
    return (("─" * width, "total_faint"),)


# -- the other screens -------------------------------------------------------------------------------------------------

_BARS = "█▌║ █║▌ ║█║ ▌║█ ║▌█"


def _start(view: View, pose: Pose, words: Words, width: int, height: int) -> list[Row]:
    bars = [centred(_BARS, width, "bold")] * 3
    how = [centred(line, width, "faint") for line in words.start_how]
    middle = [*bars, blank(width), blank(width), centred(words.start_what, width, "bold"), blank(width), *how]
    panel: list[Row] = [blank(width)] * PANEL_ROWS
    if pose.mode == "typed":
        panel = padded(_typing(pose, words, width), PANEL_ROWS, width, "panel")
    elif view.message is not None:
        panel = _told(view.message, width, PANEL_ROWS)
    return [_state(view, words, width, 0, 0), *in_the_middle(middle, height - 1 - PANEL_ROWS, width), *panel]


def _scale(view: View, scale: ScaleView, words: Words, width: int, height: int) -> list[Row]:
    """Name, unit price, weight and price, as the law wants them beside an approved scale; always in the same places."""
    figures = digit.draw(scale.weight or "-.---")
    weight = [centred(f"{line}    ", width, "bold") for line in figures[:-1]]
    middle: list[Row] = [
        centred(scale.name, width, "bold"),
        centred(scale.unit_price, width),
        blank(width),
        *weight,
        centred(f"{figures[-1]}  {words.scale_kg}", width, "bold"),
        centred(scale.tare, width, "faint"),
        blank(width),
        centred(f"{scale.weight or '-'} {words.scale_kg} x {scale.unit_price} = {scale.price or '-'}", width, "bold"),
    ]
    is_urgent = view.message is not None and view.message.tone == "attention"
    return [
        _state(view, words, width, 0, 0),
        *in_the_middle(middle, height - 1 - PANEL_ROWS, width),
        *_told(view.message if view.message is not None and is_urgent else scale.said, width, PANEL_ROWS),
    ]


def _payment(view: View, paying: PaymentView, pose: Pose, words: Words, width: int, height: int) -> list[Row]:
    first, *others = paying.said
    middle: list[Row] = [
        *(centred(line, width, "bold") for line in digit.draw(paying.amount)),
        blank(width),
        centred(f"{words.total}  {paying.amount}", width, "bold"),
        blank(width),
        centred(first, width, "alarm" if paying.is_in_doubt else "bold"),
        *(centred(line, width) for line in others),
    ]
    panel: list[Row] = [blank(width)] * PANEL_ROWS
    if pose.mode == "code":
        hidden = row([(f"  {words.pay_code}  ", "panel"), (f"{'•' * len(pose.text)}▏", "panel_bold")], [], width, "panel")
        panel = padded([blank(width, "panel"), hidden], PANEL_ROWS, width, "panel")
    elif view.message is not None:
        panel = _told(view.message, width, PANEL_ROWS)
    return [*in_the_middle(middle, height - PANEL_ROWS, width), *panel]


def _thanks(view: View, words: Words, width: int, height: int) -> list[Row]:
    figures = [centred(line, width, "bold") for line in digit.draw(view.total)]
    trip = words.trip.format(trip=view.trip)
    how = {"approved": words.paid, "unknown": words.pay_doubt}.get(view.tender, words.pay)
    middle: list[Row] = [
        centred(view.greeting + "!", width, "bold"),
        blank(width),
        *figures,
        blank(width),
        centred(f"{words.total}  {view.total}", width, "bold"),
        centred(f"{view.items}   {view.saved}", width, "saving"),
        blank(width),
        *(centred(line, width, "alarm" if view.tender == "unknown" else "page") for line in how),
        *(centred(trip[start : start + width], width, "bold") for start in range(0, len(trip), width)),
    ]
    if view.receipt is not None:
        ink: Ink = "saving" if view.receipt in ("printing", "printed") else "alarm"
        middle += [blank(width), *(centred(line, width, ink) for line in words.receipt[view.receipt])]
    return in_the_middle(middle, height, width)


def _offer_list(view: View, words: Words, width: int, height: int) -> tuple[list[Row], tuple[str, ...]]:
    rows: list[Row] = [blank(width), row([(f"  {words.offers}", "bold")], [], width, "page"), blank(width)]
    shown: list[str] = []
    airy = len(rows) + 3 * len(view.offers) + len(view.near_misses) <= height
    for place, offer in enumerate(view.offers, 1):
        if len(rows) + 2 > height:
            break
        ink: Ink = "fresh" if offer.is_fresh else "bold"
        right: list[Span] = [(f" {offer.mark} ", ink)] if offer.mark else []
        rows.append(row([("★ ", ink), (f"{place} ", ink), (offer.title, ink)], right, width, ink))
        rows.append(row([(f"    {offer.reason}", "faint")], [], width, "page"))
        rows += [blank(width)] * airy
        shown.append(offer.offer)
    if not view.offers:
        rows.append(row([(f"  {words.offers_none}", "page")], [], width, "page"))
    for miss in view.near_misses[: max(0, height - len(rows) - 1)]:
        rows.append(row([("+ ", "saving"), (miss, "page")], [], width, "page"))
    return padded(rows, height, width), tuple(shown)


def _one_offer(pose: Pose, view: View, words: Words, width: int, height: int) -> list[Row]:
    offer = next((offer for offer in view.offers if offer.offer == pose.offer), None)
    if offer is None:
        return padded([], height, width)
    reason = offer.reason if offer.is_used_up else words.offer_why.format(reason=offer.reason)
    title, why = wrapped(f"★ {offer.title}", width - 4), wrapped(reason, width - 4)
    text: list[Span] = [*((line, "bold") for line in title), ("", "page"), *((line, "page") for line in why)]
    return in_the_middle([row([(f"  {line}", ink)], [], width, "page") for line, ink in text], height, width)


def _shelf(pose: Pose, words: Words, width: int, height: int, currency: str) -> list[Row]:
    field: list[Span] = (
        [(f"  {pose.text}▏", "panel_bold")] if pose.text else [("  ▏", "panel_bold"), (words.shelf_find, "panel_faint")]
    )
    rows: list[Row] = [
        blank(width),
        row([(f"  {words.shelf}", "bold")], [], width, "page"),
        row(field, [], width, "panel"),
        blank(width),
    ]
    room = height - len(rows)
    first = max(0, min(pose.cursor - room // 2, len(pose.found) - room))
    for place, product in list(enumerate(pose.found))[first : first + room]:
        chosen = place == pose.cursor
        ink: Ink = "last_bold" if chosen else "page"
        amount = format_minor(product.unit_price, currency)
        price = f"{words.per_kg.format(amount=amount) if product.unit == 'kg' else amount:>{_AMOUNT}} "
        size = f"  {product.size}" if product.size else ""
        rows.append(
            row(
                [("▸ " if chosen else "  ", ink), (product.name, ink), (size, "last" if chosen else "faint")],
                [(price, ink)],
                width,
                ink,
            )
        )
    if not pose.found:
        rows.append(row([(f"  {words.shelf_none}", "faint")], [], width, "page"))
    return padded(rows, height, width)
