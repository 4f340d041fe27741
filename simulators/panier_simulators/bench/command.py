"""The commands `panier bench NAME`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import typer

bench = typer.Typer(
    help="Measure this machine, and the peer in the same run.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)


@bench.callback()
def choose() -> None:
    """Measure this machine, and the peer in the same run."""


@bench.command()
def pricing(
    sample: bool = typer.Option(
        False, "--sample", help="Price all baskets of the sample shop instead, by both ways of choosing."
    ),
    data: Path | None = typer.Option(None, help="With --sample: directory with the Parquet tables.", show_default=False),
    baskets: int = typer.Option(300, min=20, help="Baskets a measurement."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines."),
) -> None:
    """The pricing engine: one more scan, a basket from scratch, compiling, memory; beside django-oscar.

    Ends with status 0 only where every promised figure holds on this machine.
    """
    if sample:
        from panier_simulators.bench import resale

        result = resale.price_all(data, _note)
        holds = result["worse_than_priority"] == 0
        text = resale.render(result)
    else:
        from panier_simulators.bench.pricing import measure

        result = measure(baskets, _note)
        holds = all(result["holds"].values())
        text = _table(result)
    print(json.dumps(result) if as_json else text)
    raise typer.Exit(0 if holds else 1)


@bench.command()
def push(as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines.")) -> None:
    """Scan to screen with one device, push to screen with twenty in mid-trip; beside a code's time on the wire.

    Takes some minutes. Ends with status 0 only where every promised figure holds on this machine.
    """
    from panier_simulators.bench.push import measure, table

    figures = measure()
    print(json.dumps(figures) if as_json else table(figures))
    raise typer.Exit(0 if all(figures["holds"].values()) else 1)


def _note(text: str) -> None:
    print(text, file=sys.stderr)


def _table(result: dict[str, Any]) -> str:
    rows = ["promotions  lines   scan p50   p99 (us)   scratch p50   p99 (us)   acting   proven"]
    rows += [
        f"{cell['promotions']:>10,}  {cell['lines']:>5}   {cell['scan_p50_us']:>8,.0f}   {cell['scan_p99_us']:>8,.0f}   "
        f"{cell['scratch_p50_us']:>11,.0f}   {cell['scratch_p99_us']:>8,.0f}   {cell['acting']:>6}   {cell['proven']:>6.0%}"
        for cell in result["cells"]
    ]
    rows += [f"compile {cell['promotions']:>6,}: {cell['seconds']:.3f} s, {cell['rss_mb']} MB" for cell in result["compile"]]
    rows.append(f"peak memory {result['peak_rss_mb']} MB")
    peer = result["peer"]
    if peer["release"] is None:
        rows.append(peer["note"])
    else:
        rows.append(
            f"{peer['name']} {peer['release']}, {peer['offers']} offers: {peer['p50_us']:,} us a basket; "
            f"{peer['ratio_scratch']} times ours from scratch, {peer['ratio_scan']} times ours for one more scan"
        )
    rows += [f"{'holds ' if held else 'FAILS '} {name}" for name, held in result["holds"].items()]
    return "\n".join(rows)
