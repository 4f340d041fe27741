"""A person's visit to the demo store: the real handheld on the left, a wallet and a shelf to scan from on the right."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from panier_simulators.demo.goods import Goods
from panier_simulators.sample.label import HEAVIEST, LIGHTEST
from panier_simulators.scale import SimulatedScale
from panier_simulators.scanner import SimulatedScanner
from panier_simulators.screen import Cell, SimulatedTerminal

_REFRESH = 1 / 20
_SHOWN = 60
_REACH = 1.5
"""Seconds from the scan to the scale: time to read what the handheld asks for."""
_KEYS = {
    "enter": "\r", "escape": "\x1b", "backspace": "\x7f", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
    "pageup": "\x1b[5~", "pagedown": "\x1b[6~", "home": "\x1b[H", "end": "\x1b[F", "delete": "\x1b[3~",
}  # fmt: skip


class HandheldView(Widget, can_focus=True):
    """The handheld's screen as it is, cell by cell; while it has the focus, keys go to the handheld."""

    DEFAULT_CSS = """
    HandheldView { border: round $panel-lighten-2; }
    HandheldView:focus { border: round $accent; }
    """

    def __init__(self, terminal: SimulatedTerminal) -> None:
        super().__init__()
        self._terminal = terminal
        self._painted_at = 0.0
        self.styles.width = terminal.columns + 2
        self.styles.height = terminal.lines + 2
        self.border_title = "handheld"

    def on_mount(self) -> None:
        self.set_interval(_REFRESH, self._look)

    def on_key(self, event: events.Key) -> None:
        keys = _KEYS.get(event.key) or event.character
        if keys and event.key not in ("tab", "shift+tab", "ctrl+q"):
            self._terminal.send(keys)
            event.stop()

    def render_line(self, y: int) -> Strip:
        cells = self._terminal.cells(y)
        return Strip([Segment(cell.text, _style(cell)) for cell in cells]).crop(0, self.size.width)

    def _look(self) -> None:
        if self._terminal.painted_at != self._painted_at:
            self._painted_at = self._terminal.painted_at
            self.refresh()


class Visit(App[None]):
    """`async with` nothing: `run_async` returns when the person closes the store.

    `facts` are lines that stay in sight, such as the console's address; `news` gives a line that is asked for every second.
    """

    TITLE = "Panier demo"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: $surface; }
    #right { padding: 0 1; }
    #facts { height: 3; color: $text-muted; padding: 0 1; }
    #news { height: 1; color: $text-success; padding: 0 1; }
    #goods { height: 1fr; border: round $panel-lighten-2; }
    #goods:focus { border: round $accent; }
    #find { border: round $panel-lighten-2; height: 3; }
    #find:focus { border: round $accent; }
    #keys { dock: bottom; height: 1; background: $panel; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Leave", priority=True),
        Binding("ctrl+c", "quit", "Leave", priority=True, show=False),
        Binding("tab", "turn", "Handheld or shelf", priority=True),
        Binding("shift+tab", "turn", "Handheld or shelf", priority=True, show=False),
    ]

    def __init__(
        self,
        terminal: SimulatedTerminal,
        scanner: SimulatedScanner,
        scale: SimulatedScale,
        goods: Sequence[Goods],
        facts: Sequence[str],
        news: Callable[[], str],
    ) -> None:
        super().__init__()
        self._terminal = terminal
        self._scanner = scanner
        self._scale = scale
        self._loose = {one.code for one in goods if one.is_loose}
        self._goods = goods
        self._facts = facts
        self._news = news
        self._scans: set[asyncio.Task[object]] = set()

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield HandheldView(self._terminal)
            with Vertical(id="right"):
                yield Input(placeholder="find: milk, bananas, a name ...", id="find")
                yield OptionList(id="goods")
                yield Static("\n".join(self._facts), id="facts", markup=False)
                yield Static("", id="news", markup=False)
        yield Static(id="keys")

    def on_mount(self) -> None:
        self.query_one("#goods").border_title = "wallet and shelf: Enter scans it"
        self._offer("")
        self.query_one("#goods").focus()
        self.set_interval(1.0, lambda: self.query_one("#news", Static).update(self._news()))

    def on_descendant_focus(self) -> None:
        on_handheld = isinstance(self.focused, HandheldView)
        keys = "On the handheld: f finish  o offers  + - d" if on_handheld else "↑↓ choose  Enter scan  type to find"
        other = "shelf" if on_handheld else "handheld's keys"
        self.query_one("#keys", Static).update(Text.assemble((keys, "bold"), f"  Tab {other}  Ctrl+Q leave"))

    def action_turn(self) -> None:
        """Moves the keys between the handheld and the shelf."""
        other = self.query_one("#goods") if isinstance(self.focused, HandheldView) else self.query_one(HandheldView)
        other.focus()

    def on_key(self, event: events.Key) -> None:
        find = self.query_one("#find", Input)
        if isinstance(self.focused, OptionList) and event.character and event.character.isprintable() and event.key != "enter":
            find.focus()
            find.insert_text_at_cursor(event.character)
            event.stop()
        elif self.focused is find and event.key in ("down", "up"):
            self.query_one("#goods").focus()
            event.stop()
        elif self.focused is find and event.key == "escape":
            find.value = ""
            self.query_one("#goods").focus()

    def on_input_changed(self, changed: Input.Changed) -> None:
        self._offer(changed.value)

    def on_input_submitted(self, _: Input.Submitted) -> None:
        chosen = self.query_one("#goods", OptionList).highlighted_option
        if chosen and chosen.id:
            self._scan(chosen.id)

    def on_option_list_option_selected(self, chosen: OptionList.OptionSelected) -> None:
        if chosen.option.id:
            self._scan(chosen.option.id)

    def _scan(self, code: str) -> None:
        # The code is on the wire for its 15 ms: not in this loop, which paints.
        task = asyncio.create_task(asyncio.to_thread(self._lay_down if code in self._loose else self._scanner.scan, code))
        self._scans.add(task)
        task.add_done_callback(self._scans.discard)

    def _lay_down(self, code: str) -> None:
        """Scans what the loose goods are, and puts some of them on the scale a moment later."""
        self._scale.take()
        self._scanner.scan(code)
        time.sleep(_REACH)
        self._scale.put(random.randint(LIGHTEST, HEAVIEST))  # noqa: S311 (goods, not secrets)

    def _offer(self, words: str) -> None:
        found = self.query_one("#goods", OptionList)
        found.clear_options()
        matching = [one for one in self._goods if one.matches(words)][:_SHOWN]
        found.add_options([Option(_row(one), id=one.code) for one in matching])
        if matching:
            found.highlighted = 0


def _row(goods: Goods) -> Text:
    if goods.is_coupon:
        row = Text.assemble(("✂ ", "bold yellow"), (goods.name, "bold"), f"  {goods.note}")
    elif goods.is_card:
        row = Text.assemble(("▣ ", "bold yellow"), (goods.name, "bold"), f"  {goods.note}")
    else:
        row = Text.assemble("  ", f"{goods.name}  ", (goods.note, "dim"))
    row.no_wrap, row.overflow = True, "ellipsis"
    return row


def _style(cell: Cell) -> Style:
    return Style(color=cell.foreground, bgcolor=cell.background, bold=cell.bold, underline=cell.underline, reverse=cell.reverse)
