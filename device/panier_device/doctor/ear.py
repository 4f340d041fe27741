"""Cuts what a scanner sends into bursts, with every byte and its time. Pure: what is read and when comes in."""

from __future__ import annotations

from typing import Protocol, TypeVar

from panier_device.doctor.burst import Burst, Ending
from panier_device.driver.frame import FrameDecoder
from panier_device.driver.hidpos import HidPosDecoder
from panier_device.driver.port import Frame, KeyEvent
from panier_device.driver.wedge import WedgeDecoder

_CR, _LF = 0x0D, 0x0A
_MOST = 8192
"""Bytes kept of a line that never falls silent; no code has more than 7,092."""


Heard = TypeVar("Heard", contravariant=True)


class Ear(Protocol[Heard]):
    """One wire's bursts, from what its source reads: bytes, keys or reports."""

    @property
    def pending(self) -> bool:
        """True while an unfinished burst is held: call `quiet` once the line has been silent."""
        ...

    def hear(self, data: Heard, at_ms: float) -> list[Burst]:
        """The bursts that `data`, read at `at_ms`, completes."""
        ...

    def quiet(self) -> list[Burst]:
        """Silence ends what is held."""
        ...

    def reset(self) -> None:
        """The line was cut."""
        ...


class SerialEar:
    """Bytes of a serial line, one by one through the terminal's own decoder."""

    def __init__(self, decoder: FrameDecoder) -> None:
        self._decoder = decoder
        self._raw = bytearray()
        self._first_ms = self._last_ms = 0.0

    @property
    def pending(self) -> bool:
        return bool(self._raw)

    def hear(self, data: bytes, at_ms: float) -> list[Burst]:
        bursts: list[Burst] = []
        for place, byte in enumerate(data):
            if byte == _LF and not self._raw and place and bursts and bursts[-1].raw.endswith(b"\r"):
                bursts[-1] = _with_line_feed(bursts[-1])
                continue
            if not self._raw:
                self._first_ms = at_ms
            self._raw.append(byte)
            self._last_ms = at_ms
            bursts += self._bursts(self._decoder.feed(bytes([byte])), "terminator")
            if byte == _CR and self._raw and not self._decoder.pending:
                bursts += self._noise("terminator")
            del self._raw[:-_MOST]
        return bursts

    def quiet(self) -> list[Burst]:
        return self._bursts(self._decoder.flush(), "silence") or self._noise("silence")

    def reset(self) -> None:
        self._decoder.reset()
        self._raw.clear()

    def _noise(self, ended_by: Ending) -> list[Burst]:
        """What made no frame, and is worth a look all the same."""
        if self._raw.strip(b"\r\n"):
            return self._bursts([Frame("", "noise")], ended_by)
        self._raw.clear()
        return []

    def _bursts(self, frames: list[Frame], ended_by: Ending) -> list[Burst]:
        bursts = [Burst(frame, bytes(self._raw), self._first_ms, self._last_ms, ended_by, "serial") for frame in frames]
        if frames:
            self._raw.clear()
        return bursts


class KeyEar:
    """Keys of a wedge, one by one; the events stay with the burst, so that another layout can be tried on them."""

    def __init__(self, decoder: WedgeDecoder) -> None:
        self._decoder = decoder
        self._keys: list[KeyEvent] = []

    @property
    def pending(self) -> bool:
        return self._decoder.pending

    def hear(self, data: list[KeyEvent], at_ms: float) -> list[Burst]:
        bursts: list[Burst] = []
        for event in data:
            frames = self._decoder.feed([event])
            # A gap ends what came before; the key after it begins anew.
            flawed = [frame for frame in frames if frame.flaw == "cut_short"]
            bursts += self._bursts(flawed, "silence")
            self._keys.append(event)
            bursts += self._bursts([frame for frame in frames if frame not in flawed], "terminator")
        return bursts

    def quiet(self) -> list[Burst]:
        found = self._bursts(self._decoder.flush(), "silence")
        self._keys.clear()
        return found

    def reset(self) -> None:
        self._decoder.reset()
        self._keys.clear()

    def _bursts(self, frames: list[Frame], ended_by: Ending) -> list[Burst]:
        bursts: list[Burst] = []
        for frame in frames:
            raw = frame.text.encode("utf-8") + (b"\r" if ended_by == "terminator" else b"")
            first, last = (self._keys[0].at_ms, self._keys[-1].at_ms) if self._keys else (0, 0)
            bursts.append(Burst(frame, raw, first, last, ended_by, "keyboard", tuple(self._keys)))
            self._keys.clear()
        return bursts


class ReportEar:
    """Reports of HID-POS, one by one; they stay with the burst, so that another layout of them can be tried."""

    def __init__(self, decoder: HidPosDecoder) -> None:
        self._decoder = decoder
        self._reports: list[bytes] = []
        self._first_ms = self._last_ms = 0.0

    @property
    def pending(self) -> bool:
        return bool(self._reports)

    def hear(self, data: list[bytes], at_ms: float) -> list[Burst]:
        bursts: list[Burst] = []
        for report in data:
            if not self._reports:
                self._first_ms = at_ms
            self._reports.append(report)
            self._last_ms = at_ms
            frames = self._decoder.feed([report])
            if not frames and not self._decoder.pending:
                # Another report than those of scans, or one without data: no terminal would say a word of it.
                frames = [Frame("", "noise")]
            bursts += self._bursts(frames, "terminator")
            del self._reports[: -_MOST // 64]
        return bursts

    def quiet(self) -> list[Burst]:
        return self._bursts(self._decoder.flush(), "silence")

    def reset(self) -> None:
        self._decoder.reset()
        self._reports.clear()

    def _bursts(self, frames: list[Frame], ended_by: Ending) -> list[Burst]:
        bursts = [
            Burst(frame, frame.text.encode(), self._first_ms, self._last_ms, ended_by, "hidpos", reports=tuple(self._reports))
            for frame in frames
        ]
        if frames:
            self._reports.clear()
        return bursts


def _with_line_feed(burst: Burst) -> Burst:
    return Burst(burst.frame, burst.raw + b"\n", burst.first_ms, burst.last_ms, burst.ended_by, burst.wire)
