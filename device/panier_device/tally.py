"""What a terminal counts and measures, for Prometheus."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, write_to_textfile

from panier_device.driver.port import Scanner
from panier_device.payment.port import PaymentTrouble

# The wire's own time is the mark: 14.6 ms for 13 digits and a CR at 9600 baud.
_PAINT_BUCKETS = (0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.010, 0.0146, 0.020, 0.030, 0.050, 0.1, 0.25, 1.0)


class Tally:
    """One process's figures in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.scans = Counter("panier_scans", "Readings by how they came in", ["entry"], registry=self.registry)
        self.refused = Counter(
            "panier_codes_refused", "Codes the shop could not use, by reason", ["reason"], registry=self.registry
        )
        self.scan_to_screen = Histogram(
            "panier_scan_to_screen_seconds",
            "From the last byte read to the frame handed to the terminal, the event fsynced in between",
            buckets=_PAINT_BUCKETS,
            registry=self.registry,
        )
        self.waiting = Gauge("panier_events_waiting", "Events the gateway has not acknowledged", registry=self.registry)
        self.online = Gauge("panier_online", "1 while the gateway is reachable", registry=self.registry)
        self.snapshot = Gauge("panier_snapshot_version", "Version of prices and promotions held", registry=self.registry)
        self.promotions_refused = Gauge(
            "panier_promotions_refused", "Promotions of the snapshot held that cannot be used here", registry=self.registry
        )
        self.payments = Counter(
            "panier_payments", "Payments at the terminal, by outcome and by whose word", ["outcome", "by"], registry=self.registry
        )
        self.payment_broken = Gauge("panier_payment_answers_broken", "Answers that were none", registry=self.registry)
        self.payment_trouble = Gauge(
            "panier_payment_trouble",
            "1 while the payment terminal is away, silent or garbled",
            ["trouble"],
            registry=self.registry,
        )
        self.resends = Counter("panier_events_resent", "Times that events were sent again", registry=self.registry)
        self.malformed = Counter("panier_messages_refused", "Messages set aside, by reason", ["reason"], registry=self.registry)
        self.mismatches = Counter("panier_snapshot_mismatches", "Copies thrown away: other fingerprint", registry=self.registry)
        self.noise = Gauge("panier_scanner_noise", "Bytes or keys that belonged to no code", ["scanner"], registry=self.registry)
        self.repeats = Gauge(
            "panier_scanner_repeats", "Readings that were the trigger still held", ["scanner"], registry=self.registry
        )
        self.scanner_trouble = Gauge(
            "panier_scanner_trouble",
            "1 while a scanner is away, or sends only garbage",
            ["scanner", "trouble"],
            registry=self.registry,
        )
        self.scale_answers = Counter(
            "panier_scale_answers", "What the scale said: a weight, or why none", ["outcome"], registry=self.registry
        )
        self.scale_noise = Gauge("panier_scale_noise", "Bytes of the scale that belonged to no answer", registry=self.registry)
        self.receipts = Counter("panier_receipts_printed", "Receipts by whether a copy", ["kind"], registry=self.registry)
        self.printer_noise = Gauge("panier_printer_noise", "Bytes of the printer that were no answer", registry=self.registry)
        self.printer_faults = Counter("panier_printer_faults", "Times that the printer stood", ["fault"], registry=self.registry)
        self.rss = Gauge("panier_rss_bytes", "Resident memory", registry=self.registry)
        self.rss_peak = Gauge("panier_rss_peak_bytes", "Most resident memory so far", registry=self.registry)

    def watch(self, scanner: Scanner) -> None:
        """Brings one scanner's figures up to date."""
        self.noise.labels(scanner.name).set(scanner.noise)
        self.repeats.labels(scanner.name).set(scanner.repeats)
        for trouble in ("away", "garbled"):
            self.scanner_trouble.labels(scanner.name, trouble).set(scanner.trouble == trouble)

    def watch_payment(self, trouble: PaymentTrouble, broken: int) -> None:
        """Brings the payment terminal's figures up to date."""
        self.payment_broken.set(broken)
        for one in ("away", "silent", "garbled"):
            self.payment_trouble.labels(one).set(trouble == one)

    def weigh(self) -> None:
        """Brings the memory figures up to date."""
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        self.rss.set(pages * os.sysconf("SC_PAGE_SIZE"))
        self.rss_peak.set(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)

    def write(self, file: Path) -> None:
        """Writes all figures, replacing the file in one step."""
        self.weigh()
        write_to_textfile(str(file), self.registry)
