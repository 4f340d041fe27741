"""Meters of one running back office, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector


class Meters:
    """Counters with a registry of their own, so that two back offices in one process (as in tests) do not add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "panier_backoffice_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "panier_backoffice_request_seconds",
            "Time to answer, streams left out",
            ["route"],
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
            registry=self.registry,
        )
        self.intake = Counter(
            "panier_backoffice_intake_items", "Items delivered by gateways", ["kind", "outcome"], registry=self.registry
        )
        self.mismatches = Counter(
            "panier_backoffice_price_mismatches", "Receipts that re-pricing did not confirm", registry=self.registry
        )
        self.feed = Gauge("panier_backoffice_feed_sequence", "Newest sequence of the feed", registry=self.registry)
        self.streams = Gauge("panier_backoffice_streams", "Open feed and console streams", registry=self.registry)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
