"""The web server around the application."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serves until SIGTERM or SIGINT; open streams are ended after a grace of two seconds."""
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2, server_header=False)
    uvicorn.Server(config).run(sockets=[listening])
