"""From bytes on a serial line to frames."""

from __future__ import annotations

from panier_device.driver.port import Flaw, Frame
from panier_device.driver.profile import ScannerProfile

_STX, _ETX, _GS = 0x02, 0x03, 0x1D
_ENDS = frozenset({0x0D, 0x0A, _ETX})
# Only these carry GS1 element strings, so only in them does the profile's stand-in mean GS: "|" may be part of other codes.
_WITH_GS = ("]C1", "]e0", "]d2", "]Q3", "]J1")


class FrameDecoder:
    """Cuts a scanner's bytes into frames; keeps an unfinished one for next time.

    A frame with foreign bytes in it is delivered with a flaw, never repaired: without the byte that noise swallowed, what is
    left of an EAN-13 passes one check digit in ten. `noise` counts bytes that belonged to no frame.
    """

    def __init__(self, profile: ScannerProfile) -> None:
        self.profile = profile
        self.noise = 0
        self._held = bytearray()
        self._inside = profile.framing != "stx"
        self._overflowed = False

    @property
    def pending(self) -> bool:
        """True while an unfinished frame is held: call `flush` when the line has been silent for the profile's `idle_ms`."""
        return bool(self._held) or self._overflowed

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order."""
        frames: list[Frame] = []
        for byte in data:
            if byte == _STX:
                self.noise += len(self._held)
                self._drop()
                self._inside = True
            elif byte in _ENDS and self.profile.framing != "idle":
                frames += self._finish(None)
                self._inside = self.profile.framing != "stx"
            elif byte in _ENDS:
                continue
            elif not self._inside:
                self.noise += 1
            elif len(self._held) >= self.profile.longest:
                self._overflowed = True
                self.noise += 1
            else:
                self._held.append(byte)
        return frames

    def flush(self) -> list[Frame]:
        """The line went silent: a whole frame where silence ends frames, else the part that came."""
        frames = self._finish(None if self.profile.framing == "idle" else "cut_short")
        self._inside = self.profile.framing != "stx"
        return frames

    def reset(self) -> None:
        """The line was cut: what is held will never be whole."""
        self.noise += len(self._held)
        self._drop()
        self._inside = self.profile.framing != "stx"

    def _drop(self) -> None:
        self._held.clear()
        self._overflowed = False

    def _finish(self, flaw: Flaw | None) -> list[Frame]:
        held, overflowed = bytes(self._held), self._overflowed
        self._drop()
        if not held:
            return []
        if overflowed:
            return [Frame(printable(held[:64]), "too_long")]
        if not any(0x20 < byte < 0x7F for byte in held):
            # A plug that was pushed in, or a motor nearby: nobody scanned anything, so nobody is to be told.
            self.noise += len(held)
            return []
        text = self._text(held)
        if text is None:
            self.noise += sum(not 0x20 <= byte < 0x7F for byte in held)
            return [Frame(printable(held), flaw or "noise")]
        if flaw is not None:
            return [Frame(text, flaw)]
        return [content(text, self.profile)]

    def _text(self, held: bytes) -> str | None:
        try:
            text = held.decode(self.profile.encoding)
        except UnicodeDecodeError:
            return None
        return text if is_text(text) else None


def is_text(text: str) -> bool:
    """True where every character is one that a label may hold: no control character but GS."""
    return all(character == "\x1d" or character.isprintable() for character in text)


def content(text: str, profile: ScannerProfile, identifier: str = "") -> Frame:
    """A code without what the profile says stands around it. `identifier` is its AIM identifier where that came by itself."""
    before, after = profile.prefix, profile.suffix
    if not (text.startswith(before) and text.endswith(after) and len(text) > len(before) + len(after)):
        return Frame(text, "cut_short")
    code = text[len(before) : len(text) - len(after)]
    if identifier and not code.startswith(identifier):
        code = identifier + code
    if profile.gs and code.startswith(_WITH_GS):
        code = code.replace(profile.gs, chr(_GS))
    return Frame(code)


def printable(data: bytes) -> str:
    """Bytes for people to look at: what is no plain ASCII shows as a question mark."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "?" for byte in data)
