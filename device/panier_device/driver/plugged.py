"""What every scanner's driver does, whatever its wire: open, read, notice silence, come back, deliver no part as a whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from panier.trip import Entry
from panier_device.driver.health import Health
from panier_device.driver.port import Deliver, DeviceGone, Flaw, Frame, Reading, Reads, Source, Trouble
from panier_device.driver.profile import ScannerProfile
from panier_device.driver.repeat import RepeatGuard
from panier_io.log import logger

_AGAIN = 0.5
"""Seconds between attempts to open: a scanner that was plugged in again serves within two."""
_SETTLE = 0.05
"""Seconds of silence after opening before all counts: who opens in mid-code hears its end first, and that is no code."""
_SETTLED_BY = 1.0
_AWAY = 2.0
"""Seconds before a missing scanner is anybody's business: a plug that was only pushed in anew is back by then."""

Data = TypeVar("Data")
Taken = TypeVar("Taken", contravariant=True)


class Decoder(Protocol[Taken]):
    """From what arrives to frames; keeps an unfinished one for next time."""

    @property
    def noise(self) -> int: ...
    @property
    def pending(self) -> bool: ...
    def feed(self, data: Taken, /) -> list[Frame]: ...
    def flush(self) -> list[Frame]: ...
    def reset(self) -> None: ...


class PluggedScanner(Generic[Data]):
    """Reads frames from a source that `open_source` opens, now and whenever it went away. Raises nothing of its device's."""

    def __init__(
        self,
        name: str,
        entry: Entry,
        decoder: Decoder[Data],
        open_source: Callable[[], Source[Data]],
        profile: ScannerProfile,
        *,
        silence_s: float,
        reads: Reads = "codes",
        unreadable: Flaw = "unreadable",
        shows_beginning: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.name = name
        self.entry: Entry = entry
        self._decoder = decoder
        self._open_source = open_source
        self._feedback = profile.feedback
        self._reads: Reads = reads
        self._silence = silence_s
        self._unreadable: Flaw = unreadable
        self._shows_beginning = shows_beginning
        self._guard = RepeatGuard(profile.repeat_ms)
        self._health = Health()
        self._source: Source[Data] | None = None
        self._away_since = time.monotonic()
        self._log = logger("scanner").bind(scanner=name)
        self._complained = ""

    @property
    def present(self) -> bool:
        """True while the device answers."""
        return self._source is not None

    @property
    def noise(self) -> int:
        return self._decoder.noise

    @property
    def repeats(self) -> int:
        return self._guard.count

    @property
    def trouble(self) -> Trouble:
        if not self.present:
            return "away" if time.monotonic() - self._away_since > _AWAY else ""
        return "garbled" if self._health.is_garbled else ""

    def tell(self, *, accepted: bool) -> None:
        said = self._feedback.accepted if accepted else self._feedback.refused
        if said and self._source is not None:
            try:
                self._source.write(said.encode("latin-1"))
            except DeviceGone as error:
                # The reading end will find out by itself; a beep is not worth more than a line in the log.
                self._log.info("no_feedback", reason=str(error))

    async def run(self, deliver: Deliver) -> None:
        while True:
            try:
                await self._attend(deliver)
            except DeviceGone as error:
                # Once a reason, not twice a second for as long as the scanner lies in the drawer.
                if str(error) != self._complained:
                    self._complained = str(error)
                    self._log.warning("scanner_away", reason=str(error))
            await asyncio.sleep(_AGAIN)

    async def _attend(self, deliver: Deliver) -> None:
        source = self._open_source()
        try:
            early = await self._settle(source)
            self._source = source
            self._complained = ""
            self._log.info("scanner_open", identity=source.identity)
            await self._read_until_gone(source, deliver, early)
        finally:
            if self._source is not None:
                self._source, self._away_since = None, time.monotonic()
            source.close()
            self._decoder.reset()
            self._health.reset()

    async def _settle(self, source: Source[Data]) -> list[Frame]:
        """What came in before the line was silent: whole where a code shows its beginning, else cut short, for all we know.

        No scan goes without a word, for the shopper heard the beep; of a part, which may be a card's, nothing is kept.
        """
        early: list[Frame] = []
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        latest = heard_at + _SETTLED_BY
        while loop.time() < latest:
            await asyncio.sleep(_SETTLE)
            if data := source.read():
                early += self._decoder.feed(data)
                heard_at = loop.time()
            elif not self._decoder.pending or loop.time() - heard_at >= self._silence:
                # Only silence makes a code of what is held, where it does at all: of a line that never rests it is a part.
                early += self._decoder.flush()
                break
        self._decoder.reset()
        early = [frame for frame in early if frame.flaw is None]
        return [frame if self._shows_beginning(frame.text) else Frame("", "cut_short") for frame in early]

    async def _read_until_gone(self, source: Source[Data], deliver: Deliver, early: list[Frame]) -> None:
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()
        silence: asyncio.TimerHandle | None = None

        def hand_on(frames: list[Frame], read_at: int, noise: int) -> None:
            for frame in self._judge(frames, read_at, noise):
                reading = Reading(frame, self.entry, read_at, self._reads)
                if self._guard.is_repeat(reading):
                    continue
                try:
                    deliver(reading)
                except Exception:
                    # Such as a disk that fails. This is a callback, where nobody else would hear of it, and more codes may wait.
                    self._log.exception("scan_failed")
                    self.tell(accepted=False)

        def silent() -> None:
            before = self._decoder.noise
            frames = self._decoder.flush()
            hand_on(frames, time.monotonic_ns(), self._decoder.noise - before)

        def readable() -> None:
            nonlocal silence
            before = self._decoder.noise
            try:
                data = source.read()
            except DeviceGone as error:
                loop.remove_reader(descriptor)
                if not gone.done():
                    gone.set_exception(error)
                return
            read_at = time.monotonic_ns()
            if silence is not None:
                silence.cancel()
                silence = None
            frames = self._decoder.feed(data)
            if self._decoder.pending:
                silence = loop.call_later(self._silence, silent)
            hand_on(frames, read_at, self._decoder.noise - before)

        if early:
            hand_on(early, time.monotonic_ns(), 0)
        descriptor = source.fileno()
        loop.add_reader(descriptor, readable)
        try:
            await gone
        finally:
            loop.remove_reader(descriptor)
            if silence is not None:
                silence.cancel()

    def _judge(self, frames: list[Frame], read_at: int, noise: int) -> list[Frame]:
        """What to deliver. Once nothing can be understood for a while, each burst says so, once, also where it made no frame."""
        was_garbled = self._health.is_garbled
        is_new = self._health.hear(frames, noise, read_at)
        if not self._health.is_garbled:
            return frames
        if not was_garbled:
            self._log.warning("scanner_garbled", noise=self._decoder.noise)
        return [Frame(frames[0].text if frames else "", self._unreadable)] if is_new else []
