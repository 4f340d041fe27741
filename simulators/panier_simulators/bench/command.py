"""The commands `panier bench NAME`."""

from __future__ import annotations

import json

import typer

bench = typer.Typer(
    help="Measure this machine, and the peer in the same run.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)


@bench.callback()
def choose() -> None:
    """Measure this machine, and the peer in the same run."""


@bench.command()
def push(as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines.")) -> None:
    """Scan to screen with one device, push to screen with twenty in mid-trip; beside a code's time on the wire.

    Takes some minutes. Ends with status 0 only where every promised figure holds on this machine.
    """
    from panier_simulators.bench.push import measure, table

    figures = measure()
    print(json.dumps(figures) if as_json else table(figures))
    raise typer.Exit(0 if all(figures["holds"].values()) else 1)
