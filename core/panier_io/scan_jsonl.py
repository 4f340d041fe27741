"""`panier scan --jsonl`: the barcode front door as a filter, one JSON object a line in and out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import typer

if TYPE_CHECKING:
    from panier.barcode import LoyaltyRules

_EXAMPLE = '{"id": 1, "input": "]E05901234123457", "syntax": "scan"}'
LONGEST_LINE = 1 << 20
"""Bytes of one line at the most; a longer one is answered with an error and skipped."""


def scan(
    jsonl: bool = typer.Option(False, "--jsonl", help="Read one JSON object a line from standard input, answer one a line."),
    rules: Path | None = typer.Option(None, help="Loyalty card rules (TOML); without them no code is a card."),
) -> None:
    """Read barcodes: {"id", "input", "syntax"} in, {"id", "ok": true, ...} or {"id", "ok": false, "error", "message"} out.

    `syntax` is scan (the default: what the scanner sent, AIM identifier included), bracketed, element_string, digital_link,
    restricted, gtin, upc, upce or sscc; `region`, a country of two letters, says what numbers of a shop's own carry. A line that
    is no such object is answered with an error, and the next one is read.
    """
    if not jsonl:
        raise typer.BadParameter(f"give --jsonl, and one JSON object a line on standard input, such as {_EXAMPLE}")
    known = _card_rules(rules)
    for number, line in enumerate(_lines(sys.stdin.buffer), 1):
        sys.stdout.write(json.dumps(answer(number, line, known)) + "\n")
        sys.stdout.flush()


def answer(number: int, line: bytes | None, rules: LoyaltyRules) -> dict[str, Any]:
    """The answer to the `number`-th line; None stands for a line longer than LONGEST_LINE."""
    from panier.barcode import BadNumbering, BarcodeRefused
    from panier_io.scan_answer import read_as

    asked = _asked(line)
    if isinstance(asked, str):
        return {"id": None, "ok": False, "error": "bad_request", "message": f"line {number} {asked}"}
    identity = asked.get("id")
    try:
        return {
            "id": identity,
            "ok": True,
            **read_as(asked.get("syntax", "scan"), asked["input"], rules, asked.get("region", "")),
        }
    except (BarcodeRefused, BadNumbering) as error:
        return {"id": identity, "ok": False, "error": error.code, "message": str(error)}


def _asked(line: bytes | None) -> dict[str, Any] | str:
    """The object on a line, or what is wrong with it."""
    from panier_io.scan_answer import SYNTAXES

    if line is None:
        return f"has more than {LONGEST_LINE} bytes; one scan a line is wanted"
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"is not JSON ({error}); write {_EXAMPLE}"
    if not isinstance(asked, dict):
        return f"is no object; write {_EXAMPLE}"
    request = cast("dict[str, Any]", asked)
    if not isinstance(request.get("input"), str):
        return f"has no text 'input'; write {_EXAMPLE}"
    if request.get("syntax", "scan") not in SYNTAXES:
        return f"asks for a syntax that is none of {', '.join(SYNTAXES)}"
    if not isinstance(request.get("region", ""), str):
        return "has a 'region' that is no text; two letters such as DE are wanted"
    return request


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Lines of at most LONGEST_LINE bytes; None for a longer one, whose rest is read and dropped."""
    while line := stream.readline(LONGEST_LINE):
        whole = line
        while len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            line = stream.readline(LONGEST_LINE)
        yield whole if line is whole else None


def _card_rules(file: Path | None) -> LoyaltyRules:
    from panier.barcode import BadLoyaltyRule, LoyaltyRules, parse_rules

    if file is None:
        return LoyaltyRules()
    try:
        return parse_rules(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, BadLoyaltyRule) as error:
        raise typer.BadParameter(f"{file}: {error}", param_hint="--rules") from error
