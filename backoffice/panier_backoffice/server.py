"""The web server around the application."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from panier_io.vitals import Vitals

_GRACE_S = 20
"""Seconds for requests that are under way at the end: the largest import takes a few. Streams end by themselves at once."""


class _Server(uvicorn.Server):
    """Tells the service manager when it serves and when it ends, and beats meanwhile."""

    def __init__(self, config: uvicorn.Config, vitals: Vitals) -> None:
        super().__init__(config)
        self._vitals = vitals
        self._pulse: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._vitals.begin()
        self._pulse = asyncio.create_task(self._vitals.run(), name="pulse")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._vitals.end()
        await super().shutdown(sockets)
        if self._pulse:
            self._pulse.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pulse


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serves until SIGTERM or SIGINT, then ends what is under way, within 20 s."""
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE_S, server_header=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal once more when it has ended; an end in order is status 0, and not a death by signal.
        signal.signal(number, _end)
    _Server(config, app.state.vitals).run(sockets=[listening])


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
