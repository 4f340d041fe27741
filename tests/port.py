"""A port of this machine that a test may give back and want again, while other tests run beside it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_port() -> Iterator[int]:
    """Kept by a socket that is bound and does not listen: Linux then gives it to nobody who asks for any port.

    Who asks for it by number, with SO_REUSEADDR as servers do, gets it; while nobody listens, connections are refused.
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield keeper.getsockname()[1]
