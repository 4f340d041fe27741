"""What a process tells about itself over HTTP, on this machine only: Prometheus' figures, and whether it lives and serves."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app  # pyright: ignore[reportUnknownVariableType]  (its parameters are untyped)

from panier_io.vitals import Report, Vitals

_App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the standard library's name)
        """Says nothing: a scrape every few seconds is no news."""


def serve(port: int, registry: CollectorRegistry, vitals: Vitals) -> tuple[WSGIServer, int]:
    """Serves /metrics, /healthz and /readyz on 127.0.0.1 from a thread of its own; gives the server and its port.

    The two answer 200 or 503, and say why as JSON. The thread answers while the event loop hangs: that is what it is for.
    """
    metrics = cast(_App, make_wsgi_app(registry))
    questions: dict[str, Callable[[], Report]] = {"/healthz": vitals.live, "/readyz": vitals.ready}

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        ask = questions.get(environ["PATH_INFO"])
        if ask is None:
            return metrics(environ, start_response)
        found = ask()
        start_response("200 OK" if found.ok else "503 Service Unavailable", [("Content-Type", "application/json")])
        return [json.dumps(found.as_dict()).encode()]

    server = make_server("127.0.0.1", port, app, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server, server.server_port
