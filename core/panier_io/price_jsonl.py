"""`panier price --jsonl`: the pricing engine as a filter, one case of promotions.md a line in, one result a line out."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

import typer

_LONGEST_INTEGER = 100
_DRAFT = (
    'Check a file of {"currency", "products": [{"sku", "unit_price", "name", "category", "cost", "min_price"}], "promotions"};'
    " of a product only sku and unit_price are needed."
)


def price(
    jsonl: bool = typer.Option(False, "--jsonl", help="Read one case a line from standard input, answer one result a line."),
    lint: Path | None = typer.Option(None, "--lint", help=_DRAFT),
    examples: bool = typer.Option(False, "--examples", help="Print the documentation's examples, reckoned now."),
    as_json: bool = typer.Option(False, "--json", help="With --lint: print one JSON object."),
) -> None:
    """Price baskets: {"id", "lines", "promotions", ...} in, {"id", "discount", "total", "line_discounts", ...} out.

    A promotion that does not fit is listed under "refused" with its field and the reason, and the rest is priced. A case that
    cannot be priced answers {"id", "error", "message"}, and the next one is read. A case without a time of its own
    ("now") is priced as of this moment.
    """
    if examples:
        from panier.example import render

        print(render())
        return
    if lint is not None and jsonl:
        raise typer.BadParameter("--jsonl prices baskets and --lint checks promotions; give one of them")
    if lint is not None:
        raise typer.Exit(_lint(lint, as_json=as_json))
    if not jsonl:
        raise typer.BadParameter("nothing to price; give --jsonl, and one case a line on standard input")
    for number, line in enumerate(sys.stdin.buffer, 1):
        if line.strip():
            answered = answer(line, datetime.now(UTC))
            if answered["id"] is None and "error" in answered:
                answered["line"] = number
            sys.stdout.write(_written(answered) + "\n")
            sys.stdout.flush()


def _written(answered: dict[str, Any]) -> str:
    """An answer as JSON; an id that is a number with a fraction has the digits that it came with."""
    name = answered["id"]
    if not isinstance(name, Decimal) or not name.is_finite():
        return json.dumps(answered, default=str)
    others = json.dumps({field: value for field, value in answered.items() if field != "id"}, default=str)
    return f'{{"id": {name}, {others[1:]}'


def _lint(path: Path, *, as_json: bool) -> int:
    """Prints what an author should know; 1 where there is anything."""
    from panier.draft import WANTED, check_draft
    from panier.error import PanierError
    from panier.finding import RULES, Finding

    try:
        content = path.read_bytes()
        if not content.strip():
            raise _NotJson("it is empty")
        found = check_draft(_parse(content), datetime.now(UTC))
    except (OSError, _NotJson, PanierError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        print(f"panier price --lint {path}: cannot be checked: {said}; wanted is {WANTED}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps({"findings": [finding.as_json() for finding in found]}))
    else:
        alike: dict[tuple[str, str, str], list[Finding]] = {}
        for finding in found:
            alike.setdefault((finding.rule, finding.field, finding.text), []).append(finding)
        for finding, *others in alike.values():
            rule, example = RULES[finding.rule], finding.example_in_words()
            names = list(dict.fromkeys(name for one in (finding, *others) for name in one.promotions))
            count = f"{len(others) + 1} times: " if others else ""
            about = f"{count}{', '.join(names)}: " if names else count
            print(f"{finding.severity}: {about}{rule.name}: {finding.field}: {finding.text}")
            print(f"    For example: {example}\n    {rule.advice}" if example else f"    {rule.advice}")
        print(f"{len(found)} finding{'' if len(found) == 1 else 's'}")
    return 1 if found else 0


class _NotJson(ValueError):
    """Bytes that are no JSON, and why."""


def _parse(text: bytes) -> object:
    """Reads JSON with every number as it is written: money never passes through a float. Raises _NotJson."""
    try:
        return json.loads(text.decode("utf-8-sig"), parse_float=_number, parse_int=_number, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise _NotJson(f"not text in UTF-8 (byte 0x{error.object[error.start]:02x} at position {error.start})") from None
    except RecursionError:
        raise _NotJson("nested too deep") from None
    except json.JSONDecodeError as error:
        raise _NotJson(f"not JSON ({error})") from None


def _no_number(written: str) -> object:
    raise _NotJson(f"not JSON ({written} is no number)")


def _number(written: str) -> int | Decimal:
    """A number however long it is; one beyond all bounds is infinite, so that its field is refused by name."""
    try:
        number = Decimal(written)
    except InvalidOperation:
        return Decimal("Infinity")
    return int(number) if written.removeprefix("-").isdecimal() and len(written) < _LONGEST_INTEGER else number


def answer(line: bytes, now: datetime) -> dict[str, Any]:
    """The answer to one line."""
    from panier.case import price_case
    from panier.error import PanierError

    try:
        case = _parse(line)
    except _NotJson as error:
        return {"id": None, "error": "malformed", "message": f"{error}; one case a line is wanted"}
    if not isinstance(case, dict):
        return {"id": None, "error": "malformed", "message": "not an object; one case a line is wanted"}
    known = cast("dict[str, Any]", case)
    try:
        return price_case(known, now)
    except PanierError as error:
        return {"id": known.get("id"), "error": error.code, "message": str(error)}
