"""`panier chaos`: trips under faults, and a proof."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from panier_simulators.chaos.run import Plan
    from panier_simulators.chaos.trouble import Trouble
    from panier_simulators.postgresql import PostgresqlServer


def chaos(
    trips: int = typer.Option(120, min=1, help="Real trips to replay."),
    seed: int = typer.Option(1, help="Chooses baskets, habits and faults: the same seed plans the same."),
    faults: str | None = typer.Option(
        None,
        help="Kinds of faults, separated by commas; kill_device, disk_full@gateway. --plan shows all. [default: all]",
        show_default=False,
    ),
    count: int | None = typer.Option(
        None, min=0, help="How many faults. [default: one in thirty trips, at least 24]", show_default=False
    ),
    devices: int = typer.Option(6, min=1, max=99, help="Simulated terminals."),
    speed: float = typer.Option(80.0, min=0.1, help="How many times faster than people the shoppers are."),
    postgresql: bool = typer.Option(
        False,
        "--postgresql",
        help="The back office on a PostgreSQL server of its own (it has to be installed), which is killed, frozen, cut off too.",
    ),
    plan: bool = typer.Option(False, "--plan", help="Only show which faults would come when."),
    keep: Path | None = typer.Option(None, help="Directory for databases and logs, kept afterwards.", show_default=False),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines."),
) -> None:
    """Run a whole store and break it: kills, frozen processes, bad links, disks that refuse, clocks that jump, a wiped broker.

    Ends with a proof: every event that was acknowledged or painted is in the back office once, and all totals are equal to the
    cent. Status 0 only where nothing was lost, doubled, different or unexplained.
    """
    import asyncio

    from panier_io import log
    from panier_simulators.chaos.corner import corner_shop
    from panier_simulators.chaos.fault import chosen, draw
    from panier_simulators.chaos.run import Plan, device_names, run
    from panier_simulators.chaos.trouble import compiler
    from panier_simulators.command import build_sample
    from panier_simulators.demo.command import directory_of, ends_in_words, until_told
    from panier_simulators.sample.shop import open_sample

    log.setup("ERROR")
    with ends_in_words("panier chaos"):
        kinds = chosen(faults.split(",") if faults else None, has_shim=compiler() is not None, has_server=postgresql)
        drawn = Plan(seed=seed, devices=devices, speed=speed, faults=draw(seed, trips, device_names(devices), kinds, count))
        if plan:
            _show(drawn, as_json)
            return
        if compiler() is None:
            print(
                "panier chaos: without a C compiler no disk refuses and no clock jumps; on Debian: apt install gcc",
                file=sys.stderr,
            )
        shop = corner_shop(open_sample(build_sample(None, None).directory), trips, seed)
        with directory_of("panier-chaos-", keep) as directory, _server(wanted=postgresql) as server, _progress(trips) as say:
            report = asyncio.run(until_told(run(shop, drawn, directory, say, _trouble(directory), server)))
    print(json.dumps(report.as_dict(), ensure_ascii=False) if as_json else report)
    if not report.holds:
        raise typer.Exit(1)


def _show(plan: Plan, as_json: bool) -> None:
    from dataclasses import asdict

    for fault in plan.faults:
        print(json.dumps(asdict(fault)) if as_json else fault)


def _trouble(directory: Path) -> Trouble | None:
    from panier_simulators.chaos.trouble import Trouble, compiler

    if compiler() is None:
        return None
    trouble = Trouble(directory / "trouble")
    trouble.build()
    return trouble


@contextmanager
def _server(*, wanted: bool) -> Generator[PostgresqlServer | None]:
    from panier_simulators.demo.premises import free_port
    from panier_simulators.postgresql import postgresql_server

    if not wanted:
        yield None
        return
    with postgresql_server(port=free_port()) as server:
        yield server


@contextmanager
def _progress(trips: int) -> Generator[Callable[[str], None]]:
    """Says on standard error how far it is: a bar for a terminal, else a line a fault and a line a step."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        told: set[str] = set()

        def say(words: str) -> None:
            step = words if words.startswith("after ") else words.partition(":")[0]
            if step not in told or words.startswith("after "):
                told.add(step)
                print(f"panier chaos: {words}", file=sys.stderr, flush=True)

        yield say
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("opening the store", total=trips)

        def show(words: str) -> None:
            if words.startswith("trips finished: "):
                bar.update(task, completed=int(words.split()[2]))
            else:
                bar.update(task, description=words)

        yield show
