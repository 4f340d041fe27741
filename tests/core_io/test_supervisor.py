from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from panier_io.supervisor import Supervisor


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path):
    """A real datagram socket, as a service manager listens on, and the name it goes by."""
    name = str(tmp_path / "notify") if request.param == "file" else f"@panier-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0", 1) if request.param == "abstract" else name)
        listening.setblocking(False)
        yield listening, name


def heard(listening: socket.socket) -> str:
    return listening.recv(4096).decode()


def test_a_service_manager_hears_what_happens(manager: tuple[socket.socket, str]):
    listening, name = manager
    supervisor = Supervisor({"NOTIFY_SOCKET": name})
    supervisor.ready("takes events")
    assert heard(listening) == "READY=1\nSTATUS=takes events"
    supervisor.beat()
    assert heard(listening) == "WATCHDOG=1"
    supervisor.say("not ready: disk:\nREADY=0 of " + "x" * 500)
    told = heard(listening)
    assert told.startswith("STATUS=not ready: disk: READY=0 of xxx")
    assert "\n" not in told
    assert len(told) < 220
    supervisor.stopping()
    assert heard(listening) == "STOPPING=1\nWATCHDOG_USEC=0\nSTATUS=stopping"


def test_without_a_manager_nobody_is_told():
    supervisor = Supervisor({})
    supervisor.ready("x")
    supervisor.beat()
    assert supervisor.beat_every is None


def test_a_manager_that_is_gone_or_does_not_listen_ends_nobody(tmp_path: Path):
    Supervisor({"NOTIFY_SOCKET": str(tmp_path / "gone")}).beat()
    Supervisor({"NOTIFY_SOCKET": "vsock:2:1234"}).beat()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        supervisor = Supervisor({"NOTIFY_SOCKET": str(tmp_path / "deaf")})
        for _ in range(2000):
            supervisor.beat()  # its queue is full after some hundred; waiting for it would hang who says that he does not hang


@pytest.mark.parametrize(
    ("told", "every"),
    [
        ({"WATCHDOG_USEC": "20000000"}, 5.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, 5.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
        ({}, None),
    ],
)
def test_it_beats_four_times_as_often_as_it_must_and_only_where_it_is_watched(told: dict[str, str], every: float | None):
    assert Supervisor({"NOTIFY_SOCKET": "/nowhere", **told}).beat_every == every
    assert Supervisor(told).beat_every is None
