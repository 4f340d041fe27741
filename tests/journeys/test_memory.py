"""Memory over hours: a store that trades, its five kinds of processes weighed every ten seconds.

    PANIER_MINUTES=60 pytest -m soak tests/journeys/test_memory.py

The processes have the environment that our systemd units give them. The first third is for warming up. Through each third of
what is left a line is drawn as Theil and Sen do: the median of the slopes of all pairs, with the 95 % interval of the ranks (Sen
1968). A leak goes on, a step does not: where the lower ends of two of the three would make a process grow by more than a quarter
in a day, it leaks. PANIER_OUT names a directory for the samples.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import psutil
import pytest

from panier_simulators.chaos.corner import corner_shop
from panier_simulators.chaos.market import trade
from panier_simulators.command import build_sample
from panier_simulators.demo.premises import open_premises
from panier_simulators.fleet import Place, Post, Store
from panier_simulators.sample.shop import SampleTrip, open_sample
from panier_simulators.screen import SimulatedTerminal
from panier_simulators.shopper import Manner

UNITS = Path(__file__).parents[2] / "firmware-config/systemd/panier-.service.d/10-watched-and-shut-in.conf"
MINUTES = float(os.environ.get("PANIER_MINUTES", "20"))
EVERY_S, DAY_S = 10.0, 86_400.0
MOST_GROWTH_A_DAY = 0.25
BROKER_MOST = 64_000_000
"""Bytes. nats-server writes through a few buffers of 4 MB, each of which fills and is then taken anew: its memory goes up and
down within hours, and what can be told of it is where it ends.
"""

Sample = tuple[float, int]
"""Seconds since the first, and resident bytes."""


def slope(samples: Sequence[Sample]) -> tuple[float, float, float]:
    """Bytes a second: the lower end of the 95 % interval, the estimate, the upper end."""
    slopes = sorted((after[1] - before[1]) / (after[0] - before[0]) for before, after in combinations(samples, 2))
    n, pairs = len(samples), len(slopes)
    spread = 1.96 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low, high = max(0, round((pairs - spread) / 2)), min(pairs - 1, round((pairs + spread) / 2))
    return slopes[low], statistics.median(slopes), slopes[high]


def leaks(samples: Sequence[Sample]) -> bool:
    """Whether two of the three parts of the later two thirds grow by more than chance and a quarter a day."""
    settled = samples[len(samples) // 3 :]
    third = len(settled) // 3
    lowest = sorted(slope(settled[place * third : (place + 1) * third])[0] for place in range(3))
    return lowest[1] * DAY_S > MOST_GROWTH_A_DAY * settled[0][1]


def test_a_leak_is_told_from_a_step_and_from_noise():
    noise = [(10.0 * n, 60_000_000 + (n * 7919 % 13) * 50_000) for n in range(120)]
    assert not leaks(noise)
    assert not leaks([(at, size + 4_000_000 * (at > 700)) for at, size in noise])
    assert leaks([(at, size + int(2_000 * at)) for at, size in noise])


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 + 600)
async def test_a_store_that_trades_for_hours_does_not_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in re.findall(r"^Environment=(\w+)=(.*)$", UNITS.read_text(encoding="utf-8"), re.MULTILINE):
        monkeypatch.setenv(name, value)
    assert os.environ.get("GLIBC_TUNABLES")
    baskets = corner_shop(open_sample(build_sample(None, None).directory), 600, 1)
    weighed: dict[str, list[Sample]] = {}
    trips = 0

    async def shop_at(place: Place, mine: Sequence[SampleTrip]) -> None:
        nonlocal trips
        while True:
            for trip in mine:
                await place.shopper.shop(trip)
                trips += 1

    async with open_premises(tmp_path, baskets, 3, lambda _: None) as premises:
        manner = Manner(speed=30.0, offers_chance=0.3)
        async with Store([Post.read(file) for file in premises.terminals], manner=manner, seed=1) as store:
            await store.wait_until_ready()
            command = [sys.executable, "-m", "panier_io.command", "monitor", "--settings", str(premises.monitor)]
            monitor = SimulatedTerminal(command, name="monitor", columns=100, lines=30)
            await monitor.start()
            pids: dict[str, Callable[[], int]] = {
                place.post.device: lambda place=place: place.terminal.pid for place in store.places
            }
            pids |= {"gateway": lambda: premises.gateway.pid, "backoffice": lambda: premises.backoffice.pid}
            pids |= {"monitor": lambda: monitor.pid, "broker": lambda: psutil.Process(premises.gateway.pid).children()[0].pid}
            busy = [asyncio.create_task(shop_at(place, baskets.baskets[number::3])) for number, place in enumerate(store.places)]
            busy.append(asyncio.create_task(trade(premises, list(baskets.products()), 1)))
            began = time.monotonic()
            try:
                while time.monotonic() - began < MINUTES * 60:
                    for name, pid in pids.items():
                        sample = (time.monotonic() - began, psutil.Process(pid()).memory_info().rss)
                        weighed.setdefault(name, []).append(sample)
                    _keep(trips, weighed)
                    ended, _ = await asyncio.wait(busy, timeout=EVERY_S)
                    assert not ended, [task.exception() for task in ended]
            finally:
                for task in busy:
                    task.cancel()
                await asyncio.gather(*busy, return_exceptions=True)
                await monitor.stop()
    assert trips > 10 * MINUTES
    assert max(size for _, size in weighed["broker"]) < BROKER_MOST, report(weighed)
    assert not [name for name, samples in weighed.items() if name != "broker" and leaks(samples)], report(weighed)


def _keep(trips: int, weighed: dict[str, list[Sample]]) -> None:
    if out := os.environ.get("PANIER_OUT"):
        Path(out, "memory.json").write_text(json.dumps({"trips": trips, "samples": weighed}))


def report(weighed: dict[str, list[Sample]]) -> str:
    """A line for each process: what it weighs, and how fast that grows."""
    lines: list[str] = []
    for name, samples in weighed.items():
        low, middle, high = (3600 * rate / 1e6 for rate in slope(samples[len(samples) // 3 :]))
        weight = f"{samples[0][1] / 1e6:.1f} MB at first, {samples[-1][1] / 1e6:.1f} at last"
        lines.append(f"{name}: {weight}, {middle:+.2f} MB an hour ({low:+.2f} to {high:+.2f})")
    return "\n".join(lines)
