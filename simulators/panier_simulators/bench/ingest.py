"""`panier bench ingest`: receipts a second over HTTP into SQLite and PostgreSQL, beside a bare bulk insert of the same rows.

Every part is real: back office processes, their intake over HTTP, databases that sync each commit. Each client is the gateway of
a store of its own and sends one delivery after another. Bodies are made and encoded before the clock starts.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from panier_simulators.bench.rows import Bare, Rows, Way, batched, renamed
from panier_simulators.bench.takings import Takings, open_takings
from panier_simulators.postgresql import NoPostgresql, postgresql_server
from panier_simulators.surroundings import inherited

BATCH = 100
"""Receipts a delivery."""
ROUNDS = 5
"""Back office and bare insert take turns so often; the middle of each figure counts, so that no noisy second decides."""
BARE_SECONDS = 1.0
"""How long a bare insert goes on in each round at least."""
SMALL, LARGE, FULL = 1_000, 20_000, 1_000_000
"""Receipts that lie in the table when the clock starts: always, by default, and with --full."""
PROCESSES = {"sqlite": 1, "postgresql": 2}
"""Back office processes: one for a file; as many as this machine has processors for a server."""
SHARE = 1 / 3
_APART = 10**9
"""Numbers between a receipt and its bare copies."""
_TOKEN = "token-for-measuring-only"  # noqa: S105 (of a back office that lives for this measurement)

Office = tuple[str, psutil.Process]
"""A back office process, by its address."""
Where = tuple[str, str | None]
"""What `Bare` connects to."""


@dataclass(frozen=True, slots=True)
class Row:
    """One database at one size. Rates in receipts a second; times in milliseconds, processor's in milliseconds a receipt.

    `shares` are those of each round, of the bare bulk insert by executemany.
    """

    database: str
    held: int
    receipts: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    peak_rss_mb: float
    executemany: float
    copy: float | None
    shares: list[float]
    exactly_once: bool

    @property
    def share(self) -> float:
        """The middle one."""
        return median(self.shares)


def measure(receipts: int, clients: int, *, full: bool, note: Callable[[str], None]) -> dict[str, Any]:
    """Runs everything; some minutes, with `full` more."""
    takings, rows, missing = open_takings(), list[Row](), None
    sizes = (SMALL, FULL if full else LARGE)
    with tempfile.TemporaryDirectory(prefix="panier-ingest-", ignore_cleanup_errors=True) as made:
        file = Path(made) / "backoffice.db"
        rows += _grown(takings, f"sqlite:///{file}", (str(file), None), sizes, receipts, clients, note)
    try:
        with postgresql_server() as server:
            server.run("CREATE DATABASE ingest")
            rows += _grown(takings, server.url("ingest"), (str(server.folder), "ingest"), sizes, receipts, clients, note)
    except NoPostgresql as error:
        missing = str(error)
    served = [row for row in rows if row.database == "postgresql"]
    holds = {
        "each receipt is in the database exactly once": all(row.exactly_once for row in rows),
        "PostgreSQL: at least a third of a bare bulk insert": bool(served) and all(row.share >= SHARE for row in served),
    }
    return {
        "clients": clients, "batch": BATCH, "processes": PROCESSES, "rows": [asdict(row) | {"share": row.share} for row in rows],
        "missing": missing, "holds": holds,
    }  # fmt: skip


def _grown(
    takings: Takings, url: str, bare: Where, sizes: Sequence[int], count: int, clients: int, note: Callable[[str], None]
) -> Generator[Row]:
    kind = "sqlite" if bare[1] is None else "postgresql"
    stores = [f"store-{number}" for number in range(clients)]
    with _offices(url, stores, PROCESSES[kind]) as offices:
        snapshot = _stock(offices[0][0], takings)
        _send(offices, _deliveries(takings, stores, 2 * BATCH * clients, snapshot, "warm"))
        for size in sizes:
            note(f"{kind}: filling up to {size:,} receipts")
            with contextlib.closing(Bare(*bare)) as link:
                link.multiply(size)
                held = link.count()[0]
            turns = [_deliveries(takings, stores, -(-count // ROUNDS), snapshot, f"j{size}r{turn}") for turn in range(ROUNDS)]
            note(f"{kind}: {sum(map(_count, turns)):,} receipts beside {held:,}")
            rounds = [_round(offices, deliveries, bare) for deliveries in turns]
            # The same again, as after a lost answer, changes nothing.
            for deliveries in turns:
                _send(offices, deliveries)
            with contextlib.closing(Bare(*bare)) as link:
                there, different = link.count()
            sent, times = sum(one.receipts for one in rounds), [each for one in rounds for each in one.times]
            yield Row(
                database=kind, held=held, receipts=sent, rate=round(median(one.rate for one in rounds), 1),
                p50_ms=_quantile(times, 0.5), p99_ms=_quantile(times, 0.99),
                cpu_ms=round(1000 * sum(one.cpu for one in rounds) / sent, 2),
                peak_rss_mb=round(sum(_peak(process.pid) for _, process in offices), 1),
                executemany=round(median(one.executemany for one in rounds), 1),
                copy=None if kind == "sqlite" else round(median(one.copy for one in rounds), 1),
                shares=[round(one.rate / one.executemany, 3) for one in rounds],
                exactly_once=there == different == held + sent,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Round:
    """One turn of the back office and one of the bare inserts; rates in receipts a second, `cpu` in seconds."""

    receipts: int
    rate: float
    times: list[float]
    cpu: float
    executemany: float
    copy: float


def _round(offices: Sequence[Office], deliveries: dict[str, list[bytes]], bare: Where) -> _Round:
    with contextlib.closing(Bare(*bare)) as link:
        newest = link.newest()
    before = _cpu(offices)
    seconds, times = _send(offices, deliveries)
    receipts, cpu = _count(deliveries), _cpu(offices) - before
    executemany = _limit(bare, newest, len(deliveries), "executemany")
    copy = 0.0 if bare[1] is None else _limit(bare, newest, len(deliveries), "copy")
    return _Round(receipts, receipts / seconds, times, cpu, executemany, copy)


def _count(deliveries: dict[str, list[bytes]]) -> int:
    return BATCH * sum(map(len, deliveries.values()))


def _cpu(offices: Sequence[Office]) -> float:
    """Seconds of a processor that they have used."""
    return sum(sum(process.cpu_times()[:2]) for _, process in offices)


def _deliveries(takings: Takings, stores: Sequence[str], count: int, snapshot: int, journal: str) -> dict[str, list[bytes]]:
    """By store: bodies of BATCH receipts, `count` receipts in all, or somewhat more."""
    each = -(-count // (len(stores) * BATCH)) * BATCH
    made: dict[str, list[bytes]] = {}
    for place, store in enumerate(stores):
        receipts = list(takings.receipts(store, each, snapshot, f"{journal}s{place}"))
        made[store] = [json.dumps({"receipts": receipts[at : at + BATCH]}).encode() for at in range(0, each, BATCH)]
    return made


def _send(offices: Sequence[Office], deliveries: dict[str, list[bytes]]) -> tuple[float, list[float]]:
    """Seconds for all, and milliseconds of each request."""

    def run(place: int, store: str) -> list[float]:
        url, times = offices[place % len(offices)][0], list[float]()
        with httpx.Client(base_url=url, headers=_headers(), timeout=120) as client:
            for body in deliveries[store]:
                began = time.perf_counter()
                answer = client.post(f"/api/v1/stores/{store}/intake", content=body)
                times.append(1000 * (time.perf_counter() - began))
                taken = answer.raise_for_status().json()["receipts"]
                assert taken["stored"] + taken["known"] == BATCH, answer.text
        return times

    with ThreadPoolExecutor(len(deliveries)) as pool:
        began = time.perf_counter()
        times = [each for found in pool.map(run, range(len(deliveries)), deliveries) for each in found]
        return time.perf_counter() - began, times


def _limit(bare: Where, newest: int, clients: int, way: Way) -> float:
    """Receipts a second of `clients` connections that insert the rows of all receipts above `newest` again, BATCH a commit."""
    with contextlib.closing(Bare(*bare)) as link:
        columns, rows, last = link.columns("receipt"), link.read(newest), link.newest()
    batches = batched(rows, columns, BATCH)
    count, seconds, turn = 0, 0.0, 0
    with contextlib.ExitStack() as opened, ThreadPoolExecutor(clients) as pool:
        links = [opened.enter_context(contextlib.closing(Bare(*bare))) for _ in range(clients)]
        while seconds < BARE_SECONDS:
            turn += 1
            again = [renamed(batch, columns, turn * _APART, f".{way}{turn}") for batch in batches]
            began = time.perf_counter()
            list(pool.map(_insert, links, [again[place::clients] for place in range(clients)], [way] * clients))
            seconds += time.perf_counter() - began
            count += sum(len(batch["receipt"]) for batch in batches)
    with contextlib.closing(Bare(*bare)) as link:
        link.forget(last)
    return count / seconds


def _insert(link: Bare, batches: Sequence[Rows], way: Way) -> None:
    for batch in batches:
        link.insert(batch, way)


@contextlib.contextmanager
def _offices(url: str, stores: Sequence[str], count: int) -> Generator[list[Office]]:
    """That many back office processes on one database, each with its address."""
    asked = [sys.executable, "-m", "panier_io.command", "backoffice", "--port", "0", "--database", url, "--json"]
    asked += [part for store in stores for part in ("--store", f"{store}:{_TOKEN}-{store}")]
    environment = inherited() | {"PANIER_BACKOFFICE_API_TOKEN": _TOKEN, "PANIER_BACKOFFICE_LOG_LEVEL": "error"}
    started: list[subprocess.Popen[str]] = []
    try:
        found: list[Office] = []
        for _ in range(count):
            process = subprocess.Popen(asked, stdout=subprocess.PIPE, text=True, env=environment)
            started.append(process)
            assert process.stdout is not None
            found.append((json.loads(process.stdout.readline())["url"], psutil.Process(process.pid)))
        yield found
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def _stock(url: str, takings: Takings) -> int:
    with httpx.Client(base_url=url, headers=_headers(), timeout=120) as client:
        return client.post("/api/v1/import", json=takings.imported()).raise_for_status().json()["last"]


def _headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {_TOKEN}", "Content-Type": "application/json"}


def _peak(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _quantile(times: Sequence[float], part: float) -> float:
    ordered = sorted(times)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 1)


def render(result: dict[str, Any]) -> RenderableType:
    """The same for people."""
    table = Table(
        title=f"Receipts of ten lines, {result['clients']} clients, {result['batch']} a delivery", title_justify="left",
        box=SIMPLE_HEAD, padding=0, pad_edge=False,
    )  # fmt: skip
    table.add_column("database", no_wrap=True)
    for name in ("held\nbefore", "receipts\n/s", "p50\nms", "p99\nms", "CPU ms\neach", "peak\nMB", "exec-\nmany/s", "COPY\n/s"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("share\n%", justify="right", no_wrap=True)
    for row in result["rows"]:
        figures = (f"{row['rate']:,.0f}", f"{row['p50_ms']:,.0f}", f"{row['p99_ms']:,.0f}", f"{row['cpu_ms']:.2f}")
        share = f"{row['share']:.0%} ({min(row['shares']):.0%}-{max(row['shares']):.0%})".replace("%", "")
        limits = (f"{row['executemany']:,.0f}", f"{row['copy']:,.0f}" if row["copy"] else "", share)
        table.add_row(row["database"], f"{row['held']:,}", *figures, f"{row['peak_rss_mb']:,.0f}", *limits)
    held = [f"{'holds' if kept else 'FAILS'}  {what}" for what, kept in result["holds"].items()]
    said = (
        "executemany, COPY: the same rows by as many connections into the same tables, a commit a delivery; share: of the first. "
        f"All take turns, {ROUNDS} times; the middle of each figure, in brackets the least and the most."
    )
    return Group(table, said, *([result["missing"]] if result["missing"] else []), *held)
