"""What the shopper is doing with the keys: plain decisions, from a key to the next pose and a wish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from panier.catalogue import Product
from panier.offer import SHOWN_AT_ONCE
from panier_device.screen.view import PaymentView, View

Mode = Literal["shop", "typed", "confirm", "offers", "offer", "shelf", "code"]
LONGEST_TYPED = 48


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the shopper is: what is typed so far, what may be picked, which one is under the cursor, which offer is open.

    `line` is the place of the basket's line that the shopper chose, or None while the mark is on the last one.
    """

    mode: Mode = "shop"
    text: str = ""
    found: tuple[Product, ...] = ()
    cursor: int = 0
    offer: str = ""
    line: int | None = None


SHOPPING = Pose()

WishKind = Literal[
    "type_code", "pick", "search", "one_more", "put_back", "delete_line", "take_back", "help", "finish", "accept", "refuse",
    "dismiss", "weigh_again", "leave_scale", "cancel_payment", "staff_code", "decide", "leave_staff", "print_again",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that the agent is to do; `what` is the code, SKU, offer or search text, `line` the line that was chosen."""

    kind: WishKind
    what: str = ""
    line: int | None = None


Answer = tuple[Pose, Wish | None]

_CHANGES: dict[str, WishKind] = {"+": "one_more", "-": "put_back", "d": "delete_line"}


def press(pose: Pose, key: str, character: str | None, view: View) -> Answer:
    """What a key does. `key` is its name, such as "enter"; `character` what it prints, or None."""
    if view.phase == "thanks":
        again = view.receipt in ("printed", "refused") and character in ("r", "R")
        return SHOPPING, Wish("print_again" if again else "dismiss")
    if view.scale is not None:
        return _weigh(key, character)
    if view.paying is not None:
        return _pay(pose, key, character, view.paying)
    match pose.mode:
        case "shop" | "code":
            return _shop(pose, key, character, view)
        case "typed":
            return _typed(pose, key, character)
        case "confirm":
            return _confirm(pose, key, character)
        case "offers":
            return _offers(pose, key, character, view)
        case "offer":
            return _offer(pose, key, character)
        case "shelf":
            return _shelf(pose, key, character)


def _weigh(key: str, character: str | None) -> Answer:
    if key == "escape":
        return SHOPPING, Wish("leave_scale")
    if key == "enter":
        return SHOPPING, Wish("weigh_again")
    return SHOPPING, Wish("help") if character in ("h", "H") else None


def _pay(pose: Pose, key: str, character: str | None, paying: PaymentView) -> Answer:
    """While a payment is under way: back to the basket, help, and staff with their code."""
    letter = (character or "").lower()
    if paying.is_staff_here:
        if key == "escape":
            return SHOPPING, Wish("leave_staff")
        outcome = {"p": "approved", "n": "declined", "u": "unknown"}.get(letter)
        return (SHOPPING, Wish("decide", outcome)) if outcome else (SHOPPING, None)
    if pose.mode == "code":
        if key == "enter":
            return SHOPPING, Wish("staff_code", pose.text)
        pose, _ = _typed(pose, key, character)
        return pose, None
    if paying.takes_code and letter.isascii() and letter.isdigit():
        return Pose("code", letter), None
    if letter == "h":
        return SHOPPING, Wish("help")
    return (SHOPPING, Wish("cancel_payment")) if key == "escape" and paying.may_go_back else (SHOPPING, None)


def _shop(pose: Pose, key: str, character: str | None, view: View) -> Answer:
    if key in ("up", "down"):
        return _move(pose, -1 if key == "up" else 1, view), None
    if character is None:
        return pose, None
    if character.isascii() and character.isdigit():
        return Pose("typed", character), None
    letter = character.lower()
    if letter == "l":
        return Pose("shelf"), Wish("search")
    if letter == "h":
        return SHOPPING, Wish("help")
    if view.phase == "start":
        return pose, None
    if letter == "f":
        return Pose("confirm"), None
    if letter == "o":
        return Pose("offers"), None
    if letter == "t" and view.message is not None and view.message.tone == "ask":
        return SHOPPING, Wish("take_back")
    kind = _CHANGES.get(letter)
    # What is changed becomes the last line, and the mark stays on it.
    return (SHOPPING, Wish(kind, line=pose.line)) if kind else (pose, None)


def _move(pose: Pose, step: int, view: View) -> Pose:
    """The mark on the line above or below; gifts, which stand below what was scanned, are passed by."""
    count = sum(not line.is_gift for line in view.lines)
    if not count:
        return pose
    last = next((place for place, line in enumerate(view.lines) if line.is_last), count - 1)
    return replace(pose, line=max(0, min(count - 1, (last if pose.line is None else pose.line) + step)))


def _typed(pose: Pose, key: str, character: str | None) -> Answer:
    if key == "enter":
        return SHOPPING, Wish("type_code", pose.text)
    if key == "escape":
        return SHOPPING, None
    if key == "backspace":
        return (replace(pose, text=pose.text[:-1]) if len(pose.text) > 1 else SHOPPING), None
    if character and character.isascii() and character.isdigit() and len(pose.text) < LONGEST_TYPED:
        return replace(pose, text=pose.text + character), None
    return pose, None


def _confirm(pose: Pose, key: str, character: str | None) -> Answer:
    if key == "enter" or character in ("y", "Y"):
        return SHOPPING, Wish("finish")
    return (SHOPPING if key == "escape" or character in ("n", "N") else pose), None


def _offers(pose: Pose, key: str, character: str | None, view: View) -> Answer:
    if key in ("escape", "enter") or character in ("o", "O"):
        return SHOPPING, None
    if character and character in "1234567"[: min(len(view.offers), SHOWN_AT_ONCE)]:
        return Pose("offer", offer=view.offers[int(character) - 1].offer), None
    return pose, None


def _offer(pose: Pose, key: str, character: str | None) -> Answer:
    if key == "escape":
        return Pose("offers"), None
    if key == "enter" or character in ("y", "Y"):
        return SHOPPING, Wish("accept", pose.offer)
    if character in ("n", "N"):
        return SHOPPING, Wish("refuse", pose.offer)
    return pose, None


def _shelf(pose: Pose, key: str, character: str | None) -> Answer:
    if key == "escape":
        return SHOPPING, None
    if key == "enter":
        return (SHOPPING, Wish("pick", pose.found[pose.cursor].sku)) if pose.found else (pose, None)
    if key in ("up", "down"):
        step = 1 if key == "down" else -1
        return replace(pose, cursor=max(0, min(len(pose.found) - 1, pose.cursor + step))), None
    text = pose.text
    if key == "backspace":
        text = text[:-1]
    elif character and character.isprintable() and len(text) < LONGEST_TYPED:
        text += character
    return (pose, None) if text == pose.text else (replace(pose, text=text, cursor=0), Wish("search", text))
