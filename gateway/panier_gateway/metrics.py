"""Metrics for Prometheus and a health check, on this machine only."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app  # pyright: ignore[reportUnknownVariableType]  (its parameters are untyped)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "panier_gateway_"

Read = Callable[[], Mapping[str, float]]
"""Figures by name; a name that ends in `_total` only ever grows."""
Health = Callable[[], Mapping[str, Any]]
"""`{"status": "ok" or "degraded", ...}`."""


_App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class _Figures(Collector):
    def __init__(self, read: Read) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        for name, value in self._read().items():
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            metric = family(PREFIX + name.removesuffix("_total"), name.replace("_", " "))
            metric.add_metric([], value)
            yield metric


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the standard library's name)
        """Says nothing: a scrape every few seconds is no news."""


def serve(port: int, read: Read, health: Health) -> tuple[WSGIServer, int]:
    """Serves /metrics and /health on 127.0.0.1 from a thread of its own; gives the server and its port."""
    registry = CollectorRegistry()
    registry.register(_Figures(read))
    ProcessCollector(registry=registry)
    metrics = cast(_App, make_wsgi_app(registry))

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/health":
            return metrics(environ, start_response)
        found = health()
        status = "200 OK" if found["status"] == "ok" else "503 Service Unavailable"
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(found).encode()]

    server = make_server("127.0.0.1", port, app, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server, server.server_port
