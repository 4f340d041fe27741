"""A serial cable that can be pulled: a pty behind a link, and in which pieces bytes arrive at its other end."""

from __future__ import annotations

import os
import pty
import random
import termios
import tty
from pathlib import Path
from typing import Literal, get_args

from panier_simulators.place import clear_for_device

Split = Literal["bytes", "whole", "random"]
SPLITS: tuple[Split, ...] = get_args(Split)

# What tcgetattr calls a speed is a number of its own on some systems: read the figure off the constant's name.
_BAUD = {value: int(name[1:]) for name, value in vars(termios).items() if name[0] == "B" and name[1:].isdigit()}


class SerialCable:
    """`link` is a path that stays the same when the cable is pulled and plugged in again, as udev keeps one."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.end = -1
        """The device's end of the line, which never blocks; -1 while the cable is out."""
        self._other = -1

    @property
    def is_plugged(self) -> bool:
        return self.end >= 0

    def plug(self) -> None:
        """Plugs it in: a new device file behind the same link. Safe to repeat. Raises PlaceTaken."""
        if self.is_plugged:
            return
        clear_for_device(self.link)
        self.end, self._other = pty.openpty()
        # A new pty echoes what is written to it, and turns CR into LF.
        tty.setraw(self._other)
        os.set_blocking(self.end, False)
        fresh = self.link.with_name(f".{self.link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._other))
        fresh.replace(self.link)

    def pull(self) -> None:
        """Pulls it: who reads gets an error, and the link is gone. Safe to repeat."""
        if not self.is_plugged:
            return
        if self.link.is_symlink() and str(self.link.readlink()) == os.ttyname(self._other):
            self.link.unlink()  # another simulator may have taken the place
        os.close(self.end)
        os.close(self._other)
        self.end = self._other = -1

    def readers_baud(self, own: int) -> int:
        """The speed that the other end is set to: the device's `own` while nobody has set any."""
        speed = _BAUD.get(termios.tcgetattr(self.end)[5], 0) if self.is_plugged else 0
        # A pty is born with 38400; a reader that means it cannot be told from none.
        return own if speed in (0, 38400) else speed


def cut_up(data: bytes, split: Split, chance: random.Random) -> list[bytes]:
    """The pieces in which bytes become readable: each by itself, all at once (a USB packet), or cut at random places."""
    if split == "whole" or len(data) < 2:
        return [data] if data else []
    if split == "bytes":
        return [data[place : place + 1] for place in range(len(data))]
    cuts = sorted(chance.sample(range(1, len(data)), chance.randint(1, min(4, len(data) - 1))))
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
