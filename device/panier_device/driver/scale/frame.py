"""Cuts what a scale sends into answers: from a first byte to a last one."""

from __future__ import annotations

LONGEST = 64
"""Bytes of one answer; no protocol here has more than 40."""


class FrameCutter:
    """Collects from `first` to `last`, both left out; `alone` are bytes that are an answer by themselves outside of a frame.

    A `first` inside a frame begins it anew, unless `nested`. What is too long is dropped. `noise` counts bytes of no frame.
    """

    def __init__(self, first: int, last: int, *, alone: bytes = b"", nested: bool = False) -> None:
        self._first, self._last, self._alone, self._nested = first, last, alone, nested
        self._held: bytearray | None = None
        self.noise = 0

    def push(self, byte: int) -> bytes | None:
        """The answer that this byte ends, or None."""
        held = self._held
        if held is None:
            if byte in self._alone:
                return bytes([byte])
            if byte == self._first:
                self._held = bytearray()
            else:
                self.noise += 1
            return None
        if byte == self._last:
            self._held = None
            return bytes(held)
        if byte == self._first and not self._nested:
            self.noise += len(held) + 1
            held.clear()
        elif len(held) >= LONGEST:
            self.noise += len(held) + 1
            self._held = None
        else:
            held.append(byte)
        return None

    def reset(self) -> None:
        """Forgets an answer that is not whole."""
        if self._held is not None:
            self.noise += len(self._held) + 1
            self._held = None
