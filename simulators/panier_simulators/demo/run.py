"""Runs a demo: headless with an audit at the end, or with a handheld for a person among the simulated shoppers."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import psutil
from rich.console import Console

from panier.money import format_minor
from panier_simulators.demo.audit import audit, drained
from panier_simulators.demo.goods import shelf, wallet
from panier_simulators.demo.marketer import Pushes, push_while_shopping
from panier_simulators.demo.premises import ADMIN, HANDHELD, STORE, Premises, open_premises
from panier_simulators.demo.report import DemoReport, details, megabytes
from panier_simulators.demo.visit import Visit
from panier_simulators.fleet import Post, Report, Store, device_command, is_ready, quantiles
from panier_simulators.sample.shop import SampleShop
from panier_simulators.scale import SimulatedScale
from panier_simulators.scanner import SimulatedScanner
from panier_simulators.screen import SimulatedTerminal
from panier_simulators.shopper import Manner, ShopperLost, Shopping

Say = Callable[[str], None]

_BIN = Path(sys.executable).parent
_PUSH_EVERY = 4.0
_MEMORY_EVERY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run: how many trips on how many terminals, how fast people are, and which baskets (`seed`)."""

    trips: int = 40
    devices: int = 5
    speed: float = 10.0
    seed: int = 1


@dataclass(slots=True)
class Memory:
    """Peaks of resident memory in bytes, by terminal."""

    devices: dict[str, int] = field(default_factory=dict[str, int])

    async def watch(self, premises: Premises, store: Store) -> None:
        """Looks every second until cancelled."""
        while True:
            premises.sample_memory()
            for place in store.places:
                with contextlib.suppress(psutil.Error):
                    rss = psutil.Process(place.terminal.pid).memory_info().rss
                    self.devices[place.post.device] = max(self.devices.get(place.post.device, 0), rss)
            await asyncio.sleep(_MEMORY_EVERY)


async def run_headless(sample: SampleShop, plan: Plan, directory: Path, say: Say) -> DemoReport:
    """Replays `plan.trips` real baskets in a store in `directory`, and audits them. Raises RoleFailed, ShopperLost, NotSeen."""
    began = time.monotonic()
    trips = list(sample.trips(plan.trips, plan.seed))
    done: list[Shopping] = []
    pushes, memory = Pushes(), Memory()

    def heard(shopping: Shopping) -> None:
        done.append(shopping)
        say(f"trips finished: {len(done)} of {len(trips)}")

    async with open_premises(directory, sample, plan.devices, say) as premises:
        posts = [Post.read(file) for file in premises.terminals]
        say(f"switching {len(posts)} terminals on")
        async with Store(posts, manner=Manner(speed=plan.speed), seed=plan.seed) as store:
            await store.wait_until_ready()
            async with _meanwhile(
                memory.watch(premises, store), push_while_shopping(premises, store.places, _PUSH_EVERY, pushes)
            ):
                await store.replay(trips, heard)
            await drained(premises, len(done), say)
            restarts = {
                "device": sum(place.terminal.restarts for place in store.places),
                "gateway": premises.gateway.restarts,
                "backoffice": premises.backoffice.restarts,
            }
        say("comparing screens, gateway and back office")
        findings = await audit(premises, done, trips)
        shopped = Report.of(done, trips)
        return DemoReport(
            trips=len(done), lines=shopped.lines, lost=len(findings.lost) + len(trips) - len(done),
            duplicated=len(findings.duplicated), mismatched=len(findings.mismatched),
            scan_to_screen_ms=shopped.scan_to_screen_ms, push_to_screen_ms=quantiles(pushes.milliseconds),
            trip_to_backoffice_ms=quantiles(findings.to_backoffice_ms), rss_mb=_memory(premises, memory),
            seconds=round(time.monotonic() - began, 1), devices=plan.devices, scans=shopped.scans, rescans=shopped.rescans,
            skipped_codes=shopped.skipped, pushes=len(pushes.milliseconds), pushes_missed=len(pushes.missed), restarts=restarts,
            details=details(findings, pushes.missed),
        )  # fmt: skip


def _memory(premises: Premises, memory: Memory) -> dict[str, float]:
    brokers = [rss for name, rss in premises.gateway.children_peak_rss.items() if "nats" in name]
    return {
        "device": megabytes(list(memory.devices.values())),
        "gateway": megabytes([premises.gateway.peak_rss]),
        "broker": megabytes(brokers),
        "backoffice": megabytes([premises.backoffice.peak_rss]),
    }


@asynccontextmanager
async def _meanwhile(*work: Coroutine[None, None, None]) -> AsyncGenerator[None]:
    """Runs coroutines beside a block, and ends them with it; one that fails is an error of the block."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for result in ended:
        if isinstance(result, Exception):
            raise result


async def run_interactive(sample: SampleShop, plan: Plan, directory: Path) -> None:
    """Opens the store and hands a person the handheld; simulated shoppers come in beside. Ends when the person closes it."""
    console = Console(stderr=True)
    async with AsyncExitStack() as visit:
        with console.status("opening the store") as status:
            premises = await visit.enter_async_context(
                open_premises(directory, sample, plan.devices, status.update, with_handheld=True)
            )
            assert premises.handheld is not None
            assert premises.scale is not None
            status.update("filling wallet and shelf")
            goods = [*await asyncio.to_thread(wallet, sample), *await asyncio.to_thread(shelf, sample)]
            status.update("switching your handheld on")
            height = min(24, max(20, console.size.height - 4))
            post = Post.read(premises.handheld)
            terminal = SimulatedTerminal(device_command(post.settings), name=HANDHELD, lines=height)
            port, programmed = post.serial[0]
            scanner = visit.enter_context(SimulatedScanner(port, programmed))
            scale = visit.enter_context(SimulatedScale(premises.scale, settle=0.8))
            await terminal.start()
            visit.push_async_callback(terminal.stop)
            status.update("fetching the prices")
            await terminal.wait_for(lambda rows: is_ready(rows) or None, 120, "the start screen with the newest prices")
        done: list[Shopping] = []
        closing = asyncio.Event()
        neighbours = asyncio.create_task(_neighbours(sample, plan, premises, done, closing))
        facts = _facts(premises)
        await Visit(terminal, scanner, scale, goods, facts, lambda: _news(plan, done)).run_async()
        with console.status("the other shoppers leave"):
            closing.set()
            while not neighbours.done():
                # More than once: asyncio.wait_for of Python 3.11 loses a cancellation that comes with its result.
                neighbours.cancel()
                await asyncio.wait({neighbours}, timeout=10)
        await _farewell(console, premises, facts)


async def _neighbours(sample: SampleShop, plan: Plan, premises: Premises, done: list[Shopping], closing: asyncio.Event) -> None:
    """Other shoppers at their terminals, until `closing`; when one gets lost, all begin anew."""
    trips = await asyncio.to_thread(lambda: list(sample.trips(5000, plan.seed)))
    posts = [Post.read(file) for file in premises.terminals]
    async with Store(posts, manner=Manner(speed=plan.speed), seed=plan.seed) as store:
        await store.wait_until_ready()
        while not closing.is_set():
            with contextlib.suppress(ShopperLost):
                await store.replay(takewhile(lambda _: not closing.is_set(), trips), done.append)


def _facts(premises: Premises) -> list[str]:
    return [f"Console  {premises.url}", f"         {ADMIN}  {premises.password}", "Monitor  make monitor, in another terminal"]


def _news(plan: Plan, done: list[Shopping]) -> str:
    if not done:
        return f"{_counted(plan.devices, 'other shopper')} coming in ..."
    last = done[-1]
    told = f"{_counted(plan.devices, 'other shopper')}, {_counted(len(done), 'trip')} so far"
    return f"{told}; last: {_counted(last.units, 'item')} at {last.device}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


async def _farewell(console: Console, premises: Premises, facts: list[str]) -> None:
    mine = [head for head in await premises.get("/receipts", store=STORE, limit=5000) if head["device"] == HANDHELD]
    for head in mine:
        amount = format_minor(head["total"], head["currency"])
        console.print(f"In the back office: trip [bold]{head['receipt']}[/], {head['units']} items, {amount} {head['currency']}")
    console.print(
        "\n".join(facts), f"         {_BIN / 'panier'} monitor --settings {premises.monitor}", sep="\n", highlight=False
    )
    console.print("The store stays open so that you can look around. Enter closes it.")
    await enter()


async def enter() -> None:
    """Waits for a line on standard input, or its end; cancelled, it is over at once.

    Not input() in a thread: nothing ends that one, and the process would wait for it when it is told to end.
    """
    loop, written = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(0, written.set)
    try:
        await written.wait()
    finally:
        loop.remove_reader(0)
    sys.stdin.readline()
