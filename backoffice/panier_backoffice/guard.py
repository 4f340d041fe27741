"""Guards around every request: a size limit on bodies, security headers, and the meters."""

from __future__ import annotations

import time

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from panier_backoffice.metrics import Meters
from panier_backoffice.problem import refusal

MEBIBYTE = 1 << 20
LARGE_BODIES = {"/intake": 16 * MEBIBYTE, "/import": 32 * MEBIBYTE, "/live": 4 * MEBIBYTE}
"""By the end of the path; everything else may send SMALL_BODY."""
SMALL_BODY = MEBIBYTE

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Counted by name; anybody may make up others, and a meter holds each name for ever."""

# Scripts, styles and pictures come from this server alone; nothing is inline, so that injected markup stays text.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class BodyTooLarge(HTTPException):
    """More arrived than the path may send. An HTTPException, because FastAPI turns any other into "could not be parsed"."""

    def __init__(self, limit: int) -> None:
        self.code = "too_large"
        super().__init__(413, f"the body is larger than {limit} bytes; send it in several parts")


class Guard:
    """ASGI middleware: see the module."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self.app = app
        self.meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = next((size for end, size in LARGE_BODIES.items() if scope["path"].endswith(end)), SMALL_BODY)
        began = time.perf_counter()
        status, stream = 500, False

        async def sending(message: Message) -> None:
            nonlocal status, stream
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                stream = headers.get("content-type", "").startswith("text/event-stream")
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            if _announced(scope) > limit:
                too_large = BodyTooLarge(limit)
                await refusal(413, too_large.code, too_large.detail)(scope, receive, sending)
            else:
                await self.app(scope, _limited(receive, limit), sending)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.meters.requests.labels(method, route, str(status)).inc()
            if not stream:
                self.meters.seconds.labels(route).observe(time.perf_counter() - began)


def _announced(scope: Scope) -> int:
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value) if value.isdigit() else 0


def _limited(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise BodyTooLarge(limit)
        return message

    return receiving
