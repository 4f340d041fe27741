"""A process that runs for months: how C's heap and Python's garbage collector are set for it."""

from __future__ import annotations

import ctypes
import gc

_PACE = (1_000, 10, 50)
"""New objects before a first look, and looks before the next older generation has its turn; Python's own are 700, 10, 10.

Each HTTP answer and each MQTT message leaves a cycle, with all that came in it. What waits for the first look keeps the memory of
its neighbours from being given back, hour after hour more of it: with 5,000 a gateway grew by 2 MB an hour. Only the last look,
at everything, is to be rare.
"""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_BLOCK = 128 * 1024


def frugal_heap() -> None:
    """Has freed memory go back to the system. Call it before the process has threads; without glibc it does nothing.

    Left alone, glibc gives threads heaps of their own, raises the size from which a block is mapped by itself (up to 32 MB), and
    keeps what was freed: tens of megabytes after hours of deliveries. See mallopt(3). What it keeps for each thread beside that
    only the environment can switch off: the systemd units do.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for name, value in ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _BLOCK), (_M_TRIM_THRESHOLD, _BLOCK)):
        mallopt(name, value)


def spare_collector() -> None:
    """Call it in a server once all is loaded, which is then never searched again.

    A delivery makes tens of thousands of objects that go by their reference counts: looking for cycles among them at the default
    pace took a quarter of the back office's processor.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_PACE)
