"""Cuts what a scale sends into answers, from a first byte to a last one, and hears those that were asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod

from panier_device.driver.scale.port import Send, Step

LONGEST = 64
"""Bytes of one answer; no protocol here has more than 40."""


class FrameCutter:
    """Collects from `first` to `last`, both left out; `alone` are bytes that are an answer by themselves outside of a frame.

    A `first` inside a frame begins it anew, unless `nested`. What is too long is dropped. `noise` counts bytes of no frame.
    """

    def __init__(self, first: int, last: int, *, alone: bytes = b"", nested: bool = False) -> None:
        self._first, self._last, self._alone, self._nested = first, last, alone, nested
        self._held: bytearray | None = None
        self._size = 0
        self.noise = 0

    def push(self, byte: int) -> bytes | None:
        """The answer that this byte ends, or None."""
        held = self._held
        if held is None:
            if byte in self._alone:
                self._size = 1
                return bytes([byte])
            if byte == self._first:
                self._held = bytearray()
            else:
                self.noise += 1
            return None
        if byte == self._last:
            self._held = None
            self._size = len(held) + 2
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

    def disown(self) -> None:
        """Nobody asked for the last answer: it was noise."""
        self.noise += self._size

    def reset(self) -> None:
        """Forgets an answer that is not whole."""
        if self._held is not None:
            self.noise += len(self._held) + 1
            self._held = None


class FramedDialogue(ABC):
    """A Dialogue of answers in frames, one question at a time: what is said unasked is noise."""

    def __init__(self, cutter: FrameCutter) -> None:
        self._cutter = cutter
        self._asked = False

    @property
    def noise(self) -> int:
        """Bytes so far that belonged to no answer."""
        return self._cutter.noise

    def reset(self) -> None:
        """Nothing more comes of this question."""
        self._cutter.reset()
        self._asked = False

    def feed(self, data: bytes) -> list[Step]:
        """A weight, a refusal, or another command, which keeps the question open."""
        steps: list[Step] = []
        for byte in data:
            answer = self._cutter.push(byte)
            if answer is None:
                continue
            if not self._asked:
                self._cutter.disown()
                continue
            step = self._hear(answer)
            self._asked = isinstance(step, Send)
            steps.append(step)
        return steps

    @abstractmethod
    def _hear(self, answer: bytes) -> Step:
        """What one whole answer brings."""
