"""`panier price --jsonl`: the pricing engine as a filter, one case of promotions.md a line in, one result a line out."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import typer


def price(
    jsonl: bool = typer.Option(False, "--jsonl", help="Read one case a line from standard input, answer one result a line."),
) -> None:
    """Price baskets: {"id", "lines", "promotions", ...} in, {"id", "discount", "total", "line_discounts", ...} out.

    A case that cannot be priced answers {"id", "error", "message"}, and the next one is read. A case without a time of its own
    ("now") is priced as of this moment.
    """
    if not jsonl:
        raise typer.BadParameter("nothing to price; give --jsonl, and one case a line on standard input")
    for line in sys.stdin.buffer:
        if line.strip():
            sys.stdout.write(json.dumps(answer(line, datetime.now(UTC))) + "\n")
            sys.stdout.flush()


def answer(line: bytes, now: datetime) -> dict[str, Any]:
    """The answer to one line."""
    from panier.case import price_case
    from panier.error import PanierError

    try:
        # A number with a fraction is read as written: money never passes through a float.
        case = json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": "malformed", "message": f"not JSON ({error}); one case a line is wanted"}
    if not isinstance(case, dict):
        return {"id": None, "error": "malformed", "message": "not an object; one case a line is wanted"}
    known = cast("dict[str, Any]", case)
    try:
        return price_case(known, now)
    except PanierError as error:
        return {"id": known.get("id"), "error": error.code, "message": str(error)}
