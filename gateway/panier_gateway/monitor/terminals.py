"""The list of terminals, painted line by line: three hundred rows change several times a second, and only those are painted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from panier.message import LiveRow
from panier_gateway.monitor.view import COLUMNS, Urgency, cells, in_order, shown_columns, urgency

_STYLE = {
    Urgency.HELP: Style(bold=True, color="white", bgcolor="#b00020"),
    Urgency.HELD_BACK: Style(bold=True, color="#ff6b6b"),
    Urgency.WRONG: Style(color="#ffb454"),
    Urgency.LOST: Style(color="#ffb454"),
    Urgency.BATTERY: Style(color="#ffb454"),
    Urgency.OFFLINE: Style(dim=True),
    Urgency.SHOPPING: Style(),
    Urgency.IDLE: Style(dim=True),
}
_TITLE = Style(bold=True, underline=True)
_CURSOR = Style(reverse=True)
_STALE = Style(dim=True)


class Terminals(ScrollView, can_focus=True):
    """One line a terminal. The cursor stays on the most urgent one until somebody moves it, then on that terminal."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move(-20)", "Page up", show=False),
        Binding("pagedown", "move(20)", "Page down", show=False),
        Binding("home", "top", "Most urgent", show=False),
    ]

    class Opened(Message):
        """Somebody wants to know more of a terminal."""

        def __init__(self, device: str) -> None:
            self.device = device
            super().__init__()

    def __init__(self, clock: Callable[[], int]) -> None:
        super().__init__()
        self._clock = clock
        self._rows: dict[str, LiveRow] = {}
        self._order: list[str] = []
        self._shown = shown_columns(())
        self._painted: dict[int, tuple[object, ...]] = {}
        self._chosen: str | None = None
        self._stale = True

    @property
    def rows(self) -> list[LiveRow]:
        """All rows, most urgent first."""
        return [self._rows[device] for device in self._order]

    @property
    def selected(self) -> LiveRow | None:
        """The row under the cursor."""
        return self._rows[self._order[self._cursor]] if self._order else None

    def row(self, device: str) -> LiveRow:
        """The newest row of a terminal that is on the list."""
        return self._rows[device]

    def put(self, rows: Sequence[LiveRow]) -> None:
        """Shows newer rows."""
        self._rows |= {row.device: row for row in rows}
        self._shown = shown_columns(self._rows.values(), self.size.width)
        self._order = [row.device for row in in_order(self._rows.values())]
        self.virtual_size = Size(0, len(self._order) + 1)
        self.repaint()

    def on_resize(self) -> None:
        """Leaves out columns, or shows them again, as the new width asks for."""
        self._shown = shown_columns(self._rows.values(), self.size.width)

    def mark_stale(self, stale: bool) -> None:
        """Dims everything while the line is down: what is shown is of before."""
        self._stale = stale
        self.repaint()

    def repaint(self) -> None:
        """Paints the lines that differ from what is on the screen, and no others."""
        top = self.scroll_offset.y
        for y in range(self.size.height):
            if self._painted.get(y) != self._look(y, top):
                self.refresh(Region(0, y, self.size.width, 1))

    def action_move(self, by: int) -> None:
        """Moves the cursor."""
        if self._order:
            self._chosen = self._order[min(max(self._cursor + by, 0), len(self._order) - 1)]
            self._follow()

    def action_top(self) -> None:
        """Back to the most urgent terminal, and stays there."""
        self._chosen = None
        self._follow()

    def on_click(self, event: object) -> None:
        """A click chooses a row; a second one opens it."""
        index = getattr(event, "y", 0) + self.scroll_offset.y - 1
        if 0 <= index < len(self._order):
            device, before = self._order[index], self._chosen
            self._chosen = device
            if device == before:
                self.post_message(self.Opened(device))
            self.repaint()

    def render_line(self, y: int) -> Strip:
        """One line of the screen; the titles stay on top."""
        self._painted[y] = look = self._look(y, self.scroll_offset.y)
        text, style = look
        assert isinstance(text, str)
        assert isinstance(style, Style)
        painted = self.rich_style + style
        return Strip([Segment(text, painted)]).adjust_cell_length(self.size.width, painted)

    @property
    def _cursor(self) -> int:
        return self._order.index(self._chosen) if self._chosen in self._order else 0

    def _follow(self) -> None:
        height = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        target = min(max(top, self._cursor - height + 1), self._cursor)
        if target != top:
            self.scroll_to(y=target, animate=False)
        self.repaint()

    def _look(self, y: int, top: int) -> tuple[object, ...]:
        if y == 0:
            return self._line([column.title for column in COLUMNS]), _TITLE
        index = top + y - 1
        if index == 0 and not self._order:
            if self._stale:
                return "  Not connected: what the terminals do is not known.", _STALE
            return "  No terminal is enrolled yet. On the gateway's machine: panier enrol till-1", _STALE
        if index >= len(self._order):
            return "", Style()
        row = self._rows[self._order[index]]
        style = _STYLE[urgency(row)] + _STALE if self._stale else _STYLE[urgency(row)]
        return self._line(cells(row, self._clock())), style + _CURSOR if index == self._cursor else style

    def _line(self, texts: Sequence[str]) -> str:
        shown = list(compress(zip(texts, COLUMNS, strict=True), self._shown))
        rest = max(0, self.size.width - sum(column.width for _, column in shown))
        return "".join(_fitted(text, column.width or rest, column.right) for text, column in shown)


def _fitted(text: str, width: int, right: bool) -> str:
    if cell_len(text) > width:
        return set_cell_size(text, max(0, width - 1)) + "…"
    blank = " " * (width - cell_len(text))
    return blank + text if right else text + blank
