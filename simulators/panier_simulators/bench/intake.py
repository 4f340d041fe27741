"""`panier bench intake`: a crowd of devices into one gateway, beside what its broker alone carries.

Real are the gateway with its disk, its broker, MQTT and the messages; simulated are the devices, all in this process. A time runs
from the scan, so it counts what waits in the device for its line too, to the gateway's acknowledgement, which comes after its
fsync. There is no back office, so the gateway knows no prices: each trip that is paid becomes a receipt and an incident.
"""

from __future__ import annotations

import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from panier.error import PanierError
from panier_simulators.bench.crowd import Device, connect, scan_steadily, tend, until_acknowledged
from panier_simulators.bench.store import Store, Watch, open_counter, open_store

STEADY_MS, LIVE_MS, CATCH_UP_S = 250, 500, 10.0
PROMISES = {
    "steady": f"a scan a second each: p99 to the acknowledgement under {STEADY_MS} ms",
    "catch_up": f"the backlog is acknowledged in under {CATCH_UP_S:.0f} s",
    "live": f"live trips stay under {LIVE_MS} ms p99 meanwhile",
    "nothing_lost": "every event is on the gateway's disk once, after kill -9, and none was refused",
}
_FILES_BESIDE = 200
_SETTLES = 1.0
"""Seconds after connecting in which the gateway answers births and publishes rows."""

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of each: devices that scan once a second, messages that each has under way in the ramp, seconds of each."""

    devices: int = 300
    seconds: float = 30
    windows: tuple[int, ...] = (1, 2, 4, 8)
    window_seconds: float = 5
    live: int = 20
    waiting: int = 10_000
    connected: int = 3_000
    scanning: int = 30
    connected_seconds: float = 20


QUICK = Plan(
    devices=12, seconds=1, windows=(1, 2), window_seconds=0.5, live=4, waiting=450, connected=20, scanning=4, connected_seconds=1
)  # fmt: skip


class TooFewFiles(PanierError):
    """The system lets this process open fewer connections than the plan needs."""

    code = "too_few_files"


def measure(plan: Plan, note: Note) -> dict[str, Any]:
    """Runs everything; three minutes or so. Raises TooFewFiles, RoleFailed, NotAcknowledged."""
    _allow_files(plan.connected + _FILES_BESIDE)
    with tempfile.TemporaryDirectory(prefix="panier-bench-", ignore_cleanup_errors=True) as made:
        result = asyncio.run(_measure(plan, Path(made), note))
    steady, catch_up = result["steady"], result["catch_up"]
    result["holds"] = {
        "steady": steady["p99_ms"] < STEADY_MS,
        "catch_up": catch_up["seconds"] < CATCH_UP_S,
        "live": catch_up["live_p99_ms"] < LIVE_MS,
        "nothing_lost": result["events"] == result["on_disk"] and not result["refused"] and not result["behind"],
    }
    return result


async def _measure(plan: Plan, directory: Path, note: Note) -> dict[str, Any]:
    result: dict[str, Any] = {"load": os.getloadavg()[0], "cores": os.cpu_count(), "fsync_ms": _fsync_ms(directory)}
    note(f"enrolling {plan.connected:,} devices")
    async with open_store(directory, plan.connected) as store:
        crowd = [store.device(number) for number in range(plan.connected)]
        tending = asyncio.create_task(tend(crowd))
        watch = {"gateway": store.gateway.pid, "broker": store.broker_pid, "load generator": os.getpid()}
        some = crowd[: plan.devices]
        note(f"{plan.devices} devices at a scan a second")
        await connect(some)
        await asyncio.sleep(_SETTLES)
        result["steady"] = await _steadily(some, plan.seconds, watch)
        note(f"  {result['steady']}\nramp")
        result["ramp"] = [await _saturate(some, window, plan.window_seconds, watch) for window in plan.windows]
        note(f"  {result['ramp']}\ncatch-up of {plan.waiting:,} events")
        result["catch_up"] = await _catch_up(crowd[: plan.live], crowd[plan.live], plan.waiting)
        note(f"  {result['catch_up']}\n{plan.connected:,} devices connected")
        result["connected"] = await _connected(plan, crowd, watch)
        # Before the kill: three thousand devices that knock again would keep the next broker from everybody else.
        tending.cancel()
        await store.kill()
        result |= _proof(store, crowd)
        note(f"  {result['connected']}\nthe broker alone")
        result["broker_alone"] = await _broker_alone(plan, store)
    best, raw = max(row["per_second"] for row in result["ramp"]), max(row["per_second"] for row in result["broker_alone"])
    return result | {"highest_per_second": best, "broker_per_second": raw, "ratio": round(best / raw, 3)}


async def _steadily(devices: Sequence[Device], seconds: float, watch: dict[str, int]) -> dict[str, Any]:
    _forget_answers(devices)
    resends = _resends(devices)
    with Watch(watch).run() as took:
        await scan_steadily(devices, 1.0, seconds)
        await until_acknowledged(devices)
    return {"devices": len(devices), **_times(_waits(devices)), "resends": _resends(devices) - resends, "processes": took}


async def _saturate(devices: Sequence[Device], window: int, seconds: float, watch: dict[str, int]) -> dict[str, Any]:
    """Each device has `window` messages of one event under way, always: what comes back a second is what can be sustained."""
    _forget_answers(devices)
    resends = _resends(devices)
    with Watch(watch).run() as took:
        started = time.monotonic()
        for device in devices:
            device.window = window
            device.scan(window)
        await asyncio.sleep(seconds)
        ended = time.monotonic()
        for device in devices:
            device.stop_scanning()
        await until_acknowledged(devices)
    # The first fifth fills the line.
    begin = started + (ended - started) / 5
    waits = [wait for device in devices for at, wait in device.answers if begin <= at < ended]
    answered = sum(len(device.answers) for device in devices)
    cost = {name: round(one["cpu_seconds"] / max(1, answered) * 1e6) for name, one in took.items()}
    return {
        "window": window, "per_second": round(len(waits) / (ended - begin)), **_times(waits),
        "resends": _resends(devices) - resends, "cpu_us": cost, "processes": took,
    }  # fmt: skip


async def _catch_up(live: Sequence[Device], behind: Device, waiting: int) -> dict[str, Any]:
    """One device comes back with a backlog while others shop; `before` is what they waited in the seconds before that."""
    _forget_answers(live)
    await scan_steadily(live, 1.0, min(5.0, waiting / 1_000))
    before = _times(_waits(live))
    _forget_answers(live)
    behind.answers.clear()
    started = time.monotonic()
    shopping = asyncio.create_task(_shop(live))
    behind.scan(waiting)
    await until_acknowledged([behind], 120)
    seconds = time.monotonic() - started
    shopping.cancel()
    await until_acknowledged(live)
    told = {f"live_{name}": value for name, value in _times(_waits(live)).items()}
    return {
        "waiting": waiting, "seconds": round(seconds, 2), "per_second": round(waiting / seconds), "live": len(live),
        "before_p99_ms": before["p99_ms"], **told,
    }  # fmt: skip


async def _shop(live: Sequence[Device]) -> None:
    while True:
        await scan_steadily(live, 1.0, 1.0)


async def _connected(plan: Plan, crowd: Sequence[Device], watch: dict[str, int]) -> dict[str, Any]:
    started = time.monotonic()
    await connect(crowd[plan.devices :])
    connecting = round(time.monotonic() - started, 1)
    await asyncio.sleep(_SETTLES)
    told = await _steadily(crowd[: plan.scanning], plan.connected_seconds, watch)
    held = sum(not device.is_cut for device in crowd)
    knocks = sum(device.knocks for device in crowd)
    return told | {"devices": held, "scanning": plan.scanning, "connecting_seconds": connecting, "knocks": knocks}


def _proof(store: Store, crowd: Sequence[Device]) -> dict[str, Any]:
    """Every event that was acknowledged must be on the disk of the gateway that was killed, and none twice."""
    ledger = store.ledger()
    behind = sum(ledger.upto.get(f"{device.name}.{device.journal}", 0) < device.acknowledged for device in crowd)
    return {
        "events": sum(device.made for device in crowd), "on_disk": ledger.events, "behind": behind,
        "refused": ledger.dead_letters + sum(device.refused for device in crowd), "incidents": ledger.incidents,
    }  # fmt: skip


async def _broker_alone(plan: Plan, store: Store) -> list[dict[str, Any]]:
    """The same devices and messages; an answer is the broker's confirmation, and what is counted is what a subscriber got."""
    rows: list[dict[str, Any]] = []
    async with open_counter(store) as counter:
        devices = [
            Device(number, store.passwords[number], store.port, by_broker=True) for number in range(plan.devices)
        ]  # fmt: skip
        await connect(devices)
        tending = asyncio.create_task(tend(devices))
        for window in plan.windows:
            before, started = await counter.count(), time.monotonic()
            row = await _saturate(devices, window, plan.window_seconds, {**counter.processes, "load generator": os.getpid()})
            row["per_second"] = round((await counter.count() - before) / (time.monotonic() - started))
            rows.append(row)
        tending.cancel()
        for device in devices:
            device.close()
    return rows


def _forget_answers(devices: Sequence[Device]) -> None:
    for device in devices:
        device.answers.clear()


def _waits(devices: Sequence[Device]) -> list[float]:
    return [wait for device in devices for _, wait in device.answers]


def _resends(devices: Sequence[Device]) -> int:
    return sum(device.resends for device in devices)


def _times(waits: Sequence[float]) -> dict[str, Any]:
    cuts = quantiles(waits, n=100, method="inclusive") if len(waits) > 1 else [*waits, 0.0][:1] * 99
    return {"events": len(waits), "p50_ms": round(cuts[49] * 1000, 1), "p99_ms": round(cuts[98] * 1000, 1)}


def _fsync_ms(directory: Path) -> dict[str, float]:
    """What a bare append of 4 KiB with fsync takes here: no acknowledgement can come sooner."""
    took: list[float] = []
    with (directory / "bare").open("ab", buffering=0) as file:
        for _ in range(50):
            started = time.monotonic()
            file.write(b"\0" * 4096)
            os.fsync(file.fileno())
            took.append(time.monotonic() - started)
    told = _times(took)
    return {"p50": told["p50_ms"], "p99": told["p99_ms"]}


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise TooFewFiles(f"{wanted} open files are needed, this system allows {hard}: raise it (ulimit -Hn), or use --quick")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def render(result: dict[str, Any]) -> RenderableType:
    """The same for people."""
    rates = Table(title="Devices with so many messages under way each", title_justify="left", box=SIMPLE_HEAD)
    for name in ("under way", "gateway /s", "p50 ms", "p99 ms", "gateway us", "broker us", "devices us", "broker alone /s"):
        rates.add_column(name, justify="right")
    for ours, raw in zip(result["ramp"], result["broker_alone"], strict=True):
        times = (ours["p50_ms"], ours["p99_ms"], *ours["cpu_us"].values())
        cells = (ours["window"], ours["per_second"], *times, raw["per_second"])
        rates.add_row(*(f"{cell:,}" for cell in cells))
    catch_up = result["catch_up"]
    return Group(
        f"{result['cores']} cores, load {result['load']:.1f} at the start; a bare fsync p50 {result['fsync_ms']['p50']} ms,"
        f" p99 {result['fsync_ms']['p99']} ms",
        _crowds(result),
        rates,
        "us: of a processor, for each event",
        f"highest rate {result['highest_per_second']:,} events a second, each durable; the broker alone"
        f" {result['broker_per_second']:,}: ratio {result['ratio']}",
        f"catch-up of {catch_up['waiting']:,} events in {catch_up['seconds']} s; {catch_up['live']} live trips p99"
        f" {catch_up['live_p99_ms']} ms meanwhile, {catch_up['before_p99_ms']} ms before",
        f"{result['events']:,} events scanned, {result['on_disk']:,} on the disk after kill -9, {result['refused']} refused",
        *(f"{'holds' if kept else 'FAILS'}  {PROMISES[name]}" for name, kept in result["holds"].items()),
    )


def _crowds(result: dict[str, Any]) -> Table:
    table = Table(title="From the scan to the acknowledgement, at a scan a second", title_justify="left", box=SIMPLE_HEAD)
    for name in ("connected", "scanning", "p50 ms", "p99 ms", "gateway", "broker", "load generator"):
        table.add_column(name, justify="right")
    for row in (result["steady"], result["connected"]):
        took = [f"{one['cpu_percent']:.0f}% {one['peak_mb']:.0f} MB" for one in row["processes"].values()]
        table.add_row(
            f"{row['devices']:,}", f"{row.get('scanning', row['devices'])}", f"{row['p50_ms']}", f"{row['p99_ms']}", *took
        )  # fmt: skip
    return table
