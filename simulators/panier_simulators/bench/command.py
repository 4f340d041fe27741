"""The commands `panier bench NAME`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer
from rich.console import Console

bench = typer.Typer(
    help="Measure this machine, and the peer in the same run.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)


@bench.callback()
def choose() -> None:
    """Measure this machine, and the peer in the same run."""


@bench.command()
def pricing(
    sample: bool = typer.Option(
        False, "--sample", help="Price all baskets of the sample's year instead, with the campaigns of that day."
    ),
    limit: int | None = typer.Option(None, min=1, help="With --sample: only so many baskets.", show_default=False),
    data: Path | None = typer.Option(None, help="With --sample: directory with the Parquet tables.", show_default=False),
    baskets: int = typer.Option(1_000, min=20, help="Baskets a measurement; fewer of long ones."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines."),
) -> None:
    """The pricing engine: one more scan, a basket from scratch, compiling, memory; beside django-oscar.

    Ends with status 0 only where every promised figure holds on this machine.
    """
    if sample:
        from panier_simulators.bench import resale

        result = resale.price_all(data, limit, _note)
        holds = result["all"]["worse_than_priority"] == 0
        text = resale.render(result)
    else:
        from panier_simulators.bench.pricing import measure, render

        result = measure(baskets, _note)
        holds = all(result["holds"].values())
        text = render(result)
    if as_json:
        print(json.dumps(result))
    else:
        Console().print(text)
    raise typer.Exit(0 if holds else 1)


@bench.command()
def scan(
    codes: int = typer.Option(2_000, min=100, help="Different codes of each kind."),
    rounds: int = typer.Option(15, min=3, help="How often each is read."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines."),
) -> None:
    """The barcode front door: EAN-13 and GS1-128 scans a second on one core, start-up and memory; beside biip.

    Ends with status 0 only where every promised figure holds on this machine.
    """
    from panier_simulators.bench.scan import measure, table

    result = measure(codes, rounds)
    print(json.dumps(result) if as_json else table(result))
    raise typer.Exit(0 if all(result["holds"].values()) else 1)


@bench.command()
def ingest(
    receipts: int = typer.Option(10_000, min=400, help="Receipts a measurement."),
    clients: int = typer.Option(4, min=1, max=64, help="Gateways that deliver at once."),
    full: bool = typer.Option(False, "--full", help="Beside a million receipts; takes some minutes and gigabytes."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines."),
) -> None:
    """Receipts a second over HTTP into SQLite and PostgreSQL, beside a bare bulk insert of the same rows.

    Ends with status 0 only where every promised figure holds on this machine.
    """
    from panier_simulators.bench.ingest import measure, render

    result = measure(receipts, clients, full=full, note=_note)
    if as_json:
        print(json.dumps(result))
    else:
        Console().print(render(result))
    raise typer.Exit(0 if all(result["holds"].values()) else 1)


@bench.command()
def push(as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines.")) -> None:
    """Scan to screen with one device, push to screen with twenty in mid-trip; beside a code's time on the wire.

    Takes some minutes. Ends with status 0 only where every promised figure holds on this machine.
    """
    from panier_simulators.bench.push import measure, table

    figures = measure()
    print(json.dumps(figures) if as_json else table(figures))
    raise typer.Exit(0 if all(figures["holds"].values()) else 1)


@bench.command()
def intake(
    quick: bool = typer.Option(False, "--quick", help="A short version with few devices: does it work at all?"),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines."),
) -> None:
    """The gateway's intake: 300 devices at a scan a second, the highest rate beside the broker's own, 3,000 connected, catch-up.

    Takes some minutes. Ends with status 0 only where every promised figure holds on this machine.
    """
    from panier.error import PanierError
    from panier_simulators.bench.intake import QUICK, Plan, measure, render

    try:
        result = measure(QUICK if quick else Plan(), _note)
    except PanierError as error:
        _note(f"{error.code}: {error}")
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps(result))
    else:
        Console().print(render(result))
    raise typer.Exit(0 if all(result["holds"].values()) else 1)


def _note(text: str) -> None:
    print(text, file=sys.stderr)
