"""`panier demo`: a whole store on this machine, for a person at a terminal or headless with an audit."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from panier_simulators.demo.report import DemoReport
    from panier_simulators.demo.run import Plan
    from panier_simulators.sample.shop import SampleShop

T = TypeVar("T")

_LAST_SECONDS = 20.0
"""How long the store may take to close after its terminal has gone; its roles end with it in any case."""


def demo(
    headless: bool = typer.Option(False, "--headless", help="Replay and audit; no handheld. The default without a terminal."),
    trips: int | None = typer.Option(
        None, min=1, help="Real trips to replay. [default: 40 headless; else as long as you like]", show_default=False
    ),
    devices: int = typer.Option(5, min=1, max=99, help="Simulated terminals."),
    speed: float | None = typer.Option(
        None,
        min=0.1,
        help="How many times faster than people the simulated shoppers are. [default: 10 headless; else 2]",
        show_default=False,
    ),
    seed: int = typer.Option(1, help="Chooses the baskets and the shoppers' habits."),
    keep: Path | None = typer.Option(None, help="Directory for databases and logs, kept afterwards.", show_default=False),
    as_json: bool = typer.Option(False, "--json", help="Headless; print one JSON object for machines."),
) -> None:
    """Open a whole store on this machine: broker, gateway, back office, terminals, and shoppers with a real grocer's baskets.

    In a terminal: hands you a handheld to scan with, and says where the console and the monitor are. Headless: replays the
    trips, compares every screen with gateway and back office, and ends with status 0 when nothing was lost, doubled or different.
    """  # fmt: skip
    import asyncio

    from panier_io import log
    from panier_simulators.command import build_sample
    from panier_simulators.demo.run import Plan, run_interactive
    from panier_simulators.sample.shop import open_sample

    log.setup("WARNING")
    alone = headless or as_json or not (sys.stdin.isatty() and sys.stdout.isatty())
    plan = Plan(trips=trips or 40, devices=devices, speed=speed or (10.0 if alone else 2.0), seed=seed)
    with ends_in_words("panier demo"), directory_of("panier-demo-", keep) as directory:
        sample = open_sample(build_sample(None, None).directory)
        if not alone:
            asyncio.run(until_told(run_interactive(sample, plan, directory)))
            return
        report = replay(sample, plan, directory)
    print(json.dumps(report.as_dict(), ensure_ascii=False) if as_json else report)
    if not report.holds:
        raise typer.Exit(1)


@contextmanager
def ends_in_words(command: str) -> Generator[None]:
    """Says on standard error that it was stopped, or why it cannot go on; ends with status 130 or 1."""
    import asyncio

    from panier.error import PanierError

    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(f"{command}: stopped", file=sys.stderr)
        raise typer.Exit(130) from None
    except (PanierError, OSError) as error:
        print(f"{command}: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


async def until_told(work: Coroutine[None, None, T]) -> T:
    """Does the work; a SIGTERM or a closed terminal ends it in order, as Ctrl+C does."""
    import asyncio
    import signal

    from panier_io.hangup import end_with_terminal

    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    if sys.stdin.isatty():
        end_with_terminal(lambda: loop.call_soon_threadsafe(task.cancel), _LAST_SECONDS)
    return await work


@contextmanager
def directory_of(prefix: str, keep: Path | None) -> Generator[Path]:
    """Where the store keeps its files: `keep`, or a temporary folder. Raises FileExistsError where that holds something."""
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise FileExistsError(
                f"{keep} is not empty, and a store would go on where an earlier one ended: name a new directory"
            )
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as made:
        yield Path(made)


def replay(sample: SampleShop, plan: Plan, directory: Path) -> DemoReport:
    """Replays and audits, and says on standard error how far it is. Raises PanierError."""
    import asyncio

    from rich.console import Console

    from panier_simulators.demo.run import run_headless

    console = Console(stderr=True)
    if not console.is_terminal:
        # Nobody looks: one line a step, without the figures that count up.
        told: set[str] = set()

        def say(words: str) -> None:
            step = words.partition(":")[0]
            if step not in told:
                told.add(step)
                print(f"panier demo: {step}", file=sys.stderr)

        return asyncio.run(until_told(run_headless(sample, plan, directory, say)))
    with console.status("opening the store") as status:
        return asyncio.run(until_told(run_headless(sample, plan, directory, status.update)))
