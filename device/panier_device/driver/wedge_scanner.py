"""A scanner that poses as a keyboard."""

from __future__ import annotations

from collections.abc import Callable

from panier_device.driver.plugged import PluggedScanner
from panier_device.driver.port import DeviceGone, KeyEvent, KeySource, Reads
from panier_device.driver.wedge import GAP_MS, WedgeDecoder

_SILENCE = 2 * GAP_MS / 1000


class WedgeScanner(PluggedScanner[list[KeyEvent]]):
    """Reads frames from a KeySource that `open_source` opens and that is ours alone, now and whenever it went away."""

    def __init__(self, name: str, decoder: WedgeDecoder, open_source: Callable[[], KeySource], reads: Reads = "codes") -> None:
        self.decoder = decoder

        def take() -> KeySource:
            source = open_source()
            try:
                source.grab()
            except DeviceGone:
                source.close()
                raise
            return source

        super().__init__(
            name, "wedge", decoder, take, decoder.profile, silence_s=_SILENCE, reads=reads,
            shows_beginning=decoder.profile.is_identified,
        )  # fmt: skip
