"""Inside the machine: a screen without a computer behind it. Holds the first pty open and takes what is painted on it."""

import contextlib
import fcntl
import os
import struct
import termios
import time

master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
fcntl.ioctl(master, termios.TIOCSPTLCK if hasattr(termios, "TIOCSPTLCK") else 0x40045431, struct.pack("i", 0))
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
with open("/run/screen", "wb", buffering=0) as painted:  # noqa: PTH123 (no more than it takes)
    while True:
        # While nobody has the other end open, reading fails.
        with contextlib.suppress(OSError):
            painted.write(os.read(master, 65536))
            continue
        time.sleep(0.01)
