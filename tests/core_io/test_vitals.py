from __future__ import annotations

import asyncio
import json
import socket
import struct
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter
from tests.waiting import let_others_run

from panier_io import exposition
from panier_io.exposition import serve
from panier_io.supervisor import Supervisor
from panier_io.vitals import Vitals, room


class Manager(Supervisor):
    """Notes what it is told, as a service manager does."""

    def __init__(self) -> None:
        super().__init__({})
        self.heard: list[str] = []

    def _tell(self, *lines: str) -> None:
        self.heard += lines


class Clock:
    """A clock that stands until it is put on."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def well() -> None:
    return None


async def test_it_beats_when_all_that_is_vital_has_come_back(manager: Manager):
    vitals = Vitals(manager, vital={"one": well, "two": well})
    await vitals.go_round()
    assert manager.heard == ["WATCHDOG=1"]


async def test_a_part_that_hangs_takes_the_beat_away_and_is_named(manager: Manager, clock: Clock):
    let_go = asyncio.Event()

    async def hangs() -> None:
        await let_go.wait()

    vitals = Vitals(manager, vital={"the journal": hangs, "the other": well}, clock=clock)
    vitals.begin()
    manager.heard.clear()
    round_ = asyncio.create_task(vitals.go_round())
    await let_others_run()
    clock.now += 14
    assert vitals.live().ok
    clock.now += 2
    assert manager.heard == []
    assert vitals.live().as_dict() == {
        "ok": False,
        "reasons": ["the journal has not come back for 16 s"],
        "parts": {"the event loop": "ok", "the journal": "has not come back for 16 s", "the other": "ok"},
    }
    assert not vitals.ready().ok
    let_go.set()
    await round_
    assert manager.heard == ["WATCHDOG=1"]
    assert vitals.live().ok


async def test_a_part_that_says_no_makes_it_not_ready_and_does_not_have_it_killed(manager: Manager):
    said = ""

    async def refuses() -> None:
        raise OSError(28, "No space left on device")

    vitals = Vitals(manager, vital={"the ledger": refuses}, serving={"disk": lambda: said})
    vitals.begin()
    said = "full"
    await vitals.go_round()
    assert vitals.live().ok
    assert vitals.ready().reasons == ("disk: full",)
    assert manager.heard[-2:] == ["WATCHDOG=1", "STATUS=not ready: disk: full"]
    said = ""
    await vitals.go_round()
    assert manager.heard[-1] == "STATUS=ready"


async def test_what_it_works_without_is_told_and_does_not_count(manager: Manager):
    vitals = Vitals(manager, vital={}, noted={"back office": lambda: "out of reach"})
    assert vitals.ready().reasons == ("it is starting or stopping",)
    vitals.begin()
    assert vitals.ready().ok
    assert vitals.ready().parts["back office"] == "out of reach"
    assert manager.heard == ["READY=1", "STATUS=ready; back office: out of reach", "WATCHDOG=1"]
    vitals.end()
    assert not vitals.ready().ok
    assert manager.heard[-3:] == ["STOPPING=1", "WATCHDOG_USEC=0", "STATUS=stopping"]


def test_a_disk_without_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert room(tmp_path / "x.db") == ""
    assert "No such file" in room(tmp_path / "gone" / "x.db")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 3_400_000})())
    assert room(tmp_path / "x.db") == "3 MB left"


async def test_who_asks_over_http_is_answered_while_the_event_loop_hangs(manager: Manager, clock: Clock):
    registry = CollectorRegistry()
    Counter("scans", "Scans", registry=registry).inc()
    vitals = Vitals(manager, vital={}, clock=clock)
    server, port = serve(0, registry, vitals)

    def ask(path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    try:
        assert ask("/readyz")[0] == 503
        vitals.begin()
        assert ask("/readyz")[0] == 200
        assert b"scans_total 1.0" in ask("/metrics")[1]
        clock.now += 60
        # The loop stands still meanwhile: these calls block it.
        status, body = ask("/healthz")
        assert (status, json.loads(body)["reasons"]) == (503, ["the event loop has not come back for 60 s"])
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def port() -> Iterator[int]:
    vitals = Vitals(Supervisor({}), vital={})
    server, port = serve(0, CollectorRegistry(), vitals)
    vitals.begin()
    yield port
    server.shutdown()
    server.server_close()


def test_who_connects_and_asks_nothing_keeps_nobody_from_asking(port: int):
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer,
    ):
        assert answer.status == 200


def test_who_asks_nothing_is_let_go_and_who_does_not_wait_is_no_news(
    port: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(exposition._Quiet, "timeout", 0.05)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as idle:
        assert idle.recv(1) == b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as hasty:
        hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        hasty.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    # Who asks at once may be slow at it, on a busy machine.
    monkeypatch.undo()
    assert urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).status == 200
    assert capfd.readouterr().err == ""
