"""The service manager that started this process: told when it serves, when it ends, and that it still goes round.

The protocol is sd_notify(3): one datagram of `NAME=value` lines to the socket that NOTIFY_SOCKET names. It is a few lines of our
own because the libraries for it swallow every error (sdnotify, last released in 2017), measure the beat by the wall clock, which
jumps, and want Python 3.12 (systemd-watchdog), or bind to systemd's C library (cysystemd).
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

_SLICES = 4
"""Beats within the time after which the manager kills: systemd advises two at least (sd_watchdog_enabled(3))."""
_LONGEST = 200


class Supervisor:
    """Whoever speaks sd_notify: systemd, or nobody, who is told nothing. A manager that does not listen ends no process."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        told = os.environ if environment is None else environment
        self._address = _address(told.get("NOTIFY_SOCKET", ""))
        self._socket: socket.socket | None = None
        self.beat_every = _beat_every(told) if self._address else None
        """Seconds between two beats that the manager wants; None where it does not watch."""

    def ready(self, status: str) -> None:
        """We serve."""
        self._tell("READY=1", _status(status))

    def stopping(self) -> None:
        """We end, in order."""
        # The manager bounds the end by a time of its own; the watch would go on, and an interpreter that closes cannot beat.
        self._tell("STOPPING=1", "WATCHDOG_USEC=0", _status("stopping"))

    def say(self, status: str) -> None:
        """A line for whoever looks at `systemctl status`."""
        self._tell(_status(status))

    def beat(self) -> None:
        """We still go round."""
        self._tell("WATCHDOG=1")

    def _tell(self, *lines: str) -> None:
        if self._address is None:
            return
        with contextlib.suppress(OSError):
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
            self._socket.sendto("\n".join(lines).encode(), self._address)


def _address(path: str) -> bytes | None:
    """Linux has sockets without a file, whose name begins with a zero byte; the variable writes that as @."""
    if path.startswith("@") and len(path) > 1:
        return b"\0" + os.fsencode(path[1:])
    return os.fsencode(path) if path.startswith("/") else None


def _beat_every(told: Mapping[str, str]) -> float | None:
    wanted, pid = told.get("WATCHDOG_USEC", ""), told.get("WATCHDOG_PID", "")
    # A child inherits the variables; the watch is for whom the manager started.
    is_ours = pid in ("", str(os.getpid()))
    return int(wanted) / 1e6 / _SLICES if is_ours and wanted.isdecimal() and wanted.isascii() and int(wanted) else None


def _status(text: str) -> str:
    return f"STATUS={' '.join(text.split())[:_LONGEST]}"
