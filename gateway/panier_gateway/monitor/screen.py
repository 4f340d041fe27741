"""The monitor's screen: the shift's counters, the terminals, and what one key does."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from panier.message import Act, Counters, LiveRow, StaffPrice
from panier.money import format_minor
from panier_gateway.monitor.line import BrokerLine, Line
from panier_gateway.monitor.pricing import PriceIt
from panier_gateway.monitor.terminals import Terminals
from panier_gateway.monitor.view import ago, figures, printable, state, to_answer, wrong
from panier_gateway.settings import MonitorSettings
from panier_io.hangup import end_with_terminal
from panier_io.session import NotConnected
from panier_io.supervisor import Supervisor
from panier_io.vitals import Vitals


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class MonitorApp(App[None]):
    """Shows what the line tells. Everything on the screen is also in words or signs: no meaning rests on colour alone."""

    CSS = """
    Screen { layout: vertical; }
    #status { height: auto; padding: 0 1; background: $panel; }
    #status.down { background: #b00020; color: white; text-style: bold; }
    #figures { height: auto; padding: 0 1; border-bottom: solid $panel; }
    Terminals { height: 1fr; padding: 0; scrollbar-size-vertical: 1; }
    #empty { padding: 1 2; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("a", "answer", "Answer the call"),
        Binding("p", "price", "Price a code"),
        Binding("q", "quit", "Quit"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, store: str, line: Line, clock: Callable[[], int] = now_ms) -> None:
        super().__init__()
        self._store = store
        self._line = line
        self._clock = clock
        self._counters: Counters | None = None
        self._news: dict[str, LiveRow] = {}
        self._connected = False
        self._refusal = ""
        self._since: int | None = None
        self.terminals = Terminals(clock)
        self._vitals = Vitals(Supervisor(), vital={}, noted={"gateway": lambda: "" if self._connected else "out of reach"})

    @classmethod
    def over_mqtt(cls, settings: MonitorSettings) -> MonitorApp:
        """A monitor on a store's broker."""
        return cls(settings.store, BrokerLine(settings))

    def compose(self) -> ComposeResult:
        """The screen from top to bottom."""
        yield Static(id="status")
        yield Static(id="figures")
        yield self.terminals
        yield Footer()

    def on_mount(self) -> None:
        """Starts listening; figures and ages are brought up to date every half second, in one go."""
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, self.exit)
            end_with_terminal(lambda: loop.call_soon_threadsafe(self.exit))
        self.terminals.focus()
        self._tell()
        self.set_interval(0.25, self._take_news)
        self.set_interval(1.0, self._tell)
        self.run_worker(self._line.run(self), exit_on_error=True)
        self.run_worker(self._vitals.run(), exit_on_error=True)

    def on_ready(self) -> None:
        """The screen is there and takes keys."""
        self._vitals.begin()

    def on_unmount(self) -> None:
        """The screen closes."""
        self._vitals.end()

    def show_row(self, row: LiveRow) -> None:
        """One terminal as it is now."""
        self._news[row.device] = row

    def show_counters(self, counters: Counters) -> None:
        """The shift so far."""
        self._counters = counters
        self._tell()

    def show_connection(self, connected: bool) -> None:
        """Whether what is on the screen is of now."""
        if self._connected and not connected:
            self._since = self._clock()
        self._connected = connected
        self.terminals.mark_stale(not connected)
        self._tell()

    def show_refusal(self, reason: str) -> None:
        """In which words the broker refused us at the last attempt."""
        self._refusal = reason
        self._tell()

    def on_terminals_opened(self, message: Terminals.Opened) -> None:
        """A second click on a row."""
        self.action_open()

    def action_open(self) -> None:
        """Everything that is known of the terminal under the cursor."""
        row = self.terminals.selected
        if row is not None:
            known = partial(self.terminals.row, row.device)
            self.push_screen(
                Details(lambda: facts(known(), self._clock()), lambda: self._answer(known()), lambda: self._ask_price(known()))
            )

    async def action_answer(self) -> None:
        """Somebody goes to the terminal under the cursor, or to the first that calls where that one does not."""
        row = to_answer(self.terminals.selected, self.terminals.rows)
        if row is None:
            self.notify("Nobody calls for help.", timeout=3)
        else:
            await self._answer(row)

    def action_price(self) -> None:
        """Gives the unknown code of the terminal under the cursor a price."""
        row = self.terminals.selected
        if row is not None:
            self._ask_price(row)

    def _ask_price(self, row: LiveRow) -> None:
        if not row.unknown:
            self.notify(f"No code of {row.device} waits for a price.", timeout=3)
            return

        async def answered(price: StaffPrice | None) -> None:
            if price is not None:
                await self._price(row.device, price)

        self.push_screen(PriceIt(row, row.unknown[-1]), answered)

    async def _price(self, device: str, price: StaffPrice) -> None:
        try:
            await self._line.act(Act(device=device, act="price", price=price))
            self.notify(f"{device}: sent to the shopper's screen.", timeout=3)
        except NotConnected:
            self.notify("Not connected: nothing was sent. Go there.", severity="error", timeout=6)

    async def _answer(self, row: LiveRow) -> None:
        """Tells the shopper that somebody comes; the row leaves the top."""
        if row.state != "help":
            self.notify(f"{row.device} does not call for help.", timeout=3)
            return
        try:
            await self._line.act(Act(device=row.device, act="help_answered"))
            self.notify(f"{row.device}: the shopper knows that you come.", timeout=3)
        except NotConnected:
            self.notify("Not connected: the shopper was not told. Go there.", severity="error", timeout=6)

    def _take_news(self) -> None:
        if self._news:
            news, self._news = self._news, {}
            self.terminals.put(list(news.values()))
            self._tell()

    def _tell(self) -> None:
        if not self.is_running:
            return
        self.terminals.repaint()
        self.query_one("#figures", Static).update(self._figures())
        status = self.query_one("#status", Static)
        status.set_class(not self._connected, "down")
        status.update(self._status())

    def _status(self) -> str:
        hour = time.strftime("%H:%M", time.localtime(self._clock() / 1000))
        if self._connected:
            return f"{self._store}  {hour}  ● connected"
        if self._refusal:
            return (
                f"{self._store}  {hour}  ✖ NOT CONNECTED: the broker refuses this monitor ({printable(self._refusal)}). "
                "New settings, on the gateway's machine: panier enrol --monitor"
            )
        if self._since is None:
            return f"{self._store}  {hour}  ✖ connecting to the store"
        lost = time.strftime("%H:%M:%S", time.localtime(self._since / 1000))
        return f"{self._store}  {hour}  ✖ NOT CONNECTED since {lost}: what you see is from before. Trying again."

    def _figures(self) -> Text:
        """Names above figures, in as many pairs of lines as the width asks for: half a screen must not cut the figures off."""
        found = figures(self.terminals.rows, self._counters)
        marked = [(name, f"! {value}" if act else value, act) for name, value, act in found]
        room = self.size.width - 2
        pairs = 1 if sum(max(len(name), len(value)) + 1 for name, value, _ in marked) <= room else 2
        each = -(-len(marked) // pairs)
        return Text("\n").join(line for at in range(0, len(marked), each) for line in _pair(marked[at : at + each], room))


def _pair(marked: Sequence[tuple[str, str, bool]], room: int) -> tuple[Text, Text]:
    needed = [max(len(name), len(value)) + 1 for name, value, _ in marked]
    spare = max(0, room - sum(needed)) // len(marked)
    names, values = Text(no_wrap=True), Text(no_wrap=True)
    for width, (name, value, act) in zip(needed, marked, strict=True):
        names.append(name.ljust(width + spare), "dim")
        values.append(value.ljust(width + spare), "bold #ffb454" if act else "bold")
    return names, values


class Details(ModalScreen[None]):
    """One terminal in full."""

    CSS = """
    Details { align: center middle; }
    Details Vertical { width: 76; height: auto; padding: 1 2; border: round $primary; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "dismiss", "Back"),
        Binding("a", "answer", "Answer the call"),
        Binding("p", "price", "Price a code"),
    ]

    def __init__(self, look: Callable[[], Text], answer: Callable[[], Awaitable[None]], price: Callable[[], None]) -> None:
        super().__init__()
        self._look = look
        self._answer = answer
        self._price = price

    def compose(self) -> ComposeResult:
        """The facts, one a line."""
        with Vertical():
            yield Static(self._look(), id="facts")
            yield Footer()

    def on_mount(self) -> None:
        """Stays as live as the list."""
        self.set_interval(0.5, lambda: self.query_one("#facts", Static).update(self._look()))

    async def action_answer(self) -> None:
        """Answers and goes back to the list."""
        self.dismiss()
        await self._answer()

    def action_price(self) -> None:
        """Prices the code that waits, and goes back to the list."""
        self.dismiss()
        self._price()


def facts(row: LiveRow, now: int) -> Text:
    """Everything that is known of a terminal, one fact a line."""
    known = [
        ("State", state(row)),
        ("What is wrong", wrong(row, now) or "nothing"),
        ("Unknown codes", ", ".join(printable(code.code) for code in row.unknown)),
        ("Trip", printable(row.trip or "none")),
        ("Started", f"{ago(now - row.since)}" if row.trip else ""),
        ("Basket", f"{row.units} units on {row.lines} lines" if row.trip else ""),
        ("Total", f"{format_minor(row.total, row.currency)} {printable(row.currency)}" if row.trip else ""),
        ("Shopper", ("member" if row.member else "guest") if row.trip else ""),
        ("Prices", f"version {row.snapshot}"),
        ("Waiting to be sent", f"{row.waiting} events" if row.waiting else ""),
        ("Battery", "" if row.battery is None else f"{row.battery} %"),
        ("Last heard", ago(now - row.last_at) if row.last_at else "never"),
    ]
    text = Text(row.device + "\n\n", "bold")
    for name, value in known:
        if value:
            text.append(f"{name:<20}", "dim")
            text.append(f"{value}\n")
    return text
