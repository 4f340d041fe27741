"""From key events of a keyboard wedge to frames."""

from __future__ import annotations

from panier_device.driver.layout import Layout
from panier_device.driver.port import Frame, KeyEvent

# linux/input-event-codes.h
_EV_SYN, _EV_KEY, _SYN_DROPPED = 0, 1, 3
_UP, _DOWN = 0, 1
_ENDS = frozenset({28, 96, 15})  # ENTER, KPENTER, TAB
_SHIFTS = frozenset({42, 54})
_CTRLS = frozenset({29, 97})
_CAPS = 58
_LETTERS = frozenset((*range(16, 26), *range(30, 39), *range(44, 51)))

GAP_MS = 200
"""Scanners leave 1 to 10 ms between keys; after a longer gap than this, what was held is no scan."""
LONGEST = 2400


class WedgeDecoder:
    """Turns key events into frames; keeps an unfinished one for next time.

    Where the kernel dropped events (SYN_DROPPED), nothing is delivered as whole until the next terminator or gap. `noise`
    counts keys that came to nothing.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.noise = 0
        self._held: list[str] = []
        self._shift: set[int] = set()
        self._ctrl: set[int] = set()
        self._caps = False
        self._lossy = False
        self._last_ms: int | None = None

    @property
    def pending(self) -> bool:
        """True while an unfinished frame is held: call `flush` when the keys have been silent for longer than GAP_MS."""
        return bool(self._held) or self._lossy

    def feed(self, events: list[KeyEvent]) -> list[Frame]:
        """The frames that `events` complete, in order."""
        frames: list[Frame] = []
        for event in events:
            if event.type == _EV_SYN and event.code == _SYN_DROPPED:
                self._drop()
                self._lossy = True
            elif event.type == _EV_KEY:
                frames += self._key(event)
        return frames

    def flush(self) -> list[Frame]:
        """The keys went silent: the part that came, flawed, or nothing where it was but a stray key."""
        if not self.pending:
            return []
        text, told = "".join(self._held), len(self._held) > 1 or self._lossy
        self._drop()
        self._lossy = False
        return [Frame(text, "cut_short")] if told else []

    def reset(self) -> None:
        """The device went away: what is held will never be whole, and no key is down any more."""
        self._drop()
        self._lossy = False
        self._shift.clear()
        self._ctrl.clear()
        self._caps = False
        self._last_ms = None

    def _key(self, event: KeyEvent) -> list[Frame]:
        frames: list[Frame] = []
        if event.value == _DOWN:
            if self._last_ms is not None and event.at_ms - self._last_ms > GAP_MS:
                frames += self.flush()
            self._last_ms = event.at_ms
        for held, keys in ((self._shift, _SHIFTS), (self._ctrl, _CTRLS)):
            if event.code in keys:
                (held.discard if event.value == _UP else held.add)(event.code)
                return frames
        if event.value != _DOWN:
            return frames
        if event.code == _CAPS:
            self._caps = not self._caps
        elif event.code in _ENDS:
            frames += self._finish()
        else:
            self._type(event.code)
        return frames

    def _type(self, code: int) -> None:
        characters = self.layout.keys.get(code)
        if characters is None or len(self._held) >= LONGEST:
            # An unknown key may have been a character: what is held is not whole any more.
            self._drop()
            self._lossy = True
            return
        shifted = bool(self._shift) != (self._caps and code in _LETTERS)
        character = characters[shifted]
        if self._ctrl:
            # Ctrl+] is how a wedge types GS.
            character = chr(ord(character) & 0x1F)
        self._held.append(character)

    def _finish(self) -> list[Frame]:
        if self._lossy:
            self._shift.clear()
            self._ctrl.clear()
            return self.flush()
        if not self._held:
            return []
        text = "".join(self._held)
        self._held.clear()
        return [Frame(text)]

    def _drop(self) -> None:
        self.noise += len(self._held)
        self._held.clear()
