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

LONGEST_LINE = 1 << 20
"""Bytes of one line at the most; a longer one is answered with an error and skipped."""

_SYNTAX_TO_COME = {
    "bracketed": "text with application identifiers in brackets",
    "element_string": "a GS1 element string",
    "digital_link": "a GS1 Digital Link",
    "sscc": "the number of a logistic unit (SSCC)",
}


def scan(
    jsonl: bool = typer.Option(False, "--jsonl", help="Read one JSON object a line from standard input, answer one a line."),
    rules: Path | None = typer.Option(None, help="Loyalty card rules (TOML); without them no code is a card."),
) -> None:
    """Read barcodes: {"id", "input", "syntax"} in, {"id", "ok": true, ...} or {"id", "ok": false, "error", "message"} out.

    `syntax` is scan (the default: what the scanner sent, AIM identifier included), restricted, gtin, upc or upce; GS1 syntaxes
    are refused so far. A line that is no such object is answered with an error, and the next one is read.
    """
    if not jsonl:
        raise typer.BadParameter("nothing to read; give --jsonl, and one JSON object a line on standard input")
    known = _card_rules(rules)
    for number, line in enumerate(_lines(sys.stdin.buffer), 1):
        sys.stdout.write(json.dumps(answer(number, line, known)) + "\n")
        sys.stdout.flush()


def answer(number: int, line: bytes | None, rules: LoyaltyRules) -> dict[str, Any]:
    """The answer to the `number`-th line; None stands for a line longer than LONGEST_LINE."""
    from panier.barcode import BarcodeRefused

    asked = _asked(line)
    if isinstance(asked, str):
        return {"id": None, "ok": False, "error": "bad_request", "message": f"line {number} {asked}"}
    identity = asked.get("id")
    try:
        return {"id": identity, "ok": True, **_read(asked["input"], asked.get("syntax", "scan"), rules)}
    except BarcodeRefused as error:
        return {"id": identity, "ok": False, "error": error.code, "message": str(error)}


def _asked(line: bytes | None) -> dict[str, Any] | str:
    """The object on a line, or what is wrong with it."""
    if line is None:
        return f"has more than {LONGEST_LINE} bytes; one scan a line is wanted"
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f'is not JSON ({error}); write {{"id": 1, "input": "]E05901234123457", "syntax": "scan"}}'
    if not isinstance(asked, dict):
        return "is no object"
    request = cast("dict[str, Any]", asked)
    if not isinstance(request.get("input"), str):
        return "has no text 'input'"
    if request.get("syntax", "scan") not in (known := ("scan", "restricted", "gtin", "upc", "upce", *_SYNTAX_TO_COME)):
        return f"asks for a syntax that is none of {', '.join(known)}"
    return request


def _read(text: str, syntax: str, rules: LoyaltyRules) -> dict[str, Any]:
    from panier.barcode import CardCode, Carrier, ProductCode, read
    from panier.barcode.door import NotSoldYet
    from panier.barcode.gtin import read_gtin
    from panier.barcode.upce import expand

    if syntax in _SYNTAX_TO_COME:
        raise NotSoldYet(_SYNTAX_TO_COME[syntax])
    if syntax == "gtin" or (syntax == "upc" and len(text) == 12):
        return {"kind": "product", "gtin14": read_gtin(text)}
    if syntax in ("upc", "upce"):
        return {"kind": "product", "gtin14": f"00{expand(text)}"}
    found = read(text, rules)
    if isinstance(found, CardCode):
        return {"kind": "card", "card": found.number, "rule": found.rule}
    if not isinstance(found, ProductCode):
        raise NotSoldYet("a code that names no product")
    return {
        "kind": "product",
        "carrier": found.carrier,
        "gtin14": found.gtin14,
        "primary": found.gtin14[6 if found.carrier is Carrier.EAN_8 else 1 :],
        "restricted": found.is_in_house,
    }


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
