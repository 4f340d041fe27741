"""What a program that we start inherits of our environment: all but the settings of somebody's own shop."""

from __future__ import annotations

import os

_SETTINGS = ("PANIER_BACKOFFICE_", "PANIER_GATEWAY_", "PANIER_DEVICE_", "PANIER_MONITOR_")


def inherited(*without: str) -> dict[str, str]:
    """Our environment without the variables named, and without any that outranks the settings files that we write ourselves."""
    # Settings are found whatever their case.
    return {name: value for name, value in os.environ.items() if name not in without and not name.upper().startswith(_SETTINGS)}
