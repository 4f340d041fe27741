"""Where the data of firmware-config/ lies: inside the installed wheel, or beside the code in a checkout."""

from __future__ import annotations

from pathlib import Path

_INSTALLED = Path(__file__).parent / "firmware_config"
_CHECKOUT = Path(__file__).parents[2] / "firmware-config"


def firmware_config() -> Path:
    """The folder that holds device profiles, keyboard layouts, loyalty rules and broker configuration."""
    return _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
