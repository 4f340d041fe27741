#!/usr/bin/env python3
"""Derives core/panier/barcode/ai_table.py, our table of GS1 application identifiers, from the GS1 Barcode Syntax Dictionary.

    python firmware-config/gs1/derive.py gs1-syntax-dictionary.txt RELEASE > core/panier/barcode/ai_table.py

The dictionary is published by GS1 under Apache-2.0 (github.com/gs1/gs1-syntax-dictionary) and defines its notation in its head.
RELEASE says which one it is, such as `2026-01-27`. What is kept is fact only: numbers, formats, rules, titles.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

ENTRY = re.compile(r"(?P<ais>\d{2,4}(?:-\d{2,4})?)\s+(?P<flags>[*?]*)\s*(?P<rest>[NXYZ\[].*)")
COMPONENT = re.compile(r"\[?[NXYZ](?:\.\.)?\d+\]?(?:,[a-z0-9]+)*")
HEAD = '''"""GS1 application identifiers as a table. Written by firmware-config/gs1/derive.py; do not edit.

Source: the GS1 Barcode Syntax Dictionary, {release}, (c) GS1 AISBL, BWIPP project, Zint project; Apache-2.0.
Derived on {today}.

A line is one identifier or a range: `identifiers|flags|format|must stand with|must not stand with|Digital Link|title`.
Flags: `*` ends by its length, without a separator; `?` may be an attribute of a Digital Link. Format: components, each a type
(N digits, X and Y character sets 82 and 39, Z base64url), a length, `[ ]` where optional, and the rules its content keeps.
Rules between identifiers: `;` parts rules that all hold, `,` the choices of one, `+` what stands together; n is any digit.
Digital Link: `=` for a primary key, then its qualifiers in order; `/` parts alternatives.
"""

YEAR = {year}
"""The year by which two digits get their century: from 49 years before it to 50 after (General Specifications, 7.12)."""

TABLE = """\\
'''


def rows(text: str) -> list[str]:
    """One line of our table for each entry of the dictionary."""
    found: list[str] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        facts, _, title = line.partition("#")
        entry = ENTRY.fullmatch(facts.strip())
        if entry is None:
            raise SystemExit(f"no entry of the dictionary: {line!r}")
        words = entry["rest"].split()
        spec = [word for word in words if COMPONENT.fullmatch(word)]
        attributes = words[len(spec) :]
        if words[: len(spec)] != spec or not all(re.match(r"(req|ex|dlpkey)(=|$)", word) for word in attributes):
            raise SystemExit(f"an attribute that this script does not know: {line!r}")
        rules = {key: ";".join(word.partition("=")[2] for word in attributes if word.startswith(key)) for key in ("req", "ex")}
        link = next((f"={word.partition('=')[2]}" for word in attributes if word.startswith("dlpkey")), "")
        found.append(
            "|".join(
                (entry["ais"], entry["flags"], " ".join(spec), rules["req"], rules["ex"], link.replace("|", "/"), title.strip())
            )
        )
    return found


if __name__ == "__main__":
    today = datetime.now(UTC).date()
    table = "\n".join(rows(Path(sys.argv[1]).read_text("utf-8")))
    print(HEAD.format(release=sys.argv[2], today=today, year=today.year) + table + '\n"""')
