"""The text of a loyalty rule file (TOML) as rules; `firmware-config/loyalty/` holds such files."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, cast

from panier.barcode.carrier import Carrier
from panier.barcode.loyalty import CARD_CARRIERS, BadLoyaltyRule, LoyaltyRule, LoyaltyRules

_FIELDS = ("name", "carriers", "prefix", "iin", "length", "check")
_IIN_LENGTHS = (6, 8)


def parse_rules(text: str) -> LoyaltyRules:
    """Reads `[[card]]` tables of name, carriers, prefix or iin, length and check.

    Raises BadLoyaltyRule, which names all faults of the file at once.
    """
    try:
        book = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadLoyaltyRule([f"the rule file is no TOML: {error}"]) from error
    faults = [f"{key!r} is not known at the top of a rule file{_meant(key, ('card',))}" for key in book if key != "card"]
    tables = book.get("card", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in cast("list[object]", tables)):
        raise BadLoyaltyRule([*faults, "'card' is a list of tables; write [[card]] above each rule"])
    rules: list[LoyaltyRule] = []
    for place, table in enumerate(cast("list[dict[str, Any]]", tables), 1):
        try:
            rules.append(_rule(place, table))
        except BadLoyaltyRule as error:
            faults += error.faults
    if faults:
        raise BadLoyaltyRule(faults)
    return LoyaltyRules(tuple(rules))


def _rule(place: int, table: Mapping[str, Any]) -> LoyaltyRule:
    faults = [f"card rule {table.get('name', place)!r}: {fault}" for fault in _faults(table)]
    if faults:
        raise BadLoyaltyRule(faults)
    return LoyaltyRule(
        name=table["name"],
        carriers=frozenset(Carrier(name) for name in table["carriers"]),
        prefix=table.get("prefix", table.get("iin", "")),
        length=table["length"],
        check=table["check"],
    )


def _faults(table: Mapping[str, Any]) -> Iterator[str]:
    for key in table:
        if key not in _FIELDS:
            yield f"{key!r} is not known{_meant(key, _FIELDS)}"
    for key in ("name", "check"):
        if not isinstance(table.get(key), str):
            yield f"{key!r} is wanted, as text"
    # TOML's true is an int to Python, and is no length.
    if type(table.get("length")) is not int:
        yield "'length' is wanted, as a whole number"
    if ("prefix" in table) == ("iin" in table):
        yield "exactly one of 'prefix' and 'iin' is wanted"
    elif not isinstance(start := table.get("prefix", table.get("iin")), str):
        yield "'prefix' or 'iin' is text: put its digits in quotes, so that leading zeros stay"
    elif "iin" in table and not (start.isascii() and start.isdigit() and len(start) in _IIN_LENGTHS):
        yield f"iin {start!r} has 6 or 8 digits (ISO/IEC 7812); a shorter beginning is a 'prefix'"
    yield from _carrier_faults(table.get("carriers"))


def _carrier_faults(carriers: object) -> Iterator[str]:
    if not isinstance(carriers, list):
        yield "'carriers' is wanted, as a list such as [\"ean13\"]"
        return
    for name in cast("list[object]", carriers):
        if str(name) not in CARD_CARRIERS:
            yield f"carrier {name!r} carries no cards{_meant(str(name), tuple(CARD_CARRIERS))}"


def _meant(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(sorted(known))}"
