"""Ends a program whose terminal is gone."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable

from panier_io.log import logger

GRACE_S = 3.0
"""How long a program may take to end in order, in seconds."""


def end_with_terminal(end: Callable[[], object], grace_s: float = GRACE_S) -> None:
    """Calls `end`, from another thread, when the terminal on standard input is gone; `grace_s` later the process ends anyhow.

    Without a controlling terminal no signal says so: the keyboard's end would be read again and again, and painting would wait
    for a reader for ever. So what matters must be on the disk already.
    """
    threading.Thread(target=_watch, args=(end, grace_s), name="terminal-watch", daemon=True).start()


def _watch(end: Callable[[], object], grace_s: float) -> None:
    poll = select.poll()
    poll.register(0, 0)
    poll.poll()
    logger("terminal").warning("screen_gone")
    # The event loop may have closed by itself meanwhile.
    with contextlib.suppress(RuntimeError):
        end()
    time.sleep(grace_s)
    os._exit(1)
