"""What stands at a path that the settings name, by what the kernel says of it; nothing is opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

Wanted = Literal["serial", "input", "hidraw", "printer", "stream"]
Kind = Literal["serial", "input", "hidraw", "printer", "socket", "FIFO", "plain file", "folder", "block device", "unknown"]

_PSEUDO_TERMINALS = range(136, 144)
"""Their major numbers (Linux, Documentation/admin-guide/devices.txt); the kernel lists them nowhere under /sys."""
_FILES: tuple[tuple[int, Kind], ...] = (
    (stat.S_IFSOCK, "socket"), (stat.S_IFIFO, "FIFO"), (stat.S_IFREG, "plain file"), (stat.S_IFDIR, "folder"),
    (stat.S_IFBLK, "block device"),
)  # fmt: skip
_WANTED: dict[Wanted, tuple[str, frozenset[Kind]]] = {
    "serial": ("serial port", frozenset({"serial"})),
    "input": ("input device, such as one of /dev/input/by-id/*-event-kbd", frozenset({"input"})),
    "hidraw": ("HID device, such as /dev/hidraw0", frozenset({"hidraw", "socket"})),
    "printer": ("printer's device file, such as /dev/usb/lp0", frozenset({"printer", "serial"})),
    "stream": ("socket or FIFO of key events", frozenset({"socket", "FIFO"})),
}


def unfit(path: Path, wanted: Wanted) -> str:
    """Why what is at `path` cannot be what is wanted there, with what it is; empty where it can. Raises OSError."""
    words, kinds = _WANTED[wanted]
    kind, seen = _at(path)
    # What this kernel says nothing of may be anything.
    return "" if kind in kinds or not seen else f"{path} is {seen}, and no {words}"


def _at(path: Path) -> tuple[Kind, str]:
    """Its kind, and what to call it; nothing to call it by where the kernel does not say."""
    state = path.stat()
    for bits, kind in _FILES:
        if stat.S_IFMT(state.st_mode) == bits:
            return kind, f"a {kind}"
    major, minor = os.major(state.st_rdev), os.minor(state.st_rdev)
    if major in _PSEUDO_TERMINALS:
        return "serial", "a serial port"
    device = Path(f"/sys/dev/char/{major}:{minor}")
    try:
        subsystem, name = (device / "subsystem").resolve(strict=True).name, device.resolve(strict=True).name
    except OSError:
        return "unknown", ""
    if subsystem == "tty":
        return "serial", "a serial port"
    if subsystem == "input" and name.startswith("event"):
        return "input", "an input device"
    if subsystem == "hidraw":
        return "hidraw", "a HID device"
    if name.startswith("lp"):
        return "printer", "a printer"
    return "unknown", f"the kernel's {subsystem}/{name}"
