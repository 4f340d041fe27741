"""What a process tells about itself over HTTP, on this machine only: Prometheus' figures, and whether it lives and serves."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app  # pyright: ignore[reportUnknownVariableType]  (its parameters are untyped)

from panier_io.vitals import Report, Vitals

_App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each question: whoever connects and asks nothing keeps nobody from asking whether this process lives."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: one who asks nothing, or does not wait for the answer, is no news."""


class _Quiet(WSGIRequestHandler):
    timeout = 5.0
    """Seconds for the question."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the standard library's name)
        """Says nothing: a scrape every few seconds is no news."""


def serve(port: int, registry: CollectorRegistry, vitals: Vitals) -> tuple[WSGIServer, int]:
    """Serves /metrics, /healthz and /readyz on 127.0.0.1 from threads of their own; gives the server and its port.

    The two answer 200 or 503, and say why as JSON. Threads answer while the event loop hangs: that is what they are for.
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

    server = make_server("127.0.0.1", port, app, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server, server.server_port
