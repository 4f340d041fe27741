"""`panier bench pricing`: one more scan, a basket from scratch and compiling, by number of active promotions; beside the peer.

Times are those of a processor. Nothing here waits for anything, so an idle machine's clock would say the same; on a busy one, it
would count what others do, and more so for the slower one: the peer is interrupted in each basket, and we between two of ours.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import psutil
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from panier.pricing import BasketLine, PricedBasket, Pricer, PromotionSet, Shopper
from panier.till import compile_definitions
from panier_simulators.bench import oscar
from panier_simulators.bench.market import Market, open_market

PROMOTIONS = (10, 100, 1_000, 10_000)
LINES = (1, 30, 200)
AT = (1_000, 30)
"""Promotions and lines for which figures are promised, and at which the peer is measured."""
BASKETS = 1_000
PEER_PROMOTIONS = (10, 100, AT[0])
PEER_BASKETS = 15
JUDGED: oscar.Holding = "ranges"
"""What the peer holds in memory where ratios are promised."""
SCAN_P50_US, SCAN_P99_US, SCRATCH_P50_US, COMPILE_S = 150, 1_000, 2_500, 2.0
SCRATCH_RATIO, SCAN_RATIO = 150, 2_000
PROMISES = {
    "scan_p50": f"one more scan: p50 under {SCAN_P50_US} us",
    "scan_p99": f"one more scan: p99 under {SCAN_P99_US:,} us",
    "scratch_p50": f"from scratch: p50 under {SCRATCH_P50_US:,} us",
    "compile": f"{PROMOTIONS[-1]:,} promotions compile in under {COMPILE_S:.0f} s",
    "ratio_scratch": f"at least {SCRATCH_RATIO} times the peer from scratch",
    "ratio_scan": f"at least {SCAN_RATIO:,} times the peer for one more scan",
}
"""What `holds` says, in words; at `AT` unless another number is named."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of promotions with one size of basket; times in microseconds, `acting` promotions a basket."""

    promotions: int
    lines: int
    scan_p50_us: float
    scan_p99_us: float
    scratch_p50_us: float
    scratch_p99_us: float
    acting: float
    proven: float
    gained: float


def measure(baskets: int = BASKETS, note: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Runs everything; about two minutes, most of them the peer's."""
    result: dict[str, Any] = {"products": 100_000, "cells": [], "compile": [], "peer": None}
    try:
        for promotions in PROMOTIONS:
            note(f"{promotions} promotions")
            _ours(result, promotions, baskets)
        result["peak_rss_mb"] = round(_peak() / 2**20, 1)
        result["peer"] = _peer(note)
    finally:
        gc.unfreeze()
    result["holds"] = _verdict(result)
    return result


def _ours(result: dict[str, Any], promotions: int, baskets: int) -> None:
    market = open_market(promotions)
    started, before = _clock(), _memory()
    shelf, refused = compile_definitions(market.definitions, "EUR")
    seconds = (_clock() - started) / 1e9
    assert not refused
    result["compile"].append(
        {"promotions": promotions, "seconds": round(seconds, 3), "rss_mb": round((_memory() - before) / 2**20, 1)}
    )
    _set_aside()
    for lines in LINES:
        result["cells"].append(asdict(_cell(market, shelf, promotions, lines, max(20, baskets * 30 // max(30, lines)))))


def _set_aside() -> None:
    """As a terminal does it: what was compiled stays for the day, and the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


def _cell(market: Market, shelf: PromotionSet, promotions: int, lines: int, baskets: int) -> Cell:
    chance = random.Random(lines)  # noqa: S311 (a measurement, no secret)
    scans: list[float] = []
    scratches: list[float] = []
    acting = proven = gained = 0
    for _ in range(baskets):
        scratch, scan, priced = _price(shelf, market.basket(chance, lines + 1))
        scratches.append(scratch)
        scans.append(scan)
        acting += len(priced.applied)
        proven += priced.proven
        gained += priced.gained
    return Cell(
        promotions, lines, *_quantiles(scans), *_quantiles(scratches),
        acting=round(acting / baskets, 1), proven=round(proven / baskets, 3), gained=round(gained / baskets, 2),
    )  # fmt: skip


_GUEST = Shopper()
_clock = time.thread_time_ns


def _peer(note: Callable[[str], None]) -> dict[str, Any]:
    """The peer with the same offers and baskets; the promised ratios are those at `AT` with its ranges held in memory."""
    release = oscar.release()
    if release is None:
        return {"name": "django-oscar", "release": None, "note": oscar.HOW_TO_GET}
    rows: list[dict[str, Any]] = []
    for promotions in PEER_PROMOTIONS:
        note(f"django-oscar with {promotions} offers")
        rows.append(_beside(open_market(promotions)))
    held = rows[-1]["peer"][JUDGED]
    ratios = {name: held[name] for name in ("p50_us", "queries", "ratio_scratch", "ratio_scan")}
    return {"name": "django-oscar", "release": release, "judged": JUDGED, **ratios, "replaced": oscar.REPLACED, "rows": rows}


def _beside(market: Market) -> dict[str, Any]:
    """Ours and the peer in turns, so that whatever else this machine does slows both alike.

    The peer keeps nothing from one scan to the next: one more costs it what a basket costs.
    """
    shelf, _ = compile_definitions(market.definitions, "EUR")
    till = oscar.OscarTill(market.definitions, market.stock)
    chance = random.Random(AT[1])  # noqa: S311 (a measurement, no secret)
    baskets = [market.basket(chance, AT[1] + 1) for _ in range(PEER_BASKETS)]
    numbers = [till.put(basket[:-1]) for basket in baskets]
    _set_aside()
    scratches: list[float] = []
    scans: list[float] = []
    times: dict[oscar.Holding, list[float]] = {held: [] for held in oscar.REPLACED}
    queries: dict[oscar.Holding, int] = {}
    for turn, number in enumerate(numbers):
        for basket in baskets:
            scratch, scan, _ = _price(shelf, basket)
            scratches.append(scratch)
            scans.append(scan)
        for held in times:
            # As shipped it takes many seconds: once says enough.
            if turn and held == "nothing":
                continue
            with till.holding(held):
                fresh = till.basket(number)
                with nullcontext() if turn else till.counted() as asked:
                    times[held].append(_time(till.price, fresh))
            if asked is not None:
                queries[held] = len(asked)
    ours = {"scratch_p50_us": _quantiles(scratches)[0], "scan_p50_us": _quantiles(scans)[0]}
    peer = {
        held: {
            "p50_us": round(_quantiles(took)[0]), "baskets": len(took), "queries": queries[held],
            "ratio_scratch": round(_quantiles(took)[0] / ours["scratch_p50_us"]),
            "ratio_scan": round(_quantiles(took)[0] / ours["scan_p50_us"]),
        }
        for held, took in times.items()
    }  # fmt: skip
    return {"offers": till.offers, "left_out": till.left_out, "lines": AT[1], "ours": ours, "peer": peer}


def _verdict(result: dict[str, Any]) -> dict[str, bool]:
    """Which promises hold on this machine."""
    cell = next(cell for cell in result["cells"] if (cell["promotions"], cell["lines"]) == AT)
    holds = {
        "scan_p50": cell["scan_p50_us"] < SCAN_P50_US,
        "scan_p99": cell["scan_p99_us"] < SCAN_P99_US,
        "scratch_p50": cell["scratch_p50_us"] < SCRATCH_P50_US,
        "compile": result["compile"][-1]["seconds"] < COMPILE_S,
    }
    peer = result["peer"]
    if peer["release"] is not None:
        holds |= {"ratio_scratch": peer["ratio_scratch"] >= SCRATCH_RATIO, "ratio_scan": peer["ratio_scan"] >= SCAN_RATIO}
    return holds


def render(result: dict[str, Any]) -> RenderableType:
    """The same for people."""
    cells = _table("Panier: processor us for one more scan, and for a basket from scratch")
    for name in ("active", "lines", "scan p50", "p99", "scratch p50", "p99", "acting", "proven"):
        cells.add_column(name, justify="right")
    for cell in result["cells"]:
        times = [f"{cell[f'{what}_us']:,.0f}" for what in ("scan_p50", "scan_p99", "scratch_p50", "scratch_p99")]
        cells.add_row(f"{cell['promotions']:,}", f"{cell['lines']}", *times, f"{cell['acting']}", f"{cell['proven']:.0%}")
    compiled = _table("Compiling a snapshot")
    for name in ("promotions", "seconds", "memory"):
        compiled.add_column(name, justify="right")
    for row in result["compile"]:
        compiled.add_row(f"{row['promotions']:,}", f"{row['seconds']:.3f}", f"{row['rss_mb']} MB")
    held = [f"{'holds' if kept else 'FAILS'}  {PROMISES[name]}" for name, kept in result["holds"].items()]
    return Group(cells, compiled, *_peer_table(result["peer"]), *held)


def _peer_table(peer: dict[str, Any]) -> list[RenderableType]:
    if peer["release"] is None:
        return [peer["note"]]
    table = _table(f"{peer['name']} {peer['release']} and Panier in turns: same offers, baskets of {AT[1]} lines")
    table.add_column("offers", justify="right")
    table.add_column("in memory")
    for name in ("ms a basket", "queries", "times ours", "times a scan"):
        table.add_column(name, justify="right")
    for row in peer["rows"]:
        ours = row["ours"]
        table.add_row(f"{row['offers']:,}", "Panier", f"{ours['scratch_p50_us'] / 1000:.3f}", "0", "1", "")
        table.add_row("", "Panier, a scan", f"{ours['scan_p50_us'] / 1000:.3f}", "0", "", "1")
        for held, its in row["peer"].items():
            ratios = (f"{its['ratio_scratch']:,}", f"{its['ratio_scan']:,}")
            table.add_row("", held, f"{its['p50_us'] / 1000:,.1f}", f"{its['queries']:,}", *ratios)
        table.add_section()
    judged = f"Promised are the ratios at {AT[0]:,} with in memory: {peer['judged']}."
    return [table, *(f"  {held}: {words}" for held, words in peer["replaced"].items()), judged, ""]


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD)


def _price(shelf: PromotionSet, basket: Sequence[BasketLine]) -> tuple[float, float, PricedBasket]:
    """Microseconds for all lines but the last from scratch, and for the last one after them; what it comes to."""
    pricer = Pricer(shelf)
    started = _clock()
    pricer.price(basket[:-1], _GUEST)
    between = _clock()
    priced = pricer.price(basket, _GUEST)
    return (between - started) / 1000, (_clock() - between) / 1000, priced


def _time(work: Callable[[Any], object], basket: Any) -> float:
    started = _clock()
    work(basket)
    return (_clock() - started) / 1000


def _quantiles(times: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(times)
    return round(ordered[len(ordered) // 2], 1), round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 1)


def _memory() -> int:
    return psutil.Process().memory_info().rss


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
