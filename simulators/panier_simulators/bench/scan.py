"""`panier bench scan`: the barcode front door on one core, and biip on the same codes in the same run."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

from panier.barcode import LoyaltyRules, ProductCode, read
from panier.barcode.gtin import check_digit

HOW_TO_GET = "biip is not installed; pip install 'panier[bench]'"
_WANTED = {"ean13": 100_000, "gs1_128": 40_000}
_TABLE_MS = 5.0
_MEMORY_MB = 2.0
# A fresh interpreter with what any program has loaded: what the door adds to it, then its table of identifiers loaded once more.
_FRESH = """
import dataclasses, decimal, difflib, enum, importlib, re, time, tomllib, tracemalloc, typing, unicodedata, urllib.parse
tracemalloc.start()
from panier.barcode import LoyaltyRules, ai, ai_table, read
read("]C1010590123412345717261130", LoyaltyRules())
held = tracemalloc.get_traced_memory()[0]
tracemalloc.stop()
started = time.process_time()
importlib.reload(ai_table)
importlib.reload(ai)
print((time.process_time() - started) * 1000, held / 1e6)
"""


def measure(codes: int, rounds: int) -> dict[str, Any]:
    """Scans a second of processor time, `codes` different ones `rounds` times in turn with biip; the median round counts."""
    samples = {"ean13": ean13_codes(codes), "gs1_128": gs1_codes(codes)}
    ours: dict[str, list[float]] = {name: [] for name in samples}
    theirs: dict[str, list[float]] = {name: [] for name in samples}
    peer = _biip()
    for _ in range(rounds):
        for name, texts in samples.items():
            ours[name].append(_rate(_read, texts))
            if peer is not None:
                theirs[name].append(_rate(peer[1], texts))
    result: dict[str, Any] = {"codes": codes, "rounds": rounds, "peer": f"biip {peer[0]}" if peer else HOW_TO_GET}
    for name in samples:
        mine = statistics.median(ours[name])
        its = statistics.median(theirs[name]) if peer else None
        result[name] = {
            "per_second": round(mine), "slowest_round": round(min(ours[name])), "wanted": _WANTED[name],
            "peer_per_second": round(its) if its else None, "ratio": round(mine / its, 1) if its else None,
        }  # fmt: skip
    if peer is not None:
        result["agree"] = all(peer[2](text) == gtin14(text) for texts in samples.values() for text in texts)
    result["table_ms"], result["memory_mb"] = weigh()
    result["holds"] = {
        f"{name} at least {least:,} a second": result[name]["per_second"] >= least for name, least in _WANTED.items()
    }
    result["holds"][f"table loaded in {_TABLE_MS} ms at most"] = result["table_ms"] <= _TABLE_MS
    result["holds"][f"{_MEMORY_MB} MB at most"] = result["memory_mb"] <= _MEMORY_MB
    if peer is not None:
        result["holds"]["both read the same products"] = result["agree"]
    return result


def ean13_codes(count: int) -> list[str]:
    """EAN-13 codes as a scanner sends them, with AIM identifier."""
    chance = random.Random(1)  # noqa: S311 - the same codes on every machine
    bodies = [f"{chance.randrange(30, 98)}{chance.randrange(10**10):010}" for _ in range(count)]
    return [f"]E0{body}{check_digit(body)}" for body in bodies]


def gs1_codes(count: int) -> list[str]:
    """GS1-128 as on fresh food: product, a date, a lot, and in turn a weight, a serial number or nothing more."""
    chance = random.Random(2)  # noqa: S311 - as above
    codes: list[str] = []
    for place in range(count):
        body = f"0{chance.randrange(30, 98)}{chance.randrange(10**10):010}"
        day = f"26{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}"
        more = ("", f"3103{chance.randrange(10**6):06}", f"21{chance.randrange(10**8)}\x1d")[place % 3]
        codes.append(f"]C101{body}{check_digit(body)}{more}{chance.choice((15, 17))}{day}10L{chance.randrange(10**5)}")
    return codes


def gtin14(text: str) -> str:
    """The product that the front door reads in `text`."""
    found = _read(text)
    assert isinstance(found, ProductCode), "the codes of this bench are products"
    return found.gtin14


_NO_CARDS = LoyaltyRules()


def _read(text: str) -> object:
    return read(text, _NO_CARDS)


def _biip() -> tuple[str, Callable[[str], object], Callable[[str], str]] | None:
    """Its release, its way to read, and the GTIN-14 that it finds; None where it is not installed."""
    try:
        import biip
    except ImportError:
        return None

    def its_gtin14(text: str) -> str:
        found = biip.parse(text)
        return "" if found.gtin is None else found.gtin.as_gtin_14()

    return biip.__version__, biip.parse, its_gtin14


def _rate(reader: Callable[[str], object], texts: Sequence[str]) -> float:
    # Processor time, so that what else the machine does is not counted against either.
    started = time.process_time_ns()
    for text in texts:
        reader(text)
    return len(texts) * 1e9 / max(1, time.process_time_ns() - started)


def weigh() -> tuple[float, float]:
    """Milliseconds that the table of identifiers takes to load, and megabytes that the whole door holds."""
    with tempfile.TemporaryDirectory() as cache:
        # Compiled once, as an installed wheel is: the first run only fills the cache.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        runs = [_run(environment) for _ in range(6)][1:]
    return round(min(loaded for loaded, _ in runs), 2), round(runs[0][1], 2)


def _run(environment: dict[str, str]) -> tuple[float, float]:
    ended = subprocess.run([sys.executable, "-c", _FRESH], env=environment, capture_output=True, text=True, check=True)
    loaded, held = ended.stdout.split()
    return float(loaded), float(held)


def table(result: dict[str, Any]) -> str:
    """The same for people."""
    rows = [f"{'':10}{'Panier':>12}{'wanted':>12}{result['peer'].split(';')[0]:>20}{'ratio':>8}"]
    for name in _WANTED:
        figures = result[name]
        its, ratio = figures["peer_per_second"], figures["ratio"]
        rows.append(
            f"{name:10}{figures['per_second']:>12,}{figures['wanted']:>12,}{f'{its:,}' if its else '-':>20}{ratio or '-':>8}"
        )
    rows.append(f"scans a second of one core; {result['codes']:,} codes, the median of {result['rounds']} rounds")
    rows.append(f"the table of identifiers loads in {result['table_ms']} ms; the door holds {result['memory_mb']} MB")
    rows += [f"{'holds ' if held else 'FAILS '} {name}" for name, held in result["holds"].items()]
    return "\n".join(rows)
