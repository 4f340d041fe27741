"""From key events of a keyboard wedge to frames."""

from __future__ import annotations

from panier_device.driver.frame import content, is_text
from panier_device.driver.layout import Layout
from panier_device.driver.port import Frame, KeyEvent
from panier_device.driver.profile import EndKey, GsKey, ScannerProfile

# linux/input-event-codes.h
_EV_SYN, _EV_KEY, _SYN_DROPPED = 0, 1, 3
_UP, _DOWN = 0, 1
_ENDS: dict[int, EndKey] = {28: "enter", 96: "kpenter", 15: "tab"}
_SHIFTS, _CTRLS = frozenset({42, 54}), frozenset({29, 97})
_LEFT_ALT, _RIGHT_ALT = 56, 100
_MODIFIERS = _SHIFTS | _CTRLS | {_LEFT_ALT, _RIGHT_ALT}
_CAPS, _NUM, _RIGHT_BRACE = 58, 69, 27
_KEYPAD = {82: "0", 79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8", 73: "9"}
_FUNCTIONS: dict[int, GsKey] = {
    103: "up", 105: "left", 106: "right", 108: "down", 59: "f1", 60: "f2", 61: "f3", 62: "f4", 63: "f5", 64: "f6",
    65: "f7", 66: "f8", 67: "f9", 68: "f10", 87: "f11", 88: "f12",
}  # fmt: skip

GAP_MS = 200
"""Scanners leave 1 to 10 ms between keys; after a longer gap than this, what was held is no scan."""
KEYBOARD = ScannerProfile(title="Any scanner that poses as a keyboard")


class WedgeDecoder:
    """Turns key events into frames; keeps an unfinished one for next time.

    Where events are missing (SYN_DROPPED, or a key that goes down twice), nothing is delivered as whole until the next terminator
    or gap. `noise` counts keys that came to nothing.
    """

    def __init__(self, layout: Layout, profile: ScannerProfile = KEYBOARD) -> None:
        self.layout = layout
        self.profile = profile
        self.noise = 0
        self._held: list[str] = []
        self._down: dict[int, int] = {}
        """Keys that are down, and since when."""
        self._alt = ""
        """Digits typed on the keypad while Alt is down: the number of one character."""
        self._caps = False
        self._dead = False
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
                self._void()
                self._down.clear()
            elif event.type == _EV_KEY and event.value in (_UP, _DOWN):
                frames += self._press(event) if event.value == _DOWN else self._release(event.code)
        return frames

    def flush(self) -> list[Frame]:
        """The keys went silent: the part that came, flawed, or nothing where it was but a stray key."""
        text, told = "".join(self._held), len(self._held) > 1 or self._lossy
        self._drop()
        self._lossy = False
        return [Frame(text, "cut_short")] if told else []

    def reset(self) -> None:
        """The device went away: what is held will never be whole, and no key is down any more."""
        self._drop()
        self._lossy = False
        self._down.clear()
        self._last_ms = None

    def _press(self, event: KeyEvent) -> list[Frame]:
        frames: list[Frame] = []
        if self._last_ms is not None and event.at_ms - self._last_ms > GAP_MS:
            frames += self.flush()
        self._last_ms = event.at_ms
        code, since = event.code, self._down.get(event.code)
        if since == event.at_ms:
            return frames  # the same event twice, from a line that doubles what it carries
        if since is not None:
            self._void()  # it must have come up meanwhile: events are missing, and who knows which
        self._down[code] = event.at_ms
        if code == _CAPS:
            # Only for the code that it comes with: what a person left on is not what the scanner meant.
            self._caps = not self._caps
        elif code in _ENDS and _ENDS[code] in self.profile.keys.ends:
            frames += self._finish()
        elif code not in _MODIFIERS and code != _NUM:
            frames += self._type(code)
        return frames

    def _release(self, code: int) -> list[Frame]:
        self._down.pop(code, None)
        if code != _LEFT_ALT or not self._alt:
            return []
        number, self._alt = self._alt, ""
        return self._put(_by_number(number))

    def _type(self, code: int) -> list[Frame]:
        down = self._down.keys()
        ctrl, left_alt = bool(down & _CTRLS), _LEFT_ALT in down
        if left_alt and not ctrl:
            digit = _KEYPAD.get(code)
            self._alt += digit or ""
            return self._put(None) if digit is None else []
        if _FUNCTIONS.get(code) in self.profile.keys.gs or (ctrl and not left_alt and code == _RIGHT_BRACE):
            return self._put("\x1d")
        # What keyboards call AltGr is the right Alt, or Ctrl and Alt together.
        third = _RIGHT_ALT in down or (ctrl and left_alt)
        shifted = bool(down & _SHIFTS) != (self._caps and self.layout.is_letter(code))
        character = self.layout.character(code, shifted=shifted, third=third)
        if character == " " and self._dead:
            self._dead = False
            return []  # a space after a dead key only lets its sign out
        if ctrl and not left_alt and character is not None:
            return self._put(chr(ord(character) & 0x1F) if "@" <= character <= "~" else None)
        frames = self._put(character)
        self._dead = character is not None and self.layout.is_dead(code, shifted=shifted, third=third)
        return frames

    def _put(self, character: str | None) -> list[Frame]:
        """Adds one character. An unknown key may have been one: what is held is not whole any more."""
        self._dead = False
        if character in ("\r", "\n"):
            return self._finish()
        if character is None or len(self._held) >= self.profile.longest:
            self._void()
        else:
            self._held.append(character)
        return []

    def _finish(self) -> list[Frame]:
        if self._lossy:
            # Which modifiers are down is not known any more either.
            self._down = {code: since for code, since in self._down.items() if code not in _MODIFIERS}
            return self.flush()
        text = "".join(self._held)
        self._forget()
        if not text:
            return []
        return [content(text, self.profile) if is_text(text) else Frame(text, "noise")]

    def _void(self) -> None:
        self._drop()
        self._lossy = True

    def _drop(self) -> None:
        self.noise += len(self._held)
        self._forget()

    def _forget(self) -> None:
        self._held.clear()
        self._alt, self._caps, self._dead = "", False, False


def _by_number(digits: str) -> str | None:
    """The character that Alt and a number type: of Windows' code page with a leading 0, else of the old one of DOS."""
    number = int(digits[:6])
    if number > 0xFF:
        return None
    if number < 0x80:
        return chr(number)
    return bytes([number]).decode("cp1252" if digits.startswith("0") else "cp850", errors="replace").replace("\ufffd", "") or None
