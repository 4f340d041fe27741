"""A simulated printer under a person's hands: orders go to it, each receipt is shown when the cutter went through."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from panier_simulators.printer.device import SimulatedPrinter
from panier_simulators.printer.paper import as_text, sheets
from panier_simulators.printer.picture import draw


class PrinterDesk:
    """Watches a printer; prints each sheet as text with `say`, and draws it in `picture` where one is named."""

    def __init__(self, device: SimulatedPrinter, picture: Path | None = None, say: Callable[[str], None] = print) -> None:
        self._device = device
        self._picture = picture
        self._say = say
        self._shown = 0
        self._ending = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PrinterDesk:
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._watching.join(5)
        self._show_new()

    def obey(self, order: str) -> bool:
        """Does what a person says; False where there is no such order."""
        device = self._device
        orders: dict[str, Callable[[], None]] = {
            "out": lambda: device.paper("out"), "near": lambda: device.paper("near"), "ok": lambda: device.paper("enough"),
            "cover": lambda: device.cover(is_open=True), "close": lambda: device.cover(is_open=False),
            "jam": lambda: device.error(has_error=True), "free": lambda: device.error(has_error=False),
            "unplug": device.unplug, "plug": device.plug, "show": lambda: self._say(device.text(self._columns)),
        }  # fmt: skip
        if order not in orders:
            return False
        orders[order]()
        return True

    @property
    def _columns(self) -> int:
        return self._device.dots // 12

    def _watch(self) -> None:
        while not self._ending.wait(0.1):
            self._show_new()

    def _show_new(self) -> None:
        cut = sheets(self._device.items)[:-1]
        for sheet in cut[self._shown :]:
            self._say(as_text(sheet, self._columns))
            if self._picture is not None:
                draw(sheet, self._device.dots).save(self._picture)
        self._shown = len(cut)
