"""`panier bench pricing`: one more scan, a basket from scratch and compiling, by number of active promotions; beside the peer."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from panier.pricing import Pricer, PromotionSet, Shopper
from panier.till import compile_definitions
from panier_simulators.bench import oscar
from panier_simulators.bench.market import Market, open_market

PROMOTIONS = (10, 100, 1_000, 10_000)
LINES = (1, 30, 200)
AT = (1_000, 30)
"""Promotions and lines for which figures are promised, and at which the peer is measured."""
BASKETS = 300
PEER_BASKETS = 5
SCAN_P50_US, SCAN_P99_US, SCRATCH_P50_US, COMPILE_S = 150, 1_000, 2_500, 2.0
SCRATCH_RATIO, SCAN_RATIO = 150, 2_000


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
    """Runs everything; about a minute."""
    result: dict[str, Any] = {"products": 100_000, "cells": [], "compile": [], "peer": None}
    for promotions in PROMOTIONS:
        note(f"{promotions} promotions")
        market = open_market(promotions)
        started, before = time.perf_counter(), _memory()
        shelf, refused = compile_definitions(market.definitions, "EUR")
        seconds = time.perf_counter() - started
        assert not refused
        result["compile"].append(
            {"promotions": promotions, "seconds": round(seconds, 3), "rss_mb": round((_memory() - before) / 2**20, 1)}
        )
        # What was compiled stays for the day; the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        for lines in LINES:
            cell = _cell(market, shelf, promotions, lines, max(20, baskets // max(1, lines // 10)))
            result["cells"].append(asdict(cell))
    result["peak_rss_mb"] = round(_peak() / 2**20, 1)
    note(f"django-oscar with {AT[0]} offers")
    result["peer"] = _peer(result)
    result["holds"] = _verdict(result)
    return result


def _cell(market: Market, shelf: PromotionSet, promotions: int, lines: int, baskets: int) -> Cell:
    chance = random.Random(lines)  # noqa: S311 (a measurement, no secret)
    scans: list[float] = []
    scratches: list[float] = []
    acting = proven = gained = 0
    for _ in range(baskets):
        basket = market.basket(chance, lines + 1)
        pricer = Pricer(shelf)
        started = time.perf_counter_ns()
        pricer.price(basket[:-1], _GUEST)
        scratches.append((time.perf_counter_ns() - started) / 1000)
        started = time.perf_counter_ns()
        priced = pricer.price(basket, _GUEST)
        scans.append((time.perf_counter_ns() - started) / 1000)
        acting += len(priced.applied)
        proven += priced.proven
        gained += priced.gained
    return Cell(
        promotions, lines, *_quantiles(scans), *_quantiles(scratches),
        acting=round(acting / baskets, 1), proven=round(proven / baskets, 3), gained=round(gained / baskets, 2),
    )  # fmt: skip


_GUEST = Shopper()


def _peer(result: dict[str, Any]) -> dict[str, Any]:
    """The peer with the same offers and equal baskets; it has no session, so that one more scan costs it everything."""
    release = oscar.release()
    if release is None:
        return {"name": "django-oscar", "release": None, "note": oscar.HOW_TO_GET}
    promotions, lines = AT
    market = open_market(promotions)
    till = oscar.OscarTill(market.definitions, lambda category: [f"{int(category[1:]) * 10 + place:06d}" for place in range(10)])
    chance = random.Random(lines)  # noqa: S311 (a measurement, no secret)
    times: list[float] = []
    for _ in range(PEER_BASKETS):
        basket = till.basket(market.basket(chance, lines + 1)[:-1])
        started = time.perf_counter_ns()
        till.price(basket)
        times.append((time.perf_counter_ns() - started) / 1000)
    p50 = sorted(times)[len(times) // 2]
    cell = next(cell for cell in result["cells"] if (cell["promotions"], cell["lines"]) == AT)
    return {
        "name": "django-oscar", "release": release, "offers": len(till.offers), "left_out": till.left_out,
        "p50_us": round(p50),
        "ratio_scratch": round(p50 / cell["scratch_p50_us"]), "ratio_scan": round(p50 / cell["scan_p50_us"]),
    }  # fmt: skip


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


def _quantiles(times: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(times)
    return round(ordered[len(ordered) // 2], 1), round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 1)


def _memory() -> int:
    return psutil.Process().memory_info().rss


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
