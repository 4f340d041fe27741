"""A gateway's figures for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "panier_gateway_"

Read = Callable[[], Mapping[str, float]]
"""Figures by name; a name that ends in `_total` only ever grows."""


class _Figures(Collector):
    def __init__(self, read: Read) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        for name, value in self._read().items():
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            metric = family(PREFIX + name.removesuffix("_total"), name.replace("_", " "))
            metric.add_metric([], value)
            yield metric


def registry(read: Read) -> CollectorRegistry:
    """The figures that `read` gives whenever somebody looks, and those of the process."""
    made = CollectorRegistry()
    made.register(_Figures(read))
    ProcessCollector(registry=made)
    return made
