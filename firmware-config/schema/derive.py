"""Writes what is derived from the device library anew: JSON schemas of its files, and udev's rules.

    python firmware-config/schema/derive.py

A test says when one of them is stale.
"""

from __future__ import annotations

from panier_device.library.device import library
from panier_device.library.schema import derived
from panier_io.firmware import firmware_config

if __name__ == "__main__":
    for name, text in derived(library()).items():
        path = firmware_config() / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)
