"""A scanner that speaks HID-POS."""

from __future__ import annotations

from pathlib import Path

from panier_device.driver.hidpos import HidPosDecoder
from panier_device.driver.plugged import PluggedScanner
from panier_device.driver.profile import ScannerProfile
from panier_device.driver.report_source import ReportSource


class HidPosScanner(PluggedScanner[list[bytes]]):
    """Reads frames from the reports at `path`; opens it again whenever it comes back."""

    def __init__(self, path: str, profile: ScannerProfile) -> None:
        self.decoder = HidPosDecoder(profile)
        super().__init__(path, "scan", self.decoder, lambda: ReportSource(Path(path)), profile, silence_s=profile.idle_ms / 1000)
