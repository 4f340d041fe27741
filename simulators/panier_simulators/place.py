"""Where a simulated device appears in the file system, and what may be replaced there."""

from __future__ import annotations

import socket
from pathlib import Path

from panier.error import PanierError

_PTYS = Path("/dev/pts")


class PlaceTaken(PanierError):
    """Something stands there that no simulator left behind."""

    code = "place_taken"


def clear_for_device(path: Path) -> None:
    """Raises PlaceTaken unless nothing is there, or a link to a pty or to nothing, or a socket that nobody listens at."""
    if path.is_symlink():
        is_free = not path.exists() or _PTYS in path.resolve().parents
    else:
        is_free = not path.exists() or (path.is_socket() and not _is_served(path))
    if not is_free:
        raise PlaceTaken(f"{path} is there already, and no simulator left it: name another place")


def _is_served(path: Path) -> bool:
    # A datagram socket, since a listener of any other type answers it without noticing a visitor.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as visitor:
        try:
            visitor.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True
