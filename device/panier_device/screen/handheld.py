"""The Textual app of a handheld: one widget that paints rows, and keys that become wishes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key, Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from panier_device.agent import Agent
from panier_device.checkout import Checkout
from panier_device.screen.dialogue import SHOPPING, Pose, Wish, press
from panier_device.screen.ink import INKS
from panier_device.screen.paint import Painting, paint
from panier_device.screen.row import Row
from panier_device.screen.view import Link, View, look, printable_product
from panier_device.screen.word import Words
from panier_device.shop import AssortmentDamaged
from panier_device.situation import Message
from panier_device.tally import Tally
from panier_io.log import logger

FAREWELL_S = 20.0
"""How long the Thank-you screen stays, with the shopper's first name on it, where nobody presses a key."""


class Pane(Widget):
    """Rows of text through the Line API: a change repaints the rows that differ, and nothing else is laid out."""

    DEFAULT_CSS = "Pane { width: 100%; height: 100%; }"

    def __init__(self, resized: Callable[[], None]) -> None:
        super().__init__()
        self._resized = resized
        self._rows: tuple[Row, ...] = ()
        self._strips: list[Strip] = []

    def put(self, rows: tuple[Row, ...]) -> bool:
        """Shows these rows; False where they are what is shown already."""
        old, self._rows, width = self._rows, rows, self.size.width
        changed = [place for place, row in enumerate(rows) if place >= len(old) or old[place] != row]
        self._strips[len(rows) :] = []
        for place in changed:
            strip = Strip([Segment(text, INKS[ink]) for text, ink in rows[place]], width)
            self._strips[place : place + 1] = [strip]
        if changed or len(old) > len(rows):
            self.refresh(*(Region(0, place, width, 1) for place in changed))
        return bool(changed)

    def render_line(self, y: int) -> Strip:
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, INKS["page"])

    def on_resize(self, event: Resize) -> None:
        self._rows = ()
        self._resized()


class Handheld(App[None]):
    """The shopper's screen of a handheld."""

    CSS = "Screen { overflow: hidden; }"
    ENABLE_COMMAND_PALETTE = False
    # A handheld has no Control key; whoever runs one on a computer expects this one to end it.
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "quit", show=False, priority=True)]
    TITLE = "Panier"

    def __init__(
        self,
        agent: Agent,
        words: Words,
        link: Callable[[], Link],
        currency: Callable[[], str],
        tally: Tally,
        *,
        checkout: Checkout | None = None,
        farewell_s: float = FAREWELL_S,
    ) -> None:
        super().__init__(ansi_color=False)
        self._agent = agent
        self._words = words
        self._link = link
        self._currency = currency
        self._tally = tally
        self._checkout = checkout
        self._pose: Pose = SHOPPING
        self._painting = Painting(())
        self._pane = Pane(self.repaint)
        self._timed: int | None = None
        self._farewell_s = farewell_s
        self._farewell: Timer | None = None
        agent.show = self.repaint
        self.opened: Callable[[], None] = lambda: None
        """Called once, when the screen is there and takes keys."""
        self.print_again: Callable[[], None] = lambda: None

    def compose(self) -> ComposeResult:
        yield self._pane

    @property
    def view(self) -> View:
        """What is to be seen now."""
        return look(self._agent.now, self._link(), self._words)

    def scanned(self) -> None:
        """A code came in by a scanner: whatever the shopper was typing or choosing is over."""
        self._pose = SHOPPING

    def repaint(self) -> None:
        """Brings the screen up to the agent's situation."""
        size = self._pane.size
        self._time_farewell()
        read_at, self._agent.read_at = self._agent.read_at, None
        if not size or not self.is_running:
            return
        self._painting = paint(self.view, self._pose, self._words, size.width, size.height, self._currency())
        if self._pane.put(self._painting.rows):
            self._timed = read_at or self._timed
        elif self._painting.offers:
            self.call_later(self._agent.painted, self._painting.offers)

    def _time_farewell(self) -> None:
        is_over = self._agent.now.farewell is None
        if is_over and self._farewell is not None:
            self._farewell.stop()
            self._farewell = None
        elif not is_over and self._farewell is None and self.is_running:
            self._farewell = self.set_timer(self._farewell_s, self._agent.dismiss)

    def on_ready(self) -> None:
        self.opened()

    def post_display_hook(self) -> None:
        """Textual calls this when a frame has gone to the terminal."""
        read_at, self._timed = self._timed, None
        if read_at is not None:
            self._tally.scan_to_screen.observe((time.monotonic_ns() - read_at) / 1e9)
        if self._painting.offers:
            self.call_later(self._agent.painted, self._painting.offers)

    def on_key(self, event: Key) -> None:
        event.stop()
        event.prevent_default()
        character = event.character if event.is_printable else None
        self._pose, wish = press(self._pose, event.key, character, self.view)
        if wish is not None:
            try:
                self._grant(wish)
            except Exception as error:
                # One wish that fails must not take the screen away from the basket that is on the disk.
                logger("screen").exception("wish_failed", wish=wish.kind)
                said = error.code if isinstance(error, AssortmentDamaged) else "key_failed"
                self._pose = SHOPPING
                self._agent.now = replace(self._agent.now, message=Message(said, "attention"))
        self.repaint()

    def _grant(self, wish: Wish) -> None:
        agent = self._agent
        match wish.kind:
            case "type_code":
                agent.type_code(wish.what)
            case "pick":
                agent.pick(wish.what)
            case "search":
                limit = max(1, self._pane.size.height - 6)
                self._pose = Pose("shelf", wish.what, tuple(printable_product(found) for found in agent.search(wish.what, limit)))
            case "one_more":
                agent.one_more(wish.line)
            case "put_back":
                agent.put_back(wish.line, whole_line=False)
            case "delete_line":
                agent.put_back(wish.line, whole_line=True)
            case "take_back":
                agent.take_back()
            case "help":
                agent.call_help()
            case "finish":
                agent.finish()
            case "accept":
                agent.answer_offer(wish.what, accepted=True)
            case "refuse":
                agent.answer_offer(wish.what, accepted=False)
            case "weigh_again":
                agent.weigh_again()
            case "leave_scale":
                agent.show_scale(None)
            case "print_again":
                self.print_again()
            case "dismiss":
                agent.dismiss()
            case "cancel_payment" | "staff_code" | "decide" | "leave_staff":
                self._grant_payment(wish)

    def _grant_payment(self, wish: Wish) -> None:
        checkout = self._checkout
        if checkout is None:
            return
        match wish.kind:
            case "cancel_payment":
                checkout.cancel()
            case "staff_code":
                checkout.enter_code(wish.what)
            case "leave_staff":
                checkout.leave_staff()
            case _:
                checkout.decide(wish.what)
