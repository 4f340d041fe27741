"""A scanner, or a card reader, that poses as a keyboard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from panier.trip import Entry
from panier_device.driver.port import Deliver, DeviceGone, Frame, KeySource, Reading, Reads
from panier_device.driver.wedge import GAP_MS, WedgeDecoder
from panier_io.log import logger

_AGAIN = 0.5
_SILENCE = 2 * GAP_MS / 1000


class WedgeScanner:
    """Reads frames from a KeySource that `open_source` opens, now and whenever it went away."""

    entry: Entry = "wedge"

    def __init__(self, name: str, decoder: WedgeDecoder, open_source: Callable[[], KeySource], reads: Reads = "codes") -> None:
        self.name = name
        self.reads: Reads = reads
        self.decoder = decoder
        self._open_source = open_source
        self._source: KeySource | None = None
        self._log = logger("wedge").bind(path=name)
        self._complained = ""

    @property
    def present(self) -> bool:
        return self._source is not None

    @property
    def noise(self) -> int:
        return self.decoder.noise

    async def run(self, deliver: Deliver) -> None:
        while True:
            try:
                source = self._open_source()
                try:
                    source.grab()
                    self._source = source
                    self._complained = ""
                    self._log.info("wedge_open", identity=source.identity)
                    await self._read_until_gone(source, deliver)
                finally:
                    self._source = None
                    source.ungrab()
                    source.close()
            except DeviceGone as error:
                # Once a reason, not twice a second for as long as the scanner lies in the drawer.
                if str(error) != self._complained:
                    self._complained = str(error)
                    self._log.warning("wedge_missing", reason=str(error))
            await asyncio.sleep(_AGAIN)

    async def _read_until_gone(self, source: KeySource, deliver: Deliver) -> None:
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()
        silence: asyncio.TimerHandle | None = None

        def hand_on(frames: list[Frame], read_at: int) -> None:
            for frame in frames:
                deliver(Reading(frame, self.entry, read_at, self.reads))

        def readable() -> None:
            nonlocal silence
            try:
                events = source.read()
            except DeviceGone as error:
                loop.remove_reader(descriptor)
                if not gone.done():
                    gone.set_exception(error)
                return
            read_at = time.monotonic_ns()
            if silence is not None:
                silence.cancel()
                silence = None
            frames = self.decoder.feed(events)
            if self.decoder.pending:
                silence = loop.call_later(_SILENCE, lambda: hand_on(self.decoder.flush(), time.monotonic_ns()))
            hand_on(frames, read_at)

        descriptor = source.fileno()
        loop.add_reader(descriptor, readable)
        try:
            await gone
        finally:
            loop.remove_reader(descriptor)
            if silence is not None:
                silence.cancel()
            self.decoder.reset()
